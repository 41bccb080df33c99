"""Route templates: `packages/{org}/{name?}`, `maven/{*path}`, `badges/{name}.svg`, `{id:int}`.

Also decides whether two templates can match the same path. In doubt the answer is yes, so that
templates that are called disjoint are disjoint.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product

from shared.hosting.errors import UnknownConstraint, UnreadableRoute


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

    def excludes(self, other: "Constraint") -> bool:
        """Check whether no value can satisfy both; in doubt the answer is no."""
        return frozenset((self.kind, other.kind)) in _EXCLUSIVE

    @property
    def prefix(self) -> str:
        """The known text, in lower case, with which every accepted value begins."""
        return _literal_start(self.argument) if self.kind == "regex" else ""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Known expressions of whole values that are not accepted."""
        found = _LEFT_OUT.match(self.argument) if self.kind == "regex" else None
        return tuple(found[1].split("|")) if found else ()


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
class CatchAll:
    """The catch-all `{*path}`: the rest of the path, which may be empty."""

    name: str
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class OmittedSegment:
    """The empty segment between two slashes, which only a catch-all matches."""


Segment = Literal | Parameter | Mixed | CatchAll
Shape = tuple[Segment | OmittedSegment, ...]


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
    """Parse a template; raise `UnreadableRoute` if the real host would refuse it."""
    route = text.removeprefix("~").removeprefix("/")
    segments = tuple(_segment(parts, text) for parts in _split(route, text))
    if any(isinstance(segment, CatchAll) for segment in segments[:-1]):
        raise UnreadableRoute(text, "{*")
    return RouteTemplate(text, segments)


def templates_overlap(one: RouteTemplate, other: RouteTemplate) -> bool:
    """Check whether a path can match both templates; in doubt the answer is yes."""
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

TemplatePart = str | Parameter | CatchAll


def _split(route: str, text: str) -> list[list[TemplatePart]]:
    segments: list[list[TemplatePart]] = [[]] if route else []
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


def _part(found: re.Match[str], text: str) -> TemplatePart:
    inside = (found["parameter"] or found["literal"]).replace("{{", "{").replace("}}", "}")
    return _parameter(inside, text) if found["parameter"] else inside


def _parameter(inside: str, text: str) -> Parameter | CatchAll:
    found = _PARAMETER.fullmatch(inside)
    if found is None or (found["rest"] and found["optional"]):
        raise UnreadableRoute(text, inside)
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
            raise UnreadableRoute(text, "//")


def _mixed(parts: list[TemplatePart], text: str) -> Mixed:
    parameters = tuple(part for part in parts if isinstance(part, Parameter))
    neighbours = any(type(one) is type(next_one) for one, next_one in pairwise(parts))
    if neighbours or any(isinstance(part, CatchAll) for part in parts):
        raise UnreadableRoute(text, "}{")
    if any(parameter.optional for parameter in parameters):
        raise UnreadableRoute(text, "?")
    # The real host matches such a segment from its end, as a greedy expression does.
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
    """Turn the known beginning of a constrained catch-all into segments."""
    last = shape[-1] if shape else None
    if not isinstance(last, CatchAll):
        return shape
    prefix = max((each.prefix for each in last.constraints), key=len, default="")
    known = [Literal(text) if text else OmittedSegment() for text in prefix.split("/")[:-1]]
    return (*shape[:-1], *known, last)


def _meet(one: Shape, other: Shape) -> bool:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if isinstance(left, CatchAll) or isinstance(right, CatchAll):
            # A catch-all matches any segment except an empty one at its start.
            is_empty = isinstance(left, OmittedSegment) or isinstance(right, OmittedSegment)
            return not (is_empty or _excludes(left, other[at:]) or _excludes(right, one[at:]))
        if not _segments_meet(left, right):
            return False
    longer = one[len(other) :] or other[len(one) :]
    # If nothing is left, there is no value that a constraint accepts.
    return not longer or (isinstance(longer[0], CatchAll) and not longer[0].constraints)


def _excludes(segment: Segment | OmittedSegment, shape: Shape) -> bool:
    """Check whether the constraints of a catch-all exclude every path of this shape."""
    if not isinstance(segment, CatchAll):
        return False
    return any(
        _is_of(left_out, shape) for each in segment.constraints for left_out in each.left_out
    )


_ANY = "[^/]+"  # Any segment, in an expression.

# Everything below a path, in an expression that begins with the paths that it does not match. It is
# the only group in such a path; a dot would not match the end of a line.
BELOW = r"(/[\s\S]*)?"

_ANYTHING = f"[^/]*{BELOW}"  # Anything that follows.


def _is_of(expression: str, shape: Shape) -> bool:
    """Check whether every path of the shape matches the expression."""
    known = expression.removesuffix(_ANYTHING)
    end = "**" if known != expression else ""
    parts = (known.removesuffix(BELOW).replace(_ANY, "*") + end).split("/")
    below = shape[len(parts) :]
    is_as_long = len(shape) >= len(parts) and (not below or expression.endswith(BELOW))
    return is_as_long and all(map(_fits, parts, shape))


def _fits(part: str, segment: Segment | OmittedSegment) -> bool:
    if isinstance(segment, OmittedSegment | CatchAll):
        return part == ("" if isinstance(segment, OmittedSegment) else "**")
    if isinstance(segment, Literal):
        return part in ("*", re.escape(segment.text))
    return part == "*"


def _segments_meet(one: Segment | OmittedSegment, other: Segment | OmittedSegment) -> bool:
    match one, other:
        case (OmittedSegment(), _) | (_, OmittedSegment()):
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
        case Parameter() | CatchAll():
            return all(each.accepts(text) for each in segment.constraints)


def _agree(one: Mixed, other: Mixed) -> bool:
    """Check whether the fixed starts and the fixed ends are compatible."""
    starts = one.before.startswith(other.before) or other.before.startswith(one.before)
    return starts and (one.after.endswith(other.after) or other.after.endswith(one.after))


_INT32 = range(-(2**31), 2**31)
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,10}\s*")
_DASHED = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_GUID = re.compile(rf"[0-9a-f]{{32}}|{_DASHED}|\{{{_DASHED}\}}|\({_DASHED}\)", re.I)
_ALPHA = re.compile(r"[a-z]*", re.I)

# No value satisfies both kinds, whatever their arguments. A guid may consist of letters only.
_EXCLUSIVE = frozenset(
    map(frozenset, [("int", "alpha"), ("int", "bool"), ("int", "guid"), ("bool", "guid")])
)


def parse_constraint(kind: str, argument: str) -> Constraint:
    """Parse one constraint; raise `UnknownConstraint` for an unknown kind."""
    make = _MAKERS.get(kind.lower())
    if make is None:
        raise UnknownConstraint(kind, _MAKERS)
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

_LEFT_OUT = re.compile(rf"\^\(\?!\(((?:[^()]|{re.escape(BELOW)})*)\)/\?\$\)")
_PLAIN_START = re.compile(r"\^((?:[A-Za-z0-9_/-]|\\[./-])*)([*?{]?)")


def _literal_start(pattern: str) -> str:
    found = _PLAIN_START.match(pattern)
    if found is None or "|" in pattern:
        return ""
    plain = found[1].replace("\\", "").lower()
    # A quantifier that allows zero makes the last character optional.
    return plain[:-1] if found[2] else plain
