"""Which changes of a documented symbol break its callers. `docs/develop/api-changes.md` lists the
rules.

Callers give arguments, settings of annotations and configurables; they get results. What they give
may be of more types than before, and what they get may be of fewer types. A record that they only
give may make a field optional, and one that they only get may have a new field that is always
there.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import Flag, IntEnum, auto

from msgspec import Struct, field
from msgspec.structs import replace

from shared.domain.api_docs.model import (
    AnnotationDocs,
    ClassDocs,
    ConstantDocs,
    DeclarationKind,
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
from shared.domain.api_docs.outline import ENUM_MEMBER, DocsSymbol
from shared.domain.api_docs.resolving import unquoted
from shared.domain.api_docs.type_relations import (
    NEVER,
    NamedTypes,
    Shape,
    TypeRelation,
    definition_of,
    is_error,
    is_foreign,
    relation,
    rest_shape,
    shape_of,
)
from shared.domain.version_choice import are_compatible
from shared.domain.versions import Version


class ChangeLevel(IntEnum):
    """The part of the version that a change requires to be raised."""

    PATCH = 0
    MINOR = 1
    MAJOR = 2


PATCH = ChangeLevel.PATCH
MINOR = ChangeLevel.MINOR
MAJOR = ChangeLevel.MAJOR

Reason = tuple[ChangeLevel, str]  # The level, and a sentence.


# --- Where values of a type go --------------------------------------------------------------------


class Direction(Flag):
    """Which way values of a type go between a package and its callers."""

    INPUT = auto()  # Callers pass values of the type.
    OUTPUT = auto()  # Callers get values of the type.
    BOTH = INPUT | OUTPUT


INPUT = Direction.INPUT
OUTPUT = Direction.OUTPUT
BOTH = Direction.BOTH
NEITHER = Direction(0)

# The direction of a function's parameters, for each direction of its result.
_OPPOSITE = {INPUT: OUTPUT, OUTPUT: INPUT, BOTH: BOTH}


class Directions(Struct):
    """The directions of the types of a release, by their full names."""

    _found: dict[str, Direction] = field(default_factory=dict[str, Direction])

    @classmethod
    def of(cls, modules: Iterable[ModuleDocs], names: NamedTypes) -> "Directions":
        """Follow the types of functions, classes, annotations and variables through names."""
        found: dict[str, Direction] = {}
        waiting = [
            use
            for module in modules
            for _, docs in declarations_of(module)
            if isinstance(docs, FunctionDocs | ClassDocs | AnnotationDocs | ModuleVariableDocs)
            for use in _uses(docs, _own_direction(docs))
        ]
        for shape, to in waiting:
            for each in shape:
                callee = each.parts[:-1] if each.kind == "signature" else ()
                waiting.extend((part, _OPPOSITE[to]) for part in callee)
                # If callers pass a type (`typedesc`), they also get values of it.
                other = BOTH if each.kind == "typedesc" else to
                waiting.extend((part, other) for part in each.parts[len(callee) :])
                known = found.get(each.name, NEITHER)
                if each.kind != "name" or to in known:
                    continue
                found[each.name] = known | to
                declared = names.declared.get(each.name)
                # The methods of a class are called, wherever its objects are.
                if declared and not isinstance(declared, ClassDocs):
                    waiting.extend(_uses(declared, to))
        return cls(found)

    def of_symbol(self, symbol: DocsSymbol, module: str) -> Direction:
        """Return the direction of a symbol's values. Nothing says what callers do with a type that
        no other declaration has. They may give and get records and objects; they implement services
        and get errors; what else there is may have more values."""
        docs = symbol.docs
        owner = symbol.owner
        if owner and not isinstance(owner.docs, ClassDocs):
            return self.of_symbol(owner, module)
        if (own := _own_direction(docs)) is not NEITHER:
            return own
        is_service = isinstance(docs, ObjectTypeDocs) and docs.is_service
        has_members = isinstance(docs, RecordDocs | ObjectTypeDocs)
        default = BOTH if has_members and not is_service else INPUT
        default = OUTPUT if isinstance(docs, ErrorDocs) else default
        return self._found.get(f"{module}:{docs.name}", default)


def _own_direction(docs: Documented) -> Direction:
    """Return the direction of what is no type, or of a type that callers always get."""
    match docs:
        case FunctionDocs() | ClassDocs() | ConstantDocs():
            return OUTPUT
        case AnnotationDocs():
            return INPUT
        case ModuleVariableDocs(is_configurable=True):
            return BOTH if docs.is_public else INPUT
        case VariableDocs():
            return OUTPUT if docs.is_final else BOTH
        case _:
            return NEITHER


def _uses(docs: Documented, to: Direction) -> Iterator[tuple[Shape, Direction]]:
    """Yield the types in a declaration whose values go in a direction."""
    match docs:
        case FunctionDocs():
            yield from ((shape_of(each.type), _OPPOSITE[to]) for each in docs.parameters)
            yield from ((shape_of(each.type), to) for each in docs.return_parameters)
        case ClassDocs() | ObjectTypeDocs():
            for method in docs.methods:
                yield from _uses(method, to)
            is_class = isinstance(docs, ClassDocs)
            for each in docs.fields:
                yield shape_of(each.type), _own_direction(each) if is_class else to
        case AnnotationDocs() | ModuleVariableDocs():
            yield shape_of(docs.type), to
        case RecordDocs():
            included = (each.inclusion_type for each in docs.fields if each.inclusion_type)
            yield from ((shape_of(each), to) for each in included)
            yield definition_of(docs).shape, to
        case _:
            yield definition_of(docs).shape, to


class TwoVersions(Struct, frozen=True):
    """The context of the rules besides the symbols. `direction` is that of the symbols' values."""

    module: str  # Its full name, `org/module`.
    before: NamedTypes
    after: NamedTypes
    directions: Directions  # The directions in the earlier version, whose callers may break.
    direction: Direction = Direction.BOTH

    def going(self, direction: Direction) -> "TwoVersions":
        return replace(self, direction=direction)

    def seen_from(self, symbol: DocsSymbol) -> "TwoVersions":
        return self.going(self.directions.of_symbol(symbol, self.module))

    def breaks(self, direction: Direction) -> ChangeLevel:
        """Return the level of a change that breaks who has values that go in a direction."""
        return MAJOR if direction & self.direction else MINOR

    def relation(self, old: Shape, new: Shape) -> TypeRelation:
        return relation(old, new, (self.before, self.after))

    def type_reasons(
        self, sentences: tuple[str, str, str], old: Shape, new: Shape
    ) -> Iterator[Reason]:
        """Yield the reason in the difference of two types, if there is one: of a wider type, which
        breaks who gets its values, of a narrower one, which breaks who gives them, or another."""
        match self.relation(old, new):
            case TypeRelation.SAME:
                return
            case TypeRelation.WIDER:
                yield self.breaks(OUTPUT), sentences[0]
            case TypeRelation.NARROWER:
                yield self.breaks(INPUT), sentences[1]
            case TypeRelation.DIFFERENT:
                yield MAJOR, sentences[2]


