"""What each scenario does over the stores of the cloud when nothing disturbs it."""

import itertools
from base64 import b64decode
from collections.abc import AsyncGenerator, Mapping, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from shared.adapters.blob.client import SEARCH_PARTS
from shared.bootstrap.adapters import cloud_adapters
from shared.domain.transparency.leaves import commitment
from shared.services.adapters import Adapters
from shared.services.maintenance.tasks import TASK_LEASE
from tests.crash.reference_runs import Reference
from tests.crash.registry_state import RegistryState, picture
from tests.crash.scenarios import BYSTANDER, Scenario, push
from tests.fakes.system import FakeClock, FakeRandomness
from tests.outages.fault_injection import Call, Died, FaultInjector, FaultyStores
from tests.support.cloud_stores import blob_double_at, double_of
from tests.support.storage import STORAGE
from tests.support.world import People, Template, World, opened, settings_of

# One counter a limit, of two that differ in nothing but their names.
LIMITS: dict[str, Any] = {"limit_write": "token=1000", "limit_push": "token=1000"}
RECORDS = ("packages", "tools", "accounts", "tokens", "events")  # Not `work`: it ends by itself.

SEARCH = f"derived/{SEARCH_PARTS}"  # Made of the records, by whoever looks at them.

# What differs between two ways to the same state: versions, marks of writes, and last uses.
_PASSING = frozenset({"_etag", "_ts", "_rid", "_self", "_lsn", "mark", "revision"})


Contents = tuple[Mapping[str, Any], Set[str]]  # All records that last, the names of all blobs.


@dataclass(frozen=True)
class CloudReference(Reference):
    """A scenario, the place that it begins with, and what it changes."""

    folder: Path
    status: int  # Of the answer.
    calls: tuple[Call, ...]
    stored_before: Contents
    stored_after: Contents


@dataclass
class CloudReferences:
    """All of them, each made when it is first asked for."""

    template: Template
    root: Path
    _made: dict[str, CloudReference] = field(default_factory=dict[str, CloudReference])
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def of(self, scenario: Scenario) -> CloudReference:
        if scenario.name not in self._made:
            self._made[scenario.name] = await self._make(scenario)
        return self._made[scenario.name]

    async def _make(self, scenario: Scenario) -> CloudReference:
        people = self.template.people
        place = self.copy(self.template.folder)
        async with over(place, people) as world:
            for act in (push(f"{BYSTANDER}:1.0.0"), *scenario.before):
                assert (await act(world)).is_success
        before = await self._seen(place, scenario)
        stored_before = contents_of(place)
        done = self.copy(place)
        injector = FaultInjector()
        async with over(done, people, injector) as world:
            injector.calls.clear()
            answer = await scenario.act(world)
            calls = tuple(injector.calls)
        assert answer.status_code in scenario.repeated, answer.text
        return CloudReference(
            scenario=scenario,
            people=people,
            folder=place,
            status=answer.status_code,
            calls=calls,
            before=before,
            after=await self._seen(done, scenario),
            stored_before=stored_before,
            stored_after=contents_of(done),
        )

    async def _seen(self, folder: Path, scenario: Scenario) -> RegistryState:
        """Look at a copy: looking leaves the time when a token was used."""
        return await seen(self.copy(folder), self.template.people, scenario)

    def copy(self, folder: Path) -> Path:
        """Return a new place that stores the same as another one."""
        target = self.root / str(next(self._numbers))
        STORAGE.copy(folder, target)
        return target


@asynccontextmanager
async def over(
    folder: Path, people: People, injector: FaultInjector | None = None, ids: str = "test"
) -> AsyncGenerator[World]:
    """Open a registry over the stores of the folder, whose calls the injector may let fail.

    Two processes that draw the same ids would be one process that draws them twice.
    """

    def wrap(stores: Adapters) -> Adapters:
        ours = replace(stores, randomness=FakeRandomness(ids))
        if injector is None:
            return ours
        connections = FaultyStores(folder, stores.clock, injector=injector)
        cloud = cloud_adapters(settings_of(folder, **LIMITS), stores.clock, connections)
        kept = {name: getattr(ours, name) for name in ("randomness", "mailer")}
        return replace(cloud, **kept)

    with suppress(Died):  # Who died closes nothing.
        async with opened(folder, people, wrap, **LIMITS) as world:
            yield world
            await world.stores.close()


async def seen(folder: Path, people: People, scenario: Scenario) -> RegistryState:
    """Look at a place as it is when search has learned of all that was written."""
    async with over(folder, people) as world:
        run = world.registry.maintenance.task_runner.run
        if await run("update-search-index") is None:  # A run that died holds the lease.
            world.clock.advance(TASK_LEASE)
            assert await run("update-search-index")
        return await picture(world, scenario)
    raise AssertionError


def contents_of(folder: Path) -> Contents:
    """Return what is stored at the place."""
    double = double_of(folder, FakeClock())
    records = {
        f"{container.name}/{key}/{id_}": _without_passing(item)
        for container in double.containers.values()
        if container.name in RECORDS
        for key, partition in container.partitions.items()
        for id_, item in partition.items.items()
    }
    blobs = {
        f"{container}/{name}"
        for container, stored in blob_double_at(folder).containers.items()
        for name in stored
    }
    return records, {name for name in blobs if not name.startswith(SEARCH)}


def _without_passing(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without what differs between two ways to it: also without the salt of a leaf
    of the log and the commitment to it, of which each attempt has others."""
    kept = {name: value for name, value in item.items() if name not in _PASSING}
    if kept.get("salt"):
        salt = b64decode(kept.pop("salt"))
        leaf = commitment(item["number"], salt, item["opening"].encode())
        assert kept.pop("leaf") == leaf.decode(), item
    return kept
