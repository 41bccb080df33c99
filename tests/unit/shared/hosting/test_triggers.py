"""The Functions of an app are read from its decorators, or refused with a sentence."""

# ruff: noqa: ARG001 - the handlers are read, not called.

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


def test_a_function_without_a_route_has_its_name_for_one() -> None:
    read = functions_of(app_of(http("search", None), http("list", "")))
    assert [each.route.template.text for each in read.http] == ["list", "search"]


def test_a_timer_has_a_schedule() -> None:
    def register(app: func.FunctionApp) -> None:
        app.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")(ticking)

    (timer,) = functions_of(app_of(register)).timers
    assert (timer.name, timer.schedule) == ("ticking", "0 0 3 * * *")


def test_two_functions_of_one_name_are_refused() -> None:
    with pytest.raises(StartRefused, match="does not have a unique function name"):
        functions_of(app_of(http("one", "a"), http("one", "b")))


def test_a_trigger_that_only_the_cloud_has_is_refused() -> None:
    async def handler(documents: object) -> None:
        return

    def register(app: func.FunctionApp) -> None:
        app.queue_trigger(arg_name="documents", queue_name="q", connection="c")(handler)

    with pytest.raises(StartRefused, match="knows no trigger 'queueTrigger'"):
        functions_of(app_of(register))
