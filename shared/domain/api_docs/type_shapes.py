"""Documented types in the form in which they are compared: as sets of alternatives; and what the
public names of a release stand for.

Types that are written differently and mean the same have one shape: `T?` is `T|()`, a map is a
record without named fields, and `readonly &` applies to what is inside as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod

from shared.domain.api_docs.language import LANGUAGE_ORG, literal_type
from shared.domain.api_docs.model import (
    AliasDocs,
    ClassDocs,
    ConstantDocs,
    Documented,
    EnumDocs,
    EnumMemberDocs,
    ErrorDocs,
    MapTypeDocs,
    ModuleDocs,
    ObjectTypeDocs,
    RecordDocs,
    TableTypeDocs,
    Type,
    VariableDocs,
    declarations_of,
)
from shared.domain.api_docs.outline import all_fields


@dataclass(frozen=True, slots=True)
class Plain:
    """A type of the language, and the types that it contains, such as `stream<int, error?>`."""

    name: str
    contents: tuple["Shape", ...] = ()

    @property
    def parts(self) -> tuple["Shape", ...]:
        return self.contents


@dataclass(frozen=True, slots=True)
class Singleton:
    """A singleton type: it has one value, whose source text this is."""

    name: str

    @property
    def type(self) -> str:
        return literal_type(self.name)


@dataclass(frozen=True, slots=True)
class Named:
    """A type by its full name, `org/module:Name`."""

    name: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class RecordField:
    name: str
    type: "Shape"
    is_optional: bool = False
    has_default: bool = False  # As fields of inline records; those of named ones are symbols.


@dataclass(frozen=True, slots=True)
class Fields:
    """A record or a map. `rest` is the type of other fields; a closed record has none."""

    fields: tuple[RecordField, ...]
    rest: "Shape"
    name: str = "record"

    @property
    def parts(self) -> tuple["Shape", ...]:
        return (*(each.type for each in self.fields), self.rest)


@dataclass(frozen=True, slots=True)
class Members:
    """A tuple. `rest` is the type of what follows the members."""

    members: tuple["Shape", ...]
    rest: "Shape"
    name: str = "tuple"

    @property
    def parts(self) -> tuple["Shape", ...]:
        return (*self.members, self.rest)


@dataclass(frozen=True, slots=True)
class Functions:
    """The type of functions with these parameters."""

    parameters: tuple["Shape", ...]
    result: "Shape"
    is_isolated: bool
    name: str = "signature"


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of any class with these qualifiers: `service object {}`."""

    qualifiers: frozenset[str]
    name: str = "object"


@dataclass(frozen=True, slots=True)
class Intersection:
    """The values that belong to all members."""

    members: tuple["Shape", ...]
    name: str = "&"

    @property
    def parts(self) -> tuple["Shape", ...]:
        return self.members


Alternative = Plain | Singleton | Named | Fields | Members | Functions | Objects | Intersection
Shape = frozenset[Alternative]


def only(alternative: Alternative) -> Shape:
    return frozenset({alternative})


def union(shapes: Iterable[Shape]) -> Shape:
    return frozenset[Alternative]().union(*shapes)


NEVER: Shape = frozenset()
NIL, ANY, ANYDATA, READONLY, ERROR = (
    only(Plain(name)) for name in ("()", "any", "anydata", "readonly", "error")
)
DISTINCT = only(Plain("distinct"))  # The values of one declaration.
DEPENDENT = only(Plain("<>"))  # The type that the caller asks for.

# Values of these never change.
IMMUTABLE = frozenset(
    (
        *("()", "boolean", "int", "byte", "float", "decimal", "string"),
        *("error", "function", "typedesc", "handle", "readonly"),
    )
)
MAX_DISTRIBUTED = 64  # Alternatives of an intersection of unions; a larger one stays as it is.


