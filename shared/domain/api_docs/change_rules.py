"""Which changes of a symbol break its callers. `docs/develop/api-changes.md` lists the rules.

A parameter may accept more, and a result may promise more. Fields of records are like parameters
where callers give such records, and like results where they get them.
"""

from collections.abc import Iterator
from functools import singledispatch

from shared.domain.api_docs.directions import (
    INPUT,
    MAJOR,
    MINOR,
    OUTPUT,
    PATCH,
    Direction,
    Reason,
    TwoVersions,
    of_variable,
)
from shared.domain.api_docs.function_changes import (
    default_changes,
    function_changes,
    isolation_changes,
    parameter_changes,
)
from shared.domain.api_docs.model import (
    AnnotationDocs,
    ClassDocs,
    ClientDocs,
    ConstantDocs,
    DeclarationDocs,
    DeclarationKind,
    Documented,
    EnumDocs,
    EnumMemberDocs,
    ErrorDocs,
    FunctionDocs,
    MapTypeDocs,
    ModuleVariableDocs,
    ObjectTypeDocs,
    RecordDocs,
    TableTypeDocs,
    Type,
    VariableDocs,
)
from shared.domain.api_docs.outline import ENUM_MEMBER, DocsSymbol, all_fields
from shared.domain.api_docs.type_relations import TypeRelation, is_error
from shared.domain.api_docs.type_shapes import (
    NEVER,
    NamedTypes,
    definition_of,
    is_foreign,
    rest_shape,
)
from shared.domain.resolution import are_compatible
from shared.domain.versions import Version

_CLASSES = frozenset(
    each.value for each in (DeclarationKind.CLASS, DeclarationKind.CLIENT, DeclarationKind.LISTENER)
)
# Types that are defined by others; a name may stand for the same values as another kind of type.
_TYPES = frozenset(
    each.value
    for each in (
        *(DeclarationKind.TYPE, DeclarationKind.RECORD),
        *(DeclarationKind.ENUM, DeclarationKind.ERROR),
    )
)
_CONSTANTS = {DeclarationKind.CONSTANT.value, ENUM_MEMBER}
_OBJECT_TYPES = (DeclarationKind.OBJECT_TYPE.value, DeclarationKind.SERVICE_TYPE.value)

REQUIRED = "?"  # The value of a configurable that has no default.


def seen_from(symbol: DocsSymbol, versions: TwoVersions) -> TwoVersions:
    """Return the versions with the direction in which values of a symbol go."""
    return versions.going(_direction(symbol, versions))


def _direction(symbol: DocsSymbol, versions: TwoVersions) -> Direction:
    docs, owner = symbol.docs, symbol.owner
    if owner and owner.kind not in _CLASSES:
        return _direction(owner, versions)
    if isinstance(docs, AnnotationDocs):
        return INPUT
    if isinstance(docs, VariableDocs):
        return of_variable(docs)
    if isinstance(docs, FunctionDocs | ConstantDocs):
        return OUTPUT
    return versions.directions.direction(f"{versions.module}:{docs.name}", docs)


# --- Added and removed symbols ------------------------------------------------------------------


def added(symbol: DocsSymbol, versions: TwoVersions) -> Iterator[Reason]:
    """Yield the changes that the addition of a symbol causes."""
    docs, owner = symbol.docs, symbol.owner
    versions = seen_from(symbol, versions)
    if moved := list(moved_field(symbol, versions)):
        yield from moved
    elif owner and owner.kind in _OBJECT_TYPES and versions.has_input:
        yield MAJOR, f"Implementations of the {owner.kind} lack this {symbol.kind}."
    elif isinstance(docs, VariableDocs) and _must_be_given(symbol, docs) and versions.has_input:
        yield MAJOR, f"The new {symbol.kind} is required."
    elif isinstance(docs, FunctionDocs) and docs.name == "init":
        yield from parameter_changes((), docs.parameters, versions)
    else:
        yield MINOR, f"The {symbol.kind} was added."


