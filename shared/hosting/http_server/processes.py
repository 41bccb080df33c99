"""Starting a server: checks before the first request, and worker processes that share a socket."""

import asyncio
import errno
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from msgspec import Struct, field

from shared.hosting.http_server.connection import ConnectionTimeouts
from shared.hosting.http_server.server import (
    SHUTDOWN_SECONDS,
    Certificate,
    ConnectionLimits,
    Server,
    bind,
    create_server,
    listen,
    tls_context,
)
from shared.hosting.requests import ASGIApp
from shared.hosting.triggers import StartRefused
from shared.runtime.private_files import make_private_folder
from shared.telemetry.log import log

INTERRUPTED = 130  # The exit code of a program that Ctrl-C ended.

WorkerCommand = Callable[[int], Sequence[str]]  # Given the descriptor that the worker inherits.


class ServerOptions(Struct, frozen=True):
    """The application, address and workers of a server."""

    host: str
    port: int
    data: Path
    build: Callable[[], ASGIApp]
    worker_command: WorkerCommand
    workers: int = 1
    certificate: Certificate | None = None
    timeouts: ConnectionTimeouts = field(default_factory=ConnectionTimeouts)
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)


def serve(
    options: ServerOptions, prepare: Callable[[], None], announce: Callable[[], None]
) -> None:
    """Serve until SIGINT or SIGTERM.

    The address is bound first, so that nothing is prepared for a server that cannot run, and no
    data folder is created; clients can connect only after `prepare` has returned. Raise
    `StartRefused` if the server cannot start.
    """
    if options.certificate is not None:
        require_usable(options.certificate)
    with bind(options.host, options.port) as bound:
        require_writable(options.data)
        try:
            prepare()
        except KeyboardInterrupt:
            # Nothing runs yet that has to be stopped.
            raise SystemExit(INTERRUPTED) from None
        listen(bound)
        announce()
        _run(options, bound)


def require_writable(folder: Path) -> None:
    """Create the folder if it is missing; raise `StartRefused` if it cannot be written."""
    try:
        # For its owner only: it will contain private packages and hashes of tokens.
        make_private_folder(folder)
        with TemporaryFile(dir=folder):
            pass
    except OSError as refused:
        if refused.errno in (errno.ENOSPC, errno.EDQUOT) and folder.is_dir():
            return  # What is there can be read.
        message = (
            f"The data folder {folder} cannot be written ({refused.strerror or refused}). "
            "Give this user the right to write there, or set BALLROOM_DATA to another folder."
        )
        raise StartRefused(message) from None


def require_usable(certificate: Certificate) -> None:
    """Raise `StartRefused` if HTTPS cannot be served with the certificate."""
    try:
        tls_context(certificate)
    except OSError as refused:
        message = (
            f"The certificate {certificate.chain} cannot be used ({refused.strerror or refused}). "
            "Set BALLROOM_TLS_CERT and BALLROOM_TLS_KEY to a PEM chain and its key."
        )
        raise StartRefused(message) from None


def _run(options: ServerOptions, listening: socket.socket) -> None:
    if options.workers == 1:
        _server(options).serve_until_stopped(listening)
    else:
        asyncio.run(WorkerProcesses(options.worker_command, options.workers).run(listening))


def serve_as_worker(options: ServerOptions, descriptor: int) -> None:
    """Serve as one of several workers, on the socket of the parent."""
    server = _server(options)
    server.stop_at_end_of(sys.stdin.fileno())
    server.serve_until_stopped(socket.socket(fileno=descriptor))


def _server(options: ServerOptions) -> Server:
    return create_server(
        options.build(),
        certificate=options.certificate,
        timeouts=options.timeouts,
        limits=options.limits,
    )


class RestartDelays(Struct, frozen=True):
    """How long the parent waits before it starts a worker again, or kills it.

    Only the pause after a failed start doubles. A worker that served and then crashed or was
    killed is started again after the first pause, however often that happens.
    """

    first_pause_seconds: float = 0.1  # Before a worker that ended is started again.
    longest_pause_seconds: float = 30.0  # The pause doubles up to this.
    starting_seconds: float = 10.0  # A worker that exits within this time failed to start.
    grace_seconds: float = SHUTDOWN_SECONDS + 5.0  # Then a worker that does not stop is killed.


_DEFAULT_DELAYS = RestartDelays()


class WorkerProcesses:
    """Keeps a number of worker processes running behind one socket.

    A worker lives as long as its standard input is open. The parent closes it to stop the worker;
    when the parent is killed the system closes it, so no worker outlives its parent.
    """

    def __init__(
        self, command: WorkerCommand, count: int, delays: RestartDelays = _DEFAULT_DELAYS
    ) -> None:
        self._command = command
        self._count = count
        self._delays = delays

    async def run(self, listening: socket.socket) -> None:
        """Run the workers until SIGINT or SIGTERM."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await self.keep(listening, stop)

    async def keep(self, listening: socket.socket, stop: asyncio.Event) -> None:
        """Run the workers until the event is set, and return when the last of them has ended."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._count):
                group.create_task(self._keep_one(listening, stop))

    async def _keep_one(self, listening: socket.socket, stop: asyncio.Event) -> None:
        pause = self._delays.first_pause_seconds
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            began = loop.time()
            try:
                worker = await self._start(listening)
            except OSError as refused:  # Such as too many processes, or no memory for another.
                log.error("worker.not_started", reason=refused.strerror or str(refused))
            else:
                if not await _ends_before(worker, stop):
                    await self._end(worker)
                    return
                log.error("worker.ended", pid=worker.pid, code=worker.returncode)
                if not self._failed_to_start(worker, loop.time() - began):
                    pause = self._delays.first_pause_seconds
            await _wait(stop, pause)
            pause = min(2 * pause, self._delays.longest_pause_seconds)

    def _failed_to_start(self, worker: Process, seconds: float) -> bool:
        """Check whether a worker ended by itself soon after its start; a signal may kill it at any
        time."""
        is_killed = worker.returncode is not None and worker.returncode < 0
        return not is_killed and seconds < self._delays.starting_seconds

    async def _start(self, listening: socket.socket) -> Process:
        descriptor = listening.fileno()
        return await asyncio.create_subprocess_exec(
            *self._command(descriptor),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=[descriptor],
            # A separate group, so that Ctrl-C reaches only the parent.
            process_group=0,
        )

    async def _end(self, worker: Process) -> None:
        assert worker.stdin is not None  # noqa: S101 - it was asked for.
        worker.stdin.close()
        try:
            await asyncio.wait_for(worker.wait(), self._delays.grace_seconds)
        except TimeoutError:
            log.warning("worker.killed", pid=worker.pid)
            worker.kill()
            await worker.wait()


async def _ends_before(worker: Process, stop: asyncio.Event) -> bool:
    """Wait for either, and say whether the worker ended first."""
    ended = asyncio.ensure_future(worker.wait())
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for each in (ended, stopped):
        each.cancel()
    return not stop.is_set()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
