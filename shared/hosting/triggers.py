"""The Functions of an app and their triggers, read from decorators as the worker does."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import azure.functions as func
from msgspec import Struct

from shared.runtime.routing import InvalidTemplate, Route, parse_template


class StartRefused(Exception):
    """The host cannot start; the message says what to change."""


def unsupported(function: str, reason: str) -> StartRefused:
    """Return the refusal of a Function that only the real host can serve, or that it refuses."""
    return StartRefused(f"The Function {function} cannot be served: {reason}.")


FunctionCall = Callable[[Any], Awaitable[object]]


class HttpFunction(Struct, frozen=True):
    """A Function with an HTTP trigger."""

    name: str
    route: Route
    call: FunctionCall


class TimerFunction(Struct, frozen=True):
    """A Function with a timer trigger; its schedule has six fields, seconds first."""

    name: str
    schedule: str
    call: FunctionCall


class AppFunctions(Struct, frozen=True):
    """The Functions of an app in the order of the real host: by name, without case."""

    http: Sequence[HttpFunction]
    timers: Sequence[TimerFunction]


def functions_of(app: func.FunctionApp) -> AppFunctions:
    """Read an app; raise `StartRefused` for a Function that this host or the real one refuses."""
    # The library stores the names that it returned, and reports duplicates when read again.
    app.functions_bindings = None
    try:
        built = app.get_functions()
    except ValueError as duplicate:
        raise StartRefused(str(duplicate)) from None
    read = [_read(each) for each in sorted(built, key=lambda each: _name(each).lower())]
    return AppFunctions(
        http=[each for each in read if isinstance(each, HttpFunction)],
        timers=[each for each in read if isinstance(each, TimerFunction)],
    )


def _name(function: Any) -> str:
    return str(function.get_function_name())


def _read(function: Any) -> HttpFunction | TimerFunction:
    name = _name(function)
    trigger = function.get_trigger()
    call = function.get_user_function()
    match trigger.get_binding_name():
        case "httpTrigger":
            return HttpFunction(name, _route(name, trigger), call)
        case "timerTrigger":
            return TimerFunction(name, trigger.schedule, call)
        case other:
            raise unsupported(name, f"the local host knows no trigger '{other}'")


def _route(name: str, trigger: Any) -> Route:
    # For the real host an empty route is the name of the Function; the root is "/".
    try:
        template = parse_template(trigger.route or name)
    except InvalidTemplate as invalid:
        raise StartRefused(str(invalid)) from None
    methods = trigger.methods and frozenset(_method(each) for each in trigger.methods)
    return Route(name, template, methods or None)


def _method(method: Any) -> str:
    return str(method.value if isinstance(method, func.HttpMethod) else method).upper()
