"""One child: its start by exec, the lines that it sends, and how it ended."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from shared.confined.access import Restriction
from shared.confined.jobs import Exceeded, Order

LINE_BYTES = 64 * 1024  # The longest line that the child may send.
START_SECONDS = 30  # A start takes half a second on an idle machine, and longer on a busy one.
GRACE_SECONDS = 2  # Between the end of its standard input and SIGKILL.
END_SECONDS = 20  # Between the end of its lines and its own end.
_LEAST_WAITED_SECONDS = 0.1
_ERROR_BYTES = 4096

# Signals that a process causes by what it does; the others come from outside.
_REASONS = {
    getattr(signal, name): reason
    for name, reason in {
        "SIGPROF": Exceeded.PROCESSOR,
        "SIGXFSZ": Exceeded.OUTPUT,
        "SIGABRT": Exceeded.CRASHED,
        "SIGSEGV": Exceeded.CRASHED,
        "SIGBUS": Exceeded.CRASHED,
        "SIGILL": Exceeded.CRASHED,
        "SIGFPE": Exceeded.CRASHED,
        "SIGTRAP": Exceeded.CRASHED,
    }.items()
    if hasattr(signal, name)  # Windows has some of them.
}

_BOOT = (
    "import sys, json; path, *handed = json.loads(sys.argv[1]); sys.path[:] = path; "
    "from shared.confined.worker import main; main(*handed)"
)


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Ready(_Line):
    """The child can take a job."""

    ready: Literal[True]


class Begun(_Line):
    """A part began, with this allowance of the seconds that are left."""

    begin: str
    left: float
    allowance: float


class Finished(_Line):
    """A part finished."""

    end: str
    result: JsonValue
    processor_seconds: float


class Refused(_Line):
    """A part was refused, and the child goes on."""

    refused: str
    reason: Exceeded
    processor_seconds: float
    error: str


class Done(_Line):
    """The job is done; `idle_bytes` is what the child still holds, where the system says it."""

    done: Literal[True]
    idle_bytes: int | None


class Failed(_Line):
    """The child ends because of an error that the input did not cause."""

    failed: str


Line: TypeAlias = Ready | Begun | Finished | Refused | Done | Failed
_LINE: TypeAdapter[Line] = TypeAdapter(Line, config=ConfigDict(defer_build=True))


class ChildEnded(Exception):
    """The child ended: because of its input, for a reason, or else from outside."""

    def __init__(self, reason: Exceeded | None, details: str = "") -> None:
        super().__init__(details)
        self.reason = reason
        self.details = details


class Child:
    """A running child."""

    def __init__(self, process: Process, jobs: Path) -> None:
        self._process = process
        self.jobs = jobs
        self._at_work = False
        self._is_killed = False
        self._killed_for: Exceeded | None = None

    @classmethod
    async def start(cls, tasks: str, jobs: Path) -> "Child":
        """Start a child for jobs whose folders are in `jobs`, and wait until it is ready; raises
        `OSError` or `ChildEnded`."""
        path = [str(Path(each).absolute()) for each in sys.path]
        handed = json.dumps([path, tasks, str(jobs)])
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            "-X",
            "utf8",
            "-c",
            _BOOT,
            handed,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LINE_BYTES,
            cwd=tempfile.gettempdir(),
            env=_environment(),
            start_new_session=True,
        )
        child = cls(process, jobs)
        try:
            await child._expect_ready()
        except BaseException:
            child.kill()
            await asyncio.shield(child.stop())
            raise
        return child

    async def _expect_ready(self) -> None:
        try:
            line = await self.receive(START_SECONDS)
        except ChildEnded as ended:
            assert self._process.stderr is not None  # noqa: S101 - it was asked for.
            error = await self._process.stderr.read(_ERROR_BYTES)
            details = f"{ended.details} {error.decode(errors='replace')}".strip()
            raise ChildEnded(None, details) from None
        if not isinstance(line, Ready):
            raise ChildEnded(None, str(line))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is known to have ended, or was killed."""
        return self._is_killed or self._process.returncode is not None

    async def send(self, order: Order) -> None:
        """Send a job; raises `ChildEnded`."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for.
        self._at_work = True
        try:
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            raise await self._ended() from None

    async def receive(self, seconds: float) -> Line:
        """Return the next line, which must come within this time; raises `ChildEnded`.

        Time in which the child waited for a processor does not count: a load of the machine says
        nothing about the input.
        """
        try:
            line = _LINE.validate_json(await self._read_within(seconds))
        except ValidationError:
            raise ChildEnded(Exceeded.CRASHED, "A line was invalid.") from None
        self._at_work = self._at_work and not isinstance(line, Done)
        return line

    async def _read_within(self, seconds: float) -> bytes:
        waited = _waited_seconds(self.pid)
        while True:
            try:
                async with asyncio.timeout(seconds):
                    return await self._read_line()
            except TimeoutError:
                seconds = _waited_seconds(self.pid) - waited
                waited = _waited_seconds(self.pid)
                if seconds < _LEAST_WAITED_SECONDS:
                    raise ChildEnded(Exceeded.TIME, "No line came in time.") from None

    async def _read_line(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for.
        try:
            text = await self._process.stdout.readline()
        except ValueError:
            raise ChildEnded(Exceeded.OUTPUT, "A line was too long.") from None
        if not text.endswith(b"\n"):
            raise await self._ended()
        return text

    async def stop(self) -> None:
        """End it: an idle child by the end of its standard input, one at work by SIGKILL."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for.
        self._process.stdin.close()
        try:
            async with asyncio.timeout(0 if self._at_work else GRACE_SECONDS):
                await self._wait()
        except TimeoutError:
            self.kill()
            await self._wait()

    async def _wait(self) -> int:
        """Wait for its end, which asyncio notices once it has read all pipes to their ends."""
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None  # noqa: S101 - it was asked for.
            while await stream.read(LINE_BYTES):
                pass
        return await self._process.wait()

    def kill(self, reason: Exceeded | None = None) -> None:
        """Kill it, without waiting for its end; a reason refuses the part that it does."""
        if not self.has_ended:
            self._is_killed = True
            self._killed_for = reason
            _kill_group(self._process)

    async def _ended(self) -> ChildEnded:
        """Return how the child ended, which closed its streams."""
        try:
            async with asyncio.timeout(END_SECONDS):
                code = await self._process.wait()
        except TimeoutError:
            return ChildEnded(Exceeded.CRASHED, "It closed its streams and went on.")
        return ChildEnded(self._killed_for or _REASONS.get(-code), f"It ended with {code}.")


def _kill_group(process: Process) -> None:
    """Kill a child with all that it started, as those would keep its pipes open."""
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _waited_seconds(pid: int) -> float:
    """Return how long a process was ready and had no processor; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9
    except OSError:
        return 0


def _environment() -> dict[str, str]:
    """Return the variables that the C library and Windows need, and none of this process."""
    if sys.platform == "win32":
        return {"SYSTEMROOT": os.environ["SYSTEMROOT"]}
    return {"MALLOC_ARENA_MAX": "1"}


def restrictions_here() -> list[Restriction]:
    """Restrict a process that does nothing else; return the restrictions that hold there."""
    done = subprocess.run(  # noqa: S603 - our own program.
        (sys.executable, "-I", "-S", "-c", _TRY, json.dumps(sys.path)),
        capture_output=True,
        check=False,
    )
    return [each for each in Restriction if each.name in done.stdout.decode().split()]


_TRY = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from pathlib import Path; "
    "from shared.confined.access import restrict_access as restrict; "
    "print(*(each.name for each in restrict(Path(sys.prefix), 'shared')))"
)
