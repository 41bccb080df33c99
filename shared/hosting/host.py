"""An ASGI application that serves a `FunctionApp` by the rules of the Functions host."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import azure.functions as func
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.domain.errors import NoRoomForUpload
from shared.hosting.admin import Admin
from shared.hosting.bodies import (
    Disconnected,
    Identify,
    Intake,
    Limits,
    TooLarge,
    body_length,
    discard_body,
    unidentified,
)
from shared.hosting.cross_origin import crossing
from shared.hosting.deadlines import Deadlines
from shared.hosting.feeding import Feeds
from shared.hosting.files import Files, Resolver
from shared.hosting.following import Following, Shortcut
from shared.hosting.heading import headed
from shared.hosting.loading import Functions as ReadFunctions
from shared.hosting.loading import HttpFunction, functions_of
from shared.hosting.paths import UnusablePath, decoded
from shared.hosting.repeating import Edition, Repeating
from shared.hosting.requests import LazyRequest
from shared.hosting.responses import (
    Answer,
    RawHeaders,
    Ready,
    answer,
    bare,
    failed,
    send_answer,
)
from shared.hosting.routing import Router
from shared.hosting.timing import Timers
from shared.log import log
from shared.ports import ChangeSource, Clock

Hook = Callable[[], Awaitable[object]]

OWNER_BYTES = 8

ARCHIVES = "/archives/"  # {scope}/{digest}/{version}/{file}
ARCHIVE_SEGMENTS = 4

_NOT_FOUND = bare(404)
# What is left of the home page of the real host where that is turned off.
_NO_HOME_PAGE: Answer = (
    {"type": "http.response.start", "status": 204, "headers": []},
    {"type": "http.response.body", "body": b""},
)
_UNUSABLE_PATH = bare(400)
_TOO_SLOW = bare(504)
_UNREAD = "unread"  # Marks the start of an answer to a body that may still be on its way.

_DEFAULT_LIMITS = Limits()
_NO_HEADERS: RawHeaders = []


@dataclass(frozen=True, slots=True)
class Timekeeping:
    """What timers need: a folder that all processes share, and a clock."""

    folder: Path
    clock: Clock


@dataclass(frozen=True, slots=True)
class Feeding:
    """What change feeds need: where they are read, and a clock."""

    source: ChangeSource
    clock: Clock


class Host:
    """Serves an app, or Functions that were read before, with `headers` on every answer.

    Without timekeeping its timers rest, without feeding its feeds; without editions nothing is
    kept.
    """

    def __init__(
        self,
        app: func.FunctionApp | ReadFunctions,
        *,
        headers: RawHeaders = _NO_HEADERS,
        archives: Resolver | None = None,
        shortcut: Shortcut | None = None,
        timekeeping: Timekeeping | None = None,
        feeding: Feeding | None = None,
        edition: Edition | None = None,
        limits: Limits = _DEFAULT_LIMITS,
        identify: Identify = unidentified,
        on_start: Sequence[Hook] = (),
        on_stop: Sequence[Hook] = (),
    ) -> None:
        functions = app if isinstance(app, ReadFunctions) else functions_of(app)
        self._feeds = feeding and Feeds(
            functions.feeds, feeding.source, feeding.clock, secrets.token_hex(OWNER_BYTES)
        )
        self._on_start = on_start
        self._on_stop = on_stop
        self._deadlines = Deadlines(limits.answer_seconds, time.monotonic)
        self._intake = Intake(limits, identify)
        self._timers = timekeeping and Timers(
            functions.timers, timekeeping.folder, timekeeping.clock
        )
        served: ASGIApp = Functions(functions.http, self._intake, self._deadlines)
        if archives is not None:
            served = Files(served, ARCHIVES, ARCHIVE_SEGMENTS, archives)
        if shortcut is not None:
            served = Following(served, shortcut)
        if self._timers is not None:
            served = Admin(served, self._timers)
        served = headed(crossing(served), headers)
        self._repeating = edition and Repeating(served, edition)
        self._serve_http = self._repeating or served

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request, or follow the server's start and stop."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        return self._serve_http(scope, receive, send)

    def at_once(self, scope: Scope) -> Ready | None:
        """Return the answer to a request if it was given before and stands."""
        return self._repeating.at_once(scope) if self._repeating else None

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        phase = "startup"
        try:
            async with self.running():
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except Exception as failure:
            log.exception("host.failed", phase=phase)
            await send({"type": f"lifespan.{phase}.failed", "message": str(failure)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Start what the app needs around its requests, and stop it at the end."""
        for hook in self._on_start:
            await hook()
        kept = (self._sweep(), self._keep_time(), self._feed())
        chores = [asyncio.create_task(each) for each in kept]
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            for hook in self._on_stop:
                await hook()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._deadlines.sweep()
            self._intake.sweep(asyncio.get_running_loop().time())

    async def _keep_time(self) -> None:
        try:
            if self._timers is not None:
                await self._timers.run()
        except Exception:
            log.exception("timers.failed")

    async def _feed(self) -> None:
        try:
            if self._feeds is not None:
                await self._feeds.run()
        except Exception:
            log.exception("feeds.failed")