@dataclass(frozen=True, slots=True)
class Shapes:
    """Builds shapes. `dependent` has what the names of parameters stand for whose arguments are
    types."""

    dependent: Mapping[str, Shape] = field(default_factory=dict[str, Shape])

    def of(self, docs: Type | None) -> Shape:
        """Return the alternatives of a type; None is the type of a function without a result."""
        if docs is None:
            return NIL
        inside = self._inside(docs)
        if docs.is_distinct and not isinstance(docs, AliasDocs):
            inside = only(Intersection((DISTINCT, inside)))
        return inside | NIL if docs.is_nullable else inside

    def _inside(self, docs: Type) -> Shape:
        if docs.definition:
            return self.of(docs.definition)
        if docs.is_parenthesised_type and docs.element_type:
            return self.of(docs.element_type)
        if docs.is_intersection_type:
            return intersection(tuple(map(self.of, docs.member_types)))
        if docs.is_anonymous_union_type and docs.member_types:
            return union(map(self.of, docs.member_types))
        if docs.category == "reference" and (asked := self.dependent.get(docs.name or "")):
            return asked
        return self._built(docs)

    def _built(self, docs: Type) -> Shape:
        """Return a type that is built of others, or one that has a name."""
        if docs.is_rest_param and not docs.is_array_type:
            return only(Plain("...", (self._or(docs.element_type, ANY),)))
        if docs.is_type_desc and not (docs.is_array_type or docs.is_lambda):
            return only(Plain("typedesc", (self._or(docs.element_type, ANY | ERROR),)))
        forms = (
            (docs.is_array_type, self._array),
            (docs.is_lambda, self._function),
            (docs.is_tuple, self._tuple),
            ((docs.category or "").startswith("inline_"), self._record),
            (True, self._by_category),
        )
        return next(build for is_form, build in forms if is_form)(docs)

    def _by_category(self, docs: Type) -> Shape:
        match docs.category:
            case "map":
                return only(Fields((), self._or(docs.constraint, ANY)))
            case "stream":
                item, end = (
                    *map(self.of, docs.member_types),
                    *(ANY, NIL)[len(docs.member_types) :],
                )[:2]
                return only(Plain("stream", (item, end)))
            case "future":
                return only(Plain("future", (self._or(docs.element_type, ANY),)))
            case "table":
                return self.table(self._or(docs.constraint, ANY), docs.key_constraint)
            case "other":
                return only(_text(docs.name or ""))
            case _:
                return only(self._named(docs))

    def _or(self, docs: Type | None, default: Shape) -> Shape:
        return self.of(docs) if docs else default

    def _named(self, docs: Type) -> Alternative:
        if docs.module_name is None:
            contents = tuple(map(self.of, docs.type_parameters))
            return Plain(docs.name or docs.category or "", contents)
        name = f"{docs.org_name or ''}/{docs.module_name}:{docs.name}"
        is_foreign_error = docs.category == "libs" and (docs.name or "").endswith("Error")
        return Named(name, is_error=docs.category == "errors" or is_foreign_error)

    def _array(self, docs: Type) -> Shape:
        shape = self._or(docs.element_type, ANY)
        for length in reversed(docs.array_lengths or ("",) * docs.array_dimensions):
            array = only(Plain("array", (shape,)))
            shape = only(Intersection((array, only(Plain(f"[{length}]"))))) if length else array
        return shape

    def _tuple(self, docs: Type) -> Shape:
        rest = [each for each in docs.member_types if each.is_rest_param]
        members = tuple(self.of(each) for each in docs.member_types if not each.is_rest_param)
        return only(Members(members, self.of(rest[0].element_type) if rest else NEVER))

    def _function(self, docs: Type) -> Shape:
        if docs.name == "function":
            return only(Plain("function"))
        parameters = tuple(map(self.of, docs.param_types or ()))
        return only(Functions(parameters, self.of(docs.return_type), bool(docs.is_isolated)))

    def _record(self, docs: Type) -> Shape:
        named = [each for each in docs.member_types if each.name is not None]
        rests = [each.element_type for each in docs.member_types if each.name is None]
        closed = NEVER if docs.category == "inline_closed_record" else ANYDATA
        rest = self.of(rests[0].element_type) if rests and rests[0] else closed
        fields = (
            RecordField(
                each.name or "",
                self.of(each.element_type),
                is_optional=bool(each.element_type and each.element_type.is_optional),
                has_default=bool(each.field and each.field.default_value),
            )
            for each in named
        )
        return only(Fields(tuple(fields), rest))

    def table(self, row: Shape, key: Type | None) -> Shape:
        """Return a table, with its key as another member of an intersection."""
        table = only(Plain("table", (row,)))
        if key is None:
            return table
        names = ",".join(each.name or "" for each in key.member_types)
        contents = (self.of(key.constraint),) if key.constraint else ()
        return only(Intersection((table, only(Plain(f"key({names})", contents)))))


