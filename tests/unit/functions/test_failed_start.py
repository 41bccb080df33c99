"""An app that cannot be started answers 503, starts again, and serves once that works."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from functions.faces import build_app
from functions.failed_start import SECONDS_BETWEEN_STARTS, SettingRefused, started_app
from functions.host_functions import CATCH_ALL, TIMER
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.logs import capture_logs
from tests.support.world import OpenWorld

A_DAY_MS = 24 * 60 * 60 * 1_000
SECRET = "password=of-the-store"


@dataclass
class Starts:
    """A start that fails as often as there are failures, and then returns an app."""

    app: Callable[[], func.FunctionApp]
    failures: list[Exception]
    now: float = 0.0
    count: int = 0

    def __call__(self) -> func.FunctionApp:
        self.count += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.app()

    def clock(self) -> float:
        return self.now


@dataclass
class Served:
    """An app as the host calls it: every request goes to the catch-all."""

    starts: Starts
    functions: dict[str, Callable[..., Any]] = field(init=False)

    def __post_init__(self) -> None:
        app = started_app(self.starts, self.starts.clock)
        self.functions = {
            str(each.get_function_name()): each.get_user_function() for each in app.get_functions()
        }

    async def ask(self, method: str, path: str, **headers: str) -> func.HttpResponse:
        """Ask the catch-all."""
        rest = path.partition("?")[0].removeprefix("/")
        request = func.HttpRequest(
            method,
            f"http://registry.test{path}",
            headers=headers,
            route_params={"path": rest} if rest else {},
            body=b"",
        )
        return await self.functions[CATCH_ALL](request)

    def wait(self) -> None:
        """Let the time pass until the next start."""
        self.starts.now += SECONDS_BETWEEN_STARTS


@dataclass
class SampleApp:
    """An app with a catch-all and a timer that notes its calls."""

    ran: list[str] = field(default_factory=list[str])
    has_timer: bool = True

    def __call__(self) -> func.FunctionApp:
        app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

        async def missing(req: func.HttpRequest, _context: object) -> func.HttpResponse:
            self.ran.append(req.url)
            return func.HttpResponse(status_code=204)

        async def upkeep(timer: func.TimerRequest, _context: object) -> None:  # noqa: ARG001
            self.ran.append("upkeep")

        app.function_name(CATCH_ALL)(app.route("{*path}")(missing))
        if self.has_timer:
            scheduled = app.timer_trigger(arg_name="timer", schedule="0 0 0 * * *")(upkeep)
            app.function_name(TIMER)(scheduled)
        return app


@pytest.fixture(autouse=True)
def events() -> Iterator[list[dict[str, Any]]]:
    with capture_logs() as captured:
        yield captured


async def test_every_path_and_method_is_a_503_that_names_no_value(
    events: list[dict[str, Any]],
) -> None:
    served = Served(Starts(SampleApp(), [ValueError(SECRET)]))
    for method, path in (("GET", "/health/live"), ("POST", "/2.0/registry/packages"), ("PUT", "/")):
        answer = await served.ask(method, path)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "10"
        assert answer.headers["Content-Length"] == str(len(answer.get_body()))
        message = json.loads(answer.get_body())["message"]
        assert message.startswith("The registry does not run: it could not be started, ")
        assert SECRET not in message
    assert [(each["event"], str(each["exc_info"])) for each in events] == [("start.failed", SECRET)]


async def test_a_setting_that_cannot_be_used_is_named_without_its_value(
    events: list[dict[str, Any]],
) -> None:
    refused = SettingRefused("BALLROOM_LINK_KEY", "BALLROOM_LINK_KEY cannot be used: it is short.")
    answer = await Served(Starts(SampleApp(), [refused])).ask("GET", "/")
    assert "its setting BALLROOM_LINK_KEY cannot be used" in answer.get_body().decode()
    assert events[0]["event"] == "settings.refused"
    assert events[0]["reason"] == "BALLROOM_LINK_KEY cannot be used: it is short."


async def test_the_start_is_repeated_at_most_each_ten_seconds() -> None:
    starts = Starts(SampleApp(), [OSError("first"), OSError("second")])
    served = Served(starts)
    assert (await served.ask("GET", "/")).status_code == 503
    assert starts.count == 1
    served.wait()
    assert (await served.ask("GET", "/")).status_code == 503
    assert (await served.ask("GET", "/")).status_code == 503
    assert starts.count == 2


async def test_the_registry_answers_once_it_starts_and_is_not_started_again(
    events: list[dict[str, Any]],
) -> None:
    app = SampleApp()
    starts = Starts(app, [OSError()])
    served = Served(starts)
    served.wait()
    assert (await served.ask("GET", "/a")).status_code == 204
    served.wait()
    assert (await served.ask("GET", "/b")).status_code == 204
    await served.functions[TIMER](None)
    assert app.ran == ["http://registry.test/a", "http://registry.test/b", "upkeep"]
    assert starts.count == 2
    assert [each["event"] for each in events] == ["start.failed", "start.recovered"]


async def test_the_timer_starts_a_registry_that_nobody_asks() -> None:
    app = SampleApp()
    served = Served(Starts(app, [OSError()]))
    await served.functions[TIMER](None)
    assert app.ran == []
    served.wait()
    await served.functions[TIMER](None)
    assert app.ran == ["upkeep"]


async def test_an_app_that_has_no_timer_runs_no_upkeep() -> None:
    app = SampleApp(has_timer=False)
    served = Served(Starts(app, [OSError()]))
    served.wait()
    await served.functions[TIMER](None)
    assert app.ran == []
    assert (await served.ask("GET", "/")).status_code == 204


async def test_requests_are_refused_while_another_one_starts_the_registry() -> None:
    begun = threading.Event()
    ended = threading.Event()
    sample = SampleApp()

    def slow() -> func.FunctionApp:
        begun.set()
        ended.wait()
        return sample()

    served = Served(Starts(slow, [OSError()]))
    served.wait()
    first = asyncio.create_task(served.ask("GET", "/"))
    await asyncio.to_thread(begun.wait)
    assert (await served.ask("GET", "/")).status_code == 503
    ended.set()
    assert (await first).status_code == 204
    assert served.starts.count == 2


async def test_a_registry_that_recovers_serves_every_route(worlds: OpenWorld) -> None:
    world = await worlds()
    await world.push(bala("acme/greet:1.0.0"))
    served = Served(Starts(lambda: build_app(world.registry), [OSError()]))
    served.wait()
    for method, path, status in (
        ("GET", "/health/live", 200),
        ("GET", "/", 200),
        ("GET", "/2.0/registry/packages/acme/greet", 200),
        ("GET", "/2.0/registry//packages/acme/greet", 200),
        ("get", "/packages/acme/greet/1.0.0", 200),
        ("GET", "/acme/greet", 308),
        ("GET", "/nothing", 404),
        ("DELETE", "/2.0/registry/packages/acme/greet", 405),
        ("POST", "/account/tokens", 401),
    ):
        assert (await served.ask(method, path)).status_code == status, path


async def test_the_timer_of_a_registry_that_recovers_runs_its_tasks(
    worlds: OpenWorld, events: list[dict[str, Any]]
) -> None:
    world = await worlds()
    world.clock.at_ms += A_DAY_MS
    served = Served(Starts(lambda: build_app(world.registry), [OSError()]))
    served.wait()
    await served.functions[TIMER](TimerRequest(past_due=False))
    assert "upkeep.done" in {each["event"] for each in events}


def test_nothing_of_ours_is_imported_before_it_is_needed() -> None:
    code = "import sys, functions.failed_start; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    imported = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    ours = [each for each in imported.stdout.split() if each.startswith(("functions", "shared"))]
    assert sorted(ours) == ["functions", "functions.failed_start", "functions.host_functions"]
