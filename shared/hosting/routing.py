"""Routing: which Function answers a path and a method.

Templates are `packages/{org}/{name?}`, `maven/{*path}`, `badges/{name}.svg`, `{id:int}`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase
from typing import Generic, TypeVar


class StartRefused(Exception):
    """The host cannot start; the message says what to change."""


def unsupported(function: str, reason: str) -> StartRefused:
    """Return the refusal of a Function that only the real host can serve, or that it refuses."""
    return StartRefused(f"The Function {function} cannot be served: {reason}.")


@dataclass(frozen=True, slots=True)
class Literal:
    """A segment of text, in lower case; it is compared without case."""

    text: str


ConstraintCheck = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition on the value of a parameter."""

    kind: str
    argument: str
    accepts: ConstraintCheck = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A segment that is one parameter, `{name}` or `{name?}`."""

    name: str
    constraints: tuple[Constraint, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Mixed:
    """A segment of text and parameters, `{name}.svg`."""

    pattern: re.Pattern[str]
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class CatchAll:
    """The catch-all `{*path}`: the rest of the path, which may be empty."""

    name: str
    constraints: tuple[Constraint, ...] = ()


Segment = Literal | Parameter | Mixed | CatchAll


@dataclass(frozen=True, slots=True)
class RouteTemplate:
    """A parsed route template."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def shapes(self) -> Iterator[tuple[Segment, ...]]:
        """Yield the segments for each number of optional parameters that a path may have."""
        required = len(self.segments)
        yield self.segments
        while required and _is_optional(self.segments[required - 1]):
            required -= 1
            yield self.segments[:required]


def parse_template(text: str) -> RouteTemplate:
    """Parse a template; raise `StartRefused` if the real host would refuse it."""
    route = text.removeprefix("~").removeprefix("/")
    segments = tuple(_segment(parts, text) for parts in _split(route, text))
    if any(isinstance(segment, CatchAll) for segment in segments[:-1]):
        raise _unreadable(text, "{*")
    return RouteTemplate(text, segments)


# --- Reading -----------------------------------------------------------------------------------

_PART = re.compile(
    r"\{(?!\{)(?P<parameter>(?:[^{}]|\{\{|\}\})+)\}"
    r"|(?P<literal>(?:[^{}/?]|\{\{|\}\})+)"
    r"|(?P<slash>/)"
)
_PARAMETER = re.compile(
    r"(?P<rest>\*{0,2})(?P<name>\w+)(?P<constraints>(?::\w+(?:\(.*?\)(?=[:?]|$))?)*)(?P<optional>\??)"
)
_CONSTRAINT = re.compile(r":(?P<kind>\w+)(?:\((?P<argument>.*?)\)(?=:|$))?")

TemplatePart = str | Parameter | CatchAll


def _split(route: str, text: str) -> list[list[TemplatePart]]:
    segments: list[list[TemplatePart]] = [[]] if route else []
    at = 0
    while at < len(route):
        found = _PART.match(route, at)
        if found is None:
            raise _unreadable(text, route[at:])
        if found["slash"]:
            segments.append([])
        else:
            segments[-1].append(_part(found, text))
        at = found.end()
    return segments


def _part(found: re.Match[str], text: str) -> TemplatePart:
    inside = (found["parameter"] or found["literal"]).replace("{{", "{").replace("}}", "}")
    return _parameter(inside, text) if found["parameter"] else inside


def _parameter(inside: str, text: str) -> Parameter | CatchAll:
    found = _PARAMETER.fullmatch(inside)
    if found is None or (found["rest"] and found["optional"]):
        raise _unreadable(text, inside)
    constraints = tuple(
        parse_constraint(each["kind"], each["argument"] or "")
        for each in _CONSTRAINT.finditer(found["constraints"])
    )
    if found["rest"]:
        return CatchAll(found["name"], constraints)
    return Parameter(found["name"], constraints, bool(found["optional"]))


def _segment(parts: list[TemplatePart], text: str) -> Segment:
    match parts:
        case [str(literal)]:
            return Literal(literal.lower())
        case [(Parameter() | CatchAll()) as only]:
            return only
        case [_, _, *_]:
            return _mixed(parts, text)
        case _:
            raise _unreadable(text, "//")


