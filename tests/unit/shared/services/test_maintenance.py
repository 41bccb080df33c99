"""Every task is created once, under its name, and a run says what came of it."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.domain.errors.requests import Busy, TakesNoChanges
from shared.domain.principals import OPERATOR
from shared.domain.tasks import TaskReport, TaskResult
from shared.services import maintenance
from shared.services.maintenance.create_snapshot import CreateSnapshot
from shared.services.maintenance.delete_orphaned_archives import DeleteOrphanedArchives
from shared.services.maintenance.tasks import TaskRuns
from tests.fakes.stores import FakeWork
from tests.fakes.tasks import fake_task
from tests.support.tasks import TASKS
from tests.support.world import World

ORPHANS = DeleteOrphanedArchives.id


async def test_the_state_of_a_task_that_raises_is_failed(world: World) -> None:
    class Broken(Exception):
        """What no task expects."""

    async def broken() -> TaskReport:
        raise Broken

    tasks = {ORPHANS: fake_task(DeleteOrphanedArchives, broken)}
    runner = replace(world.registry.maintenance.task_runner, tasks=tasks)
    with pytest.raises(Broken):
        await runner.run(ORPHANS)
    [access] = await runner.task_states()
    assert access.last_run is not None
    assert access.last_run.result is TaskResult.FAILED
    # Its lease is over: the next one need not wait.
    assert await world.registry.maintenance.task_runner.run(ORPHANS) is not None


async def test_a_run_that_cannot_be_noted_is_done_all_the_same(world: World) -> None:
    class Busied(FakeWork):
        """Takes leases, and nothing else."""

        async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
            raise Busy

    work = Busied()
    runner = world.registry.maintenance.task_runner
    leases = replace(runner.leases, work=work)
    runner = replace(runner, leases=leases, runs=TaskRuns(work, world.clock))
    assert await runner.run("delete-expired-records") == TaskReport()
    # Its lease is over all the same.
    assert await runner.run("delete-expired-records") == TaskReport()


async def test_while_the_registry_takes_no_changes_tasks_change_no_records(world: World) -> None:
    await world.registry.limits.notices.enter_read_only_mode("moving house", by=OPERATOR)
    runner = world.registry.maintenance.task_runner
    postponed = [each for each in runner.tasks.values() if not each.runs_in_read_only_mode]
    for task in postponed:
        with pytest.raises(TakesNoChanges):
            await runner.run(task.id)
    assert await runner.run(CreateSnapshot.id) is not None
    states = await runner.task_states()
    assert {each.task for each in states if each.last_run} == {CreateSnapshot.id}


def test_every_module_of_a_task_is_imported_by_the_composition() -> None:
    files = Path(maintenance.__path__[0]).glob("*.py")
    modules = {each.stem for each in files if "\n    sentence = " in each.read_text("utf-8")}
    assert {each.__module__.rpartition(".")[2] for each in TASKS} == modules
