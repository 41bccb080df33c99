"""The Functions of an app are read from its decorators, or refused with a sentence."""

# ruff: noqa: ARG001 - the handlers are read, not called.

import asyncio
import threading
from collections.abc import Callable

import azure.functions as func
import pytest

from shared.hosting.triggers import StartRefused, functions_of

Register = Callable[[func.FunctionApp], object]


def app_of(*register: Register) -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for each in register:
        each(app)
    return app


async def answering(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse()


async def ticking(timer: func.TimerRequest) -> None:
    return


def http(name: str, route: str | None = None, methods: list[str] | None = None) -> Register:
    return lambda app: app.function_name(name)(app.route(route, methods=methods)(answering))


def test_functions_come_by_name_without_case() -> None:
    read = functions_of(app_of(http("b", "b"), http("A", "a"), http("c", "c")))
    assert [each.name for each in read.http] == ["A", "b", "c"]


def test_a_route_says_path_and_methods() -> None:
    read = functions_of(app_of(http("one", "/Packages", ["GET", "HEAD"]), http("two", "x")))
    one, two = (each.route for each in read.http)
    assert (one.template.text, one.methods) == ("/Packages", {"GET", "HEAD"})
    assert two.methods is None


def test_a_function_without_a_route_has_its_name_for_one() -> None:
    read = functions_of(app_of(http("search", None), http("list", "")))
    assert [each.route.template.text for each in read.http] == ["list", "search"]


@pytest.mark.parametrize("at_startup", [False, True])
def test_a_timer_has_a_schedule_and_does_not_run_at_the_start(at_startup: bool) -> None:
    def register(app: func.FunctionApp) -> None:
        schedule = "0 0 3 * * *"
        app.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=at_startup)(ticking)

    if at_startup:
        with pytest.raises(StartRefused, match="no timer at its start"):
            functions_of(app_of(register))
    else:
        (timer,) = functions_of(app_of(register)).timers
        assert (timer.name, timer.schedule) == ("ticking", "0 0 3 * * *")


def test_an_app_may_be_read_twice() -> None:
    app = app_of(http("one", "one"))
    assert functions_of(app).http[0].name == functions_of(app).http[0].name == "one"


def test_a_synchronous_handler_runs_on_a_thread() -> None:
    def blocking(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(threading.current_thread().name)

    (read,) = functions_of(app_of(lambda app: app.route("x")(blocking))).http
    returned = asyncio.run(_call(read.call))
    assert isinstance(returned, func.HttpResponse)
    assert returned.get_body() != threading.main_thread().name.encode()


async def _call(call: Callable[[object], object]) -> object:
    returned = call(object())
    assert asyncio.iscoroutine(returned)
    return await returned


def test_two_functions_of_one_name_are_refused() -> None:
    with pytest.raises(StartRefused, match="does not have a unique function name"):
        functions_of(app_of(http("one", "a"), http("one", "b")))


def test_a_parameter_of_another_name_is_refused() -> None:
    async def handler(request: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse()

    with pytest.raises(StartRefused, match="its one parameter must be called 'req'"):
        functions_of(app_of(lambda app: app.route("x")(handler)))


def test_an_annotation_that_cannot_be_resolved_is_refused_as_the_worker_does() -> None:
    async def handler(req: "Missing") -> func.HttpResponse:  # type: ignore[name-defined] # noqa: F821
        return func.HttpResponse()

    with pytest.raises(StartRefused, match="'Missing' is not defined"):
        functions_of(app_of(lambda app: app.route("x")(handler)))


def test_a_trigger_that_only_the_cloud_has_is_refused() -> None:
    async def handler(documents: object) -> None:
        return

    def register(app: func.FunctionApp) -> None:
        app.queue_trigger(arg_name="documents", queue_name="q", connection="c")(handler)

    with pytest.raises(StartRefused, match="knows no trigger 'queueTrigger'"):
        functions_of(app_of(register))
