"""An ASGI application that serves a `FunctionApp` by the rules of the Functions host."""

import asyncio
import gzip
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import azure.functions as func
from azure.functions.timer import TimerRequest
from msgspec import Struct

from shared.domain.errors.requests import NoRoomForUpload
from shared.hosting.answer_cache import AnswerCache
from shared.hosting.file_responses import (
    ChunkSender,
    FileMiddleware,
    FileResolver,
    FollowedRedirects,
    RedirectFollower,
)
from shared.hosting.request_bodies import (
    BodyReader,
    ClientDisconnected,
    HostLimits,
    IdentifySender,
    body_length,
    trust_every_sender,
)
from shared.hosting.requests import (
    KNOWN_CALLER,
    ASGIApp,
    LazyRequest,
    MalformedPath,
    Receive,
    Scope,
    Send,
    decode_path,
)
from shared.hosting.responses import (
    PACKED,
    AnswerMessages,
    PreparedAnswer,
    RawHeaders,
    answer_messages,
    closing_without_leave,
    send_answer,
    status_answer,
    with_cors,
    with_headers,
)
from shared.hosting.triggers import AppFunctions as ReadFunctions
from shared.hosting.triggers import HttpFunction, TimerFunction, functions_of, unsupported
from shared.ports.system import Clock
from shared.runtime.answers import RecognizeCaller
from shared.runtime.background_tasks import is_schedule, next_run
from shared.runtime.editions import Edition
from shared.runtime.private_files import make_private_folder, try_file_lock
from shared.runtime.routing import Router
from shared.telemetry.log import log

LifespanHook = Callable[[], Awaitable[object]]

ARCHIVES = "/archives/"  # {scope}/{digest}/{version}/{file}
ARCHIVE_SEGMENTS = 4

_OF_HOST = re.compile("/(?:admin|runtime)/", re.I).match  # Below them the real host answers itself.
_NOT_FOUND = status_answer(404)
# The answer of the real host to `/` where its home page is turned off.
_NO_HOME_PAGE: AnswerMessages = (
    {"type": "http.response.start", "status": 204, "headers": []},
    {"type": "http.response.body", "body": b""},
)
_UNUSABLE_PATH = status_answer(400)
_TOO_SLOW = status_answer(504)
_FAILED = status_answer(500)

_DEFAULT_LIMITS = HostLimits()
_NO_HEADERS: RawHeaders = []


class TimerOptions(Struct, frozen=True):
    """A folder that all processes share, and a clock."""

    folder: Path
    clock: Clock


class RepeatOptions(Struct, frozen=True):
    """The edition of the stores, and what recognizes the caller of a request."""

    edition: Edition
    recognize: RecognizeCaller