# --- Rules as tables ------------------------------------------------------------------------------

# For each flag: whom it breaks and what is said, when the flag was added and when it was removed.
_FLAGS = {
    "is_deprecated": ((NEITHER, "The {} was deprecated."), None),
    "is_remote": ((BOTH, "It is now remote."), (BOTH, "It is no longer remote.")),
    "is_resource": ((BOTH, "It is now a resource."), (BOTH, "It is no longer a resource.")),
    "is_isolated": (
        (INPUT, "It is isolated now."),
        (OUTPUT, "It is no longer isolated, so isolated functions cannot use it."),
    ),
    "is_client": ((BOTH, "It is a client now."), (BOTH, "It is no longer a client.")),
    "is_service": ((BOTH, "It is a service class now."), (BOTH, "It is no service class.")),
    "has_hidden_init": ((BOTH, "Other modules can no longer create objects of it."), None),
    "is_distinct": ((BOTH, "It is distinct now."), (BOTH, "It is no longer distinct.")),
    "is_final": ((BOTH, "It is final now."), (BOTH, "It is no longer final.")),
    "is_read_only": ((BOTH, "It is read-only now."), (BOTH, "It is no longer read-only.")),
}
_FLAGS_OF_TYPES = {name: _FLAGS[name] for name in ("is_deprecated", "is_distinct")}

