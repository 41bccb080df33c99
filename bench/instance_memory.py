"""The memory of an instance in the simulation of scale: the redirects and the package cache of the
product, with their limits in bytes, which count redirects and records as they do for requests.

The records are those of the real index (bench/real_packages.py), whose names and releases are
repeated until there are enough packages. An instance begins with nothing, and nothing changes
meanwhile. A read of the store is what the cache asks it for; a link that is signed again is none.
"""

from bisect import bisect
from collections.abc import Collection, Coroutine, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from random import Random
from typing import Any, TypeVar, cast

from bench.real_packages import RealPackage, zipf
from infra.cost.usage import MEASURED, OperationUsage
from shared.adapters.editions import ChangesSince, EmbeddedEdition
from shared.adapters.system import SystemClock
from shared.auth.authorization import KnownReaders
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, OrgName, Package
from shared.domain.packages import FoundRelease, Survey
from shared.ports import MetadataStore
from shared.runtime.edition import PackagesRead
from shared.services.packages.package_cache import PackageCache
from shared.services.packages.pull_redirects import Redirect, RedirectCache

T = TypeVar("T")

ENCODED = b"x" * 450  # A redirect of the face of Central, without its address.
ADDRESS = "x" * 600  # With a link that is signed with a user delegation key.

FILLED = 100_000  # Pulls after which the cache of an instance is full.
LOOKED_AT = 20_000  # Pulls.
ANYBODY = Principal()
REDIRECT = Redirect(ENCODED, ADDRESS, inf, None)


class Wanted(Enum):
    """The versions that clients pull."""

    NEWEST = "the newest version, by its number"
    ANY = "any version, by its number"  # The k-th newest has a k-th of the pulls of the newest.
    LATEST = "the latest, without a number"  # Takes the list of versions, too.


@dataclass(frozen=True, slots=True)
class _Stored:
    """A package of the catalog, its releases with the newest first."""

    package: Package
    survey: Survey
    releases: tuple[FoundRelease, ...]
    coordinates: tuple[Coordinate, ...]


class Catalog:
    """Packages, the most pulled first, in a store that notes what is read of it."""

    def __init__(self, real: Sequence[RealPackage], count: int) -> None:
        """Repeat the real packages until there are enough."""
        stored = [_stored(real[rank % len(real)], rank // len(real)) for rank in range(count)]
        self._stored = stored
        self._found = {
            coordinate.key: found
            for each in stored
            for coordinate, found in zip(each.coordinates, each.releases, strict=True)
        }
        self._surveys = {each.package.key: each.survey for each in stored}
        self._pulls, self._version_pulls = zipf(count), zipf(max(len(e.releases) for e in stored))
        self.edition = EmbeddedEdition(int, lambda _: ChangesSince(0, None))  # Nobody writes.
        self.edition.is_confirmed()
        self.asked: list[OperationUsage] = []

    async def find(self, coordinate: Coordinate) -> FoundRelease:
        self.asked.append(OperationUsage.PULL)
        return self._found[coordinate.key]

    async def survey(
        self, packages: Sequence[Package], _versions: Collection[Coordinate] = ()
    ) -> list[Survey]:
        self.asked.append(OperationUsage.VERSIONS)
        return [self._surveys[each.key] for each in packages]

    def draw(self, chance: Random, wanted: Wanted) -> Coordinate:
        """Return what the next pull is of."""
        package = self._stored[_draw(chance, self._pulls, len(self._stored))]
        if wanted is not Wanted.ANY:
            return package.coordinates[0]
        return package.coordinates[_draw(chance, self._version_pulls, len(package.coordinates))]


def _stored(real: RealPackage, copy: int) -> _Stored:
    package = real.survey.head.package
    if copy:
        package = Package(OrgName(f"{package.org}{copy}"), package.name)
    found = tuple(FoundRelease(real.survey.head, each) for each in real.releases)
    coordinates = tuple(package.at(each.coordinate.version) for each in real.releases)
    return _Stored(package, real.survey, found, coordinates)


def _draw(chance: Random, totals: Sequence[float], count: int) -> int:
    return bisect(totals, chance.random() * totals[count - 1], 0, count - 1)


class InstanceMemory:
    """What one instance has in memory."""

    def __init__(self, catalog: Catalog, wanted: Wanted) -> None:
        self._catalog, self._wanted = catalog, wanted
        self._cache = PackageCache(cast("MetadataStore", catalog), catalog.edition)
        clock = SystemClock()
        readers = KnownReaders(catalog.edition, clock)
        self._hops = RedirectCache(catalog.edition, readers, clock, cast("Any", None))

    def pull(self, chance: Random) -> tuple[OperationUsage, ...]:
        """Answer a pull, and return what was read of the store for it."""
        coordinate = self._catalog.draw(chance, self._wanted)
        self._catalog.asked.clear()
        by_number = self._wanted is not Wanted.LATEST
        place = coordinate.key if by_number else coordinate.package.key
        if _finished(self._hops.find(place, coordinate.package.org, ANYBODY)) is not None:
            return ()
        if self._wanted is Wanted.LATEST:
            _finished(self._cache.survey([coordinate.package]))
        _finished(self._cache.find(coordinate))
        read, number = PackagesRead({coordinate.package.key}), self._hops.number
        self._hops.keep(place, REDIRECT, read, number=number, by=ANYBODY)
        return tuple(self._catalog.asked)

    def fill(self, pulls: int, chance: Random) -> None:
        """Answer so many pulls, up to those after which the cache is full."""
        for _ in range(min(pulls, FILLED)):
            self.pull(chance)


def _finished(answer: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that waits for nothing."""
    try:
        answer.send(None)
    except StopIteration as end:
        return end.value
    answer.close()
    raise AssertionError


@dataclass(frozen=True, slots=True)
class Misses:
    """The share of the pulls that are not in memory, and the request units of a pull for them."""

    share: float
    units: float


def misses_after(catalog: Catalog, wanted: Wanted, answered: int, chance: Random) -> Misses:
    """Return what an instance does not have in memory after so many pulls."""
    memory = InstanceMemory(catalog, wanted)
    memory.fill(answered, chance)
    reads = [memory.pull(chance) for _ in range(LOOKED_AT)]
    return Misses(sum(map(bool, reads)) / LOOKED_AT, sum(map(units_of, reads)) / LOOKED_AT)


def units_of(reads: Sequence[OperationUsage]) -> float:
    """Return the request units of reads."""
    return sum(MEASURED[each].units for each in reads)
