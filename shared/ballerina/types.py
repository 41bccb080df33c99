"""Type descriptors, annotations, parameters, fields and methods."""

import re
from typing import TypedDict

from msgspec.structs import replace

from shared.ballerina.doc_comments import read_doc_comment
from shared.ballerina.lexer import NAME, NUMBER, STRING, Cursor, ParseError
from shared.ballerina.syntax import (
    NO_COMMENT,
    ArrayType,
    AttachedAnnotation,
    BuiltinType,
    DistinctType,
    DocComment,
    FieldNode,
    FunctionNode,
    FunctionType,
    Inclusion,
    IntersectionType,
    ObjectType,
    OptionalType,
    ParameterKind,
    ParameterNode,
    ParenthesizedType,
    Position,
    RecordType,
    SingletonType,
    TableType,
    TupleType,
    TypeNode,
    TypeReference,
    UnionType,
)

Member = FieldNode | FunctionNode | Inclusion

# Types of functions have these qualifiers as well.
_TYPE_QUALIFIERS = ("isolated", "transactional")
_MEMBER_QUALIFIERS = frozenset(
    ("public", "private", "isolated", "remote", "resource", "transactional", "final")
)
# `readonly & T f`, `readonly[] f`: the keyword is part of the type, not a qualifier of the field.
_READONLY_AS_TYPE = re.compile(r"\s*+(?:[&|?]|\.\.\.|\[\s*+(?:\*|[0-9]++)?\s*+\])").match


class Metadata(TypedDict):
    """The metadata before a declaration, and where the declaration itself begins."""

    comment: DocComment
    annotations: tuple[AttachedAnnotation, ...]
    position: Position


def read_metadata(cursor: Cursor) -> Metadata:
    """Read the doc comment and the annotations before a declaration."""
    comment = read_doc_comment(cursor.comment) if cursor.comment else NO_COMMENT
    annotations = read_annotations(cursor)
    return Metadata(comment=comment, annotations=annotations, position=cursor.position())


def read_annotations(cursor: Cursor) -> tuple[AttachedAnnotation, ...]:
    """Read any number of `@prefix:name {…}`."""
    found: list[AttachedAnnotation] = []
    while cursor.take("@"):
        prefix = ""
        name = cursor.name()
        if cursor.take(":"):
            prefix = name
            name = cursor.name()
        value = cursor.block() if cursor.value == "{" else ""
        found.append(AttachedAnnotation(prefix, name, value))
    return tuple(found)


def parameters(cursor: Cursor) -> tuple[ParameterNode, ...]:
    """Read `(…)`."""
    cursor.expect("(")
    found: list[ParameterNode] = []
    while cursor.value != ")":
        found.append(_parameter(cursor))
        if not cursor.take(","):
            break
    cursor.expect(")")
    return tuple(found)


def _parameter(cursor: Cursor) -> ParameterNode:
    annotations = read_annotations(cursor)
    kind = ParameterKind.INCLUDED if cursor.take("*") else ParameterKind.REQUIRED
    type_ = read_type(cursor)
    if cursor.take("..."):
        kind = ParameterKind.REST
    name = cursor.name() if cursor.kind == NAME else ""
    default = ""
    if cursor.take("="):
        kind = ParameterKind.DEFAULTABLE
        default = cursor.expression(",")
    return ParameterNode(name=name, type=type_, kind=kind, default=default, annotations=annotations)


def function_signature(cursor: Cursor) -> tuple[tuple[ParameterNode, ...], TypeNode | None]:
    """Read `(…) returns T`."""
    found = parameters(cursor)
    if not cursor.take("returns"):
        return found, None
    read_annotations(cursor)
    return found, read_type(cursor)


def record_member(cursor: Cursor) -> FieldNode | Inclusion | TypeNode:
    """Read a field, an inclusion or, as its type, the rest of a record."""
    metadata = read_metadata(cursor)
    if cursor.take("*"):
        return _inclusion(cursor)
    is_readonly = cursor.value == "readonly" and not _READONLY_AS_TYPE(cursor.text, cursor.end)
    if is_readonly:
        cursor.advance()
    type_ = read_type(cursor)
    if cursor.take("..."):
        cursor.expect(";")
        return type_
    if is_readonly and cursor.kind != NAME:
        return _field(cursor, metadata, *_readonly_name(cursor, type_))
    field = _field(cursor, metadata, cursor.name(), type_)
    return replace(field, is_readonly=True) if is_readonly else field


def object_member(cursor: Cursor) -> Member:
    """Read a field, a method or an inclusion of an object type or a class."""
    metadata = read_metadata(cursor)
    if cursor.take("*"):
        return _inclusion(cursor)
    qualifiers: set[str] = set()
    type_start = None
    while cursor.value in _MEMBER_QUALIFIERS:
        if type_start is None and cursor.value in _TYPE_QUALIFIERS:
            type_start = cursor.start
        qualifiers.add(cursor.value)
        cursor.advance()
    if cursor.value == "function" and cursor.next() != "(":
        return function(cursor, metadata, frozenset(qualifiers))
    if type_start is not None:
        cursor.move(type_start)
    type_ = read_type(cursor)
    field = _field(cursor, metadata, cursor.name(), type_)
    return replace(field, is_public="public" in qualifiers, is_final="final" in qualifiers)


