"""An ASGI application that serves a `FunctionApp` by the rules of the Functions host."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import azure.functions as func
from azure.functions.timer import TimerRequest
from msgspec import Struct

from shared.domain.errors.requests import NoRoomForUpload
from shared.hosting.answer_cache import AnswerCache
from shared.hosting.cross_origin import allowing_every_origin, is_one_of, is_preflight, preflight
from shared.hosting.file_responses import (
    FileMiddleware,
    FileResolver,
    FollowedRedirects,
    RedirectFollower,
    ResponseSender,
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
    LazyRequest,
    MalformedPath,
    Receive,
    Scope,
    Send,
    decode_path,
)
from shared.hosting.responses import (
    CachedAnswer,
    ContinueGate,
    HostResponse,
    RawHeaders,
    Respond,
    bare_response,
    may_expect_continue,
    response_of,
    with_configured,
)
from shared.hosting.triggers import (
    AppFunctions,
    HttpFunction,
    TimerFunction,
    functions_of,
    unsupported,
)
from shared.ports.system import Clock
from shared.runtime.answers import RecognizeCaller
from shared.runtime.background_tasks import BackgroundTasks
from shared.runtime.editions import Edition
from shared.runtime.private_files import make_private_folder, try_file_lock
from shared.runtime.routing import Router
from shared.runtime.schedules import is_schedule, next_run
from shared.telemetry.log import log

LifespanHook = Callable[[], Awaitable[object]]

ARCHIVES = "/archives/"  # {scope}/{digest}/{version}/{file}
ARCHIVE_SEGMENTS = 4

# Paths below these are answered by the real host itself.
_OF_HOST = re.compile("/(?:admin|runtime)/", re.I).match
_NOT_FOUND = bare_response(404)
# The answer of the real host to `/` if its home page is disabled.
_NO_HOME_PAGE = HostResponse(204, [])
_UNUSABLE_PATH = bare_response(400)
_TOO_SLOW = bare_response(504)
_FAILED = bare_response(500)

_DEFAULT_LIMITS = HostLimits()
_NO_HEADERS: RawHeaders = []


class TimerOptions(Struct, frozen=True):
    """A folder that all processes share, and a clock."""

    folder: Path
    clock: Clock


class AnswerCacheOptions(Struct, frozen=True):
    """The edition of the stores, and what recognizes the caller of a request."""

    edition: Edition
    recognize: RecognizeCaller


class Host:
    """Serves an app, or Functions that were read before, with `headers` on every answer.

    Timers run only with `timers`, and answers are cached only with `answer_cache`. Pages of other
    sites read no answer of the paths that are `closed_to_pages`. What no route matches gets a bare
    404, as from the real host.
    """

    def __init__(
        self,
        app: func.FunctionApp | AppFunctions,
        *,
        headers: RawHeaders = _NO_HEADERS,
        archives: FileResolver | None = None,
        redirects: FollowedRedirects | None = None,
        timers: TimerOptions | None = None,
        answer_cache: AnswerCacheOptions | None = None,
        limits: HostLimits = _DEFAULT_LIMITS,
        identify: IdentifySender = trust_every_sender,
        on_start: Sequence[LifespanHook] = (),
        on_stop: Sequence[LifespanHook] = (),
        closed_to_pages: Collection[str] = (),
    ) -> None:
        functions = app if isinstance(app, AppFunctions) else functions_of(app)
        self._on_start = on_start
        self._on_stop = on_stop
        self._bodies = BodyReader(limits, identify)
        self._timers = timers and Timers(functions.timers, timers.folder, timers.clock)
        self._dispatcher = FunctionDispatcher(functions.http, self._bodies)
        respond: Respond = self._dispatcher
        if archives is not None:
            respond = FileMiddleware(respond, ARCHIVES, ARCHIVE_SEGMENTS, archives)
        if redirects is not None:
            respond = RedirectFollower(respond, redirects)
        self._respond = respond
        self._headers = headers
        self._closed_to_pages = closed_to_pages
        self._sender = ResponseSender()
        self._answer_cache = answer_cache and AnswerCache(
            self._serve, answer_cache.edition, answer_cache.recognize
        )
        self._serve_http = self._answer_cache or self._serve

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request, or handle the server's start and stop."""
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        if not scope["method"].isupper():  # The real host compares methods without case.
            scope = {**scope, "method": scope["method"].upper()}
        return self._serve_http(scope, receive, send)

    def cached_answer(self, scope: Scope) -> CachedAnswer | None:
        """Return the answer to a request if the answer cache has it."""
        if self._answer_cache is None:
            return None
        return self._answer_cache.cached_answer(scope)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by the app, with the headers of every response."""
        asked = dict(scope["headers"])
        gate = None
        if b"expect" in asked and may_expect_continue(scope["headers"]):
            gate = ContinueGate(receive)
            receive = gate.receive
        is_of_page = b"origin" in asked and not is_one_of(self._closed_to_pages, scope)
        if is_of_page and is_preflight(scope["method"], asked):
            response = preflight(asked)
        else:
            try:
                response = await self._respond(scope, receive)
            except ClientDisconnected:
                return
        headers = response.headers
        if is_of_page:
            headers = allowing_every_origin(headers)
        headers = with_configured(headers, self._headers)
        if gate is not None:
            headers = gate.close_unless_open(headers)
        await self._sender.send(response, headers, receive, send)

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
        """Run the hooks and the background loops of the app while the block lasts.

        Every hook of `on_stop` runs, in order, also if the start or another one fails.
        """
        async with AsyncExitStack() as stack:
            for hook in reversed(self._on_stop):
                stack.push_async_callback(hook)
            for hook in self._on_start:
                await hook()
            tasks = BackgroundTasks()
            stack.push_async_callback(tasks.cancel)
            tasks.start(self._sweep())
            if self._timers is not None:
                tasks.start(self._timers.run())
            yield

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                self.sweep(asyncio.get_running_loop().time())
            except Exception:
                log.exception("sweep.failed")  # The next sweep tries it again.

    def sweep(self, now: float) -> None:
        """End uploads that keep others waiting, and answers that take too long; called once a
        second."""
        self._bodies.sweep(now)
        self._dispatcher.sweep(now)


class FunctionDispatcher:
    """Answers HTTP requests with the Functions of an app."""

    def __init__(self, functions: Sequence[HttpFunction], bodies: BodyReader) -> None:
        self._router = Router([(each.route, each) for each in functions])
        self._bodies = bodies
        # When each call of a Function began. A timer of the loop for each would take as long as
        # finding the Function and reading the headers of its request.
        self._began: dict[asyncio.Timeout, float] = {}

    def sweep(self, now: float) -> None:
        """End the calls that take too long."""
        latest = now - self._bodies.limits.answer_seconds
        for timeout in [each for each, began in self._began.items() if began < latest]:
            del self._began[timeout]  # If the call has to clean up, this takes a while.
            timeout.reschedule(0.0)  # Now.

    async def __call__(self, scope: Scope, receive: Receive) -> HostResponse:
        """Respond to a request; raise `ClientDisconnected`."""
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

    async def _invoke(self, function: HttpFunction, request: LazyRequest) -> HostResponse:
        timeout = asyncio.timeout(None)
        self._began[timeout] = asyncio.get_running_loop().time()
        try:
            async with timeout:
                return response_of(await function.call(request), request.method)
        except TimeoutError:
            return _TOO_SLOW
        except Exception:
            log.exception("function.failed", function=function.name)
            return _FAILED
        finally:
            self._began.pop(timeout, None)


Sleep = Callable[[float], Awaitable[object]]

SWEEP_SECONDS = 1.0
OWNER_CHECK_SECONDS = 5.0  # A process that died is replaced by another one within this time.
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
        """Run each timer on its schedule until cancelled, once this process owns them all.

        After an unexpected exception, such as of a disk that is full, it begins anew.
        """
        while True:
            try:
                await self._run_as_owner()
            except Exception:
                log.exception("timers.failed")
                await self._sleep(OWNER_CHECK_SECONDS)

    async def _run_as_owner(self) -> None:
        make_private_folder(self._folder)
        while (lock := try_file_lock(self._folder / "owner.lock")) is None:
            await self._sleep(OWNER_CHECK_SECONDS)
        with lock:
            async with asyncio.TaskGroup() as group:
                for each in self._functions:
                    group.create_task(self._follow(each))

    async def _follow(self, timer: TimerFunction) -> None:
        while True:
            await self._sleep_until_due(timer.schedule)
            try:
                await timer.call(TimerRequest(past_due=False))
            except Exception:
                log.exception("function.failed", function=timer.name)

    async def _sleep_until_due(self, schedule: str) -> None:
        began_ms = self._clock.now_ms()
        due_ms = next_run(schedule, began_ms)
        while (now_ms := self._clock.now_ms()) < due_ms:
            if now_ms < began_ms:  # The clock was set back, and may need hours to get there again.
                began_ms = now_ms
                due_ms = next_run(schedule, now_ms)
            await self._sleep(min((due_ms - now_ms) / 1000, LONGEST_SLEEP_SECONDS))
