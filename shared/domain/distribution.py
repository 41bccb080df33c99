"""Distributions of Ballerina, as their clients name them in Maven paths: `v2201-13-0`."""

import re
from dataclasses import dataclass
from typing import Self

from shared.domain.language import ANY_PLATFORM, ClientProfile, LanguageVersion

_SEGMENT = re.compile(r"v(\d{1,9})-(\d{1,9})-\d{1,9}", re.ASCII)

# The Java platforms, each with the first update of 2201 whose virtual machine runs it.
_PLATFORMS = {"java11": 0, "java17": 8, "java21": 11, "java25": 14}
_FIRST_MAJOR = 2201


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution, spelled as in paths."""

    text: str
    language: LanguageVersion

    @classmethod
    def parse(cls, segment: str) -> Self | None:
        """Return the distribution that a path begins with, or None; organizations have no `-`."""
        match = _SEGMENT.fullmatch(segment)
        if match is None:
            return None
        return cls(segment, LanguageVersion(int(match[1]), int(match[2])))

    @property
    def client(self) -> ClientProfile:
        """Return what a client of this distribution can use."""
        runs = [name for name, update in _PLATFORMS.items() if self._has_reached(update)]
        return ClientProfile(frozenset({ANY_PLATFORM, *runs}), self.language)

    def _has_reached(self, update: int) -> bool:
        return (self.language.major, self.language.update) >= (_FIRST_MAJOR, update)