# The tuples below have a sentence for a wider, for a narrower and for another type.
_OF_DEFINITIONS = "The type has more values.", "The type has fewer values.", "Type changed."
_OF_ERRORS = (
    "It is an error of a more general type.",
    "It is an error of a more specific type.",
    "Type changed.",
)
_OF_RESULTS = (
    "It returns more kinds of values.",
    "It returns fewer kinds of values.",
    "It returns values of another type.",
)
_OF_RECORDS = "The record is open now.", "The record is closed now.", "Type changed."
_OF_INPUT = "It accepts values of more types.", "It accepts values of fewer types.", "Type changed."
_OF_OUTPUT = "It may have values of more types.", "It has values of fewer types.", "Type changed."
_OF_BOTH = "It may have values of more types.", "It accepts values of fewer types.", "Type changed."
_OF_VALUES = {INPUT: _OF_INPUT, OUTPUT: _OF_OUTPUT, BOTH: _OF_BOTH}

# Types that are defined by others; a name may stand for the same values as another kind of type.
_TYPES = {
    each.value
    for each in (
        DeclarationKind.TYPE,
        DeclarationKind.RECORD,
        DeclarationKind.ENUM,
        DeclarationKind.ERROR,
    )
}
_CLASSES = {
    each.value for each in (DeclarationKind.CLASS, DeclarationKind.CLIENT, DeclarationKind.LISTENER)
}
_CONSTANTS = {DeclarationKind.CONSTANT.value, ENUM_MEMBER}
_OBJECT_TYPES = (DeclarationKind.OBJECT_TYPE.value, DeclarationKind.SERVICE_TYPE.value)
_INTERCHANGEABLE = (_TYPES, _CLASSES, _CONSTANTS)

REQUIRED = "?"  # The value of a configurable that has no default.


# --- Added and removed symbols ------------------------------------------------------------------


def added(symbol: DocsSymbol, versions: TwoVersions) -> Iterator[Reason]:
    """Yield the changes that the addition of a symbol causes."""
    docs = symbol.docs
    owner = symbol.owner
    versions = versions.seen_from(symbol)
    if owner and owner.kind in _OBJECT_TYPES and INPUT in versions.direction:
        yield MAJOR, f"Implementations of the {owner.kind} lack this {symbol.kind}."
    elif _must_be_given(symbol) and INPUT in versions.direction:
        yield MAJOR, f"The new {symbol.kind} is required."
    elif isinstance(docs, FunctionDocs) and docs.name == "init":
        yield from _parameter_changes((), docs.parameters, versions)
    else:
        yield MINOR, f"The {symbol.kind} was added."


def removed(symbol: DocsSymbol, versions: TwoVersions) -> Iterator[Reason]:
    """Yield the changes that the removal of a symbol causes."""
    docs = symbol.docs
    owner = symbol.owner
    versions = versions.seen_from(symbol)
    if isinstance(docs, FunctionDocs) and docs.name == "init" and not docs.parameters:
        return  # An `init` without parameters changes nothing about how objects are created.
    elif owner and owner.kind in _OBJECT_TYPES and OUTPUT not in versions.direction:
        yield MINOR, f"Implementations may lack this {symbol.kind}."
    else:
        yield MAJOR, f"The {symbol.kind} was removed."


def _must_be_given(symbol: DocsSymbol) -> bool:
    """Check that a value must be given for a field of a record or a configurable."""
    docs = symbol.docs
    if not isinstance(docs, VariableDocs):
        return False
    if symbol.owner:
        is_field = isinstance(symbol.owner.docs, RecordDocs)
        return is_field and not (docs.default_value or _is_optional(docs))
    return symbol.kind == DeclarationKind.CONFIGURABLE.value and docs.default_value == REQUIRED


def _is_optional(docs: VariableDocs) -> bool:
    return docs.type is not None and docs.type.is_optional


# --- Changed symbols ----------------------------------------------------------------------------


def have_comparable_members(before: DocsSymbol, after: DocsSymbol) -> bool:
    """Check whether members are listed; those of a type that became another kind are not."""
    return before.kind == after.kind or {before.kind, after.kind} <= _CLASSES


def changed(before: DocsSymbol, after: DocsSymbol, versions: TwoVersions) -> Iterator[Reason]:
    """Yield the changes between two versions of a symbol."""
    versions = versions.seen_from(before)
    old = before.docs
    new = after.docs
    kinds = {before.kind, after.kind}
    if len(kinds) > 1 and not any(kinds <= each for each in _INTERCHANGEABLE):
        was, now = (
            f"{'an' if each.kind[0] in 'aeiou' else 'a'} {each.kind}" for each in (before, after)
        )
        yield MAJOR, f"It was {was}, and is {now}."
        return
    is_type = DeclarationKind.TYPE.value in kinds or (len(kinds) > 1 and kinds <= _TYPES)
    for name, (gained, lost) in (_FLAGS_OF_TYPES if is_type else _FLAGS).items():
        was, now = (_has(name, each) for each in (old, new))
        if (rule := gained if now else lost) and was != now:
            yield versions.breaks(rule[0]), rule[1].format(after.kind)
    if is_type:
        yield from _definition_changes(old, new, versions)
    elif kinds <= _CONSTANTS and definition_of(old) != definition_of(new):
        yield MAJOR if kinds == {ENUM_MEMBER} else MINOR, "It has another value."
    yield from _differences(old, new, versions)
    yield from _default_changes(before, after, versions)


