"""The declarations of a source file, with recovery at the next declaration after an unread one."""

import re

from msgspec.structs import replace

from shared.ballerina.lexer import END, Cursor, ParseError
from shared.ballerina.syntax import (
    AnnotationDefinition,
    ArrayType,
    ClassDefinition,
    Declaration,
    EnumDefinition,
    EnumMember,
    ModuleImport,
    SourceFile,
    TypeDefinition,
    TypeNode,
    UnparsedLines,
    VariableDefinition,
    VariableKind,
)
from shared.ballerina.types import (
    Member,
    Metadata,
    function,
    object_member,
    read_metadata,
    read_type,
)

_KEYWORDS = """annotation class client configurable const distinct enum final function import
    isolated listener public readonly service transactional type var xmlns"""
_MAY_BEGIN = re.compile(
    rf"^([ \t]*+)(?:[@#]|(?:{'|'.join(_KEYWORDS.split())})\b)", re.MULTILINE
).search
_BEGIN_TYPES = frozenset(("distinct", "readonly"))  # Before a variable, these begin its type.
_MAY_BEGIN_TYPES = frozenset(("client", "isolated", "service", "transactional"))
_QUALIFIERS = _BEGIN_TYPES | _MAY_BEGIN_TYPES | {"configurable", "final", "listener", "public"}


