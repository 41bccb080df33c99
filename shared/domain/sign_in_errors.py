"""Refusals of signing in, with the sentences that people read in their browser.

Invalid
└── FormOfAnotherPage
NotFound
└── ProviderNotFound · SessionNotFound · IdentityNotFound
Conflict
└── IdentityTaken · LastIdentity
Unauthenticated
└── SignInFailed · SignInExpired
Forbidden
└── AccountLocked · SignUpClosed · CsrfMissing
"""

from shared.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated

_AGAIN = "Start again from the page /sign-in."


class FormOfAnotherPage(Invalid):
    """A form to sign in was not shown in the browser that sent it."""

    def __init__(self) -> None:
        """Say what helps."""
        super().__init__(
            "This form is not from a page that was opened in this browser, or the page lay open "
            "for too long. Open the page again, and allow cookies of this registry."
        )


class ProviderNotFound(NotFound):
    """Nobody of this name signs people in here."""

    def __init__(self, name: str) -> None:
        """Name what was asked for."""
        super().__init__(f"{name[:40]!r} signs nobody in at this registry. {_AGAIN}")


class SessionNotFound(NotFound):
    """The account has no such session."""

    def __init__(self, session_id: str) -> None:
        """Name the session."""
        super().__init__(
            f"You have no session {session_id[:40]!r}. List them to see which there are."
        )


class IdentityNotFound(NotFound):
    """The account has no such identity."""

    def __init__(self, identity_id: str) -> None:
        """Name the identity."""
        super().__init__(
            f"You have no identity {identity_id[:40]!r}. List them to see which there are."
        )


class IdentityTaken(Conflict):
    """Somebody at a provider has an account here already, and it is another one."""

    def __init__(self, label: str) -> None:
        """Name who it is at the provider."""
        super().__init__(
            f"{label} belongs to another account of this registry. Sign in with it and remove it "
            "there first."
        )


class LastIdentity(Conflict):
    """Without this identity nobody could sign in to the account any more."""

    def __init__(self, label: str) -> None:
        """Name it, and say what to do first."""
        super().__init__(
            f"{label} is the only way to sign in to this account. Link another identity first."
        )


class SignInFailed(Unauthenticated):
    """A provider's answer signs nobody in."""

    def __init__(self, provider: str, reason: str) -> None:
        """Name the provider and what went wrong."""
        super().__init__(f"Signing in with {provider} did not work: {reason}. {_AGAIN}")


class SignInExpired(Unauthenticated):
    """An answer belongs to no sign-in that this browser has begun."""

    def __init__(self) -> None:
        """Say what may have happened; each of it looks the same."""
        super().__init__(
            "This sign-in was finished before, took too long, or began in another browser. "
            f"{_AGAIN}"
        )


class AccountLocked(Forbidden):
    """An administrator has locked the account that a credential is of."""

    def __init__(self, name: str) -> None:
        """Name the account; why it is locked is for its owner to ask."""
        super().__init__(
            f"The account {name} is locked: nobody signs in to it, and its tokens are refused. "
            "If it is yours, ask an administrator of this registry."
        )


class SignUpClosed(Forbidden):
    """Somebody without an account signed in where accounts are made by the operator."""

    def __init__(self, label: str) -> None:
        """Name who it was, and who can help."""
        super().__init__(
            f"{label} has no account at this registry, and new ones are made by its operator. "
            "Ask for one, and for a sign-in link to link this identity with."
        )


class CsrfMissing(Forbidden):
    """A change came with a session's cookie alone, which a page of anybody could send."""

    def __init__(self) -> None:
        """Name the header, and the other way."""
        super().__init__(
            "Changes with the cookie of a session take the header X-CSRF-Token as well. Programs "
            "send an access token in the Authorization header instead."
        )
