"""How much of a version a changed type requires to be raised, by where its values go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from shared.domain.api_docs.directions import INPUT, OUTPUT, Direction, Directions
from shared.domain.api_docs.model import Type
from shared.domain.api_docs.named_types import NamedTypes
from shared.domain.api_docs.type_relations import TypeRelation, shape_relation
from shared.domain.api_docs.type_shapes import Shape, Shapes


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
