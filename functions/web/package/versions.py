"""The versions of a package: one row each, in groups by minor version, filtered by the query."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from shared.domain.packages import ReleaseEntry
from shared.services.package_details import ReleaseDetails

VERSIONS_PER_PAGE = 100

_MAX_FILTER_LENGTH = 100  # Characters.


@dataclass(frozen=True, slots=True)
class VersionFilter:
    """Which versions are listed: those that begin with a text, and stable ones alone or all."""

    beginning: str = ""
    stable_only: bool = False

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "VersionFilter":
        """Read the filter from the query of an address; every text is one."""
        beginning = query.get("filter", "").strip().removeprefix("v")[:_MAX_FILTER_LENGTH]
        return cls(beginning.lower(), bool(query.get("stable")))

    @property
    def is_empty(self) -> bool:
        return not self.beginning and not self.stable_only

    def select(self, details: ReleaseDetails) -> list[ReleaseEntry]:
        """Return the entries that fit, newest first."""
        return [each for each in details.entries if self._fits(each)]

    def _fits(self, entry: ReleaseEntry) -> bool:
        is_hidden = self.stable_only and (
            not entry.parsed.is_stable or entry.deprecation is not None
        )
        return not is_hidden and entry.version.lower().startswith(self.beginning)


@dataclass(frozen=True, slots=True)
class VersionGroup:
    """Versions with the same major and minor number, such as 1.2."""

    name: str
    entries: tuple[ReleaseEntry, ...]


def groups_of(entries: Iterable[ReleaseEntry]) -> Iterator[VersionGroup]:
    """Yield the groups of entries that are in the order of their versions."""
    for name, members in groupby(entries, key=_minor):
        yield VersionGroup(name, tuple(members))


def _minor(entry: ReleaseEntry) -> str:
    return f"{entry.parsed.major}.{entry.parsed.minor}"
