"""Whether the values of one documented type belong to another one as well.

Names stand for themselves, in whichever version: a change of a named type is a change of its own.
Where the names differ, what they stand for is compared.
"""

from dataclasses import dataclass, field
from enum import Enum

from shared.domain.api_docs.type_shapes import (
    IMMUTABLE,
    Alternative,
    Fields,
    Functions,
    Intersection,
    Members,
    Named,
    NamedTypes,
    Objects,
    Plain,
    RecordField,
    Shape,
    Singleton,
    language_name,
)


class TypeRelation(Enum):
    """The effect of a change of a type on the values that belong to it."""

    SAME = "same"
    WIDER = "wider"
    NARROWER = "narrower"
    DIFFERENT = "different"


_NO_NAMES = NamedTypes()


def shape_relation(
    old: Shape,
    new: Shape,
    names: tuple[NamedTypes, NamedTypes] = (_NO_NAMES, _NO_NAMES),
    *,
    are_given: bool = False,
) -> TypeRelation:
    """Compare two shapes. Whoever gives values, as `are_given` says, may leave out fields with a
    default."""
    before, after = names
    gains = not _Coverage(before, after, are_given).covers(old, new)
    loses = not _Coverage(after, before, are_given).covers(new, old)
    if gains and loses:
        return TypeRelation.DIFFERENT
    if gains:
        return TypeRelation.WIDER
    return TypeRelation.NARROWER if loses else TypeRelation.SAME


_DATA = frozenset(("()", "boolean", "int", "float", "decimal", "string", "byte", "array"))
_SUBTYPES = {
    "json": _DATA,
    "anydata": _DATA | {"json", "xml", "table"},
    "readonly": IMMUTABLE,
}
_OF_DATA = frozenset(("json", "anydata"))  # Also records and tuples of data are.

# Of each integer type the smallest ones that include it.
_INTEGERS = {
    "Signed32": ("int",),
    "Unsigned32": ("int",),
    "Signed16": ("Signed32",),
    "Unsigned16": ("Unsigned32", "Signed32"),
    "Signed8": ("Signed16",),
    "Unsigned8": ("byte",),
    "byte": ("Unsigned8", "Unsigned16", "Signed16", "int"),
}


