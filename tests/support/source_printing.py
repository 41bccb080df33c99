"""Declarations and types as source text.

`signature` is one line, without doc comments and annotations; `source_text` can
be read again. Parentheses are printed where there is a `ParenthesizedType`, and nowhere else.
What contains other values is printed as a list of texts and values, so nesting takes no recursion.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import singledispatch

from shared.ballerina.syntax import (
    AnnotationDefinition,
    ArrayType,
    AttachedAnnotation,
    BuiltinType,
    ClassDefinition,
    Declaration,
    DistinctType,
    DocComment,
    EnumDefinition,
    EnumMember,
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
    RecordType,
    SingletonType,
    TableType,
    TupleType,
    TypeDefinition,
    TypeNode,
    TypeReference,
    UnionType,
    VariableDefinition,
    VariableKind,
)

Value = (
    TypeNode
    | Declaration
    | DocComment
    | AttachedAnnotation
    | ParameterNode
    | FieldNode
    | Inclusion
    | EnumMember
)
Part = str | Value

_QUALIFIERS = (
    "public",
    "private",
    "distinct",
    "readonly",
    "isolated",
    "transactional",
    "client",
    "service",
    "listener",
    "remote",
    "resource",
    "configurable",
    "final",
)


def signature(declaration: Declaration) -> str:
    """Return the head of a declaration in one line: without its body, and without the members of
    a class or an enum."""
    return _in_one_line(_head(declaration))


def source_text(declaration: Declaration) -> str:
    """Return a declaration with its comments, annotations and members, without bodies."""
    return _printed([declaration], _parts)


def _in_one_line(parts: Sequence[Part]) -> str:
    text = _printed(parts, _parts_without_comments)
    return " ".join(line.strip() for line in text.split("\n"))


def _parts_without_comments(value: Value) -> list[Part]:
    return [] if isinstance(value, DocComment | AttachedAnnotation) else _parts(value)


def _printed(parts: Sequence[Part], parts_of: Callable[[Value], list[Part]]) -> str:
    waiting = list(reversed(parts))
    texts: list[str] = []
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            texts.append(part)
        else:
            waiting.extend(reversed(parts_of(part)))
    return "".join(texts)


def _joined(values: Iterable[Value], separator: str) -> list[Part]:
    parts: list[Part] = []
    for value in values:
        parts += [separator, value] if parts else [value]
    return parts


def _qualified(qualifiers: Iterable[str]) -> str:
    """Return words with a blank behind each, in the order that people write."""
    return "".join(f"{word} " for word in sorted(qualifiers, key=_QUALIFIERS.index))


def _flags(**flags: bool) -> str:
    return _qualified(name for name, is_set in flags.items() if is_set)


@singledispatch
def _parts(value: Value) -> list[Part]:
    """Return the parts of a value, in the order of the source."""
    raise NotImplementedError


# --- Types --------------------------------------------------------------------------------------


@_parts.register
def _(type_: BuiltinType) -> list[Part]:
    parameters: list[Part] = []
    if type_.parameters:
        parameters = ["<", *_joined(type_.parameters, ", "), ">"]
    return [type_.name, *parameters]


@_parts.register
def _(type_: TypeReference) -> list[Part]:
    return [f"{type_.prefix}:{type_.name}" if type_.prefix else type_.name]


@_parts.register
def _(type_: SingletonType) -> list[Part]:
    return [type_.text]


@_parts.register
def _(type_: TableType) -> list[Part]:
    key: list[Part] = []
    if type_.key_type is not None:
        key = [" key<", type_.key_type, ">"]
    elif type_.key_fields is not None:
        key = [f" key({', '.join(type_.key_fields)})"]
    return ["table<", type_.row, ">", *key]


@_parts.register
def _(type_: OptionalType) -> list[Part]:
    return [type_.type, "?"]


@_parts.register
def _(type_: ArrayType) -> list[Part]:
    return [type_.element, *(f"[{length}]" for length in type_.lengths)]


@_parts.register
def _(type_: UnionType) -> list[Part]:
    return _joined(type_.members, "|")


@_parts.register
def _(type_: IntersectionType) -> list[Part]:
    return _joined(type_.members, " & ")


@_parts.register
def _(type_: TupleType) -> list[Part]:
    members = _joined(type_.members, ", ")
    if type_.rest is not None:
        members += [", " if members else "", type_.rest, "..."]
    return ["[", *members, "]"]


@_parts.register
def _(type_: ParenthesizedType) -> list[Part]:
    return ["(", type_.type, ")"]


@_parts.register
def _(type_: DistinctType) -> list[Part]:
    return ["distinct ", type_.type]


@_parts.register
def _(type_: RecordType) -> list[Part]:
    opening, closing = ("{|", "|}") if type_.is_exclusive else ("{", "}")
    members = _joined(type_.members, " ")
    if type_.rest is not None:
        members += [" " if members else "", type_.rest, "...;"]
    return [f"record {opening}", *_padded(members), closing]


@_parts.register
def _(type_: ObjectType) -> list[Part]:
    members = _padded(_joined(type_.members, " "))
    return [f"{_qualified(type_.qualifiers)}object {{", *members, "}"]


@_parts.register
def _(type_: FunctionType) -> list[Part]:
    keyword = f"{_qualified(type_.qualifiers)}function"
    if type_.parameters is None:
        return [keyword]
    return [keyword, " ", *_signature(type_.parameters, type_.returns)]


def _padded(parts: list[Part]) -> list[Part]:
    return [" ", *parts, " "] if parts else []


# --- Parts of declarations ----------------------------------------------------------------------


@_parts.register
def _(comment: DocComment) -> list[Part]:
    lines = comment.text.removesuffix("\n").split("\n") if comment.text else []
    return ["\n", *(f"# {line}\n" if line else "#\n" for line in lines)] if lines else []


@_parts.register
def _(annotation: AttachedAnnotation) -> list[Part]:
    name = f"{annotation.prefix}:{annotation.name}" if annotation.prefix else annotation.name
    return [f"@{name} {annotation.value}{' ' if annotation.value else ''}"]


@_parts.register
def _(parameter: ParameterNode) -> list[Part]:
    star = "*" if parameter.kind is ParameterKind.INCLUDED else ""
    dots = "..." if parameter.kind is ParameterKind.REST else ""
    name = f" {parameter.name}" if parameter.name else ""
    default = f" = {parameter.default}" if parameter.default else ""
    return [*parameter.annotations, star, parameter.type, f"{dots}{name}{default}"]


@_parts.register
def _(inclusion: Inclusion) -> list[Part]:
    return ["*", inclusion.type, ";"]


@_parts.register
def _(field: FieldNode) -> list[Part]:
    flags = _flags(public=field.is_public, final=field.is_final, readonly=field.is_readonly)
    mark = "?" if field.is_optional else ""
    default = f" = {field.default}" if field.default else ""
    rest = f" {field.name}{mark}{default};"
    return [field.comment, *field.annotations, flags, field.type, rest]


@_parts.register
def _(member: EnumMember) -> list[Part]:
    value = f" = {member.value}" if member.value else ""
    return [member.comment, *member.annotations, f"{member.name}{value}"]


def _signature(parameters: Sequence[ParameterNode], returns: TypeNode | None) -> list[Part]:
    shown: list[Part] = ["(", *_joined(parameters, ", "), ")"]
    return shown if returns is None else [*shown, " returns ", returns]


# --- Declarations -------------------------------------------------------------------------------


@_parts.register
def _(function: FunctionNode) -> list[Part]:
    body = " = external;" if function.is_extern else ";"
    return [function.comment, *function.annotations, *_head(function), body]


@_parts.register
def _(defined: ClassDefinition) -> list[Part]:
    members = _padded(_joined(defined.members, " "))
    return [defined.comment, *defined.annotations, *_head(defined), " {", *members, "}"]


@_parts.register
def _(defined: EnumDefinition) -> list[Part]:
    members = _padded(_joined(defined.members, ", "))
    return [defined.comment, *defined.annotations, *_head(defined), " {", *members, "}"]


@_parts.register
def _(defined: TypeDefinition) -> list[Part]:
    return [defined.comment, *defined.annotations, *_head(defined), ";"]


@_parts.register
def _(defined: VariableDefinition) -> list[Part]:
    return [defined.comment, *defined.annotations, *_head(defined), ";"]


@_parts.register
def _(defined: AnnotationDefinition) -> list[Part]:
    return [defined.comment, *defined.annotations, *_head(defined), ";"]


@singledispatch
def _head(declaration: Declaration) -> list[Part]:
    """Return the parts of what `signature` promises."""
    raise NotImplementedError


@_head.register
def _(function: FunctionNode) -> list[Part]:
    name = function.name or f"{function.accessor} {function.resource_path}"
    head = f"{_qualified(function.qualifiers)}function {name}"
    return [head, *_signature(function.parameters, function.returns)]


@_head.register
def _(defined: ClassDefinition) -> list[Part]:
    return [f"{_qualified(defined.qualifiers)}class {defined.name}"]


@_head.register
def _(defined: EnumDefinition) -> list[Part]:
    return [f"{_flags(public=defined.is_public)}enum {defined.name}"]


@_head.register
def _(defined: TypeDefinition) -> list[Part]:
    return [f"{_flags(public=defined.is_public)}type {defined.name} ", defined.type]


@_head.register
def _(defined: VariableDefinition) -> list[Part]:
    is_constant = defined.kind is VariableKind.CONSTANT
    kind = "" if defined.kind is VariableKind.VARIABLE else f"{defined.kind.value} "
    flags = _flags(public=defined.is_public, final=defined.is_final)
    untyped: list[Part] = [] if is_constant else ["var "]
    type_ = untyped if defined.type is None else [defined.type, " "]
    value = f" = {defined.value}" if defined.value else ""
    return [flags, kind, *type_, defined.name, value]


@_head.register
def _(defined: AnnotationDefinition) -> list[Part]:
    type_: list[Part] = [] if defined.type is None else [defined.type, " "]
    points = f" on {', '.join(defined.points)}" if defined.points else ""
    flags = _flags(public=defined.is_public)
    return [f"{flags}annotation ", *type_, f"{defined.name}{points}"]
