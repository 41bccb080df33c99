"""Versions: SemVer 2 without build metadata, and the wildcards that clients may ask for."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from shared.domain.errors import InvalidRange, InvalidVersion

MAX_LENGTH = 128  # Characters: ids and paths of the stores hold versions.
MAX_NUMBER = 2**31 - 1  # The largest number that the Java clients can read.

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?", re.ASCII)
_NUMBER = r"(0|[1-9]\d{0,9})"
_RANGE = re.compile(rf"\*|(?:{_NUMBER}\.)(?:{_NUMBER}\.)?\*", re.ASCII)

Identifier = tuple[int, int, str]  # Numbers order below words: (0, number, "") or (1, 0, word).
Precedence = tuple[int, int, int, int, tuple[Identifier, ...]]


@dataclass(frozen=True, slots=True)
class Version:
    """A release's version; versions order by SemVer 2 precedence."""

    text: str
    precedence: Precedence = field(compare=False, repr=False)

    @staticmethod
    def parse(text: str) -> "Version":
        """Return `text` as a version, or raise `InvalidVersion` with the reason."""
        return _parse(text)

    @property
    def major(self) -> int:
        """Return the first number."""
        return self.precedence[0]

    @property
    def minor(self) -> int:
        """Return the second number."""
        return self.precedence[1]

    @property
    def is_stable(self) -> bool:
        """Say whether this is no pre-release."""
        return self.precedence[3] == 1

    def __lt__(self, other: "Version") -> bool:
        """Say whether `other` is newer."""
        return self.precedence < other.precedence

    def __le__(self, other: "Version") -> bool:
        """Say whether `other` is as new, or newer."""
        return self.precedence <= other.precedence

    def __str__(self) -> str:
        """Return the version as it was written."""
        return self.text


@lru_cache(maxsize=65_536)  # The same few thousand versions are read from every index page.
def _parse(text: str) -> Version:
    if len(text) > MAX_LENGTH:
        raise InvalidVersion(text, f"it is longer than {MAX_LENGTH} characters")
    if "+" in text:
        raise InvalidVersion(text, "build metadata is not accepted here")
    match = _VERSION.fullmatch(text)
    if match is None:
        raise InvalidVersion(text, "it is not of the form 1.2.3 or 1.2.3-rc.1")
    major, minor, patch = (_number(text, part) for part in match.group(1, 2, 3))
    if match[4] is None:
        return Version(text, (major, minor, patch, 1, ()))
    identifiers = tuple(_identifier(text, part) for part in match[4].split("."))
    return Version(text, (major, minor, patch, 0, identifiers))


def _number(text: str, digits: str) -> int:
    if len(digits) > 1 and digits[0] == "0":
        raise InvalidVersion(text, "a number in it has a leading zero")
    if len(digits) > len(str(MAX_NUMBER)) or int(digits) > MAX_NUMBER:
        raise InvalidVersion(text, f"a number in it is above {MAX_NUMBER}")
    return int(digits)


def _identifier(text: str, part: str) -> Identifier:
    return (0, _number(text, part), "") if part.isdigit() else (1, 0, part)


@dataclass(frozen=True, slots=True)
class Range:
    """A wildcard: every version (`*`), a major (`1.*`) or a major and minor (`1.2.*`)."""

    major: int | None = None
    minor: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Return `text` as a range, or raise `InvalidRange`."""
        match = _RANGE.fullmatch(text)
        if match is None:
            raise InvalidRange(text)
        major, minor = (None if part is None else int(part) for part in match.groups())
        return cls(major, minor)

    def holds(self, version: Version) -> bool:
        """Say whether `version` lies in this range."""
        if self.major is None:
            return True
        if self.minor is None:
            return version.major == self.major
        return (version.major, version.minor) == (self.major, self.minor)

    def is_below(self, version: Version) -> bool:
        """Say whether `version` is newer than all that lies in this range."""
        if self.major is None:
            return False
        if self.minor is None:
            return version.major > self.major
        return (version.major, version.minor) > (self.major, self.minor)

    def __str__(self) -> str:
        """Return the range as a client writes it."""
        parts = [str(part) for part in (self.major, self.minor) if part is not None]
        return ".".join([*parts, "*"])


def parse_version_or_range(text: str) -> Version | Range:
    """Return what a client asks for: a range when `text` ends in `*`, else a version."""
    return Range.parse(text) if text.endswith("*") else Version.parse(text)