def _mixed(parts: list[TemplatePart], text: str) -> Mixed:
    parameters = tuple(part for part in parts if isinstance(part, Parameter))
    neighbours = any(type(one) is type(next_one) for one, next_one in pairwise(parts))
    if neighbours or any(isinstance(part, CatchAll) for part in parts):
        raise _unreadable(text, "}{")
    if any(parameter.optional for parameter in parameters):
        raise _unreadable(text, "?")
    # The real host matches such a segment from its end, as a greedy expression does.
    pattern = "".join(
        re.escape(part) if isinstance(part, str) else f"(?P<{part.name}>.+)" for part in parts
    )
    return Mixed(re.compile(pattern, re.I), parameters)


def _unreadable(route: str, part: str) -> StartRefused:
    return StartRefused(
        f"The route '{route}' cannot be read at '{part}'. "
        "Write text, {name}, {name?}, {name:constraint}, and {*name} at the end alone."
    )


def _is_optional(segment: Segment) -> bool:
    return isinstance(segment, Parameter) and segment.optional


# --- Constraints -------------------------------------------------------------------------------

_INT32 = range(-(2**31), 2**31)
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,10}\s*")
_DASHED = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_GUID = re.compile(rf"[0-9a-f]{{32}}|{_DASHED}|\{{{_DASHED}\}}|\({_DASHED}\)", re.I)
_ALPHA = re.compile(r"[a-z]*", re.I)


def parse_constraint(kind: str, argument: str) -> Constraint:
    """Parse one constraint; raise `StartRefused` for an unknown kind."""
    make = _MAKERS.get(kind.lower())
    if make is None:
        known = ", ".join(sorted(_MAKERS))
        message = f"The route constraint '{kind}' is unknown. Use one of {known}."
        raise StartRefused(message)
    return Constraint(kind.lower(), argument, make(argument))


def _is_int32(value: str) -> bool:
    return bool(_INTEGER.fullmatch(value)) and int(value) in _INT32


def _of_length(argument: str) -> ConstraintCheck:
    least, _, most = argument.partition(",")
    lengths = range(int(least), int(most or least) + 1)
    return lambda value: len(value) in lengths


def _matching(pattern: str) -> ConstraintCheck:
    # The real host searches without case: an expression for the whole value has ^ and $.
    # It folds ASCII letters and the Kelvin sign; Python would fold the long s as well.
    search = re.compile(pattern, re.I | re.A).search
    return lambda value: search(value.replace("\N{KELVIN SIGN}", "k")) is not None


_MAKERS: dict[str, Callable[[str], ConstraintCheck]] = {
    "int": lambda _: _is_int32,
    "bool": lambda _: lambda value: value.strip().lower() in ("true", "false"),
    "guid": lambda _: lambda value: _GUID.fullmatch(value.strip()) is not None,
    "alpha": lambda _: lambda value: _ALPHA.fullmatch(value) is not None,
    "length": _of_length,
    "minlength": lambda least: lambda value: len(value) >= int(least),
    "maxlength": lambda most: lambda value: len(value) <= int(most),
    "regex": _matching,
}


T = TypeVar("T")

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


@dataclass(frozen=True, slots=True)
class Route:
    """The template of one Function, and its methods in upper case; None means all."""

    function: str
    template: RouteTemplate
    methods: frozenset[str] | None


