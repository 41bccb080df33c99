"""Type descriptors.

`run` reads whatever contains types. It keeps the steps that wait for a nested type in a list, so
the nesting of a source takes memory, never recursion, and the limit of nesting is checked here.
"""

import re
from typing import Any, TypeVar

from shared.ballerina.lexer import NAME, NUMBER, STRING, Cursor, ParseError
from shared.ballerina.signatures import (
    Member,
    Steps,
    function_signature,
    object_member,
    read_annotations,
    record_member,
)
from shared.ballerina.syntax import (
    ArrayType,
    BuiltinType,
    DistinctType,
    FieldNode,
    FunctionType,
    Inclusion,
    IntersectionType,
    ObjectType,
    OptionalType,
    ParenthesizedType,
    RecordType,
    SingletonType,
    TableType,
    TupleType,
    TypeNode,
    TypeReference,
    UnionType,
)

T = TypeVar("T")

# Of types in each other. Sources by people reach about ten; those who read the values may recurse.
NESTING_LIMIT = 200

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


def one_type() -> Steps[TypeNode]:
    """Read a type, and nothing else."""
    return (yield)


def run(cursor: Cursor, steps: Steps[T]) -> T:
    """Return the result of steps, for each of whose `yield` the type at the cursor is read."""
    cursor.open_objects = 0
    waiting: list[Steps[Any]] = [steps]
    heights = [0]  # How deep the types nest that were read for each of them.
    read: Any = None
    while True:
        try:
            waiting[-1].send(read)
        except StopIteration as done:
            waiting.pop()
            height = heights.pop()
            if not waiting:
                return done.value
            read, levels = done.value
            height = max(heights[-1], height + levels)
            heights[-1] = height
        else:
            read = None
            waiting.append(_type(cursor))
            heights.append(0)
            height = len(waiting) - 1
        if height > NESTING_LIMIT:
            raise NestedTooDeeply


def _type(cursor: Cursor) -> Steps[tuple[TypeNode, int]]:
    """Read a type, and say of how many levels it is without the types that it yielded for."""
    members: list[TypeNode] = []
    levels = 0
    while True:
        member, added = yield from _intersection(cursor)
        members.append(member)
        levels = max(levels, added)
        if not cursor.take("|"):
            break
    if len(members) == 1:
        return members[0], levels
    return UnionType(tuple(members)), levels + 1


def _intersection(cursor: Cursor) -> Steps[tuple[TypeNode, int]]:
    members: list[TypeNode] = []
    levels = 1
    while True:
        is_distinct = cursor.take("distinct")
        member = yield from _primary(cursor)
        if is_distinct:
            member = DistinctType(member)
        added = 1 + is_distinct
        while cursor.value in ("?", "[") and (suffixed := _suffixed(cursor, member)):
            member = suffixed
            added += 1
            if added > NESTING_LIMIT:
                raise NestedTooDeeply
        members.append(member)
        levels = max(levels, added)
        if not cursor.take("&"):
            break
    if len(members) == 1:
        return members[0], levels
    return IntersectionType(tuple(members)), levels + 1


def _suffixed(cursor: Cursor, type_: TypeNode) -> TypeNode | None:
    """Read `?`, or the lengths of an array, behind a type; None if a bracket is none of them."""
    if cursor.take("?"):
        return OptionalType(type_)
    lengths: list[str] = []
    while cursor.value == "[" and (match := _ARRAY_LENGTH(cursor.text, cursor.start)):
        lengths.append(match[1])
        cursor.move(match.end())
    return ArrayType(type_, tuple(lengths)) if lengths else None


def _primary(cursor: Cursor) -> Steps[TypeNode]:
    name = cursor.value
    if cursor.kind != NAME or name in _LITERALS:
        return (yield from _unnamed(cursor))
    if cursor.next() == ":":
        cursor.advance()
        cursor.advance()
        return TypeReference(name, cursor.name())
    if name in _COMPOSED:
        return (yield from _composed(cursor))
    if name in _NO_TYPES:
        cursor.refuse("a type")
    cursor.advance()
    if name not in PLAIN_TYPES:
        return TypeReference("", name)
    if cursor.value != "<":
        return BuiltinType(name)
    return BuiltinType(name, (yield from _arguments(cursor)))


