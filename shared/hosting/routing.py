"""Routing: which Function answers a path and a method.

Templates are `packages/{org}/{name?}` and `maven/{*path}`; a catch-all may have a regular
expression, `{*path:regex(^a)}`. Other constraints, and text beside a parameter, have no users here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import Generic, TypeVar

T = TypeVar("T")

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class StartRefused(Exception):
    """The host cannot start; the message says what to change."""


def unsupported(function: str, reason: str) -> StartRefused:
    """Return the refusal of a Function that only the real host can serve, or that it refuses."""
    return StartRefused(f"The Function {function} cannot be served: {reason}.")


@dataclass(frozen=True, slots=True)
class Literal:
    """A segment of text, in lower case; it is compared without case."""

    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A segment that is one parameter, `{name}` or `{name?}`."""

    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class CatchAll:
    """The catch-all `{*path}`: the rest of the path, which may be empty without an expression."""

    name: str
    expression: re.Pattern[str] | None = None

    def accepts(self, value: str) -> bool:
        # The host folds ASCII letters and the Kelvin sign; Python would fold the long s as well.
        expression = self.expression
        return expression is None or (
            expression.search(value.replace("\N{KELVIN SIGN}", "k")) is not None
        )


Segment = Literal | Parameter | CatchAll


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
        numbered = list(enumerate(segments, start=1))
        self.parameters = [(each.name, at) for at, each in numbered if isinstance(each, Parameter)]
        self.rest = next(((each, at) for at, each in numbered if isinstance(each, CatchAll)), None)

    def read(self, parts: Sequence[str]) -> RouteMatch:
        values = {name: parts[at] for name, at in self.parameters}
        if self.rest is not None:
            rest, at = self.rest
            left = "/".join(parts[at:])
            if left:  # If nothing is left, the parameter is absent and not empty.
                values[rest.name] = left
            if rest.expression and not (left and rest.accepts(left)):
                return None
        return self.number, values


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