def removed(symbol: DocsSymbol, versions: TwoVersions) -> Iterator[Reason]:
    """Yield the changes that the removal of a symbol causes."""
    docs, owner = symbol.docs, symbol.owner
    versions = seen_from(symbol, versions)
    if moved := list(moved_field(symbol, versions)):
        yield from moved
    elif isinstance(docs, FunctionDocs) and docs.name == "init":
        levels = [level for level, _ in parameter_changes(docs.parameters, (), versions)]
        if levels:  # Without arguments objects are created as before.
            yield max(levels), f"The {symbol.kind} was removed."
    elif owner and owner.kind in _OBJECT_TYPES and not versions.has_output:
        yield MINOR, f"Implementations may lack this {symbol.kind}."
    else:
        yield MAJOR, f"The {symbol.kind} was removed."


def _must_be_given(symbol: DocsSymbol, docs: VariableDocs) -> bool:
    """Check that a value must be given for a field of a record or a configurable."""
    if _is_record_field(symbol):
        return not (docs.default_value or _is_optional(docs))
    return symbol.kind == DeclarationKind.CONFIGURABLE.value and docs.default_value == REQUIRED


def _is_record_field(symbol: DocsSymbol) -> bool:
    return symbol.owner is not None and symbol.owner.kind == DeclarationKind.RECORD.value


def _is_optional(docs: VariableDocs) -> bool:
    return docs.type is not None and docs.type.is_optional


# --- Changed symbols ----------------------------------------------------------------------------


def have_comparable_members(before: DocsSymbol, after: DocsSymbol) -> bool:
    """Check whether members are listed; those of a type that became another kind are not."""
    return before.kind == after.kind or {before.kind, after.kind} <= _CLASSES


def changed(before: DocsSymbol, after: DocsSymbol, versions: TwoVersions) -> Iterator[Reason]:
    """Yield the changes between two versions of a symbol."""
    versions = seen_from(before, versions)
    old, new = before.docs, after.docs
    if new.is_deprecated and not old.is_deprecated:
        yield MINOR, f"The {after.kind} was deprecated."
    kinds = {before.kind, after.kind}
    if kinds == {DeclarationKind.TYPE.value} or (len(kinds) > 1 and kinds <= _TYPES):
        yield from _definition_changes(old, new, versions)
    elif kinds == _CONSTANTS:
        yield from _value_difference(old, new)
    elif len(kinds) > 1 and not kinds <= _CLASSES:
        was, now = (
            f"{'an' if each.kind[0] in 'aeiou' else 'a'} {each.kind}" for each in (before, after)
        )
        yield MAJOR, f"It was {was}, and is {now}."
    elif (
        isinstance(old, VariableDocs)
        and isinstance(new, VariableDocs)
        and (_is_record_field(before))
    ):
        yield from _record_field_changes(old, new, versions)
    else:
        yield from _differences(old, new, versions)


_OF_DEFINITIONS = {
    TypeRelation.WIDER: "The type has more values.",
    TypeRelation.NARROWER: "The type has fewer values.",
    TypeRelation.DIFFERENT: "Type changed.",
}
_OF_ERRORS = {
    TypeRelation.WIDER: "It is an error of a more general type.",
    TypeRelation.NARROWER: "It is an error of a more specific type.",
    TypeRelation.DIFFERENT: "Type changed.",
}


def _definition_changes(
    old: Documented, new: Documented, versions: TwoVersions
) -> Iterator[Reason]:
    """Compare what two types stand for. More literals are like more members of an enum."""
    yield from _distinct_difference(old, new)
    before, after = (definition_of(each).shape for each in (old, new))
    is_enumeration = versions.before.are_literals(before) and versions.after.are_literals(after)
    if all(map(is_error, before)):
        yield from versions.going(OUTPUT).shape_reasons(_OF_ERRORS, before, after)
    else:
        # Callers may write the name of a type where they only get its values.
        seen = versions.going(INPUT if is_enumeration else versions.direction | INPUT)
        yield from seen.shape_reasons(_OF_DEFINITIONS, before, after)
        yield from default_changes(_defined_by(old), _defined_by(new), seen)


