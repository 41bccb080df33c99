"""Refusals of the device flow, by which a machine without a browser gets a token (RFC 8628).

NotFound
└── DeviceCodeUnknown      what a person typed is no code that waits
Invalid
└── DeviceRefusal          what the machine is told; `error` is the word of the RFC
    ├── AuthorizationPending · SlowDown · AccessDenied · DeviceCodeExpired
    └── GrantTypeUnknown
"""

from typing import ClassVar

from shared.domain.errors import Invalid, NotFound


class DeviceCodeUnknown(NotFound):
    """No machine waits with this code: it never did, was answered already, or is too late."""

    def __init__(self) -> None:
        """Say what to compare, and nothing of which it was."""
        super().__init__(
            "No machine waits with this code. Compare it with your terminal: it is good for ten "
            "minutes and one answer. Start again there for a new one."
        )


class DeviceRefusal(Invalid):
    """A machine gets no token now; `error` is what its program reads."""

    error: ClassVar[str]


class AuthorizationPending(DeviceRefusal):
    """Nobody has answered yet."""

    error = "authorization_pending"

    def __init__(self) -> None:
        """Say where somebody can."""
        super().__init__("Nobody has approved this machine yet. Ask again after the interval.")


class SlowDown(DeviceRefusal):
    """A machine asks more often than it was told to."""

    error = "slow_down"

    def __init__(self) -> None:
        """Say how much slower."""
        super().__init__("This machine asks too often. Wait five seconds longer between questions.")


class AccessDenied(DeviceRefusal):
    """Somebody said no."""

    error = "access_denied"

    def __init__(self) -> None:
        """Say how to go on if that was a mistake."""
        super().__init__("This machine was refused. If that was a mistake, log in again.")


class DeviceCodeExpired(DeviceRefusal):
    """The code of a machine is unknown, too old, or was exchanged for a token before."""

    error = "expired_token"

    def __init__(self) -> None:
        """Say how to get another, and nothing of which it was."""
        super().__init__("This device code is not valid, or its time is over. Log in again.")


class GrantTypeUnknown(DeviceRefusal):
    """A program asks for a token in a way that is none of this address."""

    error = "unsupported_grant_type"

    def __init__(self) -> None:
        """Name the one that there is."""
        super().__init__(
            "Send grant_type=urn:ietf:params:oauth:grant-type:device_code and the device_code."
        )
