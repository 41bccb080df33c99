"""Copies of public packages follow the records, whoever writes them at the same time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.domain.archives.names import ArchiveName
from shared.domain.errors.requests import Busy
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate, Distribution, Package
from shared.domain.packages import FoundRelease, Survey
from shared.domain.public_copies import Copy
from shared.ports import MetadataStore
from shared.services.maintenance.package_tasks import UpdatePublicCopies
from shared.services.packages.public_copies import PublicCopies
from tests.support.archives import bala
from tests.support.world import URL, World

GREET = Package.parse("acme", "greet")
FIRST = Coordinate.parse("acme", "greet", "1.0.0")
DISTRIBUTION = Distribution.parse("v2201-13-0")
FIXED = {"health/ready", "index/config.json"}
LISTS = {
    "index/acme/greet/index.json",
    "maven/acme/greet/maven-metadata.xml",
    "maven/v2201-13-0/acme/greet/maven-metadata.xml",
}


def files(version: str, name: str = "greet") -> set[str]:
    """Return the paths of the files of a release."""
    stem = f"maven/acme/{name}/{version}/{name}-{version}"
    return {f"{stem}.bala", f"{stem}.pom", f"{stem}-depgraph.json"}


@dataclass
class Store:
    """Copies in memory. Of archives, those in `missing` are not found."""

    copies: dict[str, tuple[bytes, str]] = field(default_factory=dict[str, tuple[bytes, str]])
    writes: list[str] = field(default_factory=list[str])
    missing: set[ArchiveName] = field(default_factory=set[ArchiveName])
    is_busy: bool = False
    forgotten: int = 0

    async def marks(self, prefix: str) -> Mapping[str, str]:
        return {path: mark for path, (_, mark) in self.copies.items() if path.startswith(prefix)}

    async def put(self, path: str, copy: Copy, mark: str = "") -> None:
        if self.is_busy:
            raise Busy
        self.writes.append(path)
        self.copies[path] = (copy.content, mark)

    async def replace(self, path: str, copy: Copy) -> None:
        if path in self.copies:
            await self.put(path, copy)

    async def add(self, path: str, copy: Copy) -> None:
        if path not in self.copies:
            await self.put(path, copy)

    async def put_archive(self, name: ArchiveName, path: str) -> bool:
        if name in self.missing:
            return False
        await self.put(path, Copy(b"archive", ""))
        return True

    async def delete(self, path: str) -> None:
        self.copies.pop(path, None)

    def changed_packages(self, items: Sequence[Mapping[str, object]]) -> list[Package]:
        return [Package.parse(*str(item["pk"]).split("/")) for item in items]

    def forget_changes(self) -> None:
        self.forgotten += 1


def copying(world: World, store: Store, metadata: MetadataStore | None = None) -> PublicCopies:
    """Return the copies of a registry."""
    assert DISTRIBUTION
    stores = world.stores
    return PublicCopies(metadata or stores.metadata, stores.documents, store, (DISTRIBUTION,), URL)


@pytest.fixture
async def published(world: World) -> World:
    """Return a registry with a release."""
    await world.push(bala("acme/greet:1.0.0"))
    return world


async def test_all_that_a_build_reads_is_copied(published: World) -> None:
    store = Store()
    assert await copying(published, store).follow([{"pk": GREET.key}]) == 1
    assert set(store.copies) == FIXED | LISTS | files("1.0.0")
    assert await copying(published, store).follow([]) == 0


async def test_a_tool_is_listed_while_a_release_of_the_package_has_it(published: World) -> None:
    store, path = Store(), "maven/v2201-13-0/__tools__/greeter/maven-metadata.xml"
    await published.push(bala("acme/greet:1.1.0", tools=["greeter"]))
    await copying(published, store).refresh(GREET)
    assert b"1.1.0" in store.copies[path][0]
    assert b"1.0.0" not in store.copies[path][0]
    await published.push(bala("acme/more:1.0.0", tools=["later"], ballerina_version="2201.99.0"))
    await copying(published, store).refresh(Package.parse("acme", "more"))
    assert "maven/v2201-13-0/__tools__/later/maven-metadata.xml" not in store.copies


async def test_a_release_is_copied_once(published: World) -> None:
    store = Store()
    await copying(published, store).refresh(GREET)
    await published.push(bala("acme/greet:1.1.0"))
    store.writes.clear()
    await copying(published, store).refresh(GREET)
    assert set(store.writes) == LISTS | files("1.1.0")


async def test_a_deprecation_changes_the_graph_that_says_it(published: World) -> None:
    store = Store()
    await copying(published, store).refresh(GREET)
    await published.registry.packages.deprecation.deprecate(FIRST, "Use 2.0.0.", by=OPERATOR)
    await copying(published, store).refresh(GREET)
    [graph] = [path for path in files("1.0.0") if path.endswith(".json")]
    assert b"Use 2.0.0." in store.copies[graph][0]


async def test_a_file_that_was_lost_is_copied_again(published: World) -> None:
    store = Store()
    await copying(published, store).refresh(GREET)
    for path in files("1.0.0"):
        await store.delete(path)
        await copying(published, store).refresh(GREET)
        assert files("1.0.0") <= set(store.copies)


async def test_a_list_is_there_for_every_package_that_an_import_may_mean(world: World) -> None:
    store = Store()
    await world.push(bala("acme/deep.part:1.0.0"))
    await copying(world, store).refresh(Package.parse("acme", "deep.part"))
    path = "maven/v2201-13-0/acme/deep/maven-metadata.xml"
    assert b"<versions>" not in store.copies[path][0].replace(b"<versions></versions>", b"")
    await world.push(bala("acme/deep:1.0.0"))
    for name in ("deep", "deep.part"):
        await copying(world, store).refresh(Package.parse("acme", name))
    assert b"1.0.0" in store.copies[path][0]


async def test_what_is_missing_has_no_copies(world: World) -> None:
    store = Store()
    await copying(world, store).refresh(GREET)
    assert store.copies == {}


async def test_withdrawing_adds_nothing(published: World) -> None:
    store = Store()
    await copying(published, store).withdraw(GREET)
    assert store.copies == {}
    await copying(published, store).refresh(GREET)
    before = dict(store.copies)
    await published.push(bala("acme/greet:1.1.0"))
    await copying(published, store).withdraw(GREET)
    assert set(store.copies) == set(before)


async def test_a_list_that_names_a_withheld_release_is_changed_though_its_files_are_gone(
    published: World,
) -> None:
    store = Store()
    await published.push(bala("acme/greet:1.1.0"))
    await copying(published, store).refresh(GREET)
    for path in files("1.0.0"):
        await store.delete(path)  # As far as a withdrawal came that was broken off.
    await published.registry.publishing.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    await copying(published, store).withdraw(GREET)
    assert [path for path, (text, _) in store.copies.items() if b"1.0.0" in text] == []


class ChangedMeanwhile:
    """Records that are changed after they were first read, and before anything is written."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_changed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.stores.metadata, name)

    async def survey(
        self, packages: Sequence[Package], _versions: Collection[Coordinate] = ()
    ) -> list[Survey | None]:
        """Return what was true until just now."""
        found = await self._world.stores.metadata.survey(packages)
        if not self._is_changed:
            self._is_changed = True
            moderation = self._world.registry.publishing.moderation
            await moderation.quarantine(FIRST, "reported", by=OPERATOR)
        return found


