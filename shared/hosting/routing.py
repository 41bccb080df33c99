"""Routing: which Function answers a path and a method."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import Generic, TypeVar

from shared.hosting.route_templates import (
    CatchAll,
    Constraint,
    Literal,
    Mixed,
    Parameter,
    RouteTemplate,
    Segment,
)

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
