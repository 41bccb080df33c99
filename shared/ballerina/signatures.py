"""Parts of declarations that contain types: annotations, parameters, fields, methods.

These are steps (`Steps`), run by `shared.ballerina.types`: each `yield` in them reads the type at
the cursor. Types nest as deep as a source likes, and steps wait in a list, so nesting takes no
recursion.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TypeVar

from shared.ballerina.doc_comments import read_doc_comment
from shared.ballerina.lexer import NAME, Cursor
from shared.ballerina.syntax import (
    NO_COMMENT,
    AttachedAnnotation,
    BuiltinType,
    DocComment,
    FieldNode,
    FunctionNode,
    Inclusion,
    ParameterKind,
    ParameterNode,
    Position,
    TypeNode,
    TypeReference,
)

T = TypeVar("T")
Steps = Generator[None, TypeNode, T]
Member = FieldNode | FunctionNode | Inclusion

_TYPE_QUALIFIERS = ("isolated", "transactional")  # Of types of functions, too.
_MEMBER_QUALIFIERS = frozenset(
    ("public", "private", "isolated", "remote", "resource", "transactional", "final")
)
# `readonly & T f`, `readonly[] f`: the keyword is part of the type, not a qualifier of the field.
_READONLY_AS_TYPE = re.compile(r"\s*+(?:[&|?]|\.\.\.|\[\s*+(?:\*|[0-9]++)?\s*+\])").match


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata before a declaration, and where the declaration itself begins."""

    comment: DocComment
    annotations: tuple[AttachedAnnotation, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters of a function, and what it returns."""

    parameters: tuple[ParameterNode, ...]
    annotations: tuple[AttachedAnnotation, ...] = ()
    returns: TypeNode | None = None


def read_metadata(cursor: Cursor) -> Metadata:
    """Read the doc comment and the annotations before a declaration."""
    comment = read_doc_comment(cursor.comment) if cursor.comment else NO_COMMENT
    annotations = read_annotations(cursor)
    return Metadata(comment, annotations, cursor.position())


def read_annotations(cursor: Cursor) -> tuple[AttachedAnnotation, ...]:
    """Read any number of `@prefix:name {…}`."""
    found: list[AttachedAnnotation] = []
    while cursor.take("@"):
        prefix, name = read_qualified_name(cursor)
        value = cursor.block() if cursor.value == "{" else ""
        found.append(AttachedAnnotation(prefix, name, value))
    return tuple(found)


def read_qualified_name(cursor: Cursor) -> tuple[str, str]:
    """Read `name` or `prefix:name`."""
    name = cursor.name()
    return (name, cursor.name()) if cursor.take(":") else ("", name)


def parameters(cursor: Cursor) -> Steps[tuple[ParameterNode, ...]]:
    """Read `(…)`."""
    cursor.expect("(")
    found: list[ParameterNode] = []
    while cursor.value != ")":
        found.append((yield from _parameter(cursor)))
        if not cursor.take(","):
            break
    cursor.expect(")")
    return tuple(found)


def _parameter(cursor: Cursor) -> Steps[ParameterNode]:
    annotations = read_annotations(cursor)
    kind = ParameterKind.INCLUDED if cursor.take("*") else ParameterKind.REQUIRED
    type_ = yield
    if cursor.take("..."):
        kind = ParameterKind.REST
    name = cursor.name() if cursor.kind == NAME else ""
    default = ""
    if cursor.take("="):
        kind = ParameterKind.DEFAULTABLE
        default = cursor.expression(",")
    return ParameterNode(name=name, type=type_, kind=kind, default=default, annotations=annotations)


def function_signature(cursor: Cursor) -> Steps[Signature]:
    """Read `(…) returns T`."""
    found = yield from parameters(cursor)
    if not cursor.take("returns"):
        return Signature(found)
    annotations = read_annotations(cursor)
    type_ = yield
    return Signature(found, annotations, type_)


def record_member(cursor: Cursor) -> Steps[FieldNode | Inclusion | TypeNode]:
    """Read a field, an inclusion or, as its type, the rest of a record."""
    metadata = read_metadata(cursor)
    if cursor.take("*"):
        return (yield from _inclusion(cursor))
    is_readonly = cursor.value == "readonly" and not _READONLY_AS_TYPE(cursor.text, cursor.end)
    if is_readonly:
        cursor.advance()
    type_ = yield
    if cursor.take("..."):
        cursor.expect(";")
        return type_
    if is_readonly and cursor.kind != NAME:
        return _field(cursor, metadata, *_readonly_name(cursor, type_))
    field = _field(cursor, metadata, cursor.name(), type_)
    return replace(field, is_readonly=True) if is_readonly else field


def object_member(cursor: Cursor) -> Steps[Member]:
    """Read a field, a method or an inclusion of an object type or a class."""
    metadata = read_metadata(cursor)
    if cursor.take("*"):
        return (yield from _inclusion(cursor))
    qualifiers: set[str] = set()
    type_start = None
    while cursor.value in _MEMBER_QUALIFIERS:
        if type_start is None and cursor.value in _TYPE_QUALIFIERS:
            type_start = cursor.start
        qualifiers.add(cursor.value)
        cursor.advance()
    if cursor.value == "function" and cursor.next() != "(":
        return (yield from function(cursor, metadata, frozenset(qualifiers)))
    if type_start is not None:
        cursor.move(type_start)
    type_ = yield
    field = _field(cursor, metadata, cursor.name(), type_)
    if not qualifiers:
        return field
    return replace(field, is_public="public" in qualifiers, is_final="final" in qualifiers)


def function(cursor: Cursor, metadata: Metadata, qualifiers: frozenset[str]) -> Steps[FunctionNode]:
    """Read a function or a method from the keyword to the end of its body."""
    cursor.expect("function")
    name = accessor = path = ""
    if "resource" in qualifiers:
        accessor, path = cursor.name(), cursor.expression("(")
    else:
        name = cursor.name()
    signature = yield from function_signature(cursor)
    return FunctionNode(
        name=name,
        parameters=signature.parameters,
        returns=signature.returns,
        return_annotations=signature.annotations,
        qualifiers=qualifiers,
        accessor=accessor,
        resource_path=path,
        is_extern=_is_extern(cursor),
        comment=metadata.comment,
        annotations=metadata.annotations,
        position=metadata.position,
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


def _inclusion(cursor: Cursor) -> Steps[Inclusion]:
    type_ = yield
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
    return FieldNode(
        name=name,
        type=type_,
        comment=metadata.comment,
        annotations=metadata.annotations,
        default=default,
        is_optional=is_optional,
        position=metadata.position,
    )
