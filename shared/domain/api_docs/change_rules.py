"""Which changes of a documented symbol break its callers. `docs/api-changes.md` lists the rules.

A parameter may accept more, and a result may promise more. A field is both read and written, so any
other type breaks someone.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from functools import singledispatch

from shared.domain.api_docs.model import (
    AliasDocs,
    AnnotationDocs,
    ClassDocs,
    ConstantDocs,
    DeclarationDocs,
    DeclarationKind,
    Documented,
    EnumDocs,
    EnumMemberDocs,
    ErrorDocs,
    FunctionDocs,
    MapTypeDocs,
    ObjectTypeDocs,
    RecordDocs,
    TableTypeDocs,
    Type,
    VariableDocs,
)
from shared.domain.api_docs.outline import DocsSymbol
from shared.domain.api_docs.type_relations import TypeRelation, type_relation


class ChangeLevel(IntEnum):
    """The part of the version that a change requires to be raised."""

    PATCH = 0
    MINOR = 1
    MAJOR = 2


Reason = tuple[ChangeLevel, str]  # With a sentence.

_PATCH, _MINOR, _MAJOR = ChangeLevel.PATCH, ChangeLevel.MINOR, ChangeLevel.MAJOR
_IMPLEMENTED = (DeclarationKind.OBJECT_TYPE.value, DeclarationKind.SERVICE_TYPE.value)


# --- Added and removed symbols ------------------------------------------------------------------


def added(symbol: DocsSymbol) -> Iterator[Reason]:
    """Yield what the addition of a symbol requires."""
    docs = symbol.docs
    owner = symbol.owner
    if owner and owner.kind in _IMPLEMENTED:
        yield _MAJOR, f"Implementations of the {owner.kind} lack this {symbol.kind}."
    elif isinstance(docs, VariableDocs) and _is_required(symbol, docs):
        yield _MAJOR, f"The new {symbol.kind} is required."
    elif isinstance(docs, FunctionDocs) and docs.name == "init":
        yield from _parameter_changes((), docs.parameters)
    else:
        yield _MINOR, f"The {symbol.kind} was added."


def removed(symbol: DocsSymbol) -> Iterator[Reason]:
    """Yield what the removal of a symbol requires."""
    yield _MAJOR, f"The {symbol.kind} was removed."


def _is_required(symbol: DocsSymbol, docs: VariableDocs) -> bool:
    """Check that a value must be given for a new field of a record or a configurable."""
    if symbol.owner and symbol.owner.kind == DeclarationKind.RECORD.value:
        return not docs.default_value and not _is_optional(docs)
    return symbol.kind == DeclarationKind.CONFIGURABLE.value and docs.default_value == "?"


def _is_optional(docs: VariableDocs) -> bool:
    return docs.type is not None and docs.type.is_optional


# --- Changed symbols ----------------------------------------------------------------------------


def changed(before: DocsSymbol, after: DocsSymbol) -> Iterator[Reason]:
    """Yield what the differences between two versions of a symbol require."""
    if before.kind != after.kind:
        yield _MAJOR, f"It was a {before.kind}, and is a {after.kind}."
        return
    if after.docs.is_deprecated and not before.docs.is_deprecated:
        yield _MINOR, f"The {after.kind} was deprecated."
    yield from _differences(before.docs, after.docs)


# What the relation of a type to the one before it requires, by where the type is.
_OF_RESULTS = {
    TypeRelation.NARROWER: (_MINOR, "It returns fewer kinds of values."),
    TypeRelation.WIDER: (_MAJOR, "It returns more kinds of values."),
    TypeRelation.DIFFERENT: (_MAJOR, "It returns values of another type."),
}
_OF_PARAMETERS = {
    TypeRelation.WIDER: (_MINOR, "accepts more types"),
    TypeRelation.NARROWER: (_MAJOR, "accepts fewer types"),
    TypeRelation.DIFFERENT: (_MAJOR, "changed its type"),
}
_OF_ALIASES = {
    TypeRelation.WIDER: (_MINOR, "The type has more values."),
    TypeRelation.NARROWER: (_MAJOR, "The type has fewer values."),
    TypeRelation.DIFFERENT: (_MAJOR, "Type changed."),
}


def _relation_reasons(
    reasons: Mapping[TypeRelation, Reason], old: Type | None, new: Type | None
) -> Iterator[Reason]:
    relation = type_relation(old, new)
    if relation in reasons:
        yield reasons[relation]


@singledispatch
def _differences(old: Documented, new: Documented) -> Iterator[Reason]:
    """Yield what differs between two declarations of the same kind."""
    raise NotImplementedError(type(old), type(new))


@_differences.register
def _(old: FunctionDocs, new: FunctionDocs) -> Iterator[Reason]:
    for flag, word in (("is_remote", "remote"), ("is_resource", "a resource")):
        if getattr(old, flag) != getattr(new, flag):
            yield _MAJOR, f"It is {'no longer' if getattr(old, flag) else 'now'} {word}."
    yield from _lost_isolation(old, new)
    yield from _parameter_changes(old.parameters, new.parameters)
    yield from _relation_reasons(_OF_RESULTS, _result(old), _result(new))


def _lost_isolation(
    old: FunctionDocs | ClassDocs, new: FunctionDocs | ClassDocs
) -> Iterator[Reason]:
    if old.is_isolated and not new.is_isolated:
        yield _MAJOR, "It is no longer isolated, so isolated functions cannot use it."
    elif new.is_isolated and not old.is_isolated:
        yield _MINOR, "It is isolated now."


def _result(function: FunctionDocs) -> Type | None:
    return function.return_parameters[0].type if function.return_parameters else None


def _parameter_changes(
    old: Sequence[VariableDocs], new: Sequence[VariableDocs]
) -> Iterator[Reason]:
    before, after = ({each.name: each for each in some} for some in (old, new))
    for name in before.keys() - after.keys():
        yield _MAJOR, f"The parameter {name} was removed or renamed."
    for name, parameter in after.items():
        if name in before:
            yield from _parameter_difference(before[name], parameter)
        elif parameter.must_be_given:
            yield _MAJOR, f"The new parameter {name} is required."
        else:
            yield _MINOR, f"The parameter {name} was added."
    kept = [name for name in after if name in before]
    if kept != [name for name in before if name in after]:
        yield _MAJOR, "The order of the parameters changed."
    elif list(after)[: len(kept)] != kept:
        yield _MAJOR, _insertion(list(after), before)


def _insertion(after: Sequence[str], before: Mapping[str, VariableDocs]) -> str:
    """Return which parameter was inserted before which: the first of them."""
    inserted = next(name for name in after if name not in before)
    following = next(name for name in after[after.index(inserted) :] if name in before)
    return f"`{inserted}` was inserted before `{following}`."


def _parameter_difference(old: VariableDocs, new: VariableDocs) -> Iterator[Reason]:
    name = new.name
    if new.must_be_given and not old.must_be_given:
        yield _MAJOR, f"The parameter {name} is required now."
    elif old.must_be_given and not new.must_be_given:
        yield _MINOR, f"The parameter {name} is no longer required."
    elif old.default_value != new.default_value:
        yield _PATCH, f"The parameter {name} has another default."
    for level, does in _relation_reasons(_OF_PARAMETERS, old.type, new.type):
        yield level, f"The parameter {name} {does}."


@_differences.register
def _(old: VariableDocs, new: VariableDocs) -> Iterator[Reason]:
    yield from _type_difference(old.type, new.type)
    if _is_optional(old) != _is_optional(new):
        yield _MAJOR, "It is no longer optional." if _is_optional(old) else "It is optional now."
    if old.default_value and not new.default_value:
        yield _MAJOR, "It has no default any more."
    elif old.default_value != new.default_value:
        yield _PATCH, "It has another default."
    if old.is_final != new.is_final:
        yield _MAJOR, "It is final now." if new.is_final else "It is no longer final."
    yield from _readonly_difference(old, new)


def _readonly_difference(old: DeclarationDocs, new: DeclarationDocs) -> Iterator[Reason]:
    if old.is_read_only != new.is_read_only:
        yield _MAJOR, "It is read-only now." if new.is_read_only else "It is no longer read-only."


def _type_difference(old: Type | None, new: Type | None) -> Iterator[Reason]:
    if type_relation(old, new) is not TypeRelation.SAME:
        yield _MAJOR, "Type changed."


@_differences.register
def _(old: RecordDocs, new: RecordDocs) -> Iterator[Reason]:
    if old.is_closed != new.is_closed:
        yield _MAJOR, "The record is closed now." if new.is_closed else "The record is open now."
    yield from _type_difference(old.rest_type, new.rest_type)
    yield from _readonly_difference(old, new)


@_differences.register
def _(old: ObjectTypeDocs, new: ObjectTypeDocs) -> Iterator[Reason]:
    yield from _distinct_difference(old, new)
    yield from _readonly_difference(old, new)


def _distinct_difference(
    old: ObjectTypeDocs | ClassDocs | ErrorDocs, new: ObjectTypeDocs | ClassDocs | ErrorDocs
) -> Iterator[Reason]:
    if old.is_distinct != new.is_distinct:
        yield _MAJOR, "It is distinct now." if new.is_distinct else "It is no longer distinct."


@_differences.register
def _(old: ClassDocs, new: ClassDocs) -> Iterator[Reason]:
    if old.is_service != new.is_service:
        yield _MAJOR, "It is a service class now." if new.is_service else "It is no service class."
    yield from _lost_isolation(old, new)
    yield from _distinct_difference(old, new)
    yield from _readonly_difference(old, new)


@_differences.register
def _(_old: EnumDocs, _new: EnumDocs) -> Iterator[Reason]:
    yield from ()  # Its members are symbols of their own.


@_differences.register
def _(old: EnumMemberDocs, new: EnumMemberDocs) -> Iterator[Reason]:
    if old.value != new.value:
        yield _MAJOR, "It has another value."


@_differences.register
def _(old: ErrorDocs, new: ErrorDocs) -> Iterator[Reason]:
    yield from _distinct_difference(old, new)
    yield from _type_difference(old.detail_type, new.detail_type)


@_differences.register
def _(old: ConstantDocs, new: ConstantDocs) -> Iterator[Reason]:
    yield from _type_difference(old.type, new.type)
    if old.value != new.value:
        yield _MINOR, "It has another value."


@_differences.register
def _(old: AnnotationDocs, new: AnnotationDocs) -> Iterator[Reason]:
    yield from _type_difference(old.type, new.type)
    before, after = (set(each.attachment_points.split(", ")) for each in (old, new))
    if before - after:
        yield _MAJOR, "It can no longer be attached everywhere."
    elif after - before:
        yield _MINOR, "It can be attached in more places."


@_differences.register
def _(old: TableTypeDocs, new: TableTypeDocs) -> Iterator[Reason]:
    yield from _type_difference(old.row_parameter_type, new.row_parameter_type)
    yield from _type_difference(old.key_constraint, new.key_constraint)


@_differences.register
def _(old: MapTypeDocs, new: MapTypeDocs) -> Iterator[Reason]:
    yield from _type_difference(old.map_parameter_type, new.map_parameter_type)


@_differences.register
def _(old: AliasDocs, new: AliasDocs) -> Iterator[Reason]:
    yield from _relation_reasons(_OF_ALIASES, old, new)
