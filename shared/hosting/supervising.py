"""From a plan to a running server: what comes before the first request, and in which order."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import ASGIApp

from shared.hosting.connection import Patience
from shared.hosting.connection_limits import ConnectionLimits
from shared.hosting.serving import (
    Certificate,
    Server,
    bind,
    listen,
    require_usable,
    require_writable,
    server,
)
from shared.hosting.workers import Crew, work

INTERRUPTED = 130  # What a shell expects of a program that Ctrl-C has ended.


@dataclass(frozen=True, slots=True)
class Plan:
    """What is served where, and how one worker is started that shares the socket."""

    host: str
    port: int
    data: Path
    build: Callable[[], ASGIApp]
    worker_command: Callable[[int], Sequence[str]]
    workers: int = 1
    certificate: Certificate | None = None
    patience: Patience = field(default_factory=Patience)
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)


def serve(plan: Plan, prepare: Callable[[], None], announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    The address is taken first, so that nothing is prepared for a server that cannot run; clients
    can connect only after `prepare` has returned. Raise `Unservable` for what stands in the way.
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


def _run(plan: Plan, listening: socket.socket) -> None:
    if plan.workers == 1:
        _server(plan).serve_until_stopped(listening)
    else:
        asyncio.run(Crew(plan.worker_command, plan.workers).run(listening))


def serve_as_worker(plan: Plan, descriptor: int) -> None:
    """Serve as one of several workers, on the socket that the parent listens on."""
    work(_server(plan), descriptor)


def _server(plan: Plan) -> Server:
    return server(
        plan.build(), certificate=plan.certificate, patience=plan.patience, limits=plan.limits
    )
