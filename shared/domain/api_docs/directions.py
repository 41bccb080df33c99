"""In which direction values of a type go, and how far a change of the type raises the version.

Callers give arguments, settings of annotations and configurables; they get results. What they give
may be of more types than before, and what they get of fewer. Of a record that they only give, a
field may become optional; one that they only get may have a new field that is always there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Flag, IntEnum, auto

from shared.domain.api_docs.model import (
    AnnotationDocs,
    ClassDocs,
    Documented,
    ErrorDocs,
    FunctionDocs,
    ModuleDocs,
    ModuleVariableDocs,
    ObjectTypeDocs,
    RecordDocs,
    Type,
    VariableDocs,
    declarations_of,
)
from shared.domain.api_docs.type_relations import TypeRelation, shape_relation
from shared.domain.api_docs.type_shapes import (
    Alternative,
    Fields,
    Functions,
    Intersection,
    Members,
    Named,
    NamedTypes,
    Plain,
    Shape,
    Shapes,
    definition_of,
)


class Direction(Flag):
    """Which values of a type there are."""

    INPUT = auto()  # Callers give them.
    OUTPUT = auto()  # Callers get them.
    BOTH = INPUT | OUTPUT


INPUT, OUTPUT, BOTH = Direction.INPUT, Direction.OUTPUT, Direction.BOTH


def opposite(direction: Direction) -> Direction:
    """Return the direction of what a function takes whose results go in the other one."""
    swapped = Direction(0)
    if INPUT in direction:
        swapped |= OUTPUT
    if OUTPUT in direction:
        swapped |= INPUT
    return swapped


def of_variable(docs: VariableDocs) -> Direction:
    if isinstance(docs, ModuleVariableDocs) and docs.is_configurable:
        return BOTH if docs.is_public else INPUT
    return OUTPUT if docs.is_final else BOTH


@dataclass(slots=True)
class Directions:
    """The directions of the types of a release, by their full names."""

    _found: dict[str, Direction] = field(default_factory=dict[str, Direction])

    @classmethod
    def of(cls, modules: Iterable[ModuleDocs], names: NamedTypes) -> "Directions":
        """Find where the public declarations of a release have types."""
        directions = cls()
        documented = (docs for module in modules for _, docs in declarations_of(module))
        uses = [use for docs in documented for use in _uses_of(docs)]
        directions._follow(uses, names)
        return directions

    def direction(self, name: str, declared: Documented) -> Direction:
        """Return the direction of a declared type. Nothing says what callers do with a type that no
        other declaration has. They may give and get records and objects; they implement services
        and get errors; what else there is may have more values."""
        known = self._found.get(name)
        if known is not None:
            return known
        if isinstance(declared, ErrorDocs):
            return OUTPUT
        is_service = isinstance(declared, ObjectTypeDocs) and declared.is_service
        has_members = isinstance(declared, RecordDocs | ObjectTypeDocs)
        return BOTH if has_members and not is_service else INPUT

    def _follow(self, waiting: "list[_Use]", names: NamedTypes) -> None:
        asked: set[str] = set()
        for use in waiting:
            for name, to in _named(use):
                declared = names.declared.get(name)
                if use.is_asked and not isinstance(declared, RecordDocs):
                    if declared and name not in asked:
                        asked.add(name)
                        waiting.extend(
                            replace(each, is_asked=True) for each in _inside(declared, to)
                        )
                    continue
                before = self._found.get(name, Direction(0))
                new = to & ~before
                if new:
                    self._found[name] = before | to
                    waiting.extend(_inside(declared, new) if declared else ())


@dataclass(frozen=True, slots=True)
class _Use:
    """A type where values of it go in a direction. One that is asked for is the bound of the type
    of a result: only the records in it are."""

    shape: Shape
    direction: Direction
    is_asked: bool = False


_SHAPES = Shapes()


def _uses_of(docs: Documented) -> Iterator[_Use]:
    match docs:
        case FunctionDocs():
            yield from _of_function(docs, OUTPUT)
        case ClassDocs():
            for method in docs.methods:
                yield from _of_function(method, OUTPUT)
            for each in docs.fields:
                yield _Use(_SHAPES.of(each.type), of_variable(each))
        case AnnotationDocs():
            yield _Use(_SHAPES.of(docs.type), INPUT)
        case ModuleVariableDocs():
            yield _Use(_SHAPES.of(docs.type), of_variable(docs))
        case _:
            pass


def _of_function(docs: FunctionDocs, direction: Direction) -> Iterator[_Use]:
    """Yield the types of a function that callers call, or give if the direction says so."""
    for parameter in docs.parameters:
        yield _Use(_SHAPES.of(parameter.type), opposite(direction))
        if parameter.type and parameter.type.is_type_desc:
            # Callers get values of the records that they ask for, but not of their union.
            yield _Use(_SHAPES.of(parameter.type.element_type), direction, is_asked=True)
    for result in docs.return_parameters:
        yield _Use(_SHAPES.of(result.type), direction)


def _inside(docs: Documented, direction: Direction) -> Iterator[_Use]:
    """Yield the types in the definition of a type whose values go in a direction."""
    match docs:
        case ClassDocs():
            return  # Its methods are called, wherever its objects are.
        case ObjectTypeDocs():
            for method in docs.methods:
                yield from _of_function(method, direction)
            for each in docs.fields:
                yield _Use(_SHAPES.of(each.type), direction)
        case RecordDocs():
            for each in docs.fields:
                yield _Use(_SHAPES.of(each.inclusion_type or each.type), direction)
                for member in each.inclusion_type.member_types if each.inclusion_type else ():
                    yield _Use(_SHAPES.of(member.element_type), direction)
        case _:
            yield _Use(definition_of(docs).shape, direction)


def _named(use: _Use) -> Iterator[tuple[str, Direction]]:
    waiting = [(use.shape, use.direction)]
    for alternatives, to in waiting:
        for each in alternatives:
            if isinstance(each, Named):
                yield each.name, to
            else:
                waiting.extend(_contents(each, to))


def _contents(of: Alternative, direction: Direction) -> Iterator[tuple[Shape, Direction]]:
    match of:
        case Plain() | Fields() | Members() | Intersection():
            for each in of.parts:
                yield each, direction
        case Functions(parameters=parameters, result=result):
            for each in parameters:
                yield each, opposite(direction)
            yield result, direction
        case _:
            pass


class ChangeLevel(IntEnum):
    """The part of the version that a change requires to be raised."""

    PATCH = 0
    MINOR = 1
    MAJOR = 2


PATCH, MINOR, MAJOR = ChangeLevel.PATCH, ChangeLevel.MINOR, ChangeLevel.MAJOR

Reason = tuple[ChangeLevel, str]  # With a sentence.

# What is said of each relation of a type to the one before.
Sentences = Mapping[TypeRelation, str]

_BREAKS = {TypeRelation.WIDER: OUTPUT, TypeRelation.NARROWER: INPUT}


@dataclass(frozen=True, slots=True)
class TwoVersions:
    """The context of the rules besides the symbols. `direction` is that of the symbols' values."""

    module: str  # Its full name, `org/module`.
    before: NamedTypes
    after: NamedTypes
    directions: Directions  # Of the earlier version, whose callers may break.
    direction: Direction = Direction.BOTH

    def going(self, direction: Direction) -> "TwoVersions":
        return replace(self, direction=direction)

    @property
    def has_input(self) -> bool:
        """Whether callers give such values, or implement such objects."""
        return INPUT in self.direction

    @property
    def has_output(self) -> bool:
        return OUTPUT in self.direction

    def has_other_value(self, old: str, new: str) -> bool:
        """Check whether there is an expression that is another one than before. A constant of the
        module is its value."""
        before, after = (
            self.before.value_of(self.module, old),
            self.after.value_of(self.module, new),
        )
        return bool(new) and before != after

    def relation(self, old: Shape, new: Shape, *, are_given: bool = False) -> TypeRelation:
        return shape_relation(old, new, (self.before, self.after), are_given=are_given)

    def type_reasons(
        self, sentences: Sentences, old: Type | None, new: Type | None
    ) -> Iterator[Reason]:
        """Yield the reasons in the difference of two types, if there is one."""
        shapes = Shapes()
        yield from self.shape_reasons(sentences, shapes.of(old), shapes.of(new))

    def shape_reasons(self, sentences: Sentences, old: Shape, new: Shape) -> Iterator[Reason]:
        """Yield the reasons in the difference of two shapes. A wider type breaks those who get
        values of it, and a narrower one those who give them."""
        reasons: list[Reason] = []
        for direction in self.direction:
            relation = self.relation(old, new, are_given=direction is INPUT)
            if relation is not TypeRelation.SAME:
                breaks = _BREAKS.get(relation, Direction.BOTH)
                reasons.append((MAJOR if breaks & direction else MINOR, sentences[relation]))
        yield from sorted(reasons, key=lambda reason: -reason[0])[:1]
