"""The host answers with the Functions of an app, and starts and stops what they need."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import azure.functions as func
import pytest

from shared.domain.errors.base import TooLarge
from shared.domain.errors.requests import NoRoomForUpload
from shared.hosting.file_responses import FileRefusal, FileResponse
from shared.hosting.host import Deadlines, FunctionDispatcher, Host, TimerOptions
from shared.hosting.request_bodies import BodyReader, BodySender, HostLimits
from shared.hosting.requests import Message
from shared.hosting.triggers import functions_of
from tests.fakes.system import FakeClock
from tests.support.logs import capture_logs
from tests.support.sample_app import build_app
from tests.unit.shared.hosting.asgi import Exchange, ask, scope


async def test_a_function_answers() -> None:
    answer = await ask(Host(build_app()), scope("GET", "/answer/text"))
    assert (answer.status, answer.body) == (200, "grüezi".encode())


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/nowhere"), ("POST", "/answer/text"), ("GET", "/admin/functions/x")],
)
async def test_a_path_without_a_function_is_a_bare_404(method: str, target: str) -> None:
    answer = await ask(Host(build_app()), scope(method, target))
    assert (answer.status, answer.headers, answer.body) == (404, {"content-length": "0"}, b"")


async def test_a_path_with_an_escaped_nul_is_a_400() -> None:
    assert (await ask(Host(build_app()), scope("GET", "/rest/%00"))).status == 400


@pytest.mark.parametrize("failure", ["raise", "dict", "none"])
async def test_a_failure_is_an_empty_500_and_one_event(failure: str) -> None:
    with capture_logs() as events:
        answer = await ask(Host(build_app()), scope("GET", f"/fail/{failure}"))
    assert (answer.status, answer.headers, answer.body) == (500, {"content-length": "0"}, b"")
    assert [event["event"] for event in events] == ["function.failed"]


async def test_a_body_over_the_limit_reaches_no_function_but_its_length_does() -> None:
    host = Host(build_app(), limits=HostLimits(body_bytes=4))
    request = scope("PUT", "/rest", {"Content-Length": "5"})
    answer = await ask(host, request, b"12345")
    assert (answer.status, answer.headers.get("connection")) == (200, None)
    assert json.loads(answer.body)["body"] == ""


@pytest.mark.parametrize(
    ("limits", "headers"),
    [
        (HostLimits(body_bytes=4, discarded_bytes=4), {}),
        (HostLimits(body_bytes=4), {"Expect": "100-continue"}),
    ],
)
async def test_the_connection_of_a_body_that_is_not_read_ends(
    limits: HostLimits, headers: dict[str, str]
) -> None:
    request = scope("PUT", "/rest", {"Content-Length": "5", **headers})
    answer = await ask(Host(build_app(), limits=limits), request, b"12345")
    assert (answer.status, answer.headers["connection"]) == (200, "close")


async def test_a_large_body_without_room_is_refused_by_its_function_and_still_read() -> None:
    limits = HostLimits(small_body_bytes=4, large_bodies=0, room_seconds=0.01)
    request = scope("PUT", "/read", {"Content-Length": "5"})
    answer = await ask(Host(reading_app(), limits=limits), request, b"123", b"45")
    assert answer.body.startswith(b"Nothing was changed: the registry has room for a few large ")
    assert answer.headers["connection"] == "close"
    assert [message.get("more_body") for message in answer.sent[1:]] == [True, False]


async def test_a_large_body_of_nobody_is_not_read_and_its_function_answers() -> None:
    async def nobody(_headers: Mapping[str, str]) -> BodySender:
        return BodySender()

    limits = HostLimits(small_body_bytes=1, anonymous_body_bytes=4)
    host = Host(reading_app(), limits=limits, identify=nobody)
    exchange = Exchange([], [])  # Whoever reads the body finds that its client is gone.
    await host(scope("PUT", "/read", {"Content-Length": "5"}), exchange.receive, exchange.send)
    assert exchange.status == 200
    assert exchange.body.startswith(b"The body of the request has 5 bytes, and more than 4 are ")
    assert "connection" not in exchange.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/read"), ("PUT", "/nowhere"), ("PUT", "/"), ("PUT", "/%00"), ("OPTIONS", "/read")],
)
async def test_the_connection_ends_where_a_client_got_no_leave_to_send_its_body(
    method: str, path: str
) -> None:
    async def nobody(_headers: Mapping[str, str]) -> BodySender:
        return BodySender()

    limits = HostLimits(small_body_bytes=1, anonymous_body_bytes=4)
    host = Host(reading_app(), limits=limits, identify=nobody)
    waiting = {"Content-Length": "5", "Expect": "100-Continue"}
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    request = scope(method, path, {**waiting, **preflight})
    exchange = Exchange([], [])  # Whoever reads the body finds that its client is gone.
    await host(request, exchange.receive, exchange.send)
    assert exchange.headers["connection"] == "close"


async def test_the_connection_stays_where_a_client_sent_its_body_or_has_none() -> None:
    for length, *body in (("5", b"12345"), ("0",)):
        request = scope("PUT", "/read", {"Content-Length": length, "Expect": "100-continue"})
        answer = await ask(Host(reading_app()), request, *body)
        assert (answer.status, "connection" in answer.headers) == (200, False)


def reading_app() -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("read", methods=["PUT"])
    async def read(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return func.HttpResponse(req.get_body())
        except (TooLarge, NoRoomForUpload) as refusal:
            return func.HttpResponse(str(refusal))

    return app


async def test_a_client_that_left_before_its_body_is_not_answered() -> None:
    exchange = Exchange([], [])
    request = scope("PUT", "/rest", {"Content-Length": "5"})
    await Host(build_app())(request, exchange.receive, exchange.send)
    assert not exchange.sent


def hanging_app() -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("hang")
    async def hang(req: func.HttpRequest) -> func.HttpResponse:
        await asyncio.Event().wait()
        return func.HttpResponse(req.method)

    return app


async def test_a_function_that_takes_too_long_is_a_504() -> None:
    seconds = iter([0.0, 231.0])
    deadlines = Deadlines(230, lambda: next(seconds))
    functions = FunctionDispatcher(
        functions_of(hanging_app()).http, BodyReader(HostLimits()), deadlines
    )
    asking = asyncio.create_task(ask(functions, scope("GET", "/hang")))
    await asyncio.sleep(0)
    deadlines.sweep()
    assert (await asking).status == 504


async def test_the_end_of_the_process_is_no_504() -> None:
    asking = asyncio.create_task(ask(Host(hanging_app()), scope("GET", "/hang")))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_archives_come_from_the_disk(tmp_path: Path) -> None:
    (tmp_path / "bala").write_bytes(b"PK")

    async def resolve(*_asked: object) -> FileResponse | FileRefusal:
        return FileResponse(tmp_path / "bala", 2, '"x"')

    answer = await ask(Host(build_app(), archives=resolve), scope("GET", "/archives/s/d/v/f"))
    assert answer.body == b"PK"


@dataclass
class Life:
    """The server's side of a lifespan."""

    orders: list[str] = field(default_factory=lambda: ["lifespan.startup", "lifespan.shutdown"])
    heard: list[str] = field(default_factory=list[str])

    async def receive(self) -> Message:
        self.heard.append(f"> {self.orders[0]}")
        return {"type": self.orders.pop(0)}

    async def send(self, message: Message) -> None:
        self.heard.append(message["type"])

    async def hook(self) -> None:
        self.heard.append("hook")

    async def broken(self) -> None:
        raise OSError


