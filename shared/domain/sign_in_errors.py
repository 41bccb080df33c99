"""Refusals of signing in, with the sentences that people read in their browser.

Unauthenticated
└── SignInFailed
"""

from shared.domain.errors import Unauthenticated


class SignInFailed(Unauthenticated):
    """A provider's answer signs nobody in."""

    def __init__(self, provider: str, reason: str) -> None:
        """Name the provider and what went wrong."""
        super().__init__(
            f"Signing in with {provider} did not work: {reason}. Start again from the page /sign-in."
        )
