"""Imports, and the definitions of types, enums, constants, variables and annotations.

Each function reads one of them after its keyword, which the caller has moved behind.
"""

from shared.ballerina.lexer import Cursor
from shared.ballerina.signatures import Metadata, read_metadata
from shared.ballerina.syntax import (
    AnnotationDefinition,
    ArrayType,
    EnumDefinition,
    EnumMember,
    ModuleImport,
    TypeDefinition,
    TypeNode,
    VariableDefinition,
    VariableKind,
)
from shared.ballerina.types import one_type, run

Qualifiers = frozenset[str]


def module_import(cursor: Cursor) -> ModuleImport:
    """Read `org/name as prefix;`"""
    org, parts = "", [cursor.name()]
    if cursor.take("/"):
        org, parts = parts[0], [cursor.name()]
    while cursor.take("."):
        parts.append(cursor.name())
    prefix = cursor.name() if cursor.take("as") else parts[-1]
    cursor.expect(";")
    module = ".".join(part.removeprefix("'") for part in parts)
    return ModuleImport(org.removeprefix("'"), module, prefix)


def type_definition(cursor: Cursor, metadata: Metadata, qualifiers: Qualifiers) -> TypeDefinition:
    """Read `X T;`"""
    name = cursor.name()
    type_ = run(cursor, one_type())
    cursor.expect(";")
    return TypeDefinition(
        name=name,
        type=type_,
        is_public="public" in qualifiers,
        comment=metadata.comment,
        annotations=metadata.annotations,
        position=metadata.position,
    )


def enum(cursor: Cursor, metadata: Metadata, qualifiers: Qualifiers) -> EnumDefinition:
    """Read `X { A, B = "b" }`"""
    name = cursor.name()
    cursor.expect("{")
    members: list[EnumMember] = []
    while cursor.value != "}":
        members.append(_enum_member(cursor))
        if not cursor.take(","):
            break
    cursor.expect("}")
    return EnumDefinition(
        name=name,
        members=tuple(members),
        is_public="public" in qualifiers,
        comment=metadata.comment,
        annotations=metadata.annotations,
        position=metadata.position,
    )


def _enum_member(cursor: Cursor) -> EnumMember:
    metadata = read_metadata(cursor)
    name = cursor.name()
    value = cursor.expression(",") if cursor.take("=") else ""
    return EnumMember(
        name=name,
        value=value,
        comment=metadata.comment,
        annotations=metadata.annotations,
        position=metadata.position,
    )


def constant(
    cursor: Cursor, metadata: Metadata, qualifiers: Qualifiers
) -> VariableDefinition | AnnotationDefinition:
    """Read `T X = …;`, where the type may be absent, or the rest of `const annotation`."""
    if cursor.take("annotation"):
        return annotation(cursor, metadata, qualifiers)
    type_ = None if cursor.next() == "=" else run(cursor, one_type())
    name = cursor.name()
    cursor.expect("=")
    value = cursor.expression(";")
    cursor.expect(";")
    return VariableDefinition(
        name=name,
        kind=VariableKind.CONSTANT,
        type=type_,
        value=value,
        is_public="public" in qualifiers,
        comment=metadata.comment,
        annotations=metadata.annotations,
        position=metadata.position,
    )


def variable(
    cursor: Cursor, metadata: Metadata, qualifiers: Qualifiers
) -> VariableDefinition | None:
    """Read `T x = …;`; None if the value is bound to several names."""
    type_ = None if cursor.take("var") else run(cursor, one_type())
    if _is_pattern(cursor, type_):
        cursor.skip_to(";")
        cursor.expect(";")
        return None
    name = cursor.name()
    value = cursor.expression(";") if cursor.take("=") else ""
    cursor.expect(";")
    is_configurable = "configurable" in qualifiers
    return VariableDefinition(
        name=name,
        kind=VariableKind.CONFIGURABLE if is_configurable else VariableKind.VARIABLE,
        type=type_,
        value=value,
        is_public="public" in qualifiers,
        is_final="final" in qualifiers,
        comment=metadata.comment,
        annotations=metadata.annotations,
        position=metadata.position,
    )


def _is_pattern(cursor: Cursor, type_: TypeNode | None) -> bool:
    """Say whether `[a, b]`, `{a, b}` or `error(a)` is bound, in place of a name."""
    if cursor.value == "error":
        return cursor.next() == "("
    # `[a] = …` was read as the length of an array.
    is_array = isinstance(type_, ArrayType) and cursor.value == "="
    return is_array or cursor.value in ("[", "{")


def annotation(cursor: Cursor, metadata: Metadata, qualifiers: Qualifiers) -> AnnotationDefinition:
    """Read `T name on points;`, where type and points may be absent."""
    type_ = None if cursor.next() in ("on", ";") else run(cursor, one_type())
    name = cursor.name()
    points: list[str] = []
    if cursor.take("on"):
        points = [" ".join(point.split()) for point in cursor.expression(";").split(",")]
    cursor.expect(";")
    return AnnotationDefinition(
        name=name,
        type=type_,
        points=tuple(points),
        is_public="public" in qualifiers,
        comment=metadata.comment,
        annotations=metadata.annotations,
        position=metadata.position,
    )