def _text(text: str) -> Alternative:
    """Return a literal, or a type that the documentation has as source text."""
    words = text.replace("{", " { ").replace("}", " } ").split()
    if words[-3:] == ["object", "{", "}"]:
        return Objects(frozenset(words[:-3]))
    return Singleton(text)


def intersection(members: tuple[Shape, ...]) -> Shape:
    """Return the values that belong to all members, as alternatives."""
    typed = tuple(each for each in members if each != READONLY)
    if len(typed) != len(members):
        if len(typed) == 1:
            return frozenset(map(frozen, typed[0]))
        typed = (READONLY, *typed)
    if prod(map(len, typed)) > MAX_DISTRIBUTED:
        return only(Intersection(typed))
    return frozenset(Intersection(tuple(map(only, each))) for each in product(*typed))


def frozen(of: Alternative) -> Alternative:
    """Return the part of a type that is read-only, which what it contains is as well."""
    match of:
        case Plain(name=name) if name in IMMUTABLE:
            return of
        case Singleton() | Functions():
            return of
        case Plain(contents=contents):
            inside: Alternative = replace(of, contents=tuple(map(_frozen, contents)))
        case Members(members=members, rest=rest):
            inside = replace(of, members=tuple(map(_frozen, members)), rest=_frozen(rest))
        case Fields(fields=fields, rest=rest):
            kept = tuple(replace(each, type=_frozen(each.type)) for each in fields)
            inside = replace(of, fields=kept, rest=_frozen(rest))
        case Intersection(members=members):
            return replace(of, members=(READONLY, *(each for each in members if each != READONLY)))
        case _:
            inside = of
    return Intersection((READONLY, only(inside)))


def _frozen(shape: Shape) -> Shape:
    return frozenset(map(frozen, shape))


def language_name(module: str, name: str) -> str:
    """Return the full name of a type of a module of the language, such as `int:Signed32`."""
    return f"{LANGUAGE_ORG}/lang.{module}:{name}"


_SHAPES = Shapes()


@dataclass(frozen=True, slots=True)
class NamedType:
    """The definition of a name. A nominal type is a part of it: `distinct T`, a class."""

    shape: Shape
    is_nominal: bool = False


def _language_types() -> dict[str, NamedType]:
    """Return the types of the language's modules that are defined by others."""
    name = language_name("value", "Cloneable")
    cloneable = only(Named(name))
    readonly = intersection((ANY, READONLY))
    table = only(Plain("table", (only(Fields((), cloneable)),)))
    contained = only(Plain("array", (cloneable,))), only(Fields((), cloneable)), table
    return {name: NamedType(union((readonly, only(Plain("xml")), *contained)))}


_LANGUAGE_TYPES = _language_types()


