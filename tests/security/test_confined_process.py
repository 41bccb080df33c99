"""A stranger's text takes what its job may take, and no more, in a process of its own."""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from shared.confined.access import Restriction
from shared.confined.child import restrictions_here
from shared.confined.jobs import Json
from shared.confined.process import Budget, ConfinedProcess, ConfinedUnavailable, Delays, PartResult
from tests.crash.worker_processes import is_running
from tests.paths import ROOT
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the limits of memory and of descriptors are those of Linux"
)

MIB = 1024 * 1024
SMALL = Budget(processor_seconds=1.2, memory_bytes=128 * MIB, output_bytes=4 * MIB)
TASKS = "tests.support.confined_tasks"

PROCESSOR = "it takes more processor time than is left of the 1.2 seconds of a job"
MEMORY = "it takes more than 128 MiB of memory"
OUTPUT = "the result does not fit into 4 MiB"
CRASHED = "it cannot be read without an error of the program"


@pytest.fixture
async def confined(tmp_path: Path) -> AsyncGenerator[ConfinedProcess]:
    process = ConfinedProcess(tmp_path / "machine", SMALL, tasks=TASKS)
    yield process
    await process.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "job"
    made.mkdir()
    return made


def results_of(results: list[PartResult]) -> list[Json]:
    return [each.result for each in results]


async def pid_of(confined: ConfinedProcess, folder: Path) -> int:
    [part] = await confined.run("parts", folder, ["pid"])
    assert isinstance(part.result, int)
    return part.result


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("memory", MEMORY),
        ("loop", PROCESSOR),
        ("backtrack", PROCESSOR),
        ("abort", CRASHED),
        ("segfault", CRASHED),
        ("kill SIGBUS", CRASHED),
        ("recurse", CRASHED),
        ("panic", CRASHED),
        ("flood", OUTPUT),
        ("write 5", OUTPUT),
        ("bare-flood", OUTPUT),
        ("bare-text", CRASHED),
    ],
)
async def test_a_part_that_exceeds_a_limit_is_refused_and_the_others_finish(
    confined: ConfinedProcess, folder: Path, act: str, reason: str
) -> None:
    results = await confined.run("parts", folder, ["say before", act, "say after"])
    name = act.partition(" ")[0]
    assert results == [
        PartResult("0:say", None, "before"),
        PartResult(f"1:{name}", reason, None),
        PartResult("2:say", None, "after"),
    ]


async def test_a_finished_part_is_not_done_again_after_another_one_ended_the_process(
    confined: ConfinedProcess, folder: Path
) -> None:
    await confined.run("parts", folder, ["once first", "abort", "once second"])
    assert (folder / "first").read_text() == "x"
    assert (folder / "second").read_text() == "x"


async def test_output_of_finished_parts_stays_and_output_of_refused_parts_is_deleted(
    confined: ConfinedProcess, folder: Path
) -> None:
    await confined.run("parts", folder, ["write 1", "write 9", "leave-and-abort", "write 2"])
    assert {each.name for each in (folder / "output").iterdir()} == {"of-1", "of-2"}


async def test_the_output_of_all_parts_has_one_limit(
    confined: ConfinedProcess, folder: Path
) -> None:
    results = await confined.run("parts", folder, ["write 3", "write 2", "write 1"])
    assert [each.refused for each in results] == [None, OUTPUT, None]


@pytest.mark.slow
async def test_a_part_that_sleeps_is_ended_by_the_clock(tmp_path: Path, folder: Path) -> None:
    # A part has five seconds of the clock besides three for each second of the processor.
    budget = Budget(processor_seconds=0.2, memory_bytes=128 * MIB, output_bytes=MIB)
    confined = ConfinedProcess(tmp_path / "machine", budget, tasks=TASKS)
    [part] = await confined.run("parts", folder, ["sleep 600"])
    await confined.close()
    assert part.refused == "it takes too long"


@pytest.mark.parametrize(
    ("act", "reason"),
    [("memory", MEMORY), ("backtrack", PROCESSOR), ("abort", CRASHED), ("panic", CRASHED)],
)
async def test_what_exceeds_a_limit_outside_of_a_part_refuses_the_job(
    confined: ConfinedProcess, folder: Path, act: str, reason: str
) -> None:
    assert await confined.run("outside", folder, act) == [PartResult("", reason, None)]


async def test_the_process_has_no_environment(
    confined: ConfinedProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLROOM_COSMOS_KEY", "secret")
    [part] = await confined.run("parts", folder, ["environment"])
    assert part.result == {"os": {}, "raw": "MALLOC_ARENA_MAX=1\0"}


async def test_the_process_lets_the_registry_go_first(
    confined: ConfinedProcess, folder: Path
) -> None:
    pid = await pid_of(confined, folder)
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)


async def test_the_process_inherits_no_descriptor(
    confined: ConfinedProcess, folder: Path, tmp_path: Path
) -> None:
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        [part] = await confined.run("parts", folder, ["descriptors"])
    assert isinstance(part.result, dict)
    own = {"/dev/null"}
    opened = {str(each) for each in part.result.values()}
    assert {each for each in opened if not each.startswith("pipe:")} == own
    assert len(part.result) == 4  # Three streams, and the lines.


async def test_a_process_that_holds_memory_after_a_job_is_replaced(
    confined: ConfinedProcess, folder: Path
) -> None:
    first = await pid_of(confined, folder)
    await confined.run("parts", folder, ["hold 32"])
    assert await pid_of(confined, folder) == first
    await confined.run("parts", folder, ["hold 40"])
    assert await pid_of(confined, folder) != first


@pytest.mark.slow
async def test_processor_time_is_counted_anew_for_each_job(
    confined: ConfinedProcess, folder: Path
) -> None:
    for _ in range(5):  # Together they take more than the budget of a job.
        [part] = await confined.run("parts", folder, ["busy 0.3"])
        assert part.refused is None