def _defined_by(docs: Documented) -> Type | None:
    """Return the type with which a declaration defines one."""
    if isinstance(docs, MapTypeDocs):
        return docs.map_parameter_type
    if isinstance(docs, TableTypeDocs):
        return docs.row_parameter_type
    return docs if isinstance(docs, Type) else None


def _distinct_difference(old: Documented, new: Documented) -> Iterator[Reason]:
    before, after = map(_is_distinct, (old, new))
    if before != after:
        yield MAJOR, "It is distinct now." if after else "It is no longer distinct."


def _is_distinct(docs: Documented) -> bool:
    """Check for `distinct`, also before a member of an intersection."""
    written = docs.definition if isinstance(docs, ErrorDocs) else docs
    members: tuple[Type, ...] = ()
    if isinstance(written, Type) and written.is_intersection_type:
        members = written.member_types
    return getattr(docs, "is_distinct", False) or any(each.is_distinct for each in members)


# --- Fields and variables -----------------------------------------------------------------------

_OF_VALUES = {
    TypeRelation.WIDER: "It may have values of more types.",
    TypeRelation.NARROWER: "It accepts values of fewer types.",
    TypeRelation.DIFFERENT: "Type changed.",
}
_OF_INPUT = {**_OF_VALUES, TypeRelation.WIDER: "It accepts values of more types."}
_OF_OUTPUT = {**_OF_VALUES, TypeRelation.NARROWER: "It has values of fewer types."}


def _value_changes(old: Type | None, new: Type | None, versions: TwoVersions) -> Iterator[Reason]:
    sentences = _OF_VALUES if versions.has_input else _OF_OUTPUT
    if not versions.has_output:
        sentences = _OF_INPUT
    yield from versions.type_reasons(sentences, old, new)
    yield from default_changes(old, new, versions)


def _record_field_changes(
    old: VariableDocs, new: VariableDocs, versions: TwoVersions
) -> Iterator[Reason]:
    yield from _value_changes(old.type, new.type, versions)
    was, now = (_is_optional(each) or bool(each.default_value) for each in (old, new))
    is_needed = versions.has_input and was and not now
    if _is_optional(old) and not _is_optional(new):
        yield MAJOR if is_needed else MINOR, "It is no longer optional."
    elif _is_optional(new) and not _is_optional(old):
        yield MAJOR if versions.has_output else MINOR, "It is optional now."
    elif old.default_value and not new.default_value:
        yield MAJOR if is_needed else PATCH, "It has no default any more."
    elif versions.has_other_value(old.default_value, new.default_value):
        yield PATCH, "It has another default."
    yield from _readonly_difference(old, new)


def _readonly_difference(old: DeclarationDocs, new: DeclarationDocs) -> Iterator[Reason]:
    if old.is_read_only != new.is_read_only:
        yield MAJOR, "It is read-only now." if new.is_read_only else "It is no longer read-only."


@singledispatch
def _differences(old: Documented, new: Documented, versions: TwoVersions) -> Iterator[Reason]:
    """Yield the differences between two declarations of the same kind."""
    raise NotImplementedError(type(old), type(new), versions)


@_differences.register
def _(old: FunctionDocs, new: FunctionDocs, versions: TwoVersions) -> Iterator[Reason]:
    return function_changes(old, new, versions)


