"""Whether the values of one documented type belong to another one as well.

Names stand for themselves, in whichever version: a change of a named type is a change of its own.
"""

from dataclasses import dataclass
from enum import Enum

from shared.domain.api_docs.model import Type

NOTHING = Type(name="()", category="builtin")


class TypeRelation(Enum):
    """What a change of a type does to the values that belong to it."""

    SAME = "same"
    WIDER = "wider"
    NARROWER = "narrower"
    DIFFERENT = "different"


def type_relation(before: Type | None, after: Type | None) -> TypeRelation:
    """Compare two types of the same thing; None is the type of a function that returns nothing."""
    old, new = _shape(before or NOTHING), _shape(after or NOTHING)
    gains, loses = not _Coverage().covers(old, new), not _Coverage().covers(new, old)
    if gains and loses:
        return TypeRelation.DIFFERENT
    if gains:
        return TypeRelation.WIDER
    return TypeRelation.NARROWER if loses else TypeRelation.SAME


@dataclass(frozen=True, slots=True)
class _Alternative:
    """One member of a union: its constructor, such as `map` or `int`, and what it contains."""

    constructor: str
    contents: tuple["_Shape", ...] = ()
    is_error: bool = False


_Shape = frozenset[_Alternative]

_PLAIN = frozenset(
    ("()", "boolean", "int", "float", "decimal", "string", "byte", "map", "array1()")
)
_SUBTYPES = {
    "int": frozenset({"byte"}),
    "json": _PLAIN,
    "anydata": _PLAIN | {"json", "xml", "table", "tuple"},
}
_LITERALS = {"string": '"', "int": "-0123456789", "boolean": "tf"}  # By how they begin.
_LITERAL_CATEGORY = "other"


def _shape(of: Type) -> _Shape:
    """Return the alternatives of a type; those of unions and parentheses are its own."""
    if of.is_parenthesised_type and of.element_type:
        inside = _shape(of.element_type)
    elif of.is_anonymous_union_type and of.member_types:
        inside = frozenset[_Alternative]().union(*map(_shape, of.member_types))
    else:
        inside = frozenset({_alternative(of)})
    return inside | _shape(NOTHING) if of.is_nullable else inside


def _alternative(of: Type) -> _Alternative:
    category = of.category or ""
    members, names = of.member_types, ()
    if category.startswith("inline_"):
        members = tuple(sorted(members, key=lambda member: member.name or ""))
        names = tuple(f"{each.name or '...'}{'?' * _is_optional(each)}" for each in members)
    inside = (*members, *of.type_parameters, *(of.param_types or ()))
    contents = (*inside, of.element_type, of.constraint, of.return_type)
    return _Alternative(
        " ".join((_constructor(of), *names)),
        tuple(_shape(each) for each in contents if each),
        is_error=category == "errors" or of.name == "error",
    )


def _is_optional(member: Type) -> bool:
    """Check whether a field of an inline record may be missing."""
    return member.element_type is not None and member.element_type.is_optional


def _constructor(of: Type) -> str:
    """Return what two alternatives must share for their contents to be compared."""
    flags = {
        f"array{of.array_dimensions}{of.array_lengths}": of.is_array_type,
        "tuple": of.is_tuple,
        "&": of.is_intersection_type,
        "function": of.is_lambda,
        "typedesc": of.is_type_desc,
        "...": of.is_rest_param,
    }
    kind = next((word for word, is_set in flags.items() if is_set), "")
    if kind or of.module_name is None:
        name = of.name or of.category or ""
        return kind or (f"={name}" if of.category == _LITERAL_CATEGORY else name)
    return f"{of.org_name or ''}/{of.module_name}:{of.name}"


MAX_COMPARISONS = 10_000  # Of alternatives, in one relation; types with more of them differ.


@dataclass(slots=True)
class _Coverage:
    """Compares shapes. A source of 1 MB has unions of 100,000 alternatives, so that only those with
    one constructor are compared with each other, and with a few that include others."""

    left: int = MAX_COMPARISONS

    def covers(self, general: _Shape, special: _Shape) -> bool:
        """Check that every alternative of `special` belongs to one of `general`."""
        if special <= general:
            return True
        broad = _by_constructor(general)
        return all(self._is_covered(each, broad) for each in special - general)

    def _is_covered(self, narrow: _Alternative, broad: "_ByConstructor") -> bool:
        found = [each for word in _MAY_INCLUDE_OTHERS for each in broad.get(word, ())[:1]]
        return any(
            self._includes(each, narrow) for each in (*found, *broad.get(narrow.constructor, ()))
        )

    def _includes(self, broad: _Alternative, narrow: _Alternative) -> bool:
        word, other = broad.constructor, narrow.constructor
        if word == "any":
            return not narrow.is_error
        if word == "error":
            return narrow.is_error
        if other.startswith("="):
            return other[1:2] in _LITERALS.get(word, ()) and len(other) > 1
        self.left -= 1
        if self.left < 0:
            return False
        if other in _SUBTYPES.get(word, ()):
            return all(self.covers(frozenset({broad}), each) for each in narrow.contents)
        # The parameters of functions are not covariant, so functions are the same or different.
        return (
            word == other != "function"
            and len(broad.contents) == len(narrow.contents) > 0
            and all(map(self.covers, broad.contents, narrow.contents))
        )


_ByConstructor = dict[str, list[_Alternative]]

_MAY_INCLUDE_OTHERS = ("any", "error", *_SUBTYPES, *_LITERALS)


def _by_constructor(shape: _Shape) -> _ByConstructor:
    found: _ByConstructor = {}
    for each in shape:
        found.setdefault(each.constructor, []).append(each)
    return found
