"""A registry that is restored from a snapshot says of everything what the first one said."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.adapters.blob.client import BlobContainers
from shared.adapters.blob.snapshots import BlobSnapshots
from shared.adapters.search.index import SqliteSearchIndex
from shared.adapters.snapshot_folder import SnapshotFolder
from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate
from shared.domain.entities import Entity, Place
from shared.domain.events import Event
from shared.domain.packages import Release
from shared.domain.principals import OPERATOR
from shared.domain.registry_counts import RegistryCounts
from shared.domain.release_states import State
from shared.domain.search import Query, ResultPage, Viewer
from shared.domain.snapshots import (
    ENTITIES,
    MANIFEST_FILE,
    PACKAGES,
    SnapshotUnusable,
    snapshot_name,
)
from shared.domain.transparency.leaves import LoggedEvent
from shared.domain.transparency.log_states import PLACE_OF_STATE, FormerLog, LogState
from shared.domain.transparency.tree_edge import all_tiles
from shared.domain.visibility import Readers
from shared.ports.events import EventStore
from shared.ports.pull_ledger import Pull
from shared.ports.snapshots import SnapshotStore
from shared.services.event_appender import EventAppender
from shared.services.maintenance.create_snapshot import CreateSnapshot
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.statistics import LastRegistryCounts
from shared.services.packages.withheld_releases import WithheldReleases
from shared.services.record_batches import RECORDS_AT_ONCE
from shared.services.snapshots.database_age import DatabaseAge
from shared.services.snapshots.snapshots import (
    ArchiveSources,
    SnapshotCreation,
    SnapshotRestore,
    StoredSnapshots,
)
from tests.contract.sample_records import event, head
from tests.contract.stores import STORES, Stores, prepared
from tests.fakes.system import FakeClock
from tests.support.archives import bala
from tests.support.published_logs import write_log
from tests.support.pulls import Process
from tests.support.world import OpenWorld, World

pytestmark = [pytest.mark.slow, pytest.mark.measured]

GREET = Coordinate.parse("acme", "greet", "1.0.0")
DAY = timedelta(days=1)


@dataclass
class Target:
    """Stores that something is restored into, with what derives and searches."""

    stores: Any
    search: SqliteSearchIndex
    clock: FakeClock

    @property
    def restoring(self) -> SnapshotRestore:
        stores = self.stores
        return SnapshotRestore(
            metadata=stores.metadata,
            directory=stores.directory,
            events=stores.events,
            pulls=stores.pulls,
            work=stores.work,
            clock=self.clock,
            here=ArchiveSources(stores.archives, stores.documents, stores.log_files),
            derived_data=self._deriving(),
            readers=Readers.EVERYBODY,
        )

    def _deriving(self) -> DerivedData:
        stores = self.stores
        withholding = WithheldReleases(stores.directory, stores.metadata)
        appender = EventAppender(stores.events, stores.revocations, start_log=None)
        return DerivedData(
            stores.metadata, stores.documents, self.search, appender, withholding, (), None
        )


@asynccontextmanager
async def target_of(name: str, folder: Path, clock: FakeClock) -> AsyncGenerator[Target]:
    """Open empty stores."""
    folder.mkdir()
    search = SqliteSearchIndex(folder / "search.db")
    search.migrate()
    try:
        async with STORES[name](folder, clock) as stores:
            yield Target(stores, search, clock)
    finally:
        search.close()


@pytest.fixture(params=sorted(STORES))
async def target(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> AsyncGenerator[Target]:
    async with target_of(request.param, tmp_path / "target", clock) as opened:
        yield opened


def snapshotting(stores: Stores, store: SnapshotStore, clock: FakeClock) -> SnapshotCreation:
    return SnapshotCreation(
        metadata=stores.metadata,
        directory=stores.directory,
        events=stores.events,
        pulls=stores.pulls,
        snapshots=StoredSnapshots(store),
        last_counts=LastRegistryCounts(stores.work, clock),
        clock=clock,
    )


def nightly(stores: Stores, store: SnapshotStore, clock: FakeClock) -> CreateSnapshot:
    creation = snapshotting(stores, store, clock)
    age = DatabaseAge(stores.events, stores.directory)
    return CreateSnapshot(
        creation.snapshots, creation, stores.revocations, age, clock, snapshot_days=30
    )


@pytest.fixture
async def busy(worlds: OpenWorld) -> World:
    """Return a registry in which everything happened that leaves a record."""
    world = await worlds()
    for patch in range(3):
        await world.push(bala(f"acme/greet:1.0.{patch}"))
    await world.push(bala("acme/tool:2.0.0-rc.1", tools=("greeter",)))
    await world.push(bala("other/secret:0.1.0", visibility="private"), by=world.people.bob)
    await world.registry.publishing.moderation.quarantine(GREET, "reported", by=OPERATOR)
    removed = Coordinate.parse("acme", "greet", "1.0.1")
    await world.registry.publishing.moderation.remove(removed, "court order", by=OPERATOR)
    kept = Coordinate.parse("acme", "greet", "1.0.2")
    pulls = [Pull(kept, f"2026-{n:02}-20", f"c{n}", n) for n in range(1, 6)]
    await world.stores.pulls.record(Process().batch(*pulls))
    await world.registry.maintenance.task_runner.run("roll-up-pulls")
    # Somebody whose push was cut off, and who has not been listed yet.
    await world.stores.metadata.claim(head("acme/late", outbox=(event("cut-off"),)))
    await world.registry.administration.accounts.lock(
        world.people.mia.account, "Stolen.", by=OPERATOR
    )
    await world.registry.organizations.reserved_names.add("wso2*", "Theirs.", by=OPERATOR)
    return world


async def taken(world: World, tmp_path: Path) -> tuple[StoredSnapshots, str, ArchiveSources]:
    """Take a snapshot; return where it is, its name, and where the archives of the registry are."""
    source = snapshotting(world.stores, SnapshotFolder(tmp_path / "snapshots"), world.clock)
    name = (await source.create()).name
    return (
        source.snapshots,
        name,
        ArchiveSources(world.stores.archives, world.stores.documents, world.stores.log_files),
    )


async def shown(stores: Any) -> dict[str, Any]:
    """Return what the stores say of everything that a snapshot is about."""
    heads = await stores.metadata.packages("", 1_000)
    packages = [each.package for each in heads]
    surveys = await stores.metadata.survey(packages)
    feed = await stores.events.since(0, 10_000)
    return {
        "heads": heads,
        "releases": [_sorted(await stores.metadata.releases(each)) for each in packages],
        "entries": [survey.entries for survey in surveys],
        "found": [
            (await stores.metadata.by_digest(release.archive_digest)).release
            for each in packages
            for release in _sorted(await stores.metadata.releases(each))
        ],
        "daily": [await stores.pulls.daily(each) for each in packages],
        "history": [await stores.pulls.history(each, "2026-03-01") for each in packages],
        "tools": await stores.metadata.tool_owners(["greeter", "nobody"]),
        "entities": {kind.kind: await _all(stores, kind) for kind in ENTITIES},
        "feed": await stores.events.logged(0, 10_000),
        "streams": {
            name: await stores.events.stream(name, None, 1_000)
            for name in {name for _, each in feed for name in each.streams}
        },
    }


def _sorted(releases: list[Any]) -> list[Any]:
    return sorted(releases, key=lambda each: each.version)


async def _all(stores: Any, kind: type[Entity]) -> list[Entity]:
    return await stores.directory.list_all(kind, Place(""), 10_000)


async def test_everything_is_as_it_was(busy: World, target: Target, tmp_path: Path) -> None:
    store = SnapshotFolder(tmp_path / "snapshots")
    source = snapshotting(busy.stores, store, busy.clock)
    before = await shown(busy.stores)
    manifest = await source.create()
    elsewhere = ArchiveSources(busy.stores.archives, busy.stores.documents, busy.stores.log_files)
    report = await target.restoring.restore(source.snapshots, manifest.name, elsewhere)
    assert report.problems == ()
    assert report.seen == report.changed == manifest.lines
    assert await shown(target.stores) == before
    found = await target.search.search(Query.parse(""), ResultPage(), Viewer(sees_everything=True))
    assert sorted(str(hit.listing.head.package) for hit in found.hits) == [
        "acme/greet",
        "acme/tool",
        "other/secret",
    ]


async def test_the_files_of_a_log_that_ended_are_copied(
    busy: World, target: Target, tmp_path: Path
) -> None:
    await write_log(busy)
    ended = await busy.stores.directory.get(LogState, PLACE_OF_STATE)
    assert ended is not None
    following = LogState(
        revision=ended.revision,
        origin="registry.test/logs/log2",
        folder="log2",
        former=(FormerLog(ended.origin, ended.folder, ended.checkpoint),),
    )
    await busy.stores.directory.replace(following)
    source, name, elsewhere = await taken(busy, tmp_path)
    await target.restoring.restore(source, name, elsewhere)
    paths = [f"log/{each.path}" for each in all_tiles(ended.head.size)]
    for path in (*paths, "log/checkpoint"):
        content = await target.stores.log_files.read(path)
        assert content is not None
        assert content == await busy.stores.log_files.read(path)


async def test_records_of_a_snapshot_are_counted(busy: World, tmp_path: Path) -> None:
    source = snapshotting(busy.stores, SnapshotFolder(tmp_path / "snapshots"), busy.clock)
    await source.create()
    counted = await source.last_counts.read()
    assert counted is not None
    assert counted.at_ms == busy.clock.now_ms()
    sizes = [each.size_bytes for each in await _kept_releases(busy.stores)]
    assert counted.census == RegistryCounts(
        accounts=4,
        organizations=2,
        packages=3,
        private_packages=1,
        releases=len(sizes),
        public_releases=2,  # Of five one is private, one quarantined, one removed.
        withheld_releases=1,
        pulls=5,
        archive_bytes=sum(sizes),
    )


async def _kept_releases(stores: Stores) -> list[Release]:
    heads = await stores.metadata.packages("", 1_000)
    releases = [each for head in heads for each in await stores.metadata.releases(head.package)]
    return [each for each in releases if each.state is not State.REMOVED]


async def test_a_registry_goes_from_one_machine_to_the_cloud_and_back(
    busy: World, tmp_path: Path, clock: FakeClock
) -> None:
    store = SnapshotFolder(tmp_path / "snapshots")
    before = await shown(busy.stores)
    stores = busy.stores
    async with (
        target_of("cloud", tmp_path / "there", clock) as there,
        target_of("embedded", tmp_path / "back", clock) as back,
    ):
        for source, target in ((stores, there), (there.stores, back)):
            taking = snapshotting(source, store, clock)
            name = (await taking.create()).name
            elsewhere = ArchiveSources(source.archives, source.documents, source.log_files)
            assert (
                await target.restoring.restore(taking.snapshots, name, elsewhere)
            ).problems == ()
            clock.advance(DAY)
        assert await shown(back.stores) == before


async def test_a_release_whose_archive_is_missing_is_left_out_until_it_is_there(
    busy: World, target: Target, tmp_path: Path
) -> None:
    snapshots, name, elsewhere = await taken(busy, tmp_path)
    report = await target.restoring.restore(snapshots, name)
    assert "acme/greet:1.0.2: its archive is missing." in report.problems
    # What was removed for good has no archive to miss.
    assert not any("acme/greet:1.0.1" in problem for problem in report.problems)
    assert (await target.stores.metadata.find(GREET)).release is None
    again = await target.restoring.restore(snapshots, name, elsewhere)
    assert again.problems == ()
    assert await shown(target.stores) == await shown(busy.stores)


async def test_a_registry_that_is_there_is_never_overwritten(
    busy: World, target: Target, tmp_path: Path
) -> None:
    snapshots, name, _ = await taken(busy, tmp_path)
    there = Account(id="a1", name="somebody", created_ms=1)
    await target.stores.directory.add(there)
    with pytest.raises(SnapshotUnusable, match="There is a registry here already"):
        await target.restoring.restore(snapshots, name)
    assert await _all(target.stores, Account) == [there]


async def test_a_damaged_snapshot_changes_nothing(
    busy: World, target: Target, tmp_path: Path
) -> None:
    snapshots, name, _ = await taken(busy, tmp_path)
    file = tmp_path / "snapshots" / name / "packages.jsonl.gz"
    whole = file.read_bytes()
    for damaged in (whole[:-20], whole[:100] + b"\0\0\0\0" + whole[104:], b""):
        file.write_bytes(damaged)
        with pytest.raises(SnapshotUnusable):
            await target.restoring.restore(snapshots, name)
    assert await _all(target.stores, Account) == []


async def test_pending_events_of_a_removed_entity_are_appended(
    busy: World, target: Target, tmp_path: Path
) -> None:
    account = Account(id="gone", name="gone", created_ms=1)
    owing = account.model_copy(update={"outbox": (event("owed"),)})
    await busy.stores.directory.remove(await busy.stores.directory.add(owing))
    snapshots, name, elsewhere = await taken(busy, tmp_path)
    await target.restoring.restore(snapshots, name, elsewhere)
    feed: list[tuple[int, Event]] = await target.stores.events.since(0, 10_000)
    assert "owed" in [each.id for _, each in feed]


class LossyEvents:
    """An event store that does not return its second event."""

    def __init__(self, events: EventStore) -> None:
        self._events = events

    async def logged(self, after: int, count: int) -> list[LoggedEvent]:
        found = await self._events.logged(after, count)
        return [each for each in found if each.number != 2]


async def test_a_feed_that_lacks_an_event_is_refused_since_its_leaves_have_their_numbers(
    busy: World, target: Target, tmp_path: Path
) -> None:
    source = snapshotting(busy.stores, SnapshotFolder(tmp_path / "snapshots"), busy.clock)
    lossy = cast("EventStore", LossyEvents(busy.stores.events))
    name = (await replace(source, events=lossy).create()).name
    with pytest.raises(SnapshotUnusable, match=f"events.jsonl.gz of the snapshot {name} lacks"):
        await target.restoring.restore(source.snapshots, name)
    assert await target.stores.events.since(0, 1) == []


async def test_events_of_an_earlier_version_are_restored_without_leaves(
    busy: World, target: Target, tmp_path: Path
) -> None:
    count = len(await busy.stores.events.since(0, 10_000))
    source = snapshotting(busy.stores, SnapshotFolder(tmp_path / "snapshots"), busy.clock)
    earlier = cast("EventStore", EarlierEvents(busy.stores.events))
    name = (await replace(source, events=earlier).create()).name
    elsewhere = ArchiveSources(busy.stores.archives, busy.stores.documents, busy.stores.log_files)
    await target.restoring.restore(source.snapshots, name, elsewhere)
    assert len(await target.stores.events.without_leaf(0, 10_000)) >= count


class EarlierEvents:
    """An event store that knows no leaves and no numbers."""

    def __init__(self, events: EventStore) -> None:
        self._events = events

    async def logged(self, after: int, count: int) -> list[LoggedEvent]:
        found = await self._events.logged(after, count)
        return [replace(each, leaf=None) for each in found]


async def test_a_long_feed_has_the_same_numbers_and_uploads_of_archives_are_included(
    worlds: OpenWorld, target: Target, tmp_path: Path
) -> None:
    world = await worlds()
    await world.push(bala("acme/greet:1.0.0"))
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    await world.stores.documents.put_sbom(release.archive_digest, b"{}")
    await world.stores.events.append(
        [event(f"more-{number}") for number in range(RECORDS_AT_ONCE + 10)]
    )
    snapshots, name, elsewhere = await taken(world, tmp_path)
    for _ in range(2):
        assert (await target.restoring.restore(snapshots, name, elsewhere)).problems == ()
    logged = await world.stores.events.logged(0, 1_000)
    assert await target.stores.events.logged(0, 1_000) == logged
    assert await target.stores.documents.sbom(release.archive_digest) == b"{}"
    attested = await world.stores.documents.attestations(release.archive_digest)
    assert len(attested) == 1
    assert await target.stores.documents.attestations(release.archive_digest) == attested
    restored = (await target.stores.metadata.find(GREET)).release
    assert restored is not None
    assert restored.statements == release.statements


async def test_a_release_whose_statements_are_lost_is_to_be_signed_again(
    worlds: OpenWorld, target: Target, tmp_path: Path
) -> None:
    world = await worlds()
    await world.push(bala("acme/greet:1.0.0"))
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    snapshots, name, elsewhere = await taken(world, tmp_path)
    await world.stores.documents.delete(release.archive_digest)
    assert (await target.restoring.restore(snapshots, name, elsewhere)).problems == ()
    restored = (await target.stores.metadata.find(GREET)).release
    assert restored is not None
    assert restored.statements == ""
    assert restored.signatures == release.signatures


async def test_a_file_that_lies_in_the_place_of_another_is_refused(
    tmp_path: Path, clock: FakeClock
) -> None:
    store = SnapshotFolder(tmp_path / "snapshots")
    async with target_of("embedded", tmp_path / "one", clock) as one:
        await one.stores.metadata.claim(head())
        taking = snapshotting(one.stores, store, clock)
        name = (await taking.create()).name
    with pytest.raises(SnapshotUnusable, match="belongs into another file"):
        async for _ in taking.snapshots.records(name, PACKAGES, Event):
            pass


# --- Where snapshots lie ------------------------------------------------------------------------


@pytest.fixture(params=["folder", "blobs"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> AsyncGenerator[SnapshotStore]:
    if request.param == "folder":
        yield SnapshotFolder(tmp_path / "snapshots")
        return
    connections = await prepared(tmp_path, clock)
    blobs = BlobContainers(connections.blobs, connections.prefix)
    yield BlobSnapshots(blobs)
    await blobs.close()
    await connections.close()


async def pieces_of(*content: bytes) -> AsyncGenerator[bytes]:
    for each in content:
        yield each


async def content_of(found: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in found])


async def test_a_file_is_read_as_it_was_written(store: SnapshotStore) -> None:
    large = [bytes([n]) * 700_000 for n in range(5)]
    await store.write("one/a", pieces_of(*large))
    await store.write("one/empty", pieces_of())
    assert await content_of(store.read("one/a")) == b"".join(large)
    assert await content_of(store.read("one/empty")) == b""
    assert sorted(await store.list()) == ["one/a", "one/empty"]


async def test_a_file_whose_writing_broke_off_is_not_there(store: SnapshotStore) -> None:
    async def breaking() -> AsyncGenerator[bytes]:
        yield b"x" * 3_000_000
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await store.write("one/a", breaking())
    assert await store.list() == []
    assert await content_of(store.read("one/a")) == b""


async def test_old_snapshots_go_and_the_newest_stays(
    store: SnapshotStore, stores: Stores, clock: FakeClock
) -> None:
    await stores.directory.add(Account(id="ann", name="ann", created_ms=clock.now_ms() - 1))
    taking = nightly(stores, store, clock)
    await taking.run()
    first = (await taking.snapshots.manifests())[0].name
    await store.write("20000101T000000Z/packages.jsonl.gz", pieces_of(b"of one that broke off"))
    clock.advance(31 * DAY)
    report = await taking.run()
    assert report.changed == 3  # One was made, two are gone.
    [manifest] = await taking.snapshots.manifests()
    assert manifest.name > first
    clock.advance(31 * DAY)
    assert [each.name for each in await taking.snapshots.manifests()] == [manifest.name]


async def test_old_snapshots_stay_while_the_database_is_younger(
    store: SnapshotStore, stores: Stores, clock: FakeClock
) -> None:
    """They are all that is left of one that was lost."""
    taking = nightly(stores, store, clock)
    await taking.run()
    [lost] = await taking.snapshots.manifests()
    clock.advance(31 * DAY)
    await stores.directory.add(Account(id="ann", name="ann", created_ms=clock.now_ms()))
    report = await taking.run()
    [problem] = report.problems
    assert f"ballroom snapshot restore {lost.name}" in problem
    assert lost in await taking.snapshots.manifests()


async def test_a_snapshot_that_another_process_is_writing_stays_for_a_day(
    store: SnapshotStore, stores: Stores, clock: FakeClock
) -> None:
    taking = nightly(stores, store, clock)
    begun = snapshot_name(clock.now_ms())
    file = f"{begun}/{PACKAGES}"
    await store.write(file, pieces_of(b"begun"))
    clock.advance(DAY)
    await taking.run()
    assert file in await store.list()
    clock.advance(timedelta(milliseconds=1))
    await taking.run()
    assert file not in await store.list()


class Forgetful(SnapshotFolder):
    """Loses the last byte of every file but the manifest, and says nothing of it."""

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        content = b"".join([piece async for piece in pieces])
        kept = content if name.endswith(MANIFEST_FILE) else content[:-1]
        await super().write(name, pieces_of(kept))


async def test_while_the_new_snapshot_cannot_be_read_the_old_ones_stay(
    stores: Stores, clock: FakeClock, tmp_path: Path
) -> None:
    good = nightly(stores, SnapshotFolder(tmp_path / "snapshots"), clock)
    for _ in range(2):
        assert (await good.run()).problems == ()
        clock.advance(DAY)
    clock.advance(60 * DAY)
    report = await nightly(stores, Forgetful(tmp_path / "snapshots"), clock).run()
    name = snapshot_name(clock.now_ms())
    [problem] = report.problems
    assert problem == f"directory.jsonl.gz of the snapshot {name} is not as it was written."
    assert len(await good.snapshots.manifests()) == 3
