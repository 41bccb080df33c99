"""Route templates: `packages/{org}/{name?}`, `maven/{*path}`, `badges/{name}.svg`, `{id:int}`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

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
    """Parse a template; raise `UnreadableRoute` if the real host would refuse it."""
    route = text.removeprefix("~").removeprefix("/")
    segments = tuple(_segment(parts, text) for parts in _split(route, text))
    if any(isinstance(segment, CatchAll) for segment in segments[:-1]):
        raise UnreadableRoute(text, "{*")
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
    return Mixed(re.compile(pattern, re.I), parameters)


def _is_optional(segment: Segment) -> bool:
    return isinstance(segment, Parameter) and segment.optional


# --- Constraints -------------------------------------------------------------------------------

_INT32 = range(-(2**31), 2**31)
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,10}\s*")
_DASHED = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_GUID = re.compile(rf"[0-9a-f]{{32}}|{_DASHED}|\{{{_DASHED}\}}|\({_DASHED}\)", re.I)
_ALPHA = re.compile(r"[a-z]*", re.I)


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
