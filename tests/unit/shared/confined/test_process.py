"""A child is started when it is needed, and what goes wrong with it is told apart."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import pytest

from shared.confined.child import Begun, ChildEnded, Done, Finished, Line, Ready, Refused
from shared.confined.process import (
    REST_FACTOR,
    RESULTS_BYTES,
    Budget,
    ConfinedProcess,
    ConfinedUnavailable,
    Delays,
    Exceeded,
    PartResult,
    _Job,
)
from shared.runtime.private_files import try_file_lock
from tests.support.logs import capture_logs
from tests.support.waiting import eventually, eventually_in_tasks

BUDGET = Budget(processor_seconds=20, memory_bytes=1 << 27, output_bytes=1 << 22)
TASKS = "tests.support.confined_tasks"
PROCESSOR = Exceeded.PROCESSOR.sentence(BUDGET)


@pytest.fixture
async def confined(tmp_path: Path) -> AsyncGenerator[ConfinedProcess]:
    process = ConfinedProcess(tmp_path / "machine", BUDGET, tasks=TASKS)
    yield process
    await process.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "job"
    made.mkdir()
    return made


async def test_a_process_with_many_jobs_lets_another_one_in_between(
    tmp_path: Path, folder: Path
) -> None:
    delays = Delays(look=0.01)
    busy = ConfinedProcess(tmp_path / "machine", BUDGET, tasks=TASKS, delays=delays)
    other = ConfinedProcess(tmp_path / "machine", BUDGET, tasks=TASKS, delays=delays)
    jobs = [asyncio.create_task(busy.run("parts", folder, ["sleep 0.05"])) for _ in range(40)]
    await jobs[0]
    await other.run("parts", folder, ["say x"])
    assert not jobs[-1].done()
    await busy.close()
    await other.close()
    await asyncio.gather(*jobs, return_exceptions=True)


async def test_a_process_that_cannot_be_started_is_tried_again_after_growing_pauses(
    tmp_path: Path, folder: Path
) -> None:
    delays = Delays(first_pause=0.001, longest_pause=0.003)
    confined = ConfinedProcess(tmp_path / "machine", BUDGET, tasks="no.module", delays=delays)
    with capture_logs() as events:
        while len(events) < 4:
            with pytest.raises(ConfinedUnavailable):
                await confined.run("parts", folder, [])
    assert [each["pause_seconds"] for each in events] == [0.001, 0.002, 0.003, 0.003]
    assert "ModuleNotFoundError" in events[0]["error"]


@pytest.mark.parametrize("task", ["parts", "check"])
async def test_during_a_pause_nothing_is_started_or_logged(
    tmp_path: Path, folder: Path, task: str
) -> None:
    machine = tmp_path / "machine"
    machine.write_text("This is not a folder.")
    confined = ConfinedProcess(machine, BUDGET, tasks=TASKS)
    with capture_logs() as events:
        for _ in range(3):
            with pytest.raises(ConfinedUnavailable):
                await confined.run(task, folder, [])
    assert [each["event"] for each in events] == ["confined.start_failed"]


async def test_a_process_that_could_not_be_started_starts_when_it_can(
    tmp_path: Path, folder: Path
) -> None:
    machine = tmp_path / "machine"
    machine.write_text("This is not a folder.")
    delays = Delays(first_pause=0)
    confined = ConfinedProcess(machine, BUDGET, tasks=TASKS, delays=delays)
    with pytest.raises(ConfinedUnavailable):
        await confined.run("parts", folder, [])
    machine.unlink()
    assert len(await confined.run("parts", folder, ["say x"])) == 1
    await confined.close()


async def test_an_unknown_task_is_unavailable_and_logged(
    confined: ConfinedProcess, folder: Path
) -> None:
    with capture_logs() as events, pytest.raises(ConfinedUnavailable):
        await confined.run("unknown", folder, [])
    assert "KeyError" in events[0]["details"]


async def test_a_closed_process_takes_no_job(confined: ConfinedProcess, folder: Path) -> None:
    await confined.close()
    with pytest.raises(ConfinedUnavailable):
        await confined.run("parts", folder, [])


async def test_a_child_that_ended_while_it_was_idle_is_replaced(
    confined: ConfinedProcess, folder: Path
) -> None:
    await confined.run("parts", folder, ["say x"])
    child = confined._child
    assert child is not None
    child._process.kill()
    await asyncio.to_thread(eventually, lambda: child.has_ended)
    assert len(await confined.run("parts", folder, ["say x"])) == 1


def job() -> _Job:
    return _Job("task", Path("/folder"), None, BUDGET)


def taken(*lines: Line) -> _Job:
    """Return a job that received these lines."""
    made = job()
    for line in lines:
        made.take(line)
    return made


def finished(name: str, result: str = "", seconds: float = 0) -> Finished:
    return Finished(end=name, result=result, processor_seconds=seconds)


def begun(name: str, left: float = 20, allowance: float = 10) -> Begun:
    return Begun(begin=name, left=left, allowance=allowance)


def left_seconds(made: _Job) -> object:
    return made.order().left_seconds


def test_a_part_within_which_the_child_ended_is_charged_with_its_allowance() -> None:
    made = taken(begun("a"), finished("a", seconds=1), begun("b", left=18, allowance=9))
    made.refuse(Exceeded.PROCESSOR, "")
    assert left_seconds(made) == 9
    assert made.results == [PartResult("a", None, ""), PartResult("b", PROCESSOR, None)]
    assert not made.is_done


def test_a_part_that_took_all_that_was_left_ends_the_job() -> None:
    made = taken(begun("a"), finished("a", seconds=5), begun("b", left=15, allowance=15))
    made.refuse(Exceeded.PROCESSOR, "")
    assert made.is_done
    assert made.results == [PartResult("a", None, ""), PartResult("b", PROCESSOR, None)]


def test_a_part_has_three_times_its_allowance_and_five_seconds() -> None:
    assert taken(begun("a", allowance=10)).deadline_seconds() == 35
    assert job().deadline_seconds() == 90


@pytest.mark.parametrize(("idle_bytes", "large"), [(1 << 26, False), (1 << 27, True), (None, True)])
def test_a_child_that_holds_more_than_64_mib_or_cannot_say_it_is_large(
    idle_bytes: int | None, large: bool
) -> None:
    made = taken(Done(done=True, idle_bytes=idle_bytes))
    assert made.is_done
    assert made.child_is_large is large


@pytest.mark.parametrize(
    "lines",
    [
        [Ready(ready=True)],
        [finished("a")],
        [begun("a"), begun("b")],
        [begun("a"), finished("b")],
        [begun("a"), Refused(refused="b", reason=Exceeded.TIME, processor_seconds=0, error="")],
        [begun("a"), Done(done=True, idle_bytes=0)],
    ],
)
def test_lines_out_of_order_end_the_child(lines: list[Line]) -> None:
    with pytest.raises(ChildEnded) as ended:
        taken(*lines)
    assert ended.value.reason is Exceeded.CRASHED


def test_results_that_are_too_large_together_end_the_job() -> None:
    made = taken(begun("a"), finished("a", result="x" * (RESULTS_BYTES - 10)))
    made.take(begun("b"))
    with pytest.raises(ChildEnded) as ended:
        made.take(finished("b", result="x" * 20))
    made.refuse(Exceeded.OUTPUT, "")
    assert ended.value.reason is Exceeded.OUTPUT
    assert made.is_done


def is_free(lock: Path) -> bool:
    """Return whether no process holds the lock."""
    if (held := try_file_lock(lock)) is None:
        return False
    held.close()
    return True


async def test_what_anybody_may_ask_for_rests_three_times_as_long_as_it_took_on_the_machine(
    confined: ConfinedProcess, tmp_path: Path, folder: Path
) -> None:
    share = tmp_path / "machine" / "confined.on-demand"
    loop = asyncio.get_running_loop()
    began = loop.time()
    await confined.run("compare", folder, ["say x"])
    took = loop.time() - began
    assert not is_free(share)
    await confined.run("parts", folder, ["say x"])  # Others do not wait for it.
    await eventually_in_tasks(partial(is_free, share))
    assert loop.time() - began >= took * REST_FACTOR
