"""A process that has imported everything, and forks children that run one scenario each."""

import asyncio
import gc
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

from msgspec.structs import replace

from shared.services.adapters import Adapters
from tests.crash.injection import CallLog, Strike, count_small_steps, intercepting
from tests.crash.scenarios import SCENARIOS
from tests.fakes.system import FakeRandomness
from tests.paths import ROOT
from tests.support.port_doubles import Moment
from tests.support.world import People, opened, settled

LONGEST_LIFE = 60  # Seconds, after which a child ends itself.


@dataclass(frozen=True)
class Never:
    """Lives on: what is written down is what happens undisturbed."""


@dataclass(frozen=True)
class AtCall:
    """Dies before or after the n-th call of a port."""

    number: int
    moment: Moment


@dataclass(frozen=True)
class AtSmallStep:
    """Dies before the n-th statement to a database or change of a file."""

    number: int


@dataclass(frozen=True)
class AfterAnswer:
    """Dies when the client has its answer, before anything is closed."""


@dataclass(frozen=True)
class AfterSeconds:
    """Is killed from outside, wherever it is."""

    seconds: float


Death = Never | AtCall | AtSmallStep | AfterAnswer | AfterSeconds


@dataclass(frozen=True)
class Job:
    """One scenario over one folder, and how the process dies of it."""

    folder: Path
    people: People
    scenario: str
    death: Death


@dataclass(frozen=True)
class Life:
    """What a child tells of itself; one that was killed tells nothing."""

    status: int = 0
    calls: tuple[str, ...] = ()
    small_steps: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Ended:
    """How a child ended, and what it told before."""

    code: int
    life: Life = field(default_factory=Life)

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


class ForkServer:
    """The process, as a test sees it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def run(self, job: Job) -> Ended:
        jobs = cast("IO[bytes]", self._process.stdin)
        endings = self._process.stdout
        pickle.dump(job, jobs)
        jobs.flush()
        return pickle.load(cast("IO[bytes]", endings))  # noqa: S301 - we wrote it.


@contextmanager
def running_fork_server() -> Generator[ForkServer]:
    """Start the process; it is gone at the end, with its child if there is one."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from tests.crash import fork_server; fork_server.serve()"],
        cwd=ROOT,
        # Who is killed cannot tell what was reached, so it is not slowed down by measuring.
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield ForkServer(process)
        process.communicate(timeout=LONGEST_LIFE)  # It ends when there are no more jobs.
    finally:
        process.kill()
        process.wait()


# --- In the process ----------------------------------------------------------------------------


def serve() -> None:
    """Do one job after the other until there are no more."""
    jobs = sys.stdin.buffer
    endings = sys.stdout.buffer
    asyncio.run(_warm_up())
    assert threading.active_count() == 1, "a fork copies one thread and the locks of all"
    gc.freeze()  # A child that collects what it inherited would copy all of it first.
    while True:
        try:
            job: Job = pickle.load(jobs)  # noqa: S301 - the test wrote it.
        except EOFError:
            return
        pickle.dump(_fork(job), endings)
        endings.flush()


async def _warm_up() -> None:
    """Push once, so that no child imports the faces and reads their routes again: that takes ten
    times as long as what it does then."""
    with TemporaryDirectory() as root:
        folder = Path(root) / "data"
        async with opened(folder, await settled(folder)) as world:
            assert (await SCENARIOS["first push of a package"].act(world)).is_success


def _fork(job: Job) -> Ended:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _run_child(job, writer)
    os.close(writer)
    with open(reader, "rb", buffering=0) as shown:  # noqa: PTH123 - a pipe has no path.
        begun = shown.read(1)
        if isinstance(job.death, AfterSeconds) and begun:
            select.select([shown], [], [], job.death.seconds)
            os.kill(child, signal.SIGKILL)
        life = shown.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Ended(code, pickle.loads(life) if life and code == 0 else Life())  # noqa: S301


def _run_child(job: Job, writer: int) -> None:
    signal.alarm(LONGEST_LIFE)
    try:
        life = asyncio.run(_live(job, lambda: os.write(writer, b"!")))
        os.write(writer, pickle.dumps(life))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


async def _live(job: Job, begin: Callable[[], object]) -> Life:
    log = CallLog()
    death = job.death
    strike = Strike(death.number, death.moment, die) if isinstance(death, AtCall) else None
    scenario = SCENARIOS[job.scenario]

    def wrap(stores: Adapters) -> Adapters:
        # Two processes that draw the same ids would be one process that draws them twice.
        stores = replace(stores, randomness=FakeRandomness(f"{job.folder} {os.getpid()}"))
        return intercepting(log)(intercepting(strike)(stores) if strike else stores)

    async with opened(job.folder, job.people, wrap) as world:
        small_steps = count_small_steps(
            job.folder, death.number if isinstance(death, AtSmallStep) else 0
        )
        begin()
        began = time.perf_counter()
        answer = await scenario.act(world)
        if isinstance(death, AfterAnswer):
            die()
        return Life(
            answer.status_code, tuple(log.calls), tuple(small_steps), time.perf_counter() - began
        )


def die() -> None:
    """End this process as the system does when memory runs out: at once, and nothing is closed."""
    os.kill(os.getpid(), signal.SIGKILL)
