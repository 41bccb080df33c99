"""Starting a server: the checks before the first request, and worker processes behind one
socket.
"""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.hosting.asgi import ASGIApp
from shared.hosting.connection import ConnectionTimeouts
from shared.hosting.server import (
    SHUTDOWN_SECONDS,
    Certificate,
    ConnectionLimits,
    Server,
    bind,
    create_server,
    listen,
    require_usable,
    require_writable,
)
from shared.log import log

INTERRUPTED = 130  # What a shell expects of a program that Ctrl-C has ended.


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What is served where, and how one worker is started that shares the socket."""

    host: str
    port: int
    data: Path
    build: Callable[[], ASGIApp]
    worker_command: Callable[[int], Sequence[str]]
    workers: int = 1
    certificate: Certificate | None = None
    patience: ConnectionTimeouts = field(default_factory=ConnectionTimeouts)
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)


def serve(plan: ServerOptions, prepare: Callable[[], None], announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    The address is taken first, so that nothing is prepared for a server that cannot run; clients
    can connect only after `prepare` has returned. Raise `StartRefused` for what stands in the way.
    """
    if plan.certificate is not None:
        require_usable(plan.certificate)
    require_writable(plan.data)
    with bind(plan.host, plan.port) as bound:
        try:
            prepare()
        except KeyboardInterrupt:
            # Nothing runs yet that would have to be stopped; the caller is told and nobody else.
            raise SystemExit(INTERRUPTED) from None
        listen(bound)
        announce()
        _run(plan, bound)


def _run(plan: ServerOptions, listening: socket.socket) -> None:
    if plan.workers == 1:
        _server(plan).serve_until_stopped(listening)
    else:
        asyncio.run(WorkerProcesses(plan.worker_command, plan.workers).run(listening))


def serve_as_worker(plan: ServerOptions, descriptor: int) -> None:
    """Serve as one of several workers, on the socket that the parent listens on."""
    run_worker(_server(plan), descriptor)


def _server(plan: ServerOptions) -> Server:
    return create_server(
        plan.build(), certificate=plan.certificate, patience=plan.patience, limits=plan.limits
    )


# Several worker processes behind one socket, watched by the process that started them.
#
# A worker lives as long as its standard input is open. The parent closes it to stop the worker;
# when the parent is killed the system closes it, so no worker outlives its parent.

WorkerCommand = Callable[[int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class RestartDelays:
    """How the parent waits."""

    first_pause_seconds: float = 0.5  # Before a worker that ended is started again.
    longest_pause_seconds: float = 30.0  # The pause doubles up to this.
    steady_seconds: float = 60.0  # A worker that lived this long starts over with the first pause.
    grace_seconds: float = SHUTDOWN_SECONDS + 5.0  # Then a worker that was told to stop is killed.


_DEFAULT_PACE = RestartDelays()


class WorkerProcesses:
    """Keeps a number of workers running; `command` says how to start one with a descriptor."""

    def __init__(
        self, command: WorkerCommand, count: int, pace: RestartDelays = _DEFAULT_PACE
    ) -> None:
        self._command = command
        self._count = count
        self._pace = pace

    async def run(self, listening: socket.socket) -> None:
        """Run the workers until SIGINT or SIGTERM."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await self.keep(listening, stop)

    async def keep(self, listening: socket.socket, stop: asyncio.Event) -> None:
        """Run the workers until the event, and return when the last of them has ended."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._count):
                group.create_task(self._keep_one(listening, stop))

    async def _keep_one(self, listening: socket.socket, stop: asyncio.Event) -> None:
        pause = self._pace.first_pause_seconds
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            began = loop.time()
            worker = await self._start(listening)
            if await _ends_before(worker, stop):
                log.error("worker.ended", pid=worker.pid, code=worker.returncode)
            else:
                await self._end(worker)
                return
            if loop.time() - began > self._pace.steady_seconds:
                pause = self._pace.first_pause_seconds
            await _wait(stop, pause)
            pause = min(2 * pause, self._pace.longest_pause_seconds)

    async def _start(self, listening: socket.socket) -> Process:
        descriptor = listening.fileno()
        return await asyncio.create_subprocess_exec(
            *self._command(descriptor),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=[descriptor],
            # A group of its own, so that Ctrl-C reaches the parent alone.
            process_group=0,
        )

    async def _end(self, worker: Process) -> None:
        assert worker.stdin is not None  # noqa: S101 - it was asked for.
        worker.stdin.close()
        try:
            await asyncio.wait_for(worker.wait(), self._pace.grace_seconds)
        except TimeoutError:
            log.warning("worker.killed", pid=worker.pid)
            worker.kill()
            await worker.wait()


async def _ends_before(worker: Process, stop: asyncio.Event) -> bool:
    """Wait for either, and tell whether the worker came first."""
    ended, stopped = asyncio.ensure_future(worker.wait()), asyncio.ensure_future(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for each in (ended, stopped):
        each.cancel()
    return not stop.is_set()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def run_worker(serving: Server, descriptor: int) -> None:
    """Be a worker: serve the inherited socket until standard input is closed."""
    serving.stop_at_end_of(sys.stdin.fileno())
    serving.serve_until_stopped(socket.socket(fileno=descriptor))
