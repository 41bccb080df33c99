"""A version that renamed its tasks runs beside the previous and the next one, and no task runs
twice.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.auth.authorization import Administration
from shared.domain.identity import OPERATOR
from shared.domain.packages import Head
from shared.domain.task_runs import TaskReport, TaskRequest, TaskResult, TaskRun
from shared.services.maintenance.checkpoints import Checkpoints
from shared.services.maintenance.delete_orphaned_archives import DeleteOrphanedArchives
from shared.services.maintenance.task import Task
from shared.services.maintenance.upkeep import TASK_LEASE, TaskRequests, TaskRuns, Upkeep
from shared.services.records import RecordWriter
from tests.contract.sample_records import head
from tests.contract.stores import Stores
from tests.fakes.services import changes_allowed, ignore
from tests.fakes.system import FakeClock, FakeRandomness
from tests.fakes.tasks import fake_task

pytestmark = pytest.mark.measured

OLD, NEW = DeleteOrphanedArchives.earlier_id, DeleteOrphanedArchives.id
MS = timedelta(milliseconds=1)


@dataclass
class Run:
    """The work of the task: how often it began, and what ends it."""

    count: int = 0
    ends: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> TaskReport:
        self.count += 1
        await self.ends.wait()
        return TaskReport(seen=self.count)


def known_as(task_id: str, work: Run) -> Task:
    """Return the task as the previous or the next version has it, which knows one id alone."""
    task = fake_task(DeleteOrphanedArchives, work)
    type(task).id = type(task).earlier_id = task_id
    return task


@dataclass
class Update:
    """Processes of several versions over the same stores."""

    stores: Stores
    others: Stores
    clock: FakeClock = field(default_factory=FakeClock)
    run: Run = field(default_factory=Run)

    def start(self, version: str, stores: Stores | None = None) -> Upkeep:
        both = fake_task(DeleteOrphanedArchives, self.run)
        versions = {"previous": known_as(OLD, self.run), "next": known_as(NEW, self.run)}
        task, work = versions.get(version, both), (stores or self.stores).work
        runs, randomness = TaskRuns(work, self.clock), FakeRandomness(version)
        return Upkeep(work, self.clock, randomness, changes_allowed(), runs, {task.id: task})


@pytest.fixture
def update(stores: Stores, others: Stores) -> Update:
    return Update(stores, others)


async def until_due(clock: FakeClock, *processes: Upkeep) -> None:
    for each in processes:
        await each.due()
    clock.advance(timedelta(days=1))
    for each in processes:
        assert [task.id for task in await each.due()] == list(each.tasks)


async def run_due(process: Upkeep) -> TaskReport | None:
    [task_id] = process.tasks
    return await process.run_due(task_id)


VERSIONS = [("previous", "this"), ("this", "previous"), ("this", "next"), ("next", "this")]


@pytest.mark.parametrize(("first", "second"), VERSIONS)
async def test_of_two_versions_one_runs_a_task_that_is_due(
    update: Update, first: str, second: str
) -> None:
    clock, run = update.clock, update.run
    one, other = update.start(first), update.start(second, update.others)
    await until_due(clock, one, other)
    running = asyncio.create_task(run_due(one))
    async with asyncio.timeout(30):
        while not run.count:
            await asyncio.sleep(0)
    assert await run_due(other) is None  # It is running.
    run.ends.set()
    assert await running == TaskReport(seen=1)
    assert await run_due(other) is None  # It has run.
    assert run.count == 1
    clock.advance(timedelta(days=1))
    assert await run_due(other) == TaskReport(seen=2)
    assert await run_due(one) is None


@pytest.mark.parametrize("held", [OLD, NEW])
async def test_a_lease_of_either_id_keeps_the_task_from_running(update: Update, held: str) -> None:
    stores, clock, process = update.stores, update.clock, update.start("this")
    now_ms = clock.now_ms()
    update.run.ends.set()
    until_ms = now_ms + TASK_LEASE // MS
    assert await stores.work.lease(f"upkeep:{held}", "another", now_ms, until_ms)
    assert await process.run(NEW) is None
    # The other id is free: nobody waits for a task that does not run.
    free = {OLD, NEW} - {held}
    assert await stores.work.lease(f"upkeep:{free.pop()}", "a third", now_ms, now_ms)
    clock.advance(TASK_LEASE)
    assert await process.run(NEW) == TaskReport(seen=1)
    for each in (OLD, NEW):
        assert await stores.work.lease(f"upkeep:{each}", "a third", clock.now_ms(), until_ms)


async def test_the_last_run_of_the_previous_version_is_the_last_run(
    update: Update,
) -> None:
    stores, clock = update.stores, update.clock
    stored = TaskRun(
        task=OLD, started_ms=1, ended_ms=2, result=TaskResult.PROBLEMS, problems=("x",)
    )
    await stores.work.put("upkeep-run", OLD, stored.model_dump_json(), clock.now_ms() + 10**6)
    [state] = await update.start("this").task_states()
    assert (state.task, state.last_run) == (NEW, stored)
    update.run.ends.set()
    await update.start("this").run(NEW)
    for version in ("previous", "this", "next"):
        [state] = await update.start(version).task_states()
        assert state.last_run
        assert state.last_run.started_ms == clock.now_ms()


async def test_a_checkpoint_of_the_previous_version_is_continued(
    update: Update,
) -> None:
    stores, clock = update.stores, update.clock
    for name in ("alpha", "beta", "gamma"):
        await stores.metadata.claim(head(f"acme/{name}"))
    checkpoints, seen = Checkpoints(stores.metadata, stores.work, clock), list[str]()
    await stores.work.put("upkeep-mark", OLD, "acme/alpha", clock.now_ms() + 10**6)

    async def visit(visited: Head) -> None:
        seen.append(visited.name)

    for _ in range(2):
        assert await checkpoints.visit_packages(fake_task(DeleteOrphanedArchives), visit)
    assert seen == ["beta", "gamma", "alpha", "beta", "gamma"]


async def test_a_request_is_run_by_either_version(
    update: Update,
) -> None:
    stores, clock = update.stores, update.clock
    this = TaskRequests(
        administration=Administration(stores.directory, clock),
        tasks=update.start("this").tasks,
        directory=stores.directory,
        record_writer=RecordWriter(
            stores.directory, stores.events, clock, FakeRandomness("requests"), delayed=ignore
        ),
        read_only_mode=changes_allowed(),
        clock=clock,
    )
    previous = replace(this, tasks=update.start("previous").tasks)
    for asking in (this, previous):
        await asking.request(next(iter(asking.tasks)), by=OPERATOR)
        assert list(await this.pending()) == [NEW]
        assert list(await previous.pending()) == [OLD]
        [request] = await stores.directory.list_by_owner(TaskRequest, "upkeep")
        await stores.directory.remove(request)
