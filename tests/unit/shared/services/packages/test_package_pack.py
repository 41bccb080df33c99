"""The pack has what is pulled most of public packages; what changed since is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.composition import create_registry
from shared.domain.errors.requests import Busy
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate, Package
from shared.domain.packages import FoundRelease, State, Visibility
from shared.ports import ChangedPackages, PackagePack, PackUnusable, TooManyChanges
from shared.services.maintenance import write_package_pack
from shared.services.maintenance.write_package_pack import WritePackagePack
from shared.services.packages.package_pack import PackLoading
from tests.support.archives import bala
from tests.support.logs import capture_logs
from tests.support.world import World

GREET = Package.parse("acme", "greet")
HERE = {"low": "1"}


@dataclass
class Changes:
    """The changes of packages: none but these, if they can be read."""

    changed: frozenset[str] = frozenset()
    failure: Exception | None = None

    async def positions(self) -> Mapping[str, str]:
        return HERE

    async def since(self, positions: Mapping[str, str]) -> ChangedPackages:
        assert positions == HERE
        if self.failure:
            raise self.failure
        return ChangedPackages(7, self.changed)


@dataclass
class Store:
    """A pack in memory."""

    pack: PackagePack | None = None
    failure: Exception | None = None

    async def write(self, pack: PackagePack) -> None:
        self.pack = pack

    async def read(self) -> PackagePack | None:
        if self.failure:
            raise self.failure
        return self.pack


@dataclass
class Scene:
    """A registry, and its pack."""

    world: World
    store: Store = field(default_factory=Store)
    changes: Changes = field(default_factory=Changes)

    async def pack(self, capacity_bytes: int = 1_000_000) -> dict[str, list[str]]:
        """Pack, and return the versions of each packed package, in order."""
        stores = self.world.stores
        task = WritePackagePack(
            stores.metadata,
            stores.pulls,
            stores.search,
            self.changes,
            self.store,
            self.world.clock,
            capacity_bytes,
        )
        report = await task.run()
        assert self.store.pack
        assert self.store.pack.positions == HERE
        packed = self.store.pack.packages
        assert report.changed == len(packed)
        return {each.survey.head.name: [r.version for r in each.releases] for each in packed}

    async def pull(self, name: str, version: str, times: int) -> None:
        """Pull a release, each time from another address."""
        registry = self.world.registry
        for number in range(times):
            coordinate = Coordinate.parse("acme", name, version)
            registry.packages.pull_counter.count(coordinate, f"{name} {version} {number}")
        await registry.packages.pull_counter.flush()
        self.world.clock.advance(timedelta(days=2))
        await registry.maintenance.upkeep.run("roll-up-pulls")


@pytest.fixture
async def scene(world: World) -> Scene:
    """Return a registry with two packages."""
    for coordinate in ("acme/greet:1.0.0", "acme/greet:1.1.0", "acme/other:1.0.0"):
        await world.push(bala(coordinate))
    return Scene(world)


async def test_packages_come_in_the_order_of_their_pulls(scene: Scene) -> None:
    await scene.pull("other", "1.0.0", 2)
    assert list(await scene.pack()) == ["other", "greet"]
    await scene.pull("greet", "1.0.0", 4)
    assert list(await scene.pack()) == ["greet", "other"]


async def test_the_latest_release_and_what_was_pulled_lately_are_packed(scene: Scene) -> None:
    assert (await scene.pack())["greet"] == ["1.1.0"]
    await scene.pull("greet", "1.0.0", 1)
    assert (await scene.pack())["greet"] == ["1.1.0", "1.0.0"]
    scene.world.clock.advance(write_package_pack.LATELY)
    assert (await scene.pack())["greet"] == ["1.1.0"]


async def test_of_a_package_a_few_releases_are_packed(scene: Scene) -> None:
    for number in range(write_package_pack.VERSIONS_PACKED):
        await scene.world.push(bala(f"acme/other:2.{number}.0"))
        await scene.pull("other", f"2.{number}.0", 1)
    await scene.pull("other", "1.0.0", 2)
    packed = (await scene.pack())["other"]
    assert packed[:2] == ["2.7.0", "1.0.0"]
    assert len(packed) == write_package_pack.VERSIONS_PACKED


async def test_more_packages_than_one_page_are_packed(scene: Scene) -> None:
    for number in range(write_package_pack.PACKAGES_AT_ONCE):
        await scene.world.push(bala(f"acme/p{number}:1.0.0"))
    assert len(await scene.pack()) == write_package_pack.PACKAGES_AT_ONCE + 2


async def test_the_memory_of_what_is_packed_is_bounded(scene: Scene) -> None:
    for number in range(8):
        await scene.world.push(bala(f"acme/p{number}:1.0.0"))
    await scene.pull("other", "1.0.0", 1)
    packed = list(await scene.pack(capacity_bytes=8 * 9_500))
    assert packed[0] == "other"
    assert len(packed) == 8


async def test_a_package_of_very_many_releases_is_left_out(scene: Scene) -> None:
    await scene.pull("greet", "1.0.0", 1)
    assert list(await scene.pack(capacity_bytes=8 * 12_000)) == ["other"]


async def test_a_private_package_is_not_packed(scene: Scene) -> None:
    visibility = scene.world.registry.packages.visibility
    await visibility.change(GREET, Visibility.PRIVATE, by=OPERATOR)
    assert list(await scene.pack()) == ["other"]


async def test_a_package_that_the_search_still_shows_is_not_packed(scene: Scene) -> None:
    metadata = scene.world.stores.metadata
    head = await metadata.head(GREET)
    assert head
    await metadata.replace_head(head.model_copy(update={"visibility": Visibility.PRIVATE}))
    assert list(await scene.pack()) == ["other"]


async def test_a_withheld_release_is_not_packed(scene: Scene) -> None:
    withheld = Coordinate.parse("acme", "greet", "1.0.0")
    await scene.pull("greet", "1.0.0", 1)
    await scene.world.registry.publishing.moderation.quarantine(withheld, "Harmful.", by=OPERATOR)
    assert (await scene.pack())["greet"] == ["1.1.0"]


async def test_a_package_without_a_live_release_has_none_packed(scene: Scene) -> None:
    metadata = scene.world.stores.metadata
    [found] = await metadata.survey([Package.parse("acme", "other")])
    assert found
    withheld = found.entries[0].model_copy(update={"state": State.HELD})
    await metadata.put_entries(found.head.package, [withheld])
    assert (await scene.pack())["other"] == []


@dataclass
class Loader:
    """Loads a pack of two packages, and notes what it reports."""

    store: Store
    changes: Changes = field(default_factory=Changes)
    reports: list[object] = field(default_factory=list[object])

    @property
    def loading(self) -> PackLoading:
        return PackLoading(
            self.store,
            self.changes,
            loaded=lambda packages, changed: self.reports.append((packages, changed)),
            failed=self.reports.append,
        )


@pytest.fixture
async def loader(scene: Scene) -> Loader:
    await scene.pack()
    return Loader(scene.store)


async def test_what_did_not_change_is_loaded(loader: Loader) -> None:
    assert loader.store.pack
    packed = loader.store.pack.packages
    read = await loader.loading.read()
    assert read
    assert (read.number, read.surveys) == (7, [each.survey for each in packed])
    assert read.releases == [FoundRelease(e.survey.head, r) for e in packed for r in e.releases]
    assert loader.reports == [(2, 0)]


async def test_what_changed_since_is_left_out(loader: Loader) -> None:
    loader.changes.changed = frozenset({GREET.key, "acme/unknown"})
    read = await loader.loading.read()
    assert read
    assert [each.head.name for each in read.surveys] == ["other"]
    assert [each.head and each.head.name for each in read.releases] == ["other"]
    assert loader.reports == [(2, 1)]


@pytest.mark.parametrize("failure", [Busy(), TooManyChanges(), ValueError("410")])
async def test_without_the_changes_nothing_is_loaded(loader: Loader, failure: Exception) -> None:
    loader.changes.failure = failure
    assert await loader.loading.read() is None
    assert loader.reports == [failure]


@pytest.mark.parametrize("failure", [Busy(), PackUnusable("cut off")])
async def test_a_pack_that_cannot_be_read_is_not_loaded(loader: Loader, failure: Exception) -> None:
    loader.store.failure = failure
    assert await loader.loading.read() is None
    assert loader.reports == [failure]


async def test_where_there_is_no_pack_nothing_is_loaded() -> None:
    loader = Loader(Store())
    assert await loader.loading.read() is None
    assert loader.reports == []


async def test_one_machine_has_no_pack(world: World) -> None:
    assert WritePackagePack.id not in world.registry.maintenance.upkeep.tasks


async def test_a_new_instance_logs_what_it_loaded_of_the_pack(scene: Scene) -> None:
    await scene.pack()
    scene.changes.changed = frozenset({GREET.key})
    assert await logged_by_a_new_instance(scene) == [
        {"event": "pack.loaded", "log_level": "info", "packages": 2, "changed": 1}
    ]


async def test_a_new_instance_logs_why_it_does_not_use_the_pack(scene: Scene) -> None:
    scene.store.failure = PackUnusable("cut off")
    assert await logged_by_a_new_instance(scene) == [
        {"event": "pack.unused", "log_level": "warning", "reason": "PackUnusable: cut off"}
    ]


async def logged_by_a_new_instance(scene: Scene) -> list[dict[str, Any]]:
    """Load the pack into the cache of another instance; return what it logs."""
    stores = replace(scene.world.stores, package_pack=scene.store, package_changes=scene.changes)
    instance = create_registry(scene.world.registry.settings, stores)
    with capture_logs() as logs:
        await instance.packages.cache.load()
    return logs
