"""The base of all refusals: one class for each kind, and the refusals of unreadable values.

    Refusal
    ├── Invalid              the request or the archive cannot be accepted as it is
    │   └── InvalidName · InvalidVersion · InvalidRange · InvalidDigest · InvalidRequest
    ├── NotFound             it does not exist for this caller
    ├── Conflict             it conflicts with what exists
    ├── Unauthenticated      the caller cannot be identified
    ├── Forbidden            the caller may not do this
    ├── TooMany              it is requested too often (requests.py)
    ├── MethodNotAllowed     the path exists, but not for this method (requests.py)
    ├── LengthMissing        the body came without a length (requests.py)
    ├── TooLarge             it is over a limit
    └── Unavailable          try again later

A face maps each kind to a status and a body, because clients differ. The other modules of this
package hold the refusals of one topic each.
"""

from datetime import timedelta
from enum import Enum
from typing import ClassVar

from shared.domain.secrets import redact_tokens


class RefusalKind(Enum):
    """What a face needs to know of a refusal to choose its status."""

    INVALID = "invalid"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    LENGTH_MISSING = "length-missing"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    UNAVAILABLE = "unavailable"


class Refusal(Exception):
    """A request that the registry declines; `str()` is one sentence for the user."""

    kind: ClassVar[RefusalKind]

    def __str__(self) -> str:
        """Return the sentence as one line that no terminal obeys, whoever's words are in it.

        A sentence repeats what somebody has sent, and that may be a token in the wrong place.
        """
        sentence = redact_tokens(super().__str__())
        if sentence.isprintable():
            return sentence
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in sentence)


class Invalid(Refusal):
    """The request or the archive cannot be accepted as it is."""

    kind = RefusalKind.INVALID


class NotFound(Refusal):
    """It does not exist for this caller."""

    kind = RefusalKind.NOT_FOUND


class Conflict(Refusal):
    """It clashes with what is there."""

    kind = RefusalKind.CONFLICT


class Unauthenticated(Refusal):
    """Who is asking cannot be told."""

    kind = RefusalKind.UNAUTHENTICATED


class Forbidden(Refusal):
    """The caller may not do this."""

    kind = RefusalKind.FORBIDDEN


class TooLarge(Refusal):
    """It is over a limit."""

    kind = RefusalKind.TOO_LARGE


class Unavailable(Refusal):
    """It may succeed later; `retry_after` says when to try again."""

    kind = RefusalKind.UNAVAILABLE
    retry_after: ClassVar[timedelta] = timedelta(seconds=2)


class InvalidName(Invalid):
    """A name breaks the rules for organizations, packages or modules."""

    def __init__(self, what: str, text: str, rule: str) -> None:
        """Name `what` kind of name `text` was to be, and the `rule` that it breaks."""
        super().__init__(f"{quoted(text)} is not a valid {what} name. {rule}")
        self.text = text


class InvalidVersion(Invalid):
    """A version is not one that clients can read."""

    def __init__(self, text: str, reason: str) -> None:
        """Say why `text` is no version."""
        super().__init__(
            f"{quoted(text)} is not a version: {reason}. Use semantic versioning, such as 1.2.3."
        )


class InvalidRange(Invalid):
    """A wildcard is not of a form that clients may ask for."""

    def __init__(self, text: str) -> None:
        """Say which forms there are."""
        super().__init__(f"{quoted(text)} is not a version range. Ask for *, 1.* or 1.2.*.")


class InvalidDigest(Invalid):
    """A digest is not SHA-256 in hexadecimal digits."""

    def __init__(self, text: str) -> None:
        """Show the form that is read."""
        super().__init__(
            f"{quoted(text)} is not a digest. Send sha-256= and the hexadecimal SHA-256."
        )


class InvalidRequest(Invalid):
    """A part of the request cannot be read; the sentence is the caller's."""


def quoted(text: str) -> str:
    """Return `text` so that a sentence can hold it: short, one line, printable."""
    shown = text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - one terminal line.
    return repr(shown)