def _differences(old: Documented, new: Documented, versions: TwoVersions) -> Iterator[Reason]:
    """Yield the differences of two declarations in their types. The members of classes, objects and
    enums are symbols of their own."""
    match old, new:
        case FunctionDocs(), FunctionDocs():
            yield from _parameter_changes(old.parameters, new.parameters, versions)
            results = (
                shape_of(each.return_parameters[0].type if each.return_parameters else None)
                for each in (old, new)
            )
            yield from versions.type_reasons(_OF_RESULTS, *results)
        case RecordDocs(), RecordDocs():
            rests = rest_shape(old), rest_shape(new)
            sentences = _OF_RECORDS if NEVER in rests else _OF_BOTH
            yield from versions.type_reasons(sentences, *rests)
            yield from _inclusion_changes(old, new, versions)
        case ErrorDocs(), ErrorDocs():
            shapes = definition_of(old).shape, definition_of(new).shape
            yield from versions.type_reasons(_OF_ERRORS, *shapes)
        case (
            (VariableDocs() | ConstantDocs() | AnnotationDocs()),
            (VariableDocs() | ConstantDocs() | AnnotationDocs()),
        ):
            types = shape_of(old.type), shape_of(new.type)
            yield from versions.type_reasons(_OF_VALUES[versions.direction], *types)
        case _:
            pass
    if isinstance(old, AnnotationDocs) and isinstance(new, AnnotationDocs):
        before, after = (set(each.attachment_points.split(", ")) for each in (old, new))
        if before - after:
            yield MAJOR, "It can no longer be attached everywhere."
        elif after - before:
            yield MINOR, "It can be attached in more places."


def _has(flag: str, docs: Documented) -> bool:
    """Check for a flag; `distinct` may precede a member of an intersection as well."""
    written = docs.definition if isinstance(docs, ErrorDocs) else docs
    members: tuple[Type, ...] = ()
    if flag == "is_distinct" and isinstance(written, Type) and written.is_intersection_type:
        members = written.member_types
    return bool(getattr(docs, flag, False)) or any(each.is_distinct for each in members)


def _definition_changes(
    old: Documented, new: Documented, versions: TwoVersions
) -> Iterator[Reason]:
    """Compare what two types stand for. More literals are like more members of an enum."""
    before, after = (definition_of(each).shape for each in (old, new))
    if all(map(is_error, before)):
        yield from versions.going(OUTPUT).type_reasons(_OF_ERRORS, before, after)
        return
    is_enumeration = versions.before.are_literals(before) and versions.after.are_literals(after)
    # Callers may write the name of a type where they only get its values.
    seen = versions.going(INPUT if is_enumeration else versions.direction | INPUT)
    yield from seen.type_reasons(_OF_DEFINITIONS, before, after)


def _default_changes(
    before: DocsSymbol, after: DocsSymbol, versions: TwoVersions
) -> Iterator[Reason]:
    """Yield what it means that a value may be left out now, or must be there, or is another."""
    old = before.docs
    new = after.docs
    if not isinstance(old, VariableDocs) or not isinstance(new, VariableDocs):
        return
    was_needed, is_needed = map(_must_be_given, (before, after))
    breaks_callers = is_needed and not was_needed and INPUT in versions.direction
    is_field = before.owner is not None and isinstance(before.owner.docs, RecordDocs)
    if _is_optional(old) and not _is_optional(new):
        yield MAJOR if breaks_callers else MINOR, "It is no longer optional."
    elif _is_optional(new) and not _is_optional(old):
        yield versions.breaks(OUTPUT), "It is optional now."
    elif breaks_callers or (is_field and old.default_value and not new.default_value):
        yield MAJOR if breaks_callers else PATCH, "It has no default any more."
    elif was_needed and not is_needed and not is_field:
        yield MINOR, "It has a default now."
    elif (
        new.default_value != old.default_value
        and new.default_value
        and (is_field or old.default_value)
    ):
        yield PATCH, "It has another default."