def _supertypes() -> dict[str, frozenset[str]]:
    """Return the types of the language that include another one, by full names."""

    def full(name: str) -> str:
        return name if name in ("int", "byte") else language_name("int", name)

    def above(name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        direct = frozenset(_INTEGERS.get(name, ())) - seen
        return direct.union(*(above(each, seen | direct) for each in direct))

    found = {full(name): frozenset(map(full, above(name))) for name in _INTEGERS}
    found[language_name("string", "Char")] = frozenset({"string"})
    for name in ("Element", "Comment", "ProcessingInstruction", "Text"):
        found[language_name("xml", name)] = frozenset({"xml"})
    return found


_SUPERTYPES = _supertypes()

MAX_COMPARISONS = 10_000  # Of alternatives, in one relation; types with more of them differ.
MAX_DEPTH = 60  # Of types in types, through names; each level takes ten calls of the interpreter.


@dataclass(slots=True)
class _Budget:
    left: int = MAX_COMPARISONS
    depth: int = 0

    def spend(self, alternatives: int = 1) -> bool:
        self.left -= alternatives
        return self.left >= 0


@dataclass(slots=True)
class _Coverage:
    """Compares shapes. A source of 1 MB has unions of 100,000 alternatives, so that only those with
    one name are compared with each other, and with a few that include others."""

    general: NamedTypes
    special: NamedTypes
    are_given: bool
    budget: _Budget = field(default_factory=_Budget)
    _assumed: set[tuple[str, Shape]] = field(default_factory=set[tuple[str, Shape]])

    def covers(self, general: Shape, special: Shape) -> bool:
        """Check that every alternative of `special` belongs to one of `general`."""
        if special <= general:
            return True
        if self.budget.depth == MAX_DEPTH:
            return False
        self.budget.depth += 1
        broad = _ByName(self._expanded(general))
        is_covered = all(self._is_covered(each, general, broad) for each in special - general)
        self.budget.depth -= 1
        return is_covered

    def _expanded(self, shape: Shape) -> Shape:
        """Add what the names in a shape stand for."""
        found, waiting = set(shape), [each for each in shape if isinstance(each, Named)]
        for each in waiting:
            definition = self.general.definition(each.name)
            if not definition or definition.is_nominal:
                continue
            if self.budget.spend(1 + len(definition.shape)):
                new = definition.shape - found
                found |= new
                waiting += [each for each in new if isinstance(each, Named)]
        return frozenset(found)

    def _is_covered(self, narrow: Alternative, general: Shape, broad: "_ByName") -> bool:
        if any(self._includes(each, narrow) for each in broad.candidates(narrow)):
            return True
        if isinstance(narrow, Named):
            return self._is_definition_covered(narrow, general)
        if isinstance(narrow, Intersection):
            return any(self.covers(general, each) for each in narrow.members)
        return False

    def _is_definition_covered(self, narrow: Named, general: Shape) -> bool:
        definition = self.special.definition(narrow.name)
        if definition is None:
            return False
        # A type that contains itself belongs to another one if nothing else of it does not.
        if (narrow.name, general) in self._assumed:
            return True
        if not self.budget.spend():
            return False
        self._assumed.add((narrow.name, general))
        is_covered = self.covers(general, definition.shape)
        self._assumed.discard((narrow.name, general))
        return is_covered

    def _includes(self, broad: Alternative, narrow: Alternative) -> bool:
        if broad == narrow or broad.name in _SUPERTYPES.get(narrow.name, ()):
            return True
        if isinstance(broad, Intersection):
            alone = frozenset({narrow})
            return self.budget.spend() and all(self.covers(each, alone) for each in broad.members)
        if isinstance(broad, Plain) and (found := self._includes_simply(broad, narrow)) is not None:
            return found
        return self.budget.spend() and self._includes_structure(broad, narrow)

    def _includes_simply(self, broad: Plain, narrow: Alternative) -> bool | None:
        """Compare with a type of the language that has no contents; None if it is none."""
        name = broad.name
        if name == "any":
            return not is_error(narrow)
        if name == "error" and not broad.contents:
            return is_error(narrow)
        if isinstance(narrow, Singleton):
            return name in (narrow.type, "anydata", "json", "readonly")
        if isinstance(narrow, Functions):
            return name in ("function", "readonly")
        return None

    def _includes_structure(self, broad: Alternative, narrow: Alternative) -> bool:
        is_included = False
        match broad, narrow:
            case Fields(), Fields():
                is_included = self._includes_fields(broad, narrow)
            case Members(), Members():
                is_included = self._includes_members(broad, narrow)
            case Functions(), Functions():
                is_included = self._includes_signature(broad, narrow)
            case Objects(), Objects():
                is_included = broad.qualifiers <= narrow.qualifiers
            case Plain(), Plain() if broad.name == narrow.name:
                is_included = not broad.contents or (
                    len(broad.contents) == len(narrow.contents)
                    and all(map(self.covers, broad.contents, narrow.contents))
                )
            case Plain(name="array"), Members():
                is_included = all(self.covers(broad.contents[0], each) for each in narrow.parts)
            case Plain(), _ if broad.name in _SUBTYPES:
                is_included = self._includes_data(broad, narrow)
            case _:
                pass
        return is_included

    def _includes_data(self, broad: Plain, narrow: Alternative) -> bool:
        is_data = broad.name in _OF_DATA
        subtypes = _SUBTYPES[broad.name]
        match narrow:
            case Fields() | Members() if is_data:
                inside = narrow.parts
            case Plain() if narrow.name in subtypes:
                inside = narrow.parts if is_data else ()
            case Named():
                above = _SUPERTYPES.get(narrow.name, frozenset())
                return not above.isdisjoint(subtypes) or (narrow.is_error and not is_data)
            case _:
                return False
        alone = frozenset({broad})
        return all(self.covers(alone, each) for each in inside)

    def _includes_fields(self, broad: Fields, narrow: Fields) -> bool:
        given = {each.name: each for each in narrow.fields}
        expected = {each.name: each for each in broad.fields}
        return (
            all(self._includes_field(each, given.get(each.name), narrow) for each in broad.fields)
            and all(
                self.covers(broad.rest, each.type)
                for each in narrow.fields
                if each.name not in expected
            )
            and self.covers(broad.rest, narrow.rest)
        )

    def _includes_field(
        self, expected: RecordField, given: RecordField | None, narrow: Fields
    ) -> bool:
        if given is None:
            may_lack = expected.is_optional or (self.are_given and expected.has_default)
            return may_lack and self.covers(expected.type, narrow.rest)
        is_there = expected.is_optional or not given.is_optional
        return is_there and self.covers(expected.type, given.type)

    def _includes_members(self, broad: Members, narrow: Members) -> bool:
        expected, given = broad.members, narrow.members
        return (
            len(given) >= len(expected)
            and all(map(self.covers, expected, given))
            and all(self.covers(broad.rest, each) for each in given[len(expected) :])
            and self.covers(broad.rest, narrow.rest)
        )

    def _includes_signature(self, broad: Functions, narrow: Functions) -> bool:
        if len(broad.parameters) != len(narrow.parameters):
            return False
        if broad.is_isolated and not narrow.is_isolated:
            return False
        # A function may be used for another one if it accepts at least what that one does.
        swapped = _Coverage(self.special, self.general, not self.are_given, self.budget)
        accepts = all(map(swapped.covers, narrow.parameters, broad.parameters))
        return accepts and self.covers(broad.result, narrow.result)


def is_error(of: Alternative) -> bool:
    """Check whether all values of an alternative are errors."""
    match of:
        case Named():
            return of.is_error
        case Intersection(members=members):
            return any(is_error(each) for member in members for each in member)
        case _:
            return of.name == "error"


_MAY_INCLUDE_OTHERS = ("any", "error", *_SUBTYPES, "array", "function", "&", "object")


class _ByName:
    """The alternatives of a shape by their names."""

    def __init__(self, shape: Shape) -> None:
        self._found: dict[str, list[Alternative]] = {}
        for each in shape:
            self._found.setdefault(each.name, []).append(each)

    def candidates(self, narrow: Alternative) -> list[Alternative]:
        """Return those that may include another alternative."""
        names = [*_MAY_INCLUDE_OTHERS, *_SUPERTYPES.get(narrow.name, ())]
        if isinstance(narrow, Singleton):
            names.append(narrow.type)
        if narrow.name not in names:
            names.append(narrow.name)
        return [each for name in names for each in self._found.get(name, ())]