class Host:
    """Serves an app, or Functions that were read before, with `headers` on every answer.

    Timers run only with `timers`, and answers are repeated only with `repeats`. Pages of other
    sites read no answer of the paths that are `closed_to_pages`. What no route matches gets a bare
    404, as from the real host.
    """

    def __init__(
        self,
        app: func.FunctionApp | ReadFunctions,
        *,
        headers: RawHeaders = _NO_HEADERS,
        archives: FileResolver | None = None,
        redirects: FollowedRedirects | None = None,
        timers: TimerOptions | None = None,
        repeats: RepeatOptions | None = None,
        limits: HostLimits = _DEFAULT_LIMITS,
        identify: IdentifySender = trust_every_sender,
        on_start: Sequence[LifespanHook] = (),
        on_stop: Sequence[LifespanHook] = (),
        closed_to_pages: Collection[str] = (),
    ) -> None:
        functions = app if isinstance(app, ReadFunctions) else functions_of(app)
        self._on_start = on_start
        self._on_stop = on_stop
        self._bodies = BodyReader(limits, identify)
        self._timers = timers and Timers(functions.timers, timers.folder, timers.clock)
        served: ASGIApp = FunctionDispatcher(functions.http, self._bodies)
        if archives is not None:
            served = FileMiddleware(served, ARCHIVES, ARCHIVE_SEGMENTS, archives)
        if redirects is not None:
            served = RedirectFollower(served, redirects)
        served = closing_without_leave(with_headers(with_cors(served, closed_to_pages), headers))
        self._answer_cache = repeats and AnswerCache(served, repeats.edition, repeats.recognize)
        self._serve_http = self._answer_cache or served

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request, or handle the server's start and stop."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        if not scope["method"].isupper():  # The real host compares methods without case.
            scope = {**scope, "method": scope["method"].upper()}
        return self._serve_http(scope, receive, send)

    def at_once(self, scope: Scope) -> PreparedAnswer | None:
        """Return the answer to a request if the answer cache has it."""
        if self._answer_cache is None:
            return None
        return self._answer_cache.at_once(scope)

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
        """Run the hooks and the background loops of the app while the block lasts."""
        for hook in self._on_start:
            await hook()
        loops = (self._sweep(), self._run_timers())
        tasks = [asyncio.create_task(each) for each in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for hook in self._on_stop:
                await hook()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._bodies.sweep(asyncio.get_running_loop().time())

    async def _run_timers(self) -> None:
        try:
            if self._timers is not None:
                await self._timers.run()
        except Exception:
            log.exception("timers.failed")


class FunctionDispatcher:
    """Answers HTTP requests with the Functions of an app."""

    def __init__(self, functions: Sequence[HttpFunction], bodies: BodyReader) -> None:
        self._router = Router([(each.route, each) for each in functions])
        self._bodies = bodies
        self._chunks = ChunkSender()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            start, body = await self._answer(scope, receive)
            await send_answer((start, body), send)
            if packed := body.get(PACKED):
                length = int(dict(start["headers"])[b"content-length"])
                with gzip.open(BytesIO(packed)) as content:
                    await self._chunks.send(content, length, receive, send)
        except ClientDisconnected:
            return

    async def _answer(self, scope: Scope, receive: Receive) -> AnswerMessages:
        try:
            path = decode_path(scope["raw_path"])
        except MalformedPath:
            return _UNUSABLE_PATH
        found = None if _OF_HOST(path) else self._router.match(scope["method"], path)
        if found is None:
            return _NO_HOME_PAGE if path == "/" else _NOT_FOUND
        function, params = found
        if not body_length(scope["headers"]):
            return await self._invoke(function, LazyRequest(scope, params, b""))
        scope.pop(KNOWN_CALLER, None)  # Their token may be revoked while the body arrives.
        try:
            async with self._bodies.body(scope, receive) as body:
                return await self._invoke(function, LazyRequest(scope, params, body))
        except NoRoomForUpload as refusal:
            return await self._invoke(function, LazyRequest(scope, params, refusal))

    async def _invoke(self, function: HttpFunction, request: LazyRequest) -> AnswerMessages:
        try:
            async with asyncio.timeout(self._bodies.limits.answer_seconds):
                return answer_messages(await function.call(request), request.method)
        except TimeoutError:
            return _TOO_SLOW
        except Exception:
            log.exception("function.failed", function=function.name)
            return _FAILED


Sleep = Callable[[float], Awaitable[object]]

OWNER_CHECK_SECONDS = 5.0  # How soon another process takes over from one that died.
LONGEST_SLEEP_SECONDS = 30.0  # A sleep does not count the time that a laptop was suspended.


class Timers:
    """Runs the timers of an app; the folder is shared by all processes that serve it.

    A run that was missed while no process ran is not made up for here: the maintenance tasks know
    when each of them ran last.
    """

    def __init__(
        self,
        functions: Sequence[TimerFunction],
        folder: Path,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        for each in functions:
            if not is_schedule(each.schedule):
                reason = f"its schedule '{each.schedule}' is not six fields, seconds first"
                raise unsupported(each.name, reason)
        self._functions = tuple(functions)
        self._folder = folder
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> None:
        """Run each timer on its schedule until cancelled, once this process owns them all."""
        make_private_folder(self._folder)
        while (lock := try_file_lock(self._folder / "owner.lock")) is None:
            await self._sleep(OWNER_CHECK_SECONDS)
        with lock:
            async with asyncio.TaskGroup() as group:
                for each in self._functions:
                    group.create_task(self._follow(each))

    async def _follow(self, timer: TimerFunction) -> None:
        while True:
            due_ms = next_run(timer.schedule, self._clock.now_ms())
            while (left_ms := due_ms - self._clock.now_ms()) > 0:
                await self._sleep(min(left_ms / 1000, LONGEST_SLEEP_SECONDS))
            try:
                await timer.call(TimerRequest(past_due=False))
            except Exception:
                log.exception("function.failed", function=timer.name)