async def test_copies_by_older_records_are_corrected_by_who_wrote_them(published: World) -> None:
    store = Store()
    await published.push(bala("acme/greet:1.1.0"))
    metadata: Any = ChangedMeanwhile(published)
    await copying(published, store, metadata).refresh(GREET)
    assert [path for path in store.copies if "1.0.0" in path] == []
    assert [path for path, (text, _) in store.copies.items() if b"1.0.0" in text] == []
    assert files("1.1.0") <= set(store.copies)


async def test_a_release_whose_archive_is_gone_is_left_out(published: World) -> None:
    found = await published.stores.metadata.find(FIRST)
    assert found.release
    store = Store(missing={found.release.archive})
    await copying(published, store).refresh(GREET)
    assert set(store.copies) == LISTS


class Forgetful:
    """Records without releases, which lists still name."""

    def __init__(self, metadata: MetadataStore) -> None:
        self._metadata = metadata

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metadata, name)

    async def find(self, coordinate: Coordinate) -> FoundRelease:
        """Return nothing."""
        return FoundRelease(None, None)


async def test_a_release_without_a_record_is_left_out(published: World) -> None:
    store = Store()
    metadata: Any = Forgetful(published.stores.metadata)
    await copying(published, store, metadata).refresh(GREET)
    assert set(store.copies) == LISTS


async def test_changes_that_could_not_be_followed_come_again(published: World) -> None:
    store = Store(is_busy=True)
    with pytest.raises(Busy):
        await copying(published, store).follow([{"pk": GREET.key}])
    assert store.forgotten == 1


async def test_the_task_copies_all_packages_of_a_registry_that_had_none(published: World) -> None:
    await published.push(bala("acme/other:1.0.0"))
    store = Store()
    task = UpdatePublicCopies(copying(published, store), published.registry.maintenance.checkpoints)
    report = await task.run()
    assert (report.seen, report.unfinished) == (2, False)
    assert files("1.0.0") | files("1.0.0", "other") | FIXED <= set(store.copies)


async def test_a_registry_without_such_a_cdn_copies_nothing(world: World) -> None:
    assert world.registry.packages.public_copies is None
    assert UpdatePublicCopies.id not in world.registry.maintenance.upkeep.tasks