class Functions:
    """Answers HTTP requests with the Functions of an app."""

    def __init__(
        self, functions: Sequence[HttpFunction], intake: Intake, deadlines: Deadlines
    ) -> None:
        self._router = Router([(each.route, each) for each in functions])
        self._intake = intake
        self._deadlines = deadlines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            start, body = await self._answer(scope, receive)
            await send_answer((start, body), send)
            if _UNREAD in start:
                # Closed at once, a connection loses its answer where the client still sends.
                await discard_body(body_length(scope["headers"]), receive, self._intake.limits)
                await send({**body, "body": b"", "more_body": False})
        except Disconnected:
            return

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            path = decoded(scope["raw_path"])
        except UnusablePath:
            return _UNUSABLE_PATH
        found = self._router.match(scope["method"], path)
        if found is None:
            return _NO_HOME_PAGE if path == "/" else _NOT_FOUND
        function, params = found
        if not body_length(scope["headers"]):
            return await self._invoke(function, LazyRequest(scope, params, b""))
        try:
            async with self._intake.body(scope, receive) as body:
                return await self._invoke(function, LazyRequest(scope, params, body))
        except TooLarge:
            return await self._without_body(function, LazyRequest(scope, params, b""), receive)
        except NoRoomForUpload as refusal:
            return await self._without_room(function, LazyRequest(scope, params, refusal))

    async def _without_room(self, function: HttpFunction, request: LazyRequest) -> Answer:
        """Answer a body that is not read, or not to its end: the Function gets the refusal."""
        start, body = await self._invoke(function, request)
        headers = [*start["headers"], (b"connection", b"close")]
        return {**start, "headers": headers, _UNREAD: True}, {**body, "more_body": True}

    async def _without_body(
        self, function: HttpFunction, request: LazyRequest, receive: Receive
    ) -> Answer:
        """Answer a body over the limit: the Function is told its length, and says what is wrong."""
        waits = "100-continue" in request.headers.get("expect", "").lower()
        length = int(request.headers["content-length"])
        is_read = not waits and await discard_body(length, receive, self._intake.limits)
        start, body = await self._invoke(function, request)
        if not is_read:
            start["headers"].append((b"connection", b"close"))
        return start, body

    async def _invoke(self, function: HttpFunction, request: LazyRequest) -> Answer:
        task = self._deadlines.enter()
        try:
            return answer(await function.call(request), request.method)
        except asyncio.CancelledError:
            if self._deadlines.excuse(task):
                return _TOO_SLOW
            raise
        except Exception as failure:
            log.exception("function.failed", function=function.name)
            return failed(request.method, failure)
        finally:
            self._deadlines.leave(task)