def function(cursor: Cursor, metadata: Metadata, qualifiers: frozenset[str]) -> FunctionNode:
    """Read a function or a method from the keyword to the end of its body."""
    cursor.expect("function")
    name = accessor = path = ""
    if "resource" in qualifiers:
        accessor = cursor.name()
        path = cursor.expression("(")
    else:
        name = cursor.name()
    found, returned = function_signature(cursor)
    return FunctionNode(
        name=name,
        parameters=found,
        returns=returned,
        qualifiers=qualifiers,
        accessor=accessor,
        resource_path=path,
        is_extern=_is_extern(cursor),
        **metadata,
    )


def _is_extern(cursor: Cursor) -> bool:
    """Move behind the body of a function, and say whether it is `= external`."""
    if cursor.value == "{":
        cursor.block()
        cursor.take(";")
        return False
    is_extern = False
    if cursor.take("="):
        read_annotations(cursor)
        cursor.expect("external")
        is_extern = True
    elif cursor.take("=>"):
        cursor.expression(";")
    cursor.expect(";")
    return is_extern


def _inclusion(cursor: Cursor) -> Inclusion:
    type_ = read_type(cursor)
    cursor.expect(";")
    return Inclusion(type_)


def _readonly_name(cursor: Cursor, read: TypeNode) -> tuple[str, TypeNode]:
    """Return the name and type of `readonly f;`, where the name was read as a type."""
    if not isinstance(read, TypeReference) or read.prefix:
        cursor.refuse("a name")
    return read.name, BuiltinType("readonly")


def _field(cursor: Cursor, metadata: Metadata, name: str, type_: TypeNode) -> FieldNode:
    """Read the rest of a field, after its name."""
    is_optional = cursor.take("?")
    default = cursor.expression(";") if cursor.take("=") else ""
    cursor.expect(";")
    return FieldNode(name=name, type=type_, default=default, is_optional=is_optional, **metadata)


# Levels of nested types. Sources that people write reach about ten; a level takes six calls, and
# eleven for an object in a parameter of a method.
NESTING_LIMIT = 60

_ARRAY_LENGTH = re.compile(r"\[[ \t\n]*+([^\]\[{}(),;|\s]*+)[ \t\n]*+\]").match
_LITERALS = frozenset(("true", "false", "null"))
_QUALIFIERS = frozenset(("client", "isolated", "service", "transactional"))
_COMPOSED = _QUALIFIERS | {"function", "object", "record", "table"}
_PLAIN = """any anydata boolean byte decimal error float future handle int json map never readonly
    stream string typedesc xml"""
PLAIN_TYPES = frozenset(_PLAIN.split())
_RESERVED = """abort annotation as base16 base64 break by check checkpanic class collect commit
    conflict configurable const continue distinct do else enum external fail final flush foreach
    fork from if import in is let limit listener lock match new on order outer panic private public
    remote resource retry return returns rollback select source start transaction trap type typeof
    var wait where while worker xmlns"""
_NO_TYPES = frozenset(_RESERVED.split())


def read_type(cursor: Cursor) -> TypeNode:
    """Read a type; raises `ParseError`, also for types that nest too deeply."""
    cursor.open_types += 1
    if cursor.open_types > NESTING_LIMIT:
        raise NestedTooDeeply
    members = [_intersection(cursor)]
    while cursor.take("|"):
        members.append(_intersection(cursor))
    cursor.open_types -= 1
    return members[0] if len(members) == 1 else UnionType(tuple(members))


def _intersection(cursor: Cursor) -> TypeNode:
    members = [_suffixed_type(cursor)]
    while cursor.take("&"):
        members.append(_suffixed_type(cursor))
    return members[0] if len(members) == 1 else IntersectionType(tuple(members))


def _suffixed_type(cursor: Cursor) -> TypeNode:
    is_distinct = cursor.take("distinct")
    member = _primary(cursor)
    if is_distinct:
        member = DistinctType(member)
    suffixes = 0
    while cursor.value in ("?", "[") and (suffixed := _suffixed(cursor, member)):
        member = suffixed
        suffixes += 1
        if suffixes > NESTING_LIMIT:
            raise NestedTooDeeply
    return member


def _suffixed(cursor: Cursor, type_: TypeNode) -> TypeNode | None:
    """Read `?`, or the lengths of an array, behind a type; None if a bracket is none of them."""
    if cursor.take("?"):
        return OptionalType(type_)
    lengths: list[str] = []
    while cursor.value == "[" and (match := _ARRAY_LENGTH(cursor.text, cursor.start)):
        lengths.append(match[1])
        cursor.move(match.end())
    return ArrayType(type_, tuple(lengths)) if lengths else None