async def test_hooks_run_around_everything(tmp_path: Path) -> None:
    life = Life()
    timers = TimerOptions(tmp_path, FakeClock())
    hooks = [life.hook]
    host = Host(build_app(), timers=timers, on_start=hooks, on_stop=hooks)
    await host({"type": "lifespan"}, life.receive, life.send)
    assert life.heard == [
        "> lifespan.startup",
        "hook",
        "lifespan.startup.complete",
        "> lifespan.shutdown",
        "hook",
        "lifespan.shutdown.complete",
    ]


@pytest.mark.parametrize("phase", ["startup", "shutdown"])
async def test_a_failing_hook_is_logged_once_and_the_server_is_informed(phase: str) -> None:
    life = Life()
    on_start, on_stop = ([life.broken], []) if phase == "startup" else ([], [life.broken])
    host = Host(build_app(), on_start=on_start, on_stop=on_stop)
    with capture_logs() as events:
        await host({"type": "lifespan"}, life.receive, life.send)
    assert life.heard[-1] == f"lifespan.{phase}.failed"
    assert [(event["event"], event["phase"]) for event in events] == [("host.failed", phase)]


async def test_invalid_timers_are_logged_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    life = Life()
    host = Host(build_app(), timers=TimerOptions(tmp_path / "file" / "below", FakeClock()))
    with capture_logs() as events:
        async with host.running():
            await asyncio.sleep(0)
            await life.hook()
    assert [event["event"] for event in events] == ["timers.failed"]


@dataclass
class Stopwatch:
    """Seconds that a test sets."""

    seconds: float = 0.0

    def read(self) -> float:
        return self.seconds


async def handle(deadlines: Deadlines) -> str:
    task = deadlines.enter()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if deadlines.excuse(task):
            await asyncio.sleep(0)  # It may go on and answer.
            return "too slow"
        raise
    finally:
        deadlines.leave(task)
    return "answered"


async def test_a_task_that_takes_too_long_is_cancelled_and_may_still_answer() -> None:
    watch = Stopwatch()
    deadlines = Deadlines(230, watch.read)
    early = asyncio.create_task(handle(deadlines))
    await asyncio.sleep(0)
    watch.seconds = 100
    late = asyncio.create_task(handle(deadlines))
    await asyncio.sleep(0)
    watch.seconds = 231
    deadlines.sweep()
    assert await early == "too slow"
    assert not late.done()
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late


async def test_nothing_is_left_of_a_task_that_has_ended() -> None:
    watch = Stopwatch()
    deadlines = Deadlines(230, watch.read)
    deadlines.leave(deadlines.enter())
    watch.seconds = 1000
    deadlines.sweep()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
