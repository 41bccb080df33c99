"""Documented types as sets of alternatives, and whether the values of one belong to another.

Types that are written differently and mean the same have one shape: `T?` is `T|()`, and a map is a
record without named fields. Names stand for themselves, in whichever version: a change of a named
type is a change of its own. Where the names differ, what they stand for is compared.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import chain, product
from math import prod

from msgspec import Struct, field

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


class Alternative(Struct, frozen=True):
    """One alternative of a type. `kind` is a type of the language, or one of these:

    - `name`: a type by its full name, `org/module:Name`; labeled `error` if it is one
    - `literal`: the type of one value, whose source text is the name
    - `record`: a label for each field, `a`, or `a?` if it may be left out; the last part is the
      type of other fields
    - `tuple`: the last part is the type of what follows the members
    - `signature`: functions, perhaps `isolated`; the last part is the result
    - `object`: objects of any class with the qualifiers in `labels`
    - `&`: the values that belong to all parts
    """

    kind: str
    name: str = ""
    parts: tuple["Shape", ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.name or self.kind


Shape = frozenset[Alternative]


def _only(kind: str, *parts: Shape, name: str = "", labels: Iterable[str] = ()) -> Shape:
    return frozenset({Alternative(kind, name, parts, tuple(labels))})


NEVER: Shape = frozenset()
NIL, ANY, ANYDATA, READONLY, ERROR, _DISTINCT = map(
    _only, ("()", "any", "anydata", "readonly", "error", "distinct")
)

# Values of these never change.
_IMMUTABLE = frozenset(
    (
        "()",
        "boolean",
        "int",
        "byte",
        "float",
        "decimal",
        "string",
        "literal",
        "error",
        "function",
        "signature",
        "typedesc",
        "handle",
        "readonly",
    )
)
MAX_DISTRIBUTED = 64  # Alternatives of an intersection of unions; a larger one stays as it is.


def shape_of(docs: Type | None) -> Shape:
    """Return the alternatives of a type; None is the type of a function without a result."""
    if docs is None:
        return NIL
    inside = _inside(docs)
    if docs.is_distinct and not isinstance(docs, AliasDocs):
        inside = _only("&", _DISTINCT, inside)
    return inside | NIL if docs.is_nullable else inside


def _inside(docs: Type) -> Shape:
    if docs.definition:
        return shape_of(docs.definition)
    if docs.is_parenthesised_type and docs.element_type:
        return shape_of(docs.element_type)
    if docs.is_intersection_type:
        return _intersection([shape_of(each) for each in docs.member_types])
    if docs.is_anonymous_union_type and docs.member_types:
        return NEVER.union(*map(shape_of, docs.member_types))
    if docs.is_rest_param and not docs.is_array_type:
        return _only("...", _or(docs.element_type, ANY))
    return _built(docs)


def _built(docs: Type) -> Shape:
    """Return a type that is built of others, or one that has a name."""
    if docs.is_array_type:
        return _array(docs)
    if docs.is_lambda:
        return _function(docs)
    if docs.is_type_desc:
        return _only("typedesc", _or(docs.element_type, ANY | ERROR))
    if docs.is_tuple:
        rest = [each.element_type for each in docs.member_types if each.is_rest_param]
        members = [shape_of(each) for each in docs.member_types if not each.is_rest_param]
        return _only("tuple", *members, shape_of(rest[0]) if rest else NEVER)
    return _by_category(docs)


def _function(docs: Type) -> Shape:
    if docs.name == "function":
        return _only("function")
    labels = ("isolated",) if docs.is_isolated else ()
    types = (*(docs.param_types or ()), docs.return_type)
    return _only("signature", *map(shape_of, types), labels=labels)


def _by_category(docs: Type) -> Shape:
    match docs.category:
        case "inline_record" | "inline_closed_record":
            shape = _inline_record(docs)
        case "map":
            shape = _only("record", _or(docs.constraint, ANY))
        case "stream":
            parts = (*map(shape_of, docs.member_types), *(ANY, NIL)[len(docs.member_types) :])
            shape = _only("stream", *parts[:2])
        case "future":
            shape = _only("future", _or(docs.element_type, ANY))
        case "table":
            shape = _only("table", _or(docs.constraint, ANY))
            if docs.key_constraint:
                shape = _only("&", shape, _key(docs.key_constraint))
        case "other":
            shape = _text(docs.name or "")
        case _:
            shape = _named(docs)
    return shape


def _or(docs: Type | None, default: Shape) -> Shape:
    return shape_of(docs) if docs else default


_BUILT = frozenset(("name", "literal", "record", "tuple", "array", "signature", "object", "&"))


def _named(docs: Type) -> Shape:
    if docs.module_name is None:
        # A document of an upstream may have any word here; these have parts where they are built.
        kind = docs.name or docs.category or ""
        if kind in _BUILT:
            return _only("name", name=kind)
        return _only(kind, *map(shape_of, docs.type_parameters))
    name = f"{docs.org_name or ''}/{docs.module_name}:{docs.name}"
    is_foreign_error = docs.category == "libs" and (docs.name or "").endswith("Error")
    labels = ("error",) if docs.category == "errors" or is_foreign_error else ()
    return _only("name", name=name, labels=labels)


def _text(text: str) -> Shape:
    """Return a literal, or a type that the documentation has as source text."""
    words = text.replace("{", " { ").replace("}", " } ").split()
    if words[-3:] == ["object", "{", "}"]:
        return _only("object", labels=sorted(words[:-3]))
    return _only("literal", name=text)


def _array(docs: Type) -> Shape:
    shape = _or(docs.element_type, ANY)
    for length in reversed(docs.array_lengths or ("",) * docs.array_dimensions):
        array = _only("array", shape)
        shape = _only("&", array, _only(f"[{length}]")) if length else array
    return shape


def _key(key: Type) -> Shape:
    names = ",".join(each.name or "" for each in key.member_types)
    return _only(f"key({names})", *([shape_of(key.constraint)] if key.constraint else ()))


def _inline_record(docs: Type) -> Shape:
    rest = NEVER if docs.category == "inline_closed_record" else ANYDATA
    fields = dict[str, Shape]()
    for each in docs.member_types:
        of = each.element_type
        if each.name is not None:
            # Who gives a value may leave out a field with a default.
            may_lack = (of and of.is_optional) or (each.field and each.field.default_value)
            fields[f"{each.name}{'?' if may_lack else ''}"] = shape_of(of)
        elif of:
            rest = shape_of(of.element_type)
    return _only("record", *fields.values(), rest, labels=fields)


def _intersection(members: list[Shape]) -> Shape:
    """Return the values that belong to all members, as alternatives."""
    if prod(map(len, members)) > MAX_DISTRIBUTED:
        return _only("&", *members)
    found = NEVER
    for alternatives in product(*members):
        parts = dict.fromkeys(frozenset({each}) for each in alternatives)
        if {each.kind for each in alternatives} & (_IMMUTABLE - {"readonly"}):
            parts.pop(READONLY, None)
        found |= next(iter(parts)) if len(parts) == 1 else _only("&", *parts)
    return found


# --- What names stand for -----------------------------------------------------------------------


class DefinedShape(Struct, frozen=True):
    """What a name stands for. A nominal type is a part of it: `distinct T`, a class."""

    shape: Shape
    is_nominal: bool = False


def definition_of(docs: Documented) -> DefinedShape:
    """Return the definition in a declaration of a type or a constant."""
    is_nominal = bool(getattr(docs, "is_distinct", False))
    match docs:
        case AliasDocs():
            shape = shape_of(docs)
        case EnumDocs():
            shape = NEVER.union(*(_only("literal", name=each.literal) for each in docs.members))
        case EnumMemberDocs():
            shape = _only("literal", name=docs.literal)
        case ConstantDocs():
            shape = _only("literal", name=docs.value)
        case ErrorDocs():
            shape = _or(docs.definition, ERROR)
        case MapTypeDocs():
            shape = shape_of(docs.map_parameter_type)
        case TableTypeDocs():
            shape = shape_of(docs.row_parameter_type)
        case RecordDocs():
            shape = _record(docs)
        case ObjectTypeDocs() | ClassDocs():
            is_nominal = True
            words = ("client", "isolated", "service")
            labels = [name for name in words if getattr(docs, f"is_{name}", False)]
            shape = _only("&", _only("object", labels=labels), *map(shape_of, docs.inclusions))
        case _:
            raise NotImplementedError(type(docs))
    return DefinedShape(shape, is_nominal)


def _record(docs: RecordDocs) -> Shape:
    fields = {
        f"{each.name}{'?' if each.type and each.type.is_optional else ''}": shape_of(each.type)
        for each in all_fields(docs)
    }
    # Fields of another package's record are not known; with its name, only the same record has it.
    for entry in filter(is_foreign, docs.fields):
        if entry.inclusion_type:
            fields[f"*{entry.inclusion_type.module_name}:{entry.inclusion_type.name}"] = ANY
    shape = _only("record", *fields.values(), rest_shape(docs), labels=fields)
    shape = _intersection([READONLY, shape]) if docs.is_read_only else shape
    return shape | NIL if docs.is_nullable else shape


def is_foreign(entry: VariableDocs) -> bool:
    """Check for the inclusion of a record whose fields are not known."""
    included = entry.inclusion_type
    return entry.is_inclusion and included is not None and not included.member_types


def rest_shape(docs: RecordDocs) -> Shape:
    """Return the type of the fields that a record does not name."""
    return NEVER if docs.is_closed else _or(docs.rest_type, ANYDATA)


_TYPES = (
    AliasDocs,
    ClassDocs,
    ConstantDocs,
    EnumDocs,
    ErrorDocs,
    MapTypeDocs,
    ObjectTypeDocs,
    RecordDocs,
    TableTypeDocs,
)


class NamedTypes(Struct):
    """The types and constants of a release by their full names. A shape is made when it is asked
    for."""

    declared: Mapping[str, Documented] = field(default_factory=dict[str, Documented])
    _known: dict[str, DefinedShape | None] = field(default_factory=dict[str, DefinedShape | None])

    @classmethod
    def of(cls, modules: Iterable[ModuleDocs]) -> "NamedTypes":
        found: dict[str, Documented] = {}
        for module in modules:
            for _, docs in declarations_of(module):
                members = docs.members if isinstance(docs, EnumDocs) else ()
                if isinstance(docs, _TYPES):
                    found[f"{module.org_name}/{module.id}:{docs.name}"] = docs
                for member in members:
                    found.setdefault(f"{module.org_name}/{module.id}:{member.name}", member)
        return cls(found)

    def definition(self, name: str) -> DefinedShape | None:
        """Return the definition of a full name; None if it is not known here."""
        if name not in self._known:
            docs = self.declared.get(name)
            self._known[name] = definition_of(docs) if docs else None
        return self._known[name]

    def are_literals(self, shape: Shape) -> bool:
        """Check whether each alternative has one value, as the members of an enum do."""
        constants = (ConstantDocs, EnumMemberDocs)
        return all(
            each.kind == "literal" or isinstance(self.declared.get(each.name), constants)
            for each in shape
        )


# --- Which values belong to which type ------------------------------------------------------------


class TypeRelation(Enum):
    """The effect of a change of a type on the values that belong to it."""

    SAME = "same"
    WIDER = "wider"
    NARROWER = "narrower"
    DIFFERENT = "different"


_NO_NAMES = NamedTypes()


def relation(
    old: Shape, new: Shape, names: tuple[NamedTypes, NamedTypes] = (_NO_NAMES, _NO_NAMES)
) -> TypeRelation:
    """Compare two shapes, with what names stand for in each version."""
    before, after = names
    gains = not _Coverage(before, after).covers(old, new)
    loses = not _Coverage(after, before).covers(new, old)
    if gains and loses:
        return TypeRelation.DIFFERENT
    if gains:
        return TypeRelation.WIDER
    return TypeRelation.NARROWER if loses else TypeRelation.SAME


_DATA = frozenset(("()", "boolean", "int", "float", "decimal", "string", "byte", "array"))
_SUBTYPES = {
    "json": _DATA | {"literal", "record", "tuple"},
    "anydata": _DATA | {"json", "xml", "table", "literal", "record", "tuple"},
    "readonly": _IMMUTABLE,
}
_INTEGERS = {
    "byte": "Unsigned8 Unsigned16 Unsigned32 Signed16 Signed32 int",
    "Unsigned8": "byte Unsigned16 Unsigned32 Signed16 Signed32 int",
    "Unsigned16": "Unsigned32 Signed32 int",
    "Unsigned32": "int",
    "Signed8": "Signed16 Signed32 int",
    "Signed16": "Signed32 int",
    "Signed32": "int",
}


def _language_name(name: str, module: str = "int") -> str:
    return name if name in ("int", "byte") else f"{LANGUAGE_ORG}/lang.{module}:{name}"


# The types of the language that include another one, by full names.
_SUPERTYPES = {
    **{_language_name(n): {*map(_language_name, above.split())} for n, above in _INTEGERS.items()},
    **{
        _language_name(name, "xml"): {"xml"}
        for name in ("Element", "Comment", "ProcessingInstruction", "Text")
    },
    _language_name("Char", "string"): {"string"},
}
_NO_SUPERTYPES: set[str] = set()

# Comparisons of alternatives for one relation; types that need more count as different.
MAX_COMPARISONS = 10_000
# Levels of nested types, names resolved; each level takes ten calls of the interpreter.
MAX_DEPTH = 60


class _Budget(Struct):
    left: int = MAX_COMPARISONS
    depth: int = 0

    def spend(self, alternatives: int = 1) -> bool:
        self.left -= alternatives
        return self.left >= 0


class _Coverage(Struct):
    """Compares shapes. A source of 1 MB has unions of 100,000 alternatives, so that only those with
    one key are compared with each other, and with a few that include others."""

    general: NamedTypes
    special: NamedTypes
    budget: _Budget = field(default_factory=_Budget)
    _assumed: set[tuple[str, Shape]] = field(default_factory=set[tuple[str, Shape]])

    def covers(self, general: Shape, special: Shape) -> bool:
        """Check that every alternative of `special` belongs to one of `general`."""
        if special <= general:
            return True
        if self.budget.depth == MAX_DEPTH:
            return False
        self.budget.depth += 1
        broad: dict[str, list[Alternative]] = {}
        for each in self._expanded(general):
            broad.setdefault(each.key, []).append(each)
        is_covered = all(self._is_covered(each, general, broad) for each in special - general)
        self.budget.depth -= 1
        return is_covered

    def _expanded(self, shape: Shape) -> set[Alternative]:
        """Add what the names in a shape stand for."""
        found = set(shape)
        waiting = [each for each in shape if each.kind == "name"]
        for each in waiting:
            definition = self.general.definition(each.name)
            if not definition or definition.is_nominal:
                continue
            if self.budget.spend(1 + len(definition.shape)):
                new = definition.shape - found
                found |= new
                waiting += [each for each in new if each.kind == "name"]
        return found

    def _is_covered(
        self, narrow: Alternative, general: Shape, broad: Mapping[str, list[Alternative]]
    ) -> bool:
        keys = {*_MAY_INCLUDE_OTHERS, *_SUPERTYPES.get(narrow.key, ()), narrow.key}
        if narrow.kind == "literal":
            keys.add(literal_type(narrow.name))
        if any(self._includes(each, narrow) for key in keys for each in broad.get(key, ())):
            return True
        if narrow.kind == "&":
            return any(self.covers(general, each) for each in narrow.parts)
        definition = self.special.definition(narrow.name) if narrow.kind == "name" else None
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
        if broad == narrow or broad.key in _SUPERTYPES.get(narrow.key, _NO_SUPERTYPES):
            return True
        match broad.kind, narrow.kind:
            case "any", _:
                return not is_error(narrow)
            case "error", _ if not broad.parts:
                return is_error(narrow)
            case _, "literal" if broad.kind not in (*_SUBTYPES, "&"):
                return broad.kind == literal_type(narrow.name)
            case "function", "signature":
                return True
            case _:
                return self.budget.spend() and self._includes_parts(broad, narrow)

    def _includes_parts(self, broad: Alternative, narrow: Alternative) -> bool:
        match broad.kind, narrow.kind:
            case "&", _:
                covered = (self.covers(each, frozenset({narrow})) for each in broad.parts)
            case "record", "record":
                return self._includes_fields(broad, narrow)
            case "tuple", "tuple":
                *expected, rest = broad.parts
                *given, other = narrow.parts
                if len(given) < len(expected):
                    return False
                members = (*expected, *(rest for _ in given[len(expected) :]), rest)
                covered = map(self.covers, members, (*given, other))
            case "array", "tuple":
                covered = (self.covers(broad.parts[0], each) for each in narrow.parts)
            case ("signature" | "object", kind) if kind == broad.kind:
                # A function may be used for another one if it accepts at least what that one does.
                swapped = _Coverage(self.special, self.general, self.budget)
                is_alike = len(broad.parts) == len(narrow.parts)
                if not is_alike or not set(broad.labels) <= set(narrow.labels):
                    return False
                accepts = map(swapped.covers, narrow.parts[:-1], broad.parts[:-1])
                covered = chain(accepts, map(self.covers, broad.parts[-1:], narrow.parts[-1:]))
            case kind, other if kind == other and kind != "name":
                if broad.parts and len(broad.parts) != len(narrow.parts):
                    return False
                covered = map(self.covers, broad.parts, narrow.parts)
            case _:
                return self._includes_data(broad, narrow)
        return all(covered)

    def _includes_data(self, broad: Alternative, narrow: Alternative) -> bool:
        subtypes = _SUBTYPES.get(broad.kind, frozenset())
        if narrow.kind == "name":
            above = _SUPERTYPES.get(narrow.name, _NO_SUPERTYPES)
            is_immutable = broad.kind == "readonly" and is_error(narrow)
            return is_immutable or not above.isdisjoint(subtypes)
        inside = () if broad.kind == "readonly" else narrow.parts
        alone = frozenset({broad})
        return narrow.kind in subtypes and all(self.covers(alone, each) for each in inside)

    def _includes_fields(self, broad: Alternative, narrow: Alternative) -> bool:
        given = dict(zip(narrow.labels, narrow.parts, strict=False))
        rest = broad.parts[-1]
        other = narrow.parts[-1]
        named: set[str] = set()
        for label, expected in zip(broad.labels, broad.parts, strict=False):
            name = label.removesuffix("?")
            named |= {name, f"{name}?"}
            found = given.get(name)
            if found is None and label.endswith("?"):
                found = given.get(label, other)
            if found is None or not self.covers(expected, found):
                return False
        more = (each for label, each in given.items() if label not in named)
        return all(self.covers(rest, each) for each in (*more, other))


def is_error(of: Alternative) -> bool:
    """Check whether all values of an alternative are errors."""
    if of.kind == "&":
        return any(is_error(each) for part in of.parts for each in part)
    return of.kind == "error" or (of.kind == "name" and "error" in of.labels)


_MAY_INCLUDE_OTHERS = ("any", "error", *_SUBTYPES, "array", "function", "&", "object")