def _unnamed(cursor: Cursor) -> Steps[TypeNode]:
    """Read a type that begins with no name: nil, a tuple, a literal, a type in parentheses."""
    if cursor.value == "[":
        return (yield from _tuple(cursor))
    if not cursor.take("("):
        return _singleton(cursor)
    if cursor.take(")"):
        return BuiltinType("()")
    type_ = yield
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


def _arguments(cursor: Cursor) -> Steps[tuple[TypeNode, ...]]:
    """Read `<A, B>`; `error<*>` has no arguments."""
    cursor.expect("<")
    found: list[TypeNode] = []
    while not cursor.take("*"):
        found.append((yield))
        if not cursor.take(","):
            break
    cursor.expect(">")
    return tuple(found)


def _tuple(cursor: Cursor) -> Steps[TupleType]:
    cursor.expect("[")
    members: list[TypeNode] = []
    rest = None
    while cursor.value != "]":
        read_annotations(cursor)
        type_ = yield
        if cursor.take("..."):
            rest = type_
            break
        members.append(type_)
        if not cursor.take(","):
            break
    cursor.expect("]")
    return TupleType(tuple(members), rest)


def _composed(cursor: Cursor) -> Steps[TypeNode]:
    """Read a type that begins with a keyword, and with qualifiers before it."""
    start = cursor.start
    qualifiers: set[str] = set()
    while cursor.value in _QUALIFIERS:
        qualifiers.add(cursor.value)
        cursor.advance()
    if cursor.take("object"):
        return (yield from _object(cursor, frozenset(qualifiers), start))
    if cursor.take("function"):
        return (yield from _function(cursor, frozenset(qualifiers)))
    if qualifiers:
        cursor.refuse("`object` or `function`")
    if cursor.take("record"):
        return (yield from _record(cursor))
    cursor.expect("table")
    return (yield from _table(cursor))


def _object(cursor: Cursor, qualifiers: frozenset[str], start: int) -> Steps[ObjectType]:
    members: list[Member] = []
    cursor.open_objects += 1
    cursor.expect("{")
    while cursor.value != "}":
        members.append((yield from object_member(cursor)))
    end = cursor.end
    cursor.advance()
    cursor.open_objects -= 1
    # Each level would copy the text of all levels in it. A type that is declared is never shown as
    # text, so the objects in it need theirs.
    text = "" if cursor.open_objects > 1 else cursor.text[start:end]
    return ObjectType(tuple(members), qualifiers, text)


def _function(cursor: Cursor, qualifiers: frozenset[str]) -> Steps[FunctionType]:
    if cursor.value != "(":
        return FunctionType(None, None, qualifiers)
    signature = yield from function_signature(cursor)
    return FunctionType(signature.parameters, signature.returns, qualifiers)


def _record(cursor: Cursor) -> Steps[RecordType]:
    is_exclusive = cursor.value == "{|"
    closing = "|}" if is_exclusive else "}"
    cursor.expect("{|" if is_exclusive else "{")
    members: list[FieldNode | Inclusion] = []
    rest: TypeNode | None = None
    while cursor.value != closing:
        member = yield from record_member(cursor)
        if isinstance(member, FieldNode | Inclusion):
            members.append(member)
        else:
            rest = member
    cursor.advance()
    return RecordType(tuple(members), rest, is_exclusive)


def _table(cursor: Cursor) -> Steps[TableType]:
    cursor.expect("<")
    row = yield
    cursor.expect(">")
    if not cursor.at("key") or cursor.next() not in ("<", "("):
        return TableType(row)
    cursor.advance()
    if cursor.take("<"):
        key_type = yield
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
