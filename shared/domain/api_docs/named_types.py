"""What the public names of a release stand for where types are compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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
    VariableDocs,
    declarations_of,
)
from shared.domain.api_docs.outline import all_fields
from shared.domain.api_docs.type_shapes import (
    ANY,
    ANYDATA,
    ERROR,
    NEVER,
    NIL,
    READONLY,
    Alternative,
    Fields,
    Intersection,
    Named,
    Objects,
    Plain,
    RecordField,
    Shape,
    Shapes,
    Singleton,
    frozen,
    intersection,
    language_name,
    only,
    union,
)

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
