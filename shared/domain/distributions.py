"""Distributions of Ballerina: language versions, platforms, and which releases a client can use."""

import re
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

_LANGUAGE = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-.*)?", re.ASCII)
_PLATFORM = re.compile(r"any|java[1-9]\d{0,2}|go[1-9]\d{0,2}\.(?:0|[1-9]\d{0,2})", re.ASCII)

ANY_PLATFORM = "any"


def is_platform(text: str) -> bool:
    """Check for a platform that archives may name: `any`, `java21`, `go1.26`; no leading zeros,
    because clients compare the text."""
    return _PLATFORM.fullmatch(text) is not None


class LanguageVersion(Struct, frozen=True):
    """A Ballerina version, such as 2201.12.0; only major and update decide compatibility."""

    major: int
    update: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the version, or None when `text` is not `M.U.P`, with or without a suffix."""
        match = _LANGUAGE.fullmatch(text)
        return cls(int(match[1]), int(match[2])) if match else None


class ClientProfile(Struct, frozen=True):
    """The platforms and language version of a client; None means no restriction."""

    platforms: frozenset[str] | None = None
    language: LanguageVersion | None = None

    @staticmethod
    def of(platforms: str, language: str) -> "ClientProfile":
        """Read a client's `Ballerina-Platform` (a comma list) and its Ballerina version."""
        if not platforms and not language:
            return ANY_CLIENT
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

# The language version of the newest distribution. Raise it when a distribution with another
# platform or major version is released: until then, releases that were built with a later
# distribution are compared with this one.
NEWEST_LANGUAGE = LanguageVersion(2201, 13)


class Distribution(Struct, frozen=True):
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

    @classmethod
    def of(cls, language: LanguageVersion) -> Self:
        """Return the first distribution with a language version."""
        return cls(f"v{language.major}-{language.update}-0", language)

    @property
    def update(self) -> str:
        """What people call it, such as 2201.13."""
        return f"{self.language.major}.{self.language.update}"

    @property
    def client(self) -> ClientProfile:
        """The platforms and language version that the distribution can use."""
        runs = [name for name, update in _PLATFORMS.items() if self._has_reached(update)]
        return ClientProfile(frozenset({ANY_PLATFORM, *runs}), self.language)

    def _has_reached(self, update: int) -> bool:
        return (self.language.major, self.language.update) >= (_FIRST_MAJOR, update)