@dataclass(slots=True)
class NamedTypes:
    """The types and constants of a release by their full names. A shape is made when it is asked
    for."""

    declared: Mapping[str, Documented] = field(default_factory=dict[str, Documented])
    _known: dict[str, NamedType | None] = field(default_factory=dict[str, NamedType | None])

    @classmethod
    def of(cls, modules: Iterable[ModuleDocs]) -> "NamedTypes":
        found: dict[str, Documented] = {}
        for module in modules:
            for _, docs in declarations_of(module):
                if isinstance(docs, _TYPES):
                    found[f"{module.org_name}/{module.id}:{docs.name}"] = docs
                if isinstance(docs, EnumDocs):
                    for member in docs.members:
                        constant = ConstantDocs(name=member.name, value=member.literal)
                        found.setdefault(f"{module.org_name}/{module.id}:{member.name}", constant)
        return cls(found)

    def definition(self, name: str) -> NamedType | None:
        """Return the definition of a full name; None if it is not known here."""
        if name not in self._known:
            docs = self.declared.get(name)
            self._known[name] = definition_of(docs) if docs else _LANGUAGE_TYPES.get(name)
        return self._known[name]

    def value_of(self, module: str, expression: str) -> str:
        """Return the value of a constant of a module, or the expression if it is none."""
        docs = self.declared.get(f"{module}:{expression}")
        return docs.value if isinstance(docs, ConstantDocs) else expression

    def are_literals(self, shape: Shape) -> bool:
        """Check whether each alternative has one value, as the members of an enum do."""
        return all(
            isinstance(each, Singleton)
            or (isinstance(each, Named) and isinstance(self.declared.get(each.name), ConstantDocs))
            for each in shape
        )


_TYPES = (
    *(AliasDocs, ClassDocs, ConstantDocs, EnumDocs, ErrorDocs, MapTypeDocs, ObjectTypeDocs),
    *(RecordDocs, TableTypeDocs),
)


def definition_of(docs: Documented) -> NamedType:
    """Return the definition in a declaration of a type or a constant."""
    is_nominal = bool(getattr(docs, "is_distinct", False))
    match docs:
        case AliasDocs():
            shape = _SHAPES.of(docs)
        case EnumDocs():
            shape = frozenset[Alternative](Singleton(each.literal) for each in docs.members)
        case EnumMemberDocs():
            shape = only(Singleton(docs.literal))
        case ConstantDocs():
            shape = only(Singleton(docs.value))
        case ErrorDocs():
            shape = _SHAPES.of(docs.definition) if docs.definition else ERROR
        case MapTypeDocs():
            shape = _SHAPES.of(docs.map_parameter_type)
        case TableTypeDocs():
            shape = _SHAPES.of(docs.row_parameter_type)
        case RecordDocs():
            shape = _of_record(docs)
        case ObjectTypeDocs() | ClassDocs():
            is_nominal = True
            words = ("isolated", "service", "client")
            qualifiers = frozenset(name for name in words if getattr(docs, f"is_{name}", False))
            included = map(_SHAPES.of, docs.inclusions)
            shape = only(Intersection((only(Objects(qualifiers)), *included)))
        case _:
            raise NotImplementedError(type(docs))
    return NamedType(shape, is_nominal)


def _of_record(docs: RecordDocs) -> Shape:
    found = [
        RecordField(each.name, _SHAPES.of(each.type), bool(each.type and each.type.is_optional))
        for each in all_fields(docs)
    ]
    # Fields of another package's record are not known; with its name, only the same record has it.
    foreign = (each.inclusion_type for each in docs.fields if is_foreign(each))
    found += (RecordField(f"*{each.module_name}:{each.name}", ANY) for each in foreign if each)
    shape = only(Fields(tuple(found), rest_shape(docs)))
    shape = frozenset(map(frozen, shape)) if docs.is_read_only else shape
    return shape | NIL if docs.is_nullable else shape


def is_foreign(entry: VariableDocs) -> bool:
    """Check for the inclusion of a record whose fields are not known."""
    included = entry.inclusion_type
    return entry.is_inclusion and included is not None and not included.member_types


def rest_shape(docs: RecordDocs) -> Shape:
    """Return the type of the fields that a record does not name."""
    if docs.is_closed:
        return NEVER
    return _SHAPES.of(docs.rest_type) if docs.rest_type else ANYDATA
