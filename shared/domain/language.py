"""What a client can use: the platforms it names and the language version it speaks."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

_LANGUAGE = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-.*)?", re.ASCII)
_PLATFORM = re.compile(r"any|java\d{1,3}|go\d{1,3}\.\d{1,3}", re.ASCII)

ANY_PLATFORM = "any"


def is_platform(text: str) -> bool:
    """Say whether a bala may name this platform: `any`, `java21` or `go1.26`."""
    return _PLATFORM.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class LanguageVersion:
    """A Ballerina distribution, such as 2201.12.0: only major and update decide what it can use."""

    major: int
    update: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the version, or None when `text` is no `M.U.P`, with a suffix or without."""
        match = _LANGUAGE.fullmatch(text)
        return cls(int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """Which releases a client is offered; None: it did not say, so nothing is filtered."""

    platforms: frozenset[str] | None = None
    language: LanguageVersion | None = None

    @staticmethod
    @lru_cache(maxsize=1_024)  # Clients are many, kinds of clients few.
    def of(platforms: str, language: str) -> "ClientProfile":
        """Read a client's `Ballerina-Platform` (a comma list) and its Ballerina version."""
        named = frozenset(part.strip() for part in platforms.split(",") if part.strip())
        return ClientProfile(named or None, LanguageVersion.parse(language))

    def can_use(self, platform: str, built_with: str) -> bool:
        """Say whether a release for `platform`, built with that distribution, is offered."""
        return self._runs(platform) and self._understands(built_with)

    def _runs(self, platform: str) -> bool:
        return self.platforms is None or platform == ANY_PLATFORM or platform in self.platforms

    def _understands(self, built_with: str) -> bool:
        if self.language is None or not built_with or built_with.startswith("slbeta"):
            return True
        theirs = LanguageVersion.parse(built_with)
        if theirs is None:
            return False
        return theirs.major == self.language.major and theirs.update <= self.language.update


EVERYTHING = ClientProfile()
