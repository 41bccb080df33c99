"""Templates of routes, and which route answers a path and a method, as in the Functions host."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import Generic, TypeVar

from msgspec import Struct, field


class InvalidTemplate(Exception):
    """A template that a host refuses; the message says what to write."""


class Literal(Struct, frozen=True):
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
    """Parse a template; raise `InvalidTemplate` if the local host or the real one refuses it."""
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
            raise InvalidTemplate(message)
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


class Route(Struct, frozen=True, cache_hash=True):
    """The template of one Function, and its methods in upper case; None means all."""

    function: str
    template: RouteTemplate
    methods: frozenset[str] | None


# --- Which route answers a path and a method ---------------------------------------------------

T = TypeVar("T")

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class Router(Generic[T]):
    """Finds the target of a request: that of the first route that matches it.

    The order is that of the routes; the real host takes them by the names of their Functions.
    """

    def __init__(self, routes: Sequence[tuple[Route, T]]) -> None:
        self._targets = [target for _, target in routes]
        self._by_method, self._any_method = _trees(tuple(route for route, _ in routes))

    def match(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        """Return the target and the route parameters of a decoded path, or None.

        Methods are compared without case, as the real host does.
        """
        if not path.startswith("/"):  # `OPTIONS *` is about the server itself.
            return None
        root = self._by_method.get(method.upper(), self._any_method)
        parts = path.split("/")
        # Only ASCII letters are compared without case, though Unicode folds others.
        lowered = (path.lower() if path.isascii() else path.translate(_LOWER)).split("/")
        if not parts[-1]:  # One trailing slash is not a segment, but a catch-all contains it.
            lowered.pop()
        found = root.find(parts, lowered, 1)
        return found and (self._targets[found.number], found.parameters_of(parts))

    def methods(self, path: str) -> list[str]:
        """Return the methods that routes name for a decoded path."""
        return [method for method in self._by_method if self.match(method, path)]


# --- The tree ----------------------------------------------------------------------------------


class _Leaf:
    """The end of a route: its number, and where its parameters are in the path."""

    def __init__(self, segments: Sequence[Segment], number: int) -> None:
        self.number = number
        numbered = list(enumerate(segments, start=1))
        self._parameters = [(each.name, at) for at, each in numbered if isinstance(each, Parameter)]
        self._rest = next(((each, at) for at, each in numbered if isinstance(each, CatchAll)), None)

    def matches(self, parts: Sequence[str]) -> bool:
        """Check the expression of the rest of a path, if there is one."""
        if self._rest is None or self._rest[0].expression is None:
            return True
        rest, at = self._rest
        left = "/".join(parts[at:])
        return bool(left and rest.expression and rest.expression.search(left))

    def parameters_of(self, parts: Sequence[str]) -> dict[str, str]:
        values = {name: parts[at] for name, at in self._parameters}
        if self._rest is not None:
            rest, at = self._rest
            left = "/".join(parts[at:])
            if left:  # If nothing is left, the parameter is absent and not empty.
                values[rest.name] = left
        return values


class _Node(Struct):
    """One node of the tree: the segments that may follow, the routes that end here, and the lowest
    number of all routes below it."""

    lowest: int
    literals: dict[str, "_Node"] = field(default_factory=dict[str, "_Node"])
    anything: "_Node | None" = None
    rests: list[_Leaf] = field(default_factory=list[_Leaf])
    ends: list[_Leaf] = field(default_factory=list[_Leaf])

    def find(
        self, parts: list[str], lowered: list[str], at: int, found: _Leaf | None = None
    ) -> _Leaf | None:
        """Return the first of the routes that match, or `found` if it is earlier."""
        if at == len(lowered):
            found = _first(self.ends, parts, found)
        elif not parts[at]:
            return found
        else:
            child = self.literals.get(lowered[at])
            if child is not None and (found is None or child.lowest < found.number):
                found = child.find(parts, lowered, at + 1, found)
            child = self.anything
            if child is not None and (found is None or child.lowest < found.number):
                found = child.find(parts, lowered, at + 1, found)
        return _first(self.rests, parts, found) if self.rests else found

    def add(self, segments: Sequence[Segment], leaf: _Leaf) -> None:
        """Add the rest of a route; those with lower numbers were added before."""
        if not segments:
            self.ends.append(leaf)
        elif isinstance(segments[0], CatchAll):
            self.rests.append(leaf)
        else:
            self._next(segments[0], leaf.number).add(segments[1:], leaf)

    def _next(self, segment: Segment, number: int) -> "_Node":
        if isinstance(segment, Literal):
            return self.literals.setdefault(segment.text, _Node(number))
        if self.anything is None:
            self.anything = _Node(number)
        return self.anything


@lru_cache(maxsize=4)  # An app always has the same routes.
def _trees(routes: tuple[Route, ...]) -> tuple[dict[str, _Node], _Node]:
    """Return a tree for each method that a route names, and one for all other methods."""
    named = {method for route in routes for method in route.methods or ()}
    return {method: _tree(routes, method) for method in named}, _tree(routes, "")


def _tree(routes: Sequence[Route], method: str) -> _Node:
    root = _Node(0)
    for number, route in enumerate(routes):
        if route.methods is None or method in route.methods:
            for shape in route.template.shapes:
                root.add(shape, _Leaf(shape, number))
    return root


def _first(leaves: Sequence[_Leaf], parts: Sequence[str], found: _Leaf | None) -> _Leaf | None:
    """Return the first of the leaves that matches the path, or `found` if it is earlier."""
    for each in leaves:
        if found is not None and found.number < each.number:
            return found
        if each.matches(parts):
            return each
    return found
