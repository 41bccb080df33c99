"""The base of all refusals: one class for each kind, and the refusals of unreadable values.

    Refusal
    ├── Invalid              the request or the archive cannot be accepted as it is
    │   └── InvalidName · InvalidVersion · InvalidDigest · InvalidRequest
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

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import ClassVar

from shared.domain.token_redaction import redact_tokens


class RefusalKind(Enum):
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


def quoted(text: str) -> str:
    """Return `text` in quotes: short, on one line, printable."""
    return repr(text if len(text) <= 80 else f"{text[:77]}...")  # noqa: PLR2004 - one terminal line.


def printable(text: str) -> str:
    """Return `text` as it is, if it is short and printable; shortened or quoted otherwise."""
    short = text if len(text) <= 100 else f"{text[:97]}..."  # noqa: PLR2004 - one terminal line.
    return short if short.isprintable() and short else repr(short)


class Refusal(Exception):
    """A request that the registry declines; `str()` is one sentence for the user.

    A class of its own exists only where code catches it by type. `code` never changes: programs
    read it.
    """

    kind: ClassVar[RefusalKind]
    code: str
    sentence: str
    field = ""  # The field of the form that it is about, if it is about one field only.
    # Secrets that were made before it and are shown only once, by what they belong to. Faces show
    # them to the caller, and nothing logs them.
    secrets: Mapping[str, str] = MappingProxyType({})

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        """Return the sentence on one line, without access tokens and control characters.

        A sentence repeats what somebody sent, which may be a token in the wrong place.
        """
        sentence = redact_tokens(self.sentence)
        if sentence.isprintable():
            return sentence
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in sentence)

    @property
    def outcome(self) -> str:
        """Return the name in logs and metrics: `VersionExists` for `version-exists`.

        `failed` is `Refused` there, and `failures` are `Guesses`: the Functions host takes a line
        with `fail` for an error, whatever its level.
        """
        words = self.code.split("-")
        return "".join(_WORDS_OF_OUTCOMES.get(word, word).capitalize() for word in words)


_WORDS_OF_OUTCOMES = {"failed": "refused", "failures": "guesses"}


class Invalid(Refusal):
    kind = RefusalKind.INVALID


class BadArchive(Invalid):
    """A bala cannot be accepted."""


class NotFound(Refusal):
    kind = RefusalKind.NOT_FOUND


class Conflict(Refusal):
    kind = RefusalKind.CONFLICT


@contextmanager
def about_field(name: str, *kinds: type[Refusal]) -> Generator[None]:
    """Name the field of a form for its invalid values, and for refusals of other kinds, so that
    the page shows them there."""
    try:
        yield
    except (Invalid, *kinds) as refusal:
        refusal.field = refusal.field or name
        raise


class Unauthenticated(Refusal):
    kind = RefusalKind.UNAUTHENTICATED


class Forbidden(Refusal):
    kind = RefusalKind.FORBIDDEN


class TooLarge(Refusal):
    kind = RefusalKind.TOO_LARGE


class Unavailable(Refusal):
    """It may succeed later; `retry_after` says when to try again."""

    kind = RefusalKind.UNAVAILABLE
    retry_after: timedelta = timedelta(seconds=2)

    def __init__(self, code: str, sentence: str, retry_after: timedelta | None = None) -> None:
        super().__init__(code, sentence)
        if retry_after is not None:
            self.retry_after = retry_after


class InvalidName(Invalid):
    def __init__(self, what: str, text: str, rule: str) -> None:
        super().__init__("invalid-name", f"{quoted(text)} is not a valid {what} name. {rule}")
        self.text = text


class InvalidVersion(Invalid):
    def __init__(self, text: str, reason: str) -> None:
        super().__init__(
            "invalid-version",
            f"{quoted(text)} is not a version: {reason}. Use semantic versioning, such as 1.2.3.",
        )


class InvalidDigest(Invalid):
    def __init__(self, text: str) -> None:
        super().__init__(
            "invalid-digest",
            f"{quoted(text)} is not a digest. Send sha-256= and the hexadecimal SHA-256.",
        )


class InvalidRequest(Invalid):
    """A part of the request cannot be read; the sentence is the caller's."""

    def __init__(self, sentence: str) -> None:
        super().__init__("invalid-request", sentence)
