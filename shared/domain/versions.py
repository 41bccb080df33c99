"""Versions: SemVer 2 without build metadata, and ranges of them, such as `1.*`."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from msgspec import Struct

from shared.domain.errors.base import Invalid, InvalidVersion, quoted

MAX_VERSION_LENGTH = 128  # Characters: ids and paths of the stores hold versions.
MAX_REMEMBERED_LENGTH = 24  # Longer versions are not cached: only attackers send many of them.
MAX_VERSION_NUMBER = 2**31 - 1  # The largest number that the Java clients can read.

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
        """Return `text` as a version, or raise `InvalidVersion`."""
        return _remembered(text) if len(text) <= MAX_REMEMBERED_LENGTH else _parse(text)

    @property
    def key(self) -> str:
        """The version without case, by which a release claims it."""
        return self.text.lower()

    @property
    def has_letters(self) -> bool:
        """Whether another version may differ from this one in upper and lower case only."""
        return self.key != self.text.upper()

    @property
    def major(self) -> int:
        return self.precedence[0]

    @property
    def minor(self) -> int:
        return self.precedence[1]

    @property
    def is_stable(self) -> bool:
        """Whether this is no pre-release."""
        return self.precedence[3] == 1

    def __lt__(self, other: "Version") -> bool:
        return self.precedence < other.precedence

    def __le__(self, other: "Version") -> bool:
        return self.precedence <= other.precedence

    def __str__(self) -> str:
        return self.text


def _parse(text: str) -> Version:
    if len(text) > MAX_VERSION_LENGTH:
        raise InvalidVersion(text, f"it is longer than {MAX_VERSION_LENGTH} characters")
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


# The same few thousand versions are read from every index page; a version takes up to 1 KiB.
_remembered = lru_cache(maxsize=16_384)(_parse)


def _number(text: str, digits: str) -> int:
    if len(digits) > 1 and digits[0] == "0":
        raise InvalidVersion(text, "a number in it has a leading zero")
    if len(digits) > len(str(MAX_VERSION_NUMBER)) or int(digits) > MAX_VERSION_NUMBER:
        raise InvalidVersion(text, f"a number in it is above {MAX_VERSION_NUMBER}")
    return int(digits)


def _identifier(text: str, part: str) -> Identifier:
    return (0, _number(text, part), "") if part.isdigit() else (1, 0, part)


class Range(Struct, frozen=True):
    """A wildcard: every version (`*`), a major (`1.*`) or a major and minor (`1.2.*`)."""

    major: int | None = None
    minor: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Return `text` as a range, or raise `invalid-range`."""
        match = _RANGE.fullmatch(text)
        if match is None:
            raise Invalid(
                "invalid-range", f"{quoted(text)} is not a version range. Ask for *, 1.* or 1.2.*."
            )
        major, minor = (None if part is None else int(part) for part in match.groups())
        return cls(major, minor)

    def contains(self, version: Version) -> bool:
        if self.major is None:
            return True
        if self.minor is None:
            return version.major == self.major
        return (version.major, version.minor) == (self.major, self.minor)

    def is_below(self, version: Version) -> bool:
        if self.minor is None:
            return self.major is not None and version.major > self.major
        return (version.major, version.minor) > (self.major, self.minor)

    def __str__(self) -> str:
        parts = [str(part) for part in (self.major, self.minor) if part is not None]
        return ".".join([*parts, "*"])


def parse_version_or_range(text: str) -> Version | Range:
    """Return a range when `text` ends in `*`, else a version."""
    return Range.parse(text) if text.endswith("*") else Version.parse(text)