async def test_a_process_that_is_idle_for_long_is_stopped(tmp_path: Path, folder: Path) -> None:
    delays = Delays(look=0.01, idle=0)
    confined = ConfinedProcess(tmp_path / "machine", SMALL, tasks=TASKS, delays=delays)
    pid = await pid_of(confined, folder)
    await asyncio.to_thread(eventually, lambda: not is_running(pid))
    assert await pid_of(confined, folder) != pid
    await confined.close()


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "cancelled"])
async def test_the_child_of_a_job_that_is_not_wanted_any_more_ends(
    confined: ConfinedProcess, folder: Path, *, is_closed: bool
) -> None:
    pid = await pid_of(confined, folder)
    job = asyncio.create_task(confined.run("parts", folder, ["mark", "sleep 60"]))
    await asyncio.to_thread(eventually, (folder / "mark").exists)
    if is_closed:
        await confined.close()
        with pytest.raises(ConfinedUnavailable):
            await job
    else:
        job.cancel()
        await asyncio.wait({job})
        assert await pid_of(confined, folder) != pid
    assert not is_running(pid)


@pytest.mark.parametrize("act", ["exit 0", "exit 3", "kill SIGTERM", "kill SIGKILL", "disk-full"])
async def test_an_end_that_says_nothing_about_the_input_is_no_refusal(
    confined: ConfinedProcess, folder: Path, act: str
) -> None:
    with pytest.raises(ConfinedUnavailable):
        await confined.run("parts", folder, ["say before", act])
    assert await pid_of(confined, folder)


PARENT = """
import sys, uvloop
from pathlib import Path
from shared.confined.process import Budget, ConfinedProcess

machine, folder, *acts = sys.argv[1:]
budget = Budget(processor_seconds=20, memory_bytes=1 << 27, output_bytes=1 << 22)
confined = ConfinedProcess(Path(machine), budget, tasks="tests.support.confined_tasks")
uvloop.run(confined.run("parts", Path(folder), acts))
"""


@pytest.mark.parametrize("act", ["backtrack", "sleep 600"])
def test_a_child_ends_with_its_parent_in_the_middle_of_a_job(
    tmp_path: Path, folder: Path, act: str
) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "machine"), str(folder)]
    started = subprocess.Popen([*command, "note-pid", act], cwd=ROOT)
    try:
        eventually((folder / "pid").exists)
        pid = int((folder / "pid").read_text())
        assert is_running(pid)
    finally:
        started.kill()
        started.wait()
    eventually(lambda: not is_running(pid))


async def test_processes_of_a_machine_never_run_two_jobs_at_a_time(
    tmp_path: Path, folder: Path
) -> None:
    serving = [
        ConfinedProcess(tmp_path / "machine", SMALL, tasks=TASKS, delays=Delays(look=0.01))
        for _ in range(3)
    ]
    # A part that sees the file of another child is refused.
    jobs = [each.run("parts", folder, ["alone", "busy 0.01", "alone"]) for each in serving * 4]
    for results in await asyncio.gather(*jobs):
        assert [each.refused for each in results] == [None] * 3
    for each in serving:
        await each.close()


def needs(restriction: Restriction) -> None:
    if restriction not in set(restrictions_here()):
        pytest.skip(f"the kernel of this machine cannot do it: {restriction.name}")


@pytest.mark.parametrize(
    "what",
    [
        "socket=AF_INET",
        "socket=AF_INET6",
        "socket=AF_UNIX",
        "pair",
        "fork",
        "spawn",
        "exec",
        "thread",
        "kill",
        "notify",
        "notify-more",
        "queue",
        "limit",
        "ptrace",
        "priority",
        "processors",
        "segment",
    ],
)
async def test_a_job_reaches_no_network_and_no_other_process(
    confined: ConfinedProcess, folder: Path, what: str
) -> None:
    needs(Restriction.CALLS)
    [part, alive] = await confined.run("parts", folder, [f"reach {what}", "say it goes on"])
    assert part.result in {"PermissionError", "RuntimeError"}
    assert alive.result == "it goes on"


async def test_a_job_changes_no_file_by_its_name(
    confined: ConfinedProcess, folder: Path, tmp_path: Path
) -> None:
    needs(Restriction.CALLS)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    acts = [f"reach {each}={secret}" for each in ("mode", "owner", "time", "attribute", "cut")]
    results = await confined.run("parts", folder, acts)
    assert results_of(results) == ["PermissionError"] * len(acts)
    assert (secret.read_text(), stat.S_IMODE(secret.stat().st_mode)) == ("secret", 0o600)


async def test_a_job_reaches_no_files_but_those_of_jobs_and_of_the_program(
    confined: ConfinedProcess, tmp_path: Path
) -> None:
    needs(Restriction.FILES)
    folder = tmp_path / "jobs" / "job"
    secret = tmp_path / "secret"
    folder.mkdir(parents=True)
    secret.write_text("secret")
    (folder / "link").symlink_to(secret)
    acts = [
        f"reach {each}"
        for each in (
            f"read={secret}",
            f"read={folder}/link",
            f"read={folder}/../../secret",
            f"list={tmp_path}",
            f"write={tmp_path}/new",
            f"write={secret}",
            "read=/etc/passwd",
            f"read=/proc/{os.getpid()}/environ",
            f"read={ROOT}/pyproject.toml",
            "list=/",
            f"write={ROOT}/shared/new.py",
            f"list={ROOT}",
        )
    ]
    results = await confined.run("parts", folder, [*acts, f"reach write={folder}/own"])
    assert results_of(results) == ["PermissionError"] * len(acts) + [None]
    assert secret.read_text() == "secret"