def read_source(path: str, text: str) -> SourceFile:
    """Read the declarations of a file; raises nothing, whatever the text is."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _Reader(path, text).read()


class _Reader:
    """Reads one file."""

    def __init__(self, path: str, text: str) -> None:
        self._cursor = Cursor(text, path)
        self._imports: list[ModuleImport] = []
        self._declarations: list[Declaration] = []
        self._unread: list[UnparsedLines] = []
        self._continues_unread = False

    def read(self) -> SourceFile:
        cursor = self._cursor
        while cursor.kind != END:
            start = cursor.start
            reported = len(self._unread)
            try:
                self._declaration()
                cursor.take(";")  # Allowed behind each declaration, and unusual.
                self._continues_unread = False
            except ParseError as error:
                del self._unread[reported:]  # Members of the class that is unread as a whole.
                self._recover(start, str(error))
                self._continues_unread = True
        return SourceFile(
            cursor.file, tuple(self._imports), tuple(self._declarations), tuple(self._unread)
        )

    # --- Recovery ---

    def _recover(self, start: int, reason: str) -> None:
        """Move to the next declaration after an unread one."""
        cursor = self._cursor
        resumed = self._next_declaration(start)
        unread = self._lines(start, resumed, reason)
        if self._continues_unread:
            unread = replace(self._unread.pop(), last=unread.last)
        self._unread.append(unread)
        cursor.move(resumed)

    def _next_declaration(self, start: int) -> int:
        """Return the position of the next line that begins like a declaration. One further to the
        right than the unread declaration is taken for a part of it."""
        text = self._cursor.text
        line = text[text.rfind("\n", 0, start) + 1 : start]
        indentation = len(line) - len(line.lstrip())
        end = text.find("\n", start)
        while end >= 0 and (match := _MAY_BEGIN(text, end)):
            if len(match[1]) <= indentation:
                return match.start()
            end = match.end()
        return len(text)

    def _lines(self, start: int, end: int, reason: str) -> UnparsedLines:
        cursor = self._cursor
        first = cursor.line(start)
        last = cursor.line(start + len(cursor.text[start:end].rstrip()))
        return UnparsedLines(cursor.file, first, last, reason)

    # --- Declarations ---

    def _declaration(self) -> None:
        cursor = self._cursor
        cursor.open_types = cursor.open_objects = 0
        metadata = read_metadata(cursor)
        qualifiers, type_start = self._qualifiers()
        if cursor.value == "function" and cursor.next() != "(":
            self._declarations.append(function(cursor, metadata, qualifiers))
        elif read := _DEFINITIONS.get(cursor.value):
            cursor.advance()
            self._declarations.append(read(cursor, metadata, qualifiers))
        elif cursor.take("class"):
            self._declarations.append(self._class(metadata, qualifiers))
        elif cursor.take("import"):
            self._imports.append(module_import(cursor))
        elif not self._is_skipped(qualifiers):
            cursor.move(type_start)
            if defined := variable(cursor, metadata, qualifiers):
                self._declarations.append(defined)

    def _is_skipped(self, qualifiers: frozenset[str]) -> bool:
        """Move behind a declaration that nothing outside of its module can refer to, and say
        whether it was one: a listener, a service, an XML namespace."""
        cursor = self._cursor
        if "listener" in qualifiers or cursor.value == "xmlns":
            cursor.skip_to(";")
            cursor.expect(";")
        elif "service" in qualifiers and cursor.value != "object":
            cursor.skip_to("{")
            cursor.block()
        else:
            return False
        return True

    def _qualifiers(self) -> tuple[frozenset[str], int]:
        """Read the words before a declaration's keyword, and say where those that may begin the
        type of a variable start."""
        cursor = self._cursor
        qualifiers: set[str] = set()
        type_start = None
        while cursor.value in _QUALIFIERS:
            if cursor.value in _BEGIN_TYPES or (
                type_start is None and cursor.value in _MAY_BEGIN_TYPES
            ):
                type_start = cursor.start
            qualifiers.add(cursor.value)
            cursor.advance()
        if cursor.value not in ("function", "object") and not qualifiers & _BEGIN_TYPES:
            type_start = None
        return frozenset(qualifiers), cursor.start if type_start is None else type_start

    def _class(self, metadata: Metadata, qualifiers: frozenset[str]) -> ClassDefinition:
        cursor = self._cursor
        name = cursor.name()
        cursor.expect("{")
        members: list[Member] = []
        while cursor.value != "}":
            start = cursor.start
            cursor.open_types = cursor.open_objects = 0
            try:
                members.append(object_member(cursor))
            except ParseError as error:
                self._skip_member(start, str(error))
        cursor.advance()
        return ClassDefinition(name=name, members=tuple(members), qualifiers=qualifiers, **metadata)

    def _skip_member(self, start: int, reason: str) -> None:
        """Move behind a member of a class that cannot be read."""
        cursor = self._cursor
        cursor.move(start)
        cursor.skip_to(";{")
        if cursor.value.startswith("{"):
            cursor.block()
        elif cursor.value != "}":
            cursor.expect(";")
        self._unread.append(self._lines(start, cursor.start, reason))


# --- Imports and definitions, each read after its keyword, which the caller has moved behind -----

Qualifiers = frozenset[str]


def module_import(cursor: Cursor) -> ModuleImport:
    """Read `org/name as prefix;`"""
    org = ""
    parts = [cursor.name()]
    if cursor.take("/"):
        org = parts[0]
        parts = [cursor.name()]
    while cursor.take("."):
        parts.append(cursor.name())
    prefix = cursor.name() if cursor.take("as") else parts[-1]
    cursor.expect(";")
    module = ".".join(part.removeprefix("'") for part in parts)
    return ModuleImport(org.removeprefix("'"), module, prefix)


def type_definition(cursor: Cursor, metadata: Metadata, qualifiers: Qualifiers) -> TypeDefinition:
    """Read `X T;`"""
    name = cursor.name()
    type_ = read_type(cursor)
    cursor.expect(";")
    return TypeDefinition(name=name, type=type_, is_public="public" in qualifiers, **metadata)


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
        name=name, members=tuple(members), is_public="public" in qualifiers, **metadata
    )


def _enum_member(cursor: Cursor) -> EnumMember:
    metadata = read_metadata(cursor)
    name = cursor.name()
    value = cursor.expression(",") if cursor.take("=") else ""
    return EnumMember(name=name, value=value, **metadata)


def constant(
    cursor: Cursor, metadata: Metadata, qualifiers: Qualifiers
) -> VariableDefinition | AnnotationDefinition:
    """Read `T X = …;`, where the type may be absent, or the rest of `const annotation`."""
    if cursor.take("annotation"):
        return annotation(cursor, metadata, qualifiers)
    type_ = None if cursor.next() == "=" else read_type(cursor)
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
        **metadata,
    )


def variable(
    cursor: Cursor, metadata: Metadata, qualifiers: Qualifiers
) -> VariableDefinition | None:
    """Read `T x = …;`; None if the value is bound to several names."""
    type_ = None if cursor.take("var") else read_type(cursor)
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
        **metadata,
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
    type_ = None if cursor.next() in ("on", ";") else read_type(cursor)
    name = cursor.name()
    points: list[str] = []
    if cursor.take("on"):
        points = [" ".join(point.split()) for point in cursor.expression(";").split(",")]
    cursor.expect(";")
    return AnnotationDefinition(
        name=name, type=type_, points=tuple(points), is_public="public" in qualifiers, **metadata
    )


_DEFINITIONS = {"type": type_definition, "enum": enum, "const": constant, "annotation": annotation}
