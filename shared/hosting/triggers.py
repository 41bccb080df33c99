"""The Functions of an app and their triggers, read from decorators as the worker does."""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from msgspec import Struct


class StartRefused(Exception):
    """The host cannot start; the message says what to change."""


def unsupported(function: str, reason: str) -> StartRefused:
    """Return the refusal of a Function that only the real host can serve, or that it refuses."""
    return StartRefused(f"The Function {function} cannot be served: {reason}.")


@dataclass(frozen=True, slots=True)
class Literal:
    """A segment of text, in lower case; it is compared without case."""

    text: str


class Parameter(Struct, frozen=True):
    """A segment that is one parameter, `{name}` or `{name?}`."""

    name: str
    optional: bool = False


class CatchAll(Struct, frozen=True):
    """The catch-all `{*path}`: the rest of the path, which may be empty without an expression."""

    name: str
    expression: re.Pattern[str] | None = None


Segment = Literal | Parameter | CatchAll


class RouteTemplate(Struct, frozen=True):
    """A parsed route template."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def shapes(self) -> Iterator[tuple[Segment, ...]]:
        """Yield the segments for each number of optional parameters that a path may have."""
        required = len(self.segments)
        yield self.segments
        while required:
            last = self.segments[required - 1]
            if not isinstance(last, Parameter) or not last.optional:
                return
            required -= 1
            yield self.segments[:required]


_SEGMENT = re.compile(r"(?P<literal>[^{}/?]+)|\{(?P<name>\w+)(?P<optional>\??)\}")
_REST = re.compile(r"(?:^|/)\{\*{1,2}(?P<name>\w+)(?::regex\((?P<expression>.*)\))?\}$")


def parse_template(text: str) -> RouteTemplate:
    """Parse a template; raise `StartRefused` if this host or the real one refuses it."""
    route = text.removeprefix("~").removeprefix("/")
    rest = _REST.search(route)
    before = route[: rest.start()] if rest else route
    segments: list[Segment] = []
    for part in before.split("/") if before else ():
        found = _SEGMENT.fullmatch(part)
        if found is None:
            message = (
                f"The route '{text}' cannot be read at '{part}'. "
                "Write text, {name}, {name?}, and {*name} at the end alone."
            )
            raise StartRefused(message)
        if found["literal"]:
            segments.append(Literal(found["literal"].lower()))
        else:
            segments.append(Parameter(found["name"], bool(found["optional"])))
    if rest:
        # The host searches without case: an expression for the whole value has ^ and $.
        expression = (rest["expression"] or "").replace("{{", "{").replace("}}", "}")
        compiled = re.compile(expression, re.I | re.A) if expression else None
        segments.append(CatchAll(rest["name"], compiled))
    return RouteTemplate(text, tuple(segments))


class Route(Struct, frozen=True):
    """The template of one Function, and its methods in upper case; None means all."""

    function: str
    template: RouteTemplate
    methods: frozenset[str] | None


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
    name, trigger, call = _name(function), function.get_trigger(), function.get_user_function()
    match trigger.get_binding_name():
        case "httpTrigger":
            return HttpFunction(name, _route(name, trigger), call)
        case "timerTrigger":
            return TimerFunction(name, trigger.schedule, call)
        case other:
            raise unsupported(name, f"the local host knows no trigger '{other}'")


def _route(name: str, trigger: Any) -> Route:
    # For the real host an empty route is the name of the Function; the root is "/".
    template = parse_template(trigger.route or name)
    methods = trigger.methods and frozenset(_method(each) for each in trigger.methods)
    return Route(name, template, methods or None)


def _method(method: Any) -> str:
    return str(method.value if isinstance(method, func.HttpMethod) else method).upper()