@_differences.register
def _(old: VariableDocs, new: VariableDocs, versions: TwoVersions) -> Iterator[Reason]:
    # A field that became final is given by nobody, which is a reason of its own.
    seen = versions.going(OUTPUT) if new.is_final and not old.is_final else versions
    yield from _value_changes(old.type, new.type, seen)
    if old.is_final != new.is_final:
        yield MAJOR, "It is final now." if new.is_final else "It is no longer final."
    is_configurable = isinstance(new, ModuleVariableDocs) and new.is_configurable
    if is_configurable and REQUIRED in (old.default_value, new.default_value):
        if new.default_value != REQUIRED:
            yield MINOR, "It has a default now."
        elif old.default_value != REQUIRED:
            yield MAJOR, "It has no default any more."
    elif old.default_value and versions.has_other_value(old.default_value, new.default_value):
        yield PATCH, "It has another default."
    yield from _readonly_difference(old, new)


# --- Declarations -------------------------------------------------------------------------------


@_differences.register
def _(old: RecordDocs, new: RecordDocs, versions: TwoVersions) -> Iterator[Reason]:
    before, after = rest_shape(old), rest_shape(new)
    sentences = _OF_VALUES
    if NEVER in (before, after):
        sentences = {
            TypeRelation.WIDER: "The record is open now.",
            TypeRelation.NARROWER: "The record is closed now.",
        }
    yield from versions.shape_reasons(sentences, before, after)
    yield from _readonly_difference(old, new)
    yield from inclusion_changes(old, new, versions)


@_differences.register
def _(old: ObjectTypeDocs, new: ObjectTypeDocs, versions: TwoVersions) -> Iterator[Reason]:
    yield from isolation_changes(is_isolated=(old.is_isolated, new.is_isolated), versions=versions)
    if old.is_client != new.is_client:
        yield MAJOR, "It is a client now." if new.is_client else "It is no longer a client."
    yield from _distinct_difference(old, new)
    yield from _readonly_difference(old, new)


@_differences.register
def _(old: ClassDocs, new: ClassDocs, versions: TwoVersions) -> Iterator[Reason]:
    if old.is_service != new.is_service:
        yield MAJOR, "It is a service class now." if new.is_service else "It is no service class."
    if isinstance(old, ClientDocs) and not isinstance(new, ClientDocs):
        yield MINOR, "It is no longer a client."  # Its remote methods say what that breaks.
    if new.has_hidden_init and not old.has_hidden_init:
        yield MAJOR, "Other modules can no longer create objects of it."
    yield from isolation_changes(
        is_isolated=(old.is_isolated, new.is_isolated), versions=versions.going(OUTPUT)
    )
    yield from _distinct_difference(old, new)
    yield from _readonly_difference(old, new)


@_differences.register
def _(_old: EnumDocs, _new: EnumDocs, _versions: TwoVersions) -> Iterator[Reason]:
    yield from ()  # Its members are symbols of their own.


@_differences.register
def _(old: EnumMemberDocs, new: EnumMemberDocs, _versions: TwoVersions) -> Iterator[Reason]:
    if old.literal != new.literal:
        yield MAJOR, "It has another value."


@_differences.register
def _(old: ErrorDocs, new: ErrorDocs, versions: TwoVersions) -> Iterator[Reason]:
    yield from _distinct_difference(old, new)
    yield from versions.type_reasons(_OF_ERRORS, old.definition, new.definition)
    yield from default_changes(old.definition, new.definition, versions)


@_differences.register
def _(old: ConstantDocs, new: ConstantDocs, versions: TwoVersions) -> Iterator[Reason]:
    yield from _value_changes(old.type, new.type, versions)
    yield from _value_difference(old, new)


def _value_difference(old: Documented, new: Documented) -> Iterator[Reason]:
    if definition_of(old) != definition_of(new):
        yield MINOR, "It has another value."


@_differences.register
def _(old: AnnotationDocs, new: AnnotationDocs, versions: TwoVersions) -> Iterator[Reason]:
    yield from _value_changes(old.type, new.type, versions)
    before, after = (set(each.attachment_points.split(", ")) for each in (old, new))
    if before - after:
        yield MAJOR, "It can no longer be attached everywhere."
    elif after - before:
        yield MINOR, "It can be attached in more places."


