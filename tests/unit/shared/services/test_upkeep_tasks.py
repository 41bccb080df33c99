"""Maintenance tasks: audit finds differences, repair derives data again, sweep moves archives."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.composition import Adapters
from shared.domain.accounts import Account
from shared.domain.archives.names import ArchiveName, Digest
from shared.domain.errors.requests import Busy, TakesNoChanges
from shared.domain.identity import OPERATOR
from shared.domain.maintenance_tasks import TaskResult
from shared.domain.names import Coordinate
from shared.domain.packages import Head, Release, ReleaseEntry, Texts, Visibility
from shared.domain.records import Event
from shared.domain.search import Query, ResultPage
from shared.domain.tokens import Token
from shared.ports import ArchiveStore, RollUp, StoredArchive
from shared.services.upkeep import RUNS_IN_READ_ONLY_MODE, Checkpoints, TaskReport, TaskRuns
from shared.services.upkeep_tasks import ArchiveSweep, EventAnonymization, OutboxProcessing
from tests.contract.sample_records import NAME, named
from tests.fakes.archive_placement import PlacedArchives
from tests.fakes.stores import FakeDirectory, FakeEvents, FakeWork
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

GREET = Coordinate.parse("acme", "greet", "1.0.0")
CONTENT = bala("acme/greet:1.0.0", keywords=["hello"])


async def audit(world: World) -> tuple[str, ...]:
    await world.push(CONTENT)
    report = await world.registry.upkeep.run("audit")
    assert report is not None
    assert report.seen == 1
    return report.problems


def archive(world: World) -> Path:
    assert world.registry.adapters.archive_path is not None
    return world.registry.adapters.archive_path(replace(NAME, digest=Digest.of(CONTENT)))


async def again(world: World) -> tuple[str, ...]:
    report = await world.registry.upkeep.run("audit")
    assert report is not None
    return report.problems


async def test_an_untouched_registry_has_no_problems(world: World) -> None:
    assert await audit(world) == ()


async def test_a_missing_archive_is_a_problem(world: World) -> None:
    await audit(world)
    archive(world).unlink()
    assert await again(world) == ("acme/greet:1.0.0: its archive is missing.",)


async def test_an_archive_with_a_flipped_bit_is_a_problem(world: World) -> None:
    await audit(world)
    content = bytearray(CONTENT)
    content[100] ^= 1
    path = archive(world)
    path.chmod(0o600)
    path.write_bytes(bytes(content))
    assert await again(world) == ("acme/greet:1.0.0: the stored archive has another digest.",)


async def test_a_record_that_says_other_than_its_archive_is_a_problem(world: World) -> None:
    await audit(world)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    await world.stores.metadata.replace_release(release.model_copy(update={"keywords": ("bye",)}))
    [problem] = await again(world)
    assert problem.startswith("acme/greet:1.0.0: keywords is recorded as ('bye',)")


async def test_held_releases_cannot_make_the_audit_and_with_it_the_backup_fail(
    worlds: OpenWorld,
) -> None:
    world = await worlds(brake_releases=1)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        await world.push(bala(f"acme/greet:{version}"))
    head = (await world.stores.metadata.find(GREET)).head
    assert head is not None
    releases = await world.stores.metadata.releases(head.package)
    assert any(each.awaits_owner for each in releases)
    assert await again(world) == ()


async def test_a_removed_release_needs_no_archive(world: World) -> None:
    await audit(world)
    await world.registry.moderation.remove(GREET, "court order", by=OPERATOR)
    archive(world).unlink()
    assert await again(world) == ()


async def test_an_archive_that_newer_rules_refuse_is_a_problem_and_not_a_crash(
    world: World,
) -> None:
    await audit(world)
    world.registry.publishing.archive_reader.max_archive_bytes = 10
    [problem] = await again(world)
    assert problem.startswith("acme/greet:1.0.0: its archive cannot be read: The archive has")


async def test_audit_counts_every_release_and_changes_none(world: World) -> None:
    for coordinate in ("acme/greet:1.0.0", "acme/greet:1.1.0", "acme/other:1.0.0"):
        await world.push(bala(coordinate))
    report = await world.registry.upkeep.run("audit")
    assert report == TaskReport("audit", 3, 0)


A_DAY = timedelta(days=1, hours=1)


async def push(world: World, coordinate: str = "acme/greet:1.0.0") -> ArchiveName:
    content = bala(coordinate)
    await world.push(content)
    return named(content)


async def leave_half_published(world: World) -> None:
    """Store all that a push stores up to its commit, and nothing that follows."""
    await push(world)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    other = Coordinate.parse("acme", "greet", "2.0.0")
    content = bala(str(other))
    outbox = (*release.outbox, _event(str(other)))
    await world.stores.archives.put(named(content), content, Visibility.PUBLIC)
    await world.stores.metadata.add_release(
        release.model_copy(
            update={"version": "2.0.0", "digest": Digest.of(content).hex, "outbox": outbox}
        )
    )


def _event(subject: str) -> Event:
    return Event(id=f"{subject}@1", kind="release.published", at_ms=1, actor="ann", subject=subject)


async def versions(world: World) -> list[str]:
    [survey] = await world.stores.metadata.survey([GREET.package])
    assert survey is not None
    return [entry.version for entry in survey.entries]


async def test_settling_lists_a_release_whose_push_was_cut_off_after_the_commit(
    world: World,
) -> None:
    await leave_half_published(world)
    assert await versions(world) == ["1.0.0"]
    report = await world.registry.upkeep.run("settle")
    assert report is not None
    assert report.changed == 1
    assert await versions(world) == ["2.0.0", "1.0.0"]
    found = await world.registry.search.search(Query.parse("greet"), ResultPage(), by=OPERATOR)
    assert [hit.listing.release.version for hit in found.hits] == ["2.0.0"]


async def test_settling_again_finds_nothing_and_publishes_no_event_twice(world: World) -> None:
    await leave_half_published(world)
    await world.registry.upkeep.run("settle")
    report = await world.registry.upkeep.run("settle")
    assert report is not None
    assert report.seen == 0
    events = [event.id for _, event in await world.stores.events.since(0, 100)]
    assert len(events) == len(set(events))
    assert "acme/greet:2.0.0@1" in events


async def test_the_sweep_removes_an_archive_without_a_release_after_the_grace(
    world: World,
) -> None:
    kept, orphan = await push(world), named(b"orphan")
    await world.stores.archives.put(orphan, b"orphan", Visibility.PUBLIC)
    world.clock.advance(A_DAY / 2)
    early = await world.registry.upkeep.run("sweep")
    assert early is not None
    assert (early.seen, early.changed) == (2, 0)
    assert await world.stores.archives.stat(orphan) is not None
    world.clock.advance(A_DAY)
    report = await world.registry.upkeep.run("sweep")
    assert report is not None
    assert (report.seen, report.changed) == (2, 1)
    assert await world.stores.archives.stat(orphan) is None
    assert await world.stores.archives.stat(kept) is not None


async def test_sweep_deletes_removed_archives_and_leaves_quarantined_ones(
    world: World,
) -> None:
    removed, quarantined = await push(world), await push(world, "acme/other:1.0.0")
    other = Coordinate.parse("acme", "other", "1.0.0")
    await world.registry.moderation.remove(GREET, "court order", by=OPERATOR)
    await world.registry.moderation.quarantine(other, "reported", by=OPERATOR)
    world.clock.advance(A_DAY)
    await world.registry.upkeep.run("sweep")
    assert await world.stores.archives.stat(removed) is None
    assert await world.stores.archives.stat(quarantined) is not None


@dataclass
class Unlabelled:
    """Archives that an earlier version stored without headers."""

    archives: ArchiveStore
    completed: list[tuple[ArchiveName, Visibility]] = field(
        default_factory=list[tuple[ArchiveName, Visibility]]
    )

    async def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        """Yield the archives as blobs of the public container."""
        async for archive in self.archives.list(stored_before_ms):
            is_done = bool(self.completed)
            yield replace(archive, container=Visibility.PUBLIC, has_headers=is_done)

    async def set_headers(self, name: ArchiveName, container: Visibility) -> None:
        """Note the archive."""
        self.completed.append((name, container))


async def test_the_sweep_completes_the_headers_of_older_archives_once(world: World) -> None:
    name, stores, registry = await push(world), world.stores, world.registry
    world.clock.advance(A_DAY)
    unlabelled = Unlabelled(stores.archives)
    archives: object = unlabelled
    sweep = ArchiveSweep(
        stores.metadata,
        stores.documents,
        archives,  # pyright: ignore[reportArgumentType] - the parts that are called.
        registry.api_history,
        registry.checkpoints,
        24,
    )
    assert [(await sweep.run()).changed for _ in range(2)] == [1, 0]
    assert unlabelled.completed == [(name, Visibility.PUBLIC)]


@dataclass
class Renewing:
    """Archives of which one is stored again, by a push, while the sweep looks at it."""

    archives: ArchiveStore

    def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        """Yield what is old, and renew it."""
        return self._renewed(stored_before_ms)

    async def _renewed(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        async for archive in self.archives.list(stored_before_ms):
            await self.archives.put(named(b"orphan"), b"orphan", Visibility.PUBLIC)
            yield archive

    async def delete(self, digest: Digest, stored_before_ms: int) -> bool:
        """Remove the archive unless it was stored again."""
        return await self.archives.delete(digest, stored_before_ms)


async def test_the_sweep_spares_an_archive_that_is_stored_again_while_it_looks(
    world: World,
) -> None:
    orphan, stores = named(b"orphan"), world.stores
    await stores.archives.put(orphan, b"orphan", Visibility.PUBLIC)
    world.clock.advance(A_DAY)
    renewing = Renewing(stores.archives)
    sweep_service = ArchiveSweep(
        metadata=stores.metadata,
        documents=stores.documents,
        archives=renewing,  # pyright: ignore[reportArgumentType] - the parts that are called.
        api_history=world.registry.api_history,
        checkpoints=Checkpoints(stores.metadata, stores.work, world.clock),
        sweep_grace_hours=24,
    )
    assert (await sweep_service.run()).changed == 0
    assert await stores.archives.stat(orphan) is not None


async def test_the_roll_up_adds_pulls_to_the_package_and_its_search_result_once(
    world: World,
) -> None:
    await push(world)
    for caller in ("one", "two"):
        world.registry.pull_counter.count(GREET, caller)
    await world.registry.pull_counter.flush()
    assert await world.registry.upkeep.run("roll-up") == TaskReport("roll-up", 1, 1)
    assert await world.registry.upkeep.run("roll-up") == TaskReport("roll-up", 0, 0)
    head = await world.stores.metadata.head(GREET.package)
    assert head is not None
    assert head.pulls == 2
    found = await world.registry.search.search(Query.parse("greet"), ResultPage(), by=OPERATOR)
    assert [hit.listing.head.pulls for hit in found.hits] == [2]


@dataclass
class BusyLedger:
    """Is behind as often as it is told to be; each roll-up changes one package."""

    roll_ups: list[str] = field(default_factory=list[str])
    behind: int = 0

    async def roll_up(self, before_window: int, today: str) -> RollUp:
        """Roll up one package, and say whether there are more."""
        self.roll_ups.append(today)
        return RollUp([GREET.package], is_behind=len(self.roll_ups) <= self.behind)


async def rolled_up(world: World, ledger: BusyLedger) -> TaskReport:
    """Run the task over a ledger, by a clock that goes on while it pauses."""

    async def sleep(seconds: float) -> None:
        world.clock.advance(timedelta(seconds=seconds))

    return await replace(world.registry.pull_roll_up, ledger=ledger, sleep=sleep).run()


@pytest.mark.parametrize(("behind", "times"), [(0, 1), (1, 2), (3, 4), (1_000, 14)])
async def test_the_roll_up_goes_on_each_minute_while_many_pulls_wait(
    world: World, behind: int, times: int
) -> None:
    ledger = BusyLedger(behind=behind)
    began_ms = world.clock.now_ms()
    assert await rolled_up(world, ledger) == TaskReport("roll-up", times, times)
    assert len(ledger.roll_ups) == times
    assert timedelta(milliseconds=world.clock.now_ms() - began_ms) <= timedelta(minutes=13)


async def test_expired_codes_and_tokens_are_deleted_after_their_grace(world: World) -> None:
    await world.stores.work.put("sign-in", "code", "ann", world.clock.now_ms() + 1)
    world.clock.advance(timedelta(days=100))
    report = await world.registry.upkeep.run("expire")
    assert report is not None
    assert report.changed >= len(["code", "admin", "ann", "mia", "bob"])
    assert await world.stores.directory.list_by_owner(Token, world.people.ann.account.id) == []


async def test_refreshing_derives_every_package_again(world: World) -> None:
    await push(world)
    await push(world, "acme/other:1.0.0")
    await world.stores.search.remove(GREET.package)
    report = await world.registry.upkeep.run("refresh")
    assert report is not None
    assert report.changed == 2
    found = await world.registry.search.search(Query(), ResultPage(), by=OPERATOR)
    assert found.count == 2


async def test_a_task_runs_in_one_process_at_a_time(world: World) -> None:
    reports = await asyncio.gather(
        world.registry.upkeep.run("audit"), world.registry.upkeep.run("audit")
    )
    assert [report is None for report in reports] in ([False, True], [True, False])


async def test_a_task_can_run_again_when_it_has_ended(world: World) -> None:
    for _ in range(2):
        assert await world.registry.upkeep.run("audit") is not None


@dataclass
class Half:
    """Metadata of which two records wait, and deriving that fails for one of them."""

    waiting: list[Head]
    settled: list[str] = field(default_factory=list[str])

    async def unpublished_events(self, count: int) -> list[Head]:
        """Return what is not settled yet."""
        return [each for each in self.waiting if each.name not in self.settled][:count]

    async def update(self, record: Head) -> None:
        """Settle a record, but for one."""
        if record.name == "stuck":
            raise Busy
        self.settled.append(record.name)


async def test_a_record_that_cannot_be_settled_does_not_delay_others() -> None:
    half = Half([Head(org="acme", name=name, created_ms=1) for name in ("stuck", "greet")])
    report = await OutboxProcessing(half, half, FakeDirectory(), FakeEvents()).run()  # pyright: ignore[reportArgumentType] - the parts that are called.
    assert half.settled == ["greet"]
    assert (report.seen, report.changed) == (2, 1)
    assert report.problems == (str(Busy()),)


async def test_settle_publishes_the_events_in_the_outbox_of_an_entity(world: World) -> None:
    event = _event("eve")
    await world.stores.directory.add(
        Account(id="eve0000000", name="eve", created_ms=1, outbox=(event,))
    )
    report = await world.registry.upkeep.run("settle")
    assert report is not None
    assert (report.seen, report.changed) == (1, 1)
    assert event in [each for _, each in await world.stores.events.since(0, 100)]
    assert await world.stores.directory.unpublished(10) == []


async def test_the_state_of_a_task_that_raises_is_failed(world: World) -> None:
    class Broken(Exception):
        """What no task expects."""

    async def broken() -> TaskReport:
        raise Broken

    upkeep = replace(world.registry.upkeep, tasks={"sweep": broken})
    with pytest.raises(Broken):
        await upkeep.run("sweep")
    [access] = await upkeep.task_states()
    assert access.last_run is not None
    assert access.last_run.result is TaskResult.FAILED
    # Its lease is over: the next one need not wait.
    assert await world.registry.upkeep.run("sweep") is not None


async def test_a_run_that_cannot_be_noted_is_done_all_the_same(world: World) -> None:
    class Busied(FakeWork):
        """Takes leases, and nothing else."""

        async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
            raise Busy

    work = Busied()
    upkeep = replace(world.registry.upkeep, work=work, runs=TaskRuns(work, world.clock))
    assert await upkeep.run("expire") == TaskReport("expire")
    assert await upkeep.run("expire") == TaskReport("expire")  # Its lease is over all the same.


async def test_while_the_registry_takes_no_changes_tasks_leave_records_alone(world: World) -> None:
    await world.registry.notices.enter_read_only_mode("moving house", by=OPERATOR)
    upkeep = world.registry.upkeep
    for task in set(upkeep.tasks) - RUNS_IN_READ_ONLY_MODE:
        with pytest.raises(TakesNoChanges):
            await upkeep.run(task)
    assert await upkeep.run("snapshot") is not None
    assert {each.task for each in await upkeep.task_states() if each.last_run} == {"snapshot"}


async def test_every_task_reports_under_its_own_name(world: World) -> None:
    await push(world)
    for name in world.registry.upkeep.tasks:
        report = await world.registry.upkeep.run(name)
        assert report is not None
        assert report.task == name


async def after(world: World, task: str, minutes: int) -> TaskReport | None:
    """Let another process run a task when one has been at it for so many minutes."""
    found: list[TaskReport | None] = []

    async def lasting() -> TaskReport:
        world.clock.advance(timedelta(minutes=minutes))
        found.append(await replace(world.registry.upkeep, tasks={task: quick}).run(task))
        return TaskReport(task)

    async def quick() -> TaskReport:
        return TaskReport(task)

    await replace(world.registry.upkeep, tasks={task: lasting}).run(task)
    return found[0]


@pytest.mark.parametrize("task", ["audit", "snapshot", "search"])
async def test_a_task_of_a_dead_process_is_taken_over_when_its_lease_expires(
    world: World, task: str
) -> None:
    assert await after(world, task, 0) is None
    assert await after(world, task, 1) is not None


async def test_a_token_that_has_ended_is_deleted_a_week_later(world: World) -> None:
    ann = world.people.ann.account.id
    [token] = await world.stores.directory.list_by_owner(Token, ann)
    assert token.expires_ms is not None
    world.clock.at_ms = token.expires_ms + timedelta(days=6) // timedelta(milliseconds=1)
    await world.registry.upkeep.run("expire")
    assert await world.stores.directory.list_by_owner(Token, ann) == [token]
    world.clock.advance(timedelta(days=1, seconds=1))
    report = await world.registry.upkeep.run("expire")
    assert report is not None
    assert report.seen == report.changed > 0
    assert await world.stores.directory.list_by_owner(Token, ann) == []


async def test_the_sweep_spares_what_was_stored_within_its_grace_to_the_millisecond(
    world: World,
) -> None:
    orphan = named(b"orphan")
    await world.stores.archives.put(orphan, b"orphan", Visibility.PUBLIC)
    world.clock.advance(timedelta(hours=24) - timedelta(milliseconds=1))
    await world.registry.upkeep.run("sweep")
    assert await world.stores.archives.stat(orphan) is not None


async def test_an_archive_in_the_container_of_its_package_is_not_moved(world: World) -> None:
    await push(world)
    world.clock.advance(A_DAY)
    report = await world.registry.upkeep.run("sweep")
    assert report is not None
    assert (report.seen, report.changed, report.unfinished) == (1, 0, False)


async def test_addresses_are_forgotten_after_their_days_and_not_before(world: World) -> None:
    days = 90
    old_ms = world.clock.now_ms()
    seen = _event("seen").model_copy(update={"at_ms": old_ms, "address": "192.0.2.7"})
    await world.stores.events.append([seen])

    async def address() -> str:
        events = [event for _, event in await world.stores.events.since(0, 1000)]
        return next(event.address for event in events if event.id == seen.id)

    forgetting = EventAnonymization(world.stores.events, world.clock, days)
    world.clock.at_ms = old_ms + timedelta(days=days) // timedelta(milliseconds=1)
    await forgetting.run()
    assert await address() == "192.0.2.7"
    world.clock.advance(timedelta(milliseconds=1))
    report = await forgetting.run()
    assert report.seen == report.changed > 0
    assert await address() == ""
    assert await forgetting.run() == TaskReport("forget")


async def repair(world: World) -> tuple[int, tuple[str, ...]]:
    report = await world.registry.upkeep.run("mend")
    assert report is not None
    return report.changed, report.problems


async def published(world: World) -> Release:
    await world.push(CONTENT)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    return release


async def test_correct_records_are_not_changed(world: World) -> None:
    await published(world)
    await world.push(bala("acme/silent:1.0.0"))
    await world.registry.moderation.remove(GREET, "court order", by=OPERATOR)
    assert await repair(world) == (0, ())


async def test_a_list_that_says_other_than_the_release_is_made_again(world: World) -> None:
    release = await published(world)
    wrong = ReleaseEntry.of(release).model_copy(update={"platform": "java11"})
    await world.stores.metadata.put_entries(GREET.package, [wrong])
    higher = release.model_copy(update={"keywords": ("new",), "outbox": ()})
    await world.stores.metadata.replace_release(higher)
    assert await repair(world) == (1, ())
    [survey] = await world.stores.metadata.survey([GREET.package])
    assert survey is not None
    assert [each.platform for each in survey.entries] == [release.platform]
    assert await repair(world) == (0, ())


async def test_documents_that_were_lost_are_read_from_the_archive_again(world: World) -> None:
    release = await published(world)
    before = await world.stores.documents.texts(release.content)
    assert before != Texts()
    await world.stores.documents.delete(release.content)
    assert await repair(world) == (1, ())
    assert await world.stores.documents.texts(release.content) == before
    found = await world.registry.search.search(Query.parse("greet"), ResultPage(), by=OPERATOR)
    assert [hit.listing.release.version for hit in found.hits] == ["1.0.0"]


SUBS = bala("acme/greet:1.0.0", modules=["a", "b"], exported=["greet", "greet.b"])
EVERY = {"modules": ("greet", "greet.a", "greet.b"), "internal_modules": None}


async def published_before_modules_were_told_apart(world: World) -> Release:
    """Store a release as it was recorded then, with whatever is derived from it."""
    await world.push(SUBS)
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    old = await world.stores.metadata.replace_release(release.model_copy(update=EVERY))
    await world.stores.metadata.put_entries(GREET.package, [ReleaseEntry.of(old)])
    return old


async def test_modules_that_are_not_exported_are_distinguished_in_older_records(
    world: World,
) -> None:
    await published_before_modules_were_told_apart(world)
    audited = await world.registry.upkeep.run("audit")
    assert audited is not None
    assert audited.problems == ()
    assert await repair(world) == (1, ())
    release = (await world.stores.metadata.find(GREET)).release
    assert release is not None
    assert (release.modules, release.internal_modules) == (("greet", "greet.b"), ("greet.a",))
    [survey] = await world.stores.metadata.survey([GREET.package])
    assert survey is not None
    assert [each.modules for each in survey.entries] == [("greet", "greet.b")]
    assert await repair(world) == (0, ())


async def test_an_older_record_whose_archive_is_lost_stays_as_it_is(world: World) -> None:
    old = await published_before_modules_were_told_apart(world)
    world.clock.advance(A_DAY)
    await world.stores.archives.delete(old.content, world.clock.now_ms())
    assert await repair(world) == (0, ())
    assert (await world.stores.metadata.find(GREET)).release == old


async def test_a_release_that_cannot_be_read_does_not_delay_others(world: World) -> None:
    release = await published(world)
    await world.push(bala("acme/other:1.0.0"))
    other = named(bala("acme/other:1.0.0"))
    await world.stores.documents.delete(release.content)
    await world.stores.documents.delete(other.digest)
    world.clock.advance(A_DAY)
    await world.stores.archives.delete(release.content, world.clock.now_ms())
    changed, [problem] = await repair(world)
    assert changed == 1
    assert problem.startswith("acme/greet: ")


PUBLIC, PRIVATE = Visibility.PUBLIC, Visibility.PRIVATE
FIRST = Coordinate.parse("acme", "greet", "1.0.0")


@dataclass
class InContainers(PlacedArchives):
    """Archives that all lie on some containers, whatever was asked for when they were stored."""

    containers: tuple[Visibility, ...] = (PUBLIC,)

    async def list(self, stored_before_ms: int) -> AsyncIterator[StoredArchive]:
        async for archive in self.archives.list(stored_before_ms):
            for container in self.containers:
                yield replace(archive, container=container)


async def swept(
    worlds: OpenWorld, archive: bytes, *containers: Visibility
) -> tuple[World, InContainers]:
    """Return a registry with one archive on these containers, a moment later."""
    stores: list[InContainers] = []

    def wrap(opened: Adapters) -> Adapters:
        stores.append(InContainers(opened.archives, containers=containers))
        archives: object = stores[0]
        return replace(opened, archives=archives)

    world = await worlds(wrap=wrap)
    await world.push(archive)
    world.clock.at_ms += 1
    return world, stores[0]


@pytest.mark.parametrize(
    ("visibility", "containers", "moves"),
    [
        ("public", (PUBLIC,), []),
        ("public", (PRIVATE,), [PUBLIC]),
        ("public", (PUBLIC, PRIVATE), [PUBLIC]),
        ("private", (PRIVATE,), []),
        ("private", (PUBLIC,), [PRIVATE]),
        ("private", (PUBLIC, PRIVATE), [PRIVATE]),
    ],
)
async def test_an_archive_is_put_where_its_records_want_it(
    worlds: OpenWorld, visibility: str, containers: tuple[Visibility, ...], moves: list[Visibility]
) -> None:
    world, stores = await swept(worlds, bala(str(FIRST), visibility=visibility), *containers)
    report = await world.registry.upkeep.run("sweep")
    assert report
    assert (report.seen, report.changed) == (len(containers), len(moves))
    assert stores.moves == [(str(FIRST), container) for container in moves]


async def test_a_quarantined_archive_is_no_longer_in_the_public_container(
    worlds: OpenWorld,
) -> None:
    world, stores = await swept(worlds, bala(str(FIRST)), PUBLIC)
    await world.registry.moderation.quarantine(FIRST, "reported", by=OPERATOR)
    await world.registry.upkeep.run("sweep")
    assert stores.moves == [(str(FIRST), PRIVATE)]