class Router(Generic[T]):
    """Finds the target of a request among routes of which no two match one path and method."""

    def __init__(self, routes: Sequence[tuple[Route, T]]) -> None:
        self._targets = [target for _, target in routes]
        self._by_method, self._any_method = _trees(tuple(route for route, _ in routes))

    def match(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        """Return the target and the route parameters of a decoded path, or None."""
        if not path.startswith("/"):  # `OPTIONS *` is about the server itself.
            return None
        root = self._by_method.get(method, self._any_method)
        parts = path.split("/")
        # One trailing slash is not a segment, but a catch-all contains it.
        count = len(parts) - 1 if not parts[-1] else len(parts)
        # Only ASCII letters are compared without case, though Unicode folds others.
        lowered = path.lower() if path.isascii() else path.translate(_LOWER)
        found = root.find(parts, lowered.split("/"), 1, count)
        return found and (self._targets[found[0]], found[1])

    def methods(self, path: str) -> list[str]:
        """Return the methods that routes name for a decoded path."""
        return [method for method in self._by_method if self.match(method, path)]


# --- The tree ----------------------------------------------------------------------------------

RouteMatch = tuple[int, dict[str, str]] | None  # The number of a route, and its parameters.


class _Leaf:
    """The end of a route: its number, and where its parameters are in the path."""

    def __init__(self, segments: Sequence[Segment], number: int) -> None:
        self.number = number
        self.simple: list[tuple[str, int]] = []
        self.mixed: list[tuple[Mixed, int]] = []
        self.rest: tuple[str, int] | None = None
        self.checks: list[tuple[str, Constraint]] = []
        for at, segment in enumerate(segments, start=1):
            self._note(segment, at)

    def _note(self, segment: Segment, at: int) -> None:
        match segment:
            case Literal():
                return
            case Parameter():
                self.simple.append((segment.name, at))
                self._note_checks(segment)
            case Mixed():
                self.mixed.append((segment, at))
                for parameter in segment.parameters:
                    self._note_checks(parameter)
            case CatchAll():
                self.rest = (segment.name, at)
                self._note_checks(segment)

    def _note_checks(self, parameter: Parameter | CatchAll) -> None:
        self.checks += [(parameter.name, each) for each in parameter.constraints]

    def read(self, parts: Sequence[str]) -> RouteMatch:
        values = {name: parts[at] for name, at in self.simple}
        if self.mixed and not self._read_mixed(parts, values):
            return None
        if self.rest is not None:
            name, at = self.rest
            left = "/".join(parts[at:])
            if left:  # If nothing is left, the parameter is absent and not empty.
                values[name] = left
        for name, each in self.checks:
            if name not in values or not each.accepts(values[name]):
                return None
        return self.number, values

    def _read_mixed(self, parts: Sequence[str], values: dict[str, str]) -> bool:
        for segment, at in self.mixed:
            found = segment.pattern.fullmatch(parts[at])
            if found is None:
                return False
            values.update(found.groupdict())
        return True


@dataclass(slots=True)
class _Node:
    """One node of the tree: the segments that may follow, and the routes that end here."""

    literals: dict[str, "_Node"] = field(default_factory=dict[str, "_Node"])
    anything: "_Node | None" = None
    rests: list[_Leaf] = field(default_factory=list[_Leaf])
    ends: list[_Leaf] = field(default_factory=list[_Leaf])

    def find(self, parts: list[str], lowered: list[str], at: int, count: int) -> RouteMatch:
        node = self
        while at < count:
            literal = node.literals.get(lowered[at])
            other = node.anything if parts[at] else None
            # A single child is followed in this loop; a fork may need to come back.
            if node.rests or (literal is not None and other is not None):
                return node.fork(parts, lowered, at, count)
            following = literal or other
            if following is None:
                return None
            node = following
            at += 1
        return _first(node.ends, parts) or _first(node.rests, parts)

    def fork(self, parts: list[str], lowered: list[str], at: int, count: int) -> RouteMatch:
        if not parts[at]:
            return None
        for child in (self.literals.get(lowered[at]), self.anything):
            found = child and child.find(parts, lowered, at + 1, count)
            if found:
                return found
        return _first(self.rests, parts)

    def add(self, segments: Sequence[Segment], leaf: _Leaf) -> None:
        if not segments:
            self.ends.append(leaf)
        elif isinstance(segments[0], CatchAll):
            self.rests.append(leaf)
        else:
            self._next(segments[0]).add(segments[1:], leaf)

    def _next(self, segment: Segment) -> "_Node":
        if isinstance(segment, Literal):
            return self.literals.setdefault(segment.text, _Node())
        if self.anything is None:
            self.anything = _Node()
        return self.anything


@lru_cache(maxsize=4)  # An app always has the same routes.
def _trees(routes: tuple[Route, ...]) -> tuple[dict[str, _Node], _Node]:
    """Return a tree for each method that a route names, and one for all other methods."""
    named = {method for route in routes for method in route.methods or ()}
    return {method: _tree(routes, method) for method in named}, _tree(routes, "")


def _tree(routes: Sequence[Route], method: str) -> _Node:
    root = _Node()
    for number, route in enumerate(routes):
        if route.methods is None or method in route.methods:
            for shape in route.template.shapes:
                root.add(shape, _Leaf(shape, number))
    return root


def _first(leaves: Sequence[_Leaf], parts: list[str]) -> RouteMatch:
    for leaf in leaves:
        found = leaf.read(parts)
        if found is not None:
            return found
    return None
