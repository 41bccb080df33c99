"""Versions: SemVer 2 without build metadata, ranges, language versions, distributions, and what a
client can use.
"""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Self

from shared.domain.errors.base import Invalid, InvalidVersion, quoted

MAX_VERSION_LENGTH = 128  # Characters: ids and paths of the stores hold versions.
MAX_REMEMBERED_LENGTH = 24  # Longer ones, with many parts, are what an attacker sends.
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


@dataclass(frozen=True, slots=True)
class Range:
    """A wildcard: every version (`*`), a major (`1.*`) or a major and minor (`1.2.*`)."""

    major: int | None = None
    minor: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Return `text` as a range, or raise `invalid-range`."""
        match = _RANGE.fullmatch(text)
        if match is None:
            raise Invalid(
                "invalid-range",
                f"{quoted(text)} is not a version range. Ask for *, 1.* or 1.2.*.",
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


_LANGUAGE = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-.*)?", re.ASCII)
_PLATFORM = re.compile(r"any|java[1-9]\d{0,2}|go[1-9]\d{0,2}\.(?:0|[1-9]\d{0,2})", re.ASCII)

ANY_PLATFORM = "any"


def is_platform(text: str) -> bool:
    """Check for a platform that archives may name: `any`, `java21`, `go1.26`; no leading zeros,
    because clients compare the text."""
    return _PLATFORM.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class LanguageVersion:
    """A Ballerina version, such as 2201.12.0; only major and update decide compatibility."""

    major: int
    update: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the version, or None when `text` is not `M.U.P`, with or without a suffix."""
        match = _LANGUAGE.fullmatch(text)
        return cls(int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """The platforms and language version of a client; None means no restriction."""

    platforms: frozenset[str] | None = None
    language: LanguageVersion | None = None

    @staticmethod
    def of(platforms: str, language: str) -> "ClientProfile":
        """Read a client's `Ballerina-Platform` (a comma list) and its Ballerina version."""
        named = frozenset(part.strip() for part in platforms.split(",") if part.strip())
        spoken = LanguageVersion.parse(language)
        # The Go toolchain, which calls itself 0.6.0, takes what was built with any version.
        is_known = spoken is not None and spoken.major >= _FIRST_MAJOR
        return ClientProfile(named or None, spoken if is_known else None)

    def on_any_platform(self) -> Self:
        """Return the client as one that can use releases for every platform."""
        return replace(self, platforms=None)

    def can_use(self, platform: str, built_with: str) -> bool:
        """Check whether the client can use a release for `platform`, built with `built_with`."""
        return self._runs(platform) and self._understands(built_with)

    def _runs(self, platform: str) -> bool:
        if self.platforms is None or platform == ANY_PLATFORM or platform in self.platforms:
            return True
        # The Go toolchain takes what was built for any of its versions.
        return _is_go(platform) and any(map(_is_go, self.platforms))

    def _understands(self, built_with: str) -> bool:
        if self.language is None or not built_with or built_with.startswith("slbeta"):
            return True
        theirs = LanguageVersion.parse(built_with)
        if theirs is None:
            return False
        return theirs.major == self.language.major and theirs.update <= self.language.update


def _is_go(platform: str) -> bool:
    return platform.startswith("go") and is_platform(platform)


ANY_CLIENT = ClientProfile()

_SEGMENT = re.compile(r"v(\d{1,9})-(\d{1,9})-\d{1,9}", re.ASCII)

# The Java platforms, each with the first update of 2201 that runs it.
_PLATFORMS = {"java11": 0, "java17": 8, "java21": 11, "java25": 14}
_FIRST_MAJOR = 2201


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution, spelled as in URL paths."""

    text: str
    language: LanguageVersion

    @classmethod
    def parse(cls, segment: str) -> Self | None:
        """Return the distribution at the start of a path, or None; organizations have no `-`."""
        match = _SEGMENT.fullmatch(segment)
        if match is None:
            return None
        return cls(segment, LanguageVersion(int(match[1]), int(match[2])))

    @property
    def client(self) -> ClientProfile:
        """The platforms and language version that the distribution can use."""
        runs = [name for name, update in _PLATFORMS.items() if self._has_reached(update)]
        return ClientProfile(frozenset({ANY_PLATFORM, *runs}), self.language)

    def _has_reached(self, update: int) -> bool:
        return (self.language.major, self.language.update) >= (_FIRST_MAJOR, update)
