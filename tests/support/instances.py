"""Instances of a registry in the cloud: four behind one client, and when they know of changes.

Each has a registry with caches of its own, over the same stores. Reads of an address always go to
the same instance, and changes to another one than the last read: what an instance remembers is not
what it wrote itself. Time passes on an instance with each change that another one makes, on its
monotonic clock alone: as long as the instance may not know of the change. What was pushed is found
without that: tests/in_the_cloud/test_edition.py.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from shared.auth.authentication import TOKEN_CACHED_FOR
from shared.ports.search import SearchIndex
from shared.ports.system import Clock
from shared.registry import Registry
from shared.runtime.editions import CHANGES_KNOWN_WITHIN
from shared.services.adapters import Adapters
from tests.fakes.cosmos.protocol import Request
from tests.support.cloud_stores import look_for_parts
from tests.support.port_doubles import Proceed, intercepted

INSTANCES = 4
PACKAGES = ("packages",)  # Containers.
DIRECTORY = ("accounts", "tokens")

_MS = timedelta(milliseconds=1)


async def edition_confirmed(registry: Registry) -> None:
    """Wait until this instance may answer from memory; a busy machine takes longer than a request
    waits."""
    while not await registry.adapters.edition.poll():
        pass


async def shared_records_read(registry: Registry) -> None:
    """Read what requests have in memory in common, the advisories and the rules of the registry, so
    that the next one asks stores for its own records alone."""
    await registry.advisories.affected_versions.index.current()
    await registry.publishing.rules.reader.current()


@dataclass
class Changes:
    """How many changes an instance made to each container, and how many all of them made."""

    by_all: Counter[str]
    by_this: Counter[str] = field(default_factory=Counter[str])

    def note(self, request: Request) -> None:
        """Count a request that changes something."""
        if _changes_something(request):
            container = _container_of(request)
            self.by_all[container] += 1
            self.by_this[container] += 1

    def by_others(self, containers: Sequence[str]) -> int:
        return sum(self.by_all[each] - self.by_this[each] for each in containers)


def _changes_something(request: Request) -> bool:
    if request.says("x-ms-cosmos-is-batch-request"):
        return any(each["operationType"] != "Read" for each in request.json)
    return request.method != "GET" and not request.says("x-ms-documentdb-isquery")


def _container_of(request: Request) -> str:
    """Return the container that a path names: `/dbs/ballroom/colls/packages/docs`."""
    return [*request.path.split("/"), "", "", "", "", ""][4]


@dataclass(frozen=True)
class InstanceClock:
    """The clock of an instance, on which time also passes with changes of the others."""

    clock: Clock
    changes: Changes
    containers: Sequence[str]
    unknown_for: timedelta  # How long a change may be unknown to the instance.

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def monotonic_ms(self) -> int:
        passed = self.changes.by_others(self.containers) * self.unknown_for
        return self.clock.monotonic_ms() + passed // _MS


def clock_of_packages(clock: Clock, changes: Changes) -> Clock:
    return InstanceClock(clock, changes, PACKAGES, CHANGES_KNOWN_WITHIN)


def as_instance(stores: Adapters, clock: Clock, changes: Changes) -> Adapters:
    """Return stores that know of changes by others as late as they may."""
    return replace(
        stores,
        # Tokens, sessions and notices are cached for the same time.
        clock=InstanceClock(clock, changes, DIRECTORY, TOKEN_CACHED_FOR),
        search=intercepted(
            stores.search, IndexRefresh(stores.search, changes).intercept, _SEARCHES
        ),
    )


class IndexRefresh:
    """Lets a search read the change feed first whenever others changed something.

    On a real instance this happens by itself within a second.
    """

    def __init__(self, search: SearchIndex, changes: Changes) -> None:
        self._search = search
        self._changes = changes
        self._seen = 0
        self._feeding = asyncio.Lock()

    async def intercept(self, _method: str, proceed: Proceed) -> Any:
        """Search after the index is as new as the records."""
        async with self._feeding:
            changed = self._changes.by_others(PACKAGES)
            if changed != self._seen:
                await look_for_parts(self._search)
                self._seen = changed
        return await proceed()


_SEARCHES = (
    "search",
    "search_with_facets",
    "facet_values",
    "totals",
    "keywords",
    "symbols",
    "suggest",
)