# --- Functions ------------------------------------------------------------------------------------


def _parameter_changes(
    old: Sequence[VariableDocs], new: Sequence[VariableDocs], versions: TwoVersions
) -> Iterator[Reason]:
    """Yield what the differences of the parameters require. Functions are called by callers, and
    methods of object types are implemented by them as well, or alone."""
    before, after = ({unquoted(each.name): each for each in some} for some in (old, new))
    for was, now in list(zip(before, after, strict=False)):
        if was not in after and now not in before:
            types = shape_of(before[was].type), shape_of(after[now].type)
            if versions.relation(*types) is not TypeRelation.DIFFERENT:
                # Calls may pass arguments by name, except those of rest parameters. Implementations
                # of a method choose their own names.
                type_ = after[now].type
                is_named = OUTPUT in versions.direction and not (type_ and type_.is_rest_param)
                level = MAJOR if is_named else PATCH
                yield level, f"The parameter {was} was renamed to {now}."
                before = {now if name == was else name: each for name, each in before.items()}
    for name in before:
        if name not in after:
            yield MAJOR, f"The parameter {name} was removed or renamed."
    for name, parameter in after.items():
        if name in before:
            yield from _parameter_difference(before[name], parameter, versions)
        elif parameter.must_be_given and OUTPUT in versions.direction:
            yield MAJOR, f"The new parameter {name} is required."
        elif INPUT in versions.direction:
            yield MAJOR, f"Implementations lack the new parameter {name}."
        else:
            yield MINOR, f"The parameter {name} was added."
    kept = [name for name in after if name in before]
    if kept != [name for name in before if name in after]:
        yield MAJOR, "The order of the parameters changed."
    elif list(after)[: len(kept)] != kept:
        inserted = next(name for name in after if name not in before)
        following = next(
            name for name in list(after)[list(after).index(inserted) :] if name in before
        )
        yield MAJOR, f"`{inserted}` was inserted before `{following}`."


def _parameter_difference(
    old: VariableDocs, new: VariableDocs, versions: TwoVersions
) -> Iterator[Reason]:
    name = new.name
    if new.must_be_given and not old.must_be_given:
        yield MAJOR, f"The parameter {name} is required now."
    elif old.must_be_given and not new.must_be_given:
        yield MINOR, f"The parameter {name} is no longer required."
    elif old.default_value and new.default_value not in ("", old.default_value):
        yield PATCH, f"The parameter {name} has another default."
    was, now = (each.type is not None and each.type.is_inclusion for each in (old, new))
    if was and not now:
        yield MAJOR, f"Fields of the parameter {name} can no longer be given by their names."
    given = versions.going(_OPPOSITE[versions.direction])
    sentences = (
        f"The parameter {name} accepts more types.",
        f"The parameter {name} accepts fewer types.",
        f"The parameter {name} changed its type.",
    )
    yield from given.type_reasons(sentences, shape_of(old.type), shape_of(new.type))


# --- Records of other packages --------------------------------------------------------------------

_Included = dict[str, Type]  # Inclusions by their full names.


def _foreign(docs: RecordDocs, names: NamedTypes) -> _Included:
    """Return the inclusions of a record that its package does not declare."""
    found = (each.inclusion_type for each in docs.fields if is_foreign(each))
    named = {f"{each.org_name}/{each.module_name}:{each.name}": each for each in found if each}
    return {name: each for name, each in named.items() if name not in names.declared}


def _short(included: Type) -> str:
    return f"{included.module_name}:{included.name}"


def _inclusion_changes(old: RecordDocs, new: RecordDocs, versions: TwoVersions) -> Iterator[Reason]:
    """Yield what other inclusions require; the fields of these records are not known."""
    before = _foreign(old, versions.before)
    after = _foreign(new, versions.after)
    for name, included in before.items():
        if name not in after:
            yield MAJOR, f"It no longer includes {_short(included)}."
            continue
        was = included.version
        now = after[name].version
        if was and now and not are_compatible(Version.parse(was), Version.parse(now)):
            another = f"{_short(included)} of version {now} instead of {was}"
            yield MAJOR, f"It includes {another}, and a build cannot have both."
    for name in after.keys() - before.keys():
        yield MINOR, f"It includes {_short(after[name])} now."