def _primary(cursor: Cursor) -> TypeNode:
    name = cursor.value
    if cursor.kind != NAME or name in _LITERALS:
        return _unnamed(cursor)
    if cursor.next() == ":":
        cursor.advance()
        cursor.advance()
        return TypeReference(name, cursor.name())
    if name in _COMPOSED:
        return _composed(cursor)
    if name in _NO_TYPES:
        cursor.refuse("a type")
    cursor.advance()
    if name not in PLAIN_TYPES:
        return TypeReference("", name)
    if cursor.value != "<":
        return BuiltinType(name)
    return BuiltinType(name, _arguments(cursor))


def _unnamed(cursor: Cursor) -> TypeNode:
    """Read a type that begins with no name: nil, a tuple, a literal, a type in parentheses."""
    if cursor.value == "[":
        return _tuple(cursor)
    if not cursor.take("("):
        return _singleton(cursor)
    if cursor.take(")"):
        return BuiltinType("()")
    type_ = read_type(cursor)
    cursor.expect(")")
    return ParenthesizedType(type_)


def _singleton(cursor: Cursor) -> SingletonType:
    sign = cursor.value if cursor.value in ("-", "+") else ""
    if sign:
        cursor.advance()
    kinds = (NUMBER,) if sign else (NUMBER, STRING, NAME)
    if cursor.kind not in kinds:
        cursor.refuse("a type")
    text = sign + cursor.value
    cursor.advance()
    return SingletonType(text)


def _arguments(cursor: Cursor) -> tuple[TypeNode, ...]:
    """Read `<A, B>`; `error<*>` has no arguments."""
    cursor.expect("<")
    found: list[TypeNode] = []
    while not cursor.take("*"):
        found.append(read_type(cursor))
        if not cursor.take(","):
            break
    cursor.expect(">")
    return tuple(found)


def _tuple(cursor: Cursor) -> TupleType:
    cursor.expect("[")
    members: list[TypeNode] = []
    rest = None
    while cursor.value != "]":
        read_annotations(cursor)
        type_ = read_type(cursor)
        if cursor.take("..."):
            rest = type_
            break
        members.append(type_)
        if not cursor.take(","):
            break
    cursor.expect("]")
    return TupleType(tuple(members), rest)


def _composed(cursor: Cursor) -> TypeNode:
    """Read a type that begins with a keyword, and with qualifiers before it."""
    start = cursor.start
    qualifiers: set[str] = set()
    while cursor.value in _QUALIFIERS:
        qualifiers.add(cursor.value)
        cursor.advance()
    if cursor.take("object"):
        return _object(cursor, frozenset(qualifiers), start)
    if cursor.take("function"):
        return _function(cursor, frozenset(qualifiers))
    if qualifiers:
        cursor.refuse("`object` or `function`")
    if cursor.take("record"):
        return _record(cursor)
    cursor.expect("table")
    return _table(cursor)


def _object(cursor: Cursor, qualifiers: frozenset[str], start: int) -> ObjectType:
    members: list[Member] = []
    cursor.open_objects += 1
    cursor.expect("{")
    while cursor.value != "}":
        members.append(object_member(cursor))
    end = cursor.end
    cursor.advance()
    cursor.open_objects -= 1
    # Each level would copy the text of all levels in it. A type that is declared is never shown as
    # text, so the objects in it need theirs.
    text = "" if cursor.open_objects > 1 else cursor.text[start:end]
    return ObjectType(tuple(members), qualifiers, text)


def _function(cursor: Cursor, qualifiers: frozenset[str]) -> FunctionType:
    if cursor.value != "(":
        return FunctionType(None, None, qualifiers)
    return FunctionType(*function_signature(cursor), qualifiers)


def _record(cursor: Cursor) -> RecordType:
    is_exclusive = cursor.value == "{|"
    closing = "|}" if is_exclusive else "}"
    cursor.expect("{|" if is_exclusive else "{")
    members: list[FieldNode | Inclusion] = []
    rest: TypeNode | None = None
    while cursor.value != closing:
        member = record_member(cursor)
        if isinstance(member, FieldNode | Inclusion):
            members.append(member)
        else:
            rest = member
    cursor.advance()
    return RecordType(tuple(members), rest, is_exclusive)


def _table(cursor: Cursor) -> TableType:
    cursor.expect("<")
    row = read_type(cursor)
    cursor.expect(">")
    has_key = cursor.value == "key" and cursor.next() in ("<", "(")
    if not has_key:
        return TableType(row)
    cursor.advance()
    if cursor.take("<"):
        key_type = read_type(cursor)
        cursor.expect(">")
        return TableType(row, None, key_type)
    cursor.expect("(")
    fields: list[str] = []
    while cursor.value != ")":
        fields.append(cursor.name())
        if not cursor.take(","):
            break
    cursor.expect(")")
    return TableType(row, tuple(fields))


class NestedTooDeeply(ParseError):
    def __init__(self) -> None:
        super().__init__(f"types are nested more than {NESTING_LIMIT} levels deep")
