"""The host answers with the Functions of an app, and starts and stops what they need."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import azure.functions as func
import pytest

from shared.hosting.host import Host, TimerOptions
from shared.hosting.request_bodies import HostLimits
from shared.hosting.requests import Message
from shared.runtime.answers import Answer, FunctionResponse
from tests.fakes.system import FakeClock
from tests.support.logs import capture_logs
from tests.support.sample_app import build_app
from tests.support.waiting import let_tasks_run
from tests.unit.shared.hosting.asgi import ask, scope


def hanging_app() -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("hang")
    async def hang(req: func.HttpRequest) -> func.HttpResponse:
        await asyncio.Event().wait()
        raise AssertionError(req.method)

    return app


async def test_a_function_that_takes_too_long_is_a_504() -> None:
    host = Host(hanging_app(), limits=HostLimits(answer_seconds=230))
    asking = asyncio.create_task(ask(host, scope("GET", "/hang")))
    await asyncio.sleep(0)
    now = asyncio.get_running_loop().time()
    host.sweep(now + 229)
    await let_tasks_run()
    assert not asking.done()
    host.sweep(now + 231)
    assert (await asking).status == 504


async def test_sweeps_go_on_after_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.hosting.host.SWEEP_SECONDS", 0.001)
    host = Host(hanging_app())
    swept = asyncio.Event()
    sweeps = list[float]()

    def sweep(now: float) -> None:
        sweeps.append(now)
        if len(sweeps) == 1:
            raise LookupError
        swept.set()

    monkeypatch.setattr(host, "sweep", sweep)
    with capture_logs() as events:
        async with host.running(), asyncio.timeout(30):
            await swept.wait()
    assert [each["event"] for each in events] == ["sweep.failed"]


async def test_a_function_that_puts_things_away_for_seconds_ends_once() -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    is_away = asyncio.Event()

    @app.route("hang")
    async def hang(req: func.HttpRequest) -> func.HttpResponse:
        try:
            await asyncio.Event().wait()
        finally:
            await is_away.wait()
        raise AssertionError(req.method)

    host = Host(app, limits=HostLimits(answer_seconds=230))
    asking = asyncio.create_task(ask(host, scope("GET", "/hang")))
    await asyncio.sleep(0)
    now = asyncio.get_running_loop().time()
    for second in range(3):
        host.sweep(now + 231 + second)
        await let_tasks_run()
    assert not asking.done()
    is_away.set()
    assert (await asking).status == 504


async def test_a_header_of_two_lines_is_never_sent() -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("split")
    async def split(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - as above.
        return FunctionResponse(Answer(headers={"Location": "/a\r\nSet-Cookie: a=b"}))

    with capture_logs() as events:
        answer = await ask(Host(app), scope("GET", "/split"))
    assert (answer.status, [event["event"] for event in events]) == (500, ["function.failed"])


async def test_a_head_decompresses_nothing() -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("packed")
    async def packed(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - as above.
        headers = {"Content-Length": "7"}
        return FunctionResponse(Answer(headers=headers, gzipped_body=b"This is not gzip."))

    answer = await ask(Host(app), scope("HEAD", "/packed"))
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "7", b"")


@pytest.mark.parametrize("method", ["get", "Head", "options", "post"])
async def test_a_method_is_compared_without_case(method: str) -> None:
    # Other servers of ASGI applications may pass it on as it was sent.
    host = Host(build_app())
    for path, headers in (
        ("/echo/acme/greet", {}),
        ("/any", {}),
        ("/any", {"origin": "https://a.test", "access-control-request-method": "PUT"}),
        ("/nothing", {}),
    ):
        asked = await ask(host, scope(method, path, headers))
        capital = await ask(host, scope(method.upper(), path, headers))
        assert (asked.status, asked.headers, asked.body) == (
            capital.status,
            capital.headers,
            capital.body,
        )


async def test_the_end_of_the_process_is_no_504() -> None:
    asking = asyncio.create_task(ask(Host(hanging_app()), scope("GET", "/hang")))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


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


@pytest.mark.parametrize("phase", ["startup", "shutdown"])
async def test_every_hook_of_the_stop_runs_though_an_earlier_hook_failed(phase: str) -> None:
    life = Life()
    failing = [life.broken]
    healthy = [life.hook]
    on_start = failing if phase == "startup" else []
    on_stop = healthy if phase == "startup" else [*failing, *healthy, *failing, *healthy]
    await Host(build_app(), on_start=on_start, on_stop=on_stop)(
        {"type": "lifespan"}, life.receive, life.send
    )
    assert life.heard.count("hook") == len(on_stop) - on_stop.count(life.broken)
    assert life.heard[-1] == f"lifespan.{phase}.failed"


async def test_hooks_of_the_stop_run_in_their_order() -> None:
    ran = list[int]()

    async def hook(number: int) -> None:
        ran.append(number)

    host = Host(build_app(), on_stop=[partial(hook, 1), partial(hook, 2)])
    async with host.running():
        pass
    assert ran == [1, 2]


async def test_invalid_timers_are_logged_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    host = Host(build_app(), timers=TimerOptions(tmp_path / "file" / "below", FakeClock()))
    with capture_logs() as events:
        async with host.running():
            await let_tasks_run()
    assert [event["event"] for event in events] == ["timers.failed"]