_Included = dict[str, Type]  # Inclusions by their full names.


def _foreign(docs: RecordDocs, names: NamedTypes) -> _Included:
    """Return the inclusions of a record that its package does not declare."""
    found = (each.inclusion_type for each in docs.fields if is_foreign(each))
    named = {f"{each.org_name}/{each.module_name}:{each.name}": each for each in found if each}
    return {name: each for name, each in named.items() if name not in names.declared}


def _short(included: Type) -> str:
    return f"{included.module_name}:{included.name}"


# --- Reasons ------------------------------------------------------------------------------------


def inclusion_changes(old: RecordDocs, new: RecordDocs, versions: TwoVersions) -> Iterator[Reason]:
    """Yield what other inclusions require. Where an inclusion and fields took each other's place,
    nobody can say whether these fields are the same."""
    before, after = _foreign(old, versions.before), _foreign(new, versions.after)
    names = [{each.name for each in all_fields(docs)} for docs in (old, new)]
    for name, included in before.items():
        if name in after:
            yield from _version_change(included, after[name])
        else:
            is_replaced = names[1] - names[0] or after.keys() - before.keys()
            yield PATCH if is_replaced else MAJOR, f"It no longer includes {_short(included)}."
    is_replaced = names[0] - names[1] or before.keys() - after.keys()
    for name, included in after.items():
        if name not in before:
            yield PATCH if is_replaced else MINOR, f"It includes {_short(included)} now."


def _version_change(was: Type, now: Type) -> Iterator[Reason]:
    before, after = was.version, now.version
    if before and after and not are_compatible(Version.parse(before), Version.parse(after)):
        versions = f"version {after} instead of {before}"
        yield MAJOR, f"It includes {_short(now)} of {versions}, and a build cannot have both."


def moved_field(symbol: DocsSymbol, versions: TwoVersions) -> Iterator[Reason]:
    """Yield what it requires that a record lost a field as it included another package's record, or
    gained one as it ceased to; nothing if neither is so."""
    owner = symbol.owner
    name = f"{versions.module}:{owner.docs.name}" if owner else ""
    old, new = (each.declared.get(name) for each in (versions.before, versions.after))
    if owner is None or not isinstance(old, RecordDocs) or not isinstance(new, RecordDocs):
        return
    before, after = _foreign(old, versions.before), _foreign(new, versions.after)
    is_new = all(each.name != symbol.docs.name for each in all_fields(old))
    other = before if is_new else after
    moved = [_short(other[each]) for each in other if not (each in before and each in after)]
    if moved and is_new:
        yield PATCH, f"It was added, unless {moved[0]} had it, which {owner.title} included."
    elif moved:
        yield PATCH, f"It was removed, unless {moved[0]} has it, which {owner.title} includes now."


# --- What a comparison says of itself -------------------------------------------------------------


def included_elsewhere(before: NamedTypes, after: NamedTypes) -> Iterator[str]:
    """Yield the modules of other packages whose included fields a comparison lacks, and which may
    differ: with the version, and the one before."""
    for was, now in _inclusions_of_both(before, after):
        for name, included in {**was, **now}.items():
            old, new = was.get(name), now.get(name)
            if included.version and not (old and new and old.version == new.version):
                module = f"{included.org_name}/{included.module_name} {included.version}"
                yield f"{module}, which was {old.version}" if old and new else module


def has_moved_fields(before: NamedTypes, after: NamedTypes) -> bool:
    """Check whether a record includes other records of other packages than before."""
    return any(was.keys() != now.keys() for was, now in _inclusions_of_both(before, after))


def _inclusions_of_both(
    before: NamedTypes, after: NamedTypes
) -> Iterator[tuple[_Included, _Included]]:
    """Yield what each record includes that both versions have."""
    for name, old in before.declared.items():
        new = after.declared.get(name)
        if isinstance(old, RecordDocs) and isinstance(new, RecordDocs):
            yield _foreign(old, before), _foreign(new, after)
