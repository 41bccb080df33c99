"""Route templates: `packages/{org}/{name?}`, `maven/{*path}`, `badges/{name}.svg`.

Whether two of them can match one path is decided here as well, from the templates alone. The
answer errs on the side of yes, so that what is called disjoint is disjoint.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

from shared.hosting.constraints import BELOW, Constraint, constraint
from shared.hosting.errors import UnreadableRoute


@dataclass(frozen=True, slots=True)
class Literal:
    """A segment of text, compared without case; it is kept in lower case."""

    text: str


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
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Rest:
    """The catch-all `{*path}`: what is left of the path, or nothing."""

    name: str
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class Nothing:
    """The empty segment between two slashes, which only a catch-all takes in."""


Segment = Literal | Parameter | Mixed | Rest
Shape = tuple[Segment | Nothing, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed route template."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def shapes(self) -> Iterator[tuple[Segment, ...]]:
        """Yield the template once for every number of optional parameters a path may bring."""
        required = len(self.segments)
        yield self.segments
        while required and _is_optional(self.segments[required - 1]):
            required -= 1
            yield self.segments[:required]


def parse(text: str) -> Template:
    """Read a template; raise `UnreadableRoute` for one that the real host would refuse."""
    route = text.removeprefix("~").removeprefix("/")
    segments = tuple(_segment(parts, text) for parts in _split(route, text))
    if any(isinstance(segment, Rest) for segment in segments[:-1]):
        raise UnreadableRoute(text, "{*")
    return Template(text, segments)


def overlap(one: Template, other: Template) -> bool:
    """Tell whether one path could match both templates; a doubt counts as yes."""
    return any(
        _meet(_unfold(left), _unfold(right)) for left, right in product(one.shapes, other.shapes)
    )


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

Part = str | Parameter | Rest


def _split(route: str, text: str) -> list[list[Part]]:
    segments: list[list[Part]] = [[]] if route else []
    at = 0
    while at < len(route):
        found = _PART.match(route, at)
        if found is None:
            raise UnreadableRoute(text, route[at:])
        if found["slash"]:
            segments.append([])
        else:
            segments[-1].append(_part(found, text))
        at = found.end()
    return segments


def _part(found: re.Match[str], text: str) -> Part:
    inside = (found["parameter"] or found["literal"]).replace("{{", "{").replace("}}", "}")
    return _parameter(inside, text) if found["parameter"] else inside


def _parameter(inside: str, text: str) -> Parameter | Rest:
    found = _PARAMETER.fullmatch(inside)
    if found is None or (found["rest"] and found["optional"]):
        raise UnreadableRoute(text, inside)
    constraints = tuple(
        constraint(each["kind"], each["argument"] or "")
        for each in _CONSTRAINT.finditer(found["constraints"])
    )
    if found["rest"]:
        return Rest(found["name"], constraints)
    return Parameter(found["name"], constraints, bool(found["optional"]))


def _segment(parts: list[Part], text: str) -> Segment:
    match parts:
        case [str(literal)]:
            return Literal(literal.lower())
        case [(Parameter() | Rest()) as only]:
            return only
        case [_, _, *_]:
            return _mixed(parts, text)
        case _:
            raise UnreadableRoute(text, "//")


def _mixed(parts: list[Part], text: str) -> Mixed:
    parameters = tuple(part for part in parts if isinstance(part, Parameter))
    neighbours = any(type(one) is type(next_one) for one, next_one in pairwise(parts))
    if neighbours or any(isinstance(part, Rest) for part in parts):
        raise UnreadableRoute(text, "}{")
    if any(parameter.optional for parameter in parameters):
        raise UnreadableRoute(text, "?")
    # The real host reads such a segment from its end, which is what a greedy expression does.
    pattern = "".join(
        re.escape(part) if isinstance(part, str) else f"(?P<{part.name}>.+)" for part in parts
    )
    before = parts[0].lower() if isinstance(parts[0], str) else ""
    after = parts[-1].lower() if isinstance(parts[-1], str) else ""
    return Mixed(re.compile(pattern, re.I), parameters, before, after)


def _is_optional(segment: Segment) -> bool:
    return isinstance(segment, Parameter) and segment.optional


# --- Overlap -----------------------------------------------------------------------------------


def _unfold(shape: tuple[Segment, ...]) -> Shape:
    """Turn the known beginning of a constrained catch-all into segments of its own."""
    last = shape[-1] if shape else None
    if not isinstance(last, Rest):
        return shape
    prefix = max((each.prefix for each in last.constraints), key=len, default="")
    known = [Literal(text) if text else Nothing() for text in prefix.split("/")[:-1]]
    return (*shape[:-1], *known, last)


def _meet(one: Shape, other: Shape) -> bool:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if isinstance(left, Rest) or isinstance(right, Rest):
            # A catch-all takes in any segment but an empty one at its own start.
            is_empty = isinstance(left, Nothing) or isinstance(right, Nothing)
            return not (is_empty or _spares(left, other[at:]) or _spares(right, one[at:]))
        if not _segments_meet(left, right):
            return False
    longer = one[len(other) :] or other[len(one) :]
    # With nothing left there is no value that a constraint accepts.
    return not longer or (isinstance(longer[0], Rest) and not longer[0].constraints)


def _spares(segment: Segment | Nothing, shape: Shape) -> bool:
    """Tell whether a catch-all takes no path of this shape, as its constraints say."""
    if not isinstance(segment, Rest):
        return False
    return any(
        _is_of(left_out, shape) for each in segment.constraints for left_out in each.left_out
    )


_ANY = "[^/]+"  # As expressions say "any segment".
_ANYTHING = f"[^/]*{BELOW}"  # And "whatever follows".


def _is_of(expression: str, shape: Shape) -> bool:
    """Tell whether every path of the shape matches the expression."""
    known = expression.removesuffix(_ANYTHING)
    end = "**" if known != expression else ""
    parts = (known.removesuffix(BELOW).replace(_ANY, "*") + end).split("/")
    below = shape[len(parts) :]
    is_as_long = len(shape) >= len(parts) and (not below or expression.endswith(BELOW))
    return is_as_long and all(map(_fits, parts, shape))


def _fits(part: str, segment: Segment | Nothing) -> bool:
    if isinstance(segment, Nothing | Rest):
        return part == ("" if isinstance(segment, Nothing) else "**")
    if isinstance(segment, Literal):
        return part in ("*", re.escape(segment.text))
    return part == "*"


def _segments_meet(one: Segment | Nothing, other: Segment | Nothing) -> bool:
    match one, other:
        case (Nothing(), _) | (_, Nothing()):
            return one == other
        case (Literal(text), wide) | (wide, Literal(text)):
            return _admits(wide, text)
        case Mixed(), Mixed():
            return _agree(one, other)
        case Parameter(), Parameter():
            pairs = product(one.constraints, other.constraints)
            return not any(left.excludes(right) for left, right in pairs)
        case _:
            return True


def _admits(segment: Segment, text: str) -> bool:
    match segment:
        case Literal():
            return segment.text == text
        case Mixed():
            return segment.pattern.fullmatch(text) is not None
        case Parameter() | Rest():
            return all(each.accepts(text) for each in segment.constraints)


def _agree(one: Mixed, other: Mixed) -> bool:
    """Tell whether the fixed starts agree, and the fixed ends."""
    starts = one.before.startswith(other.before) or other.before.startswith(one.before)
    return starts and (one.after.endswith(other.after) or other.after.endswith(one.after))
