"""A strict reader of the statements that call functions, in the grammar of the language.

statement: [type name "="] ["check"] (call | "new" arguments) ";"
call:      prefix ":" name arguments | name ("." | "->") name arguments
           | name "->" "/" [segment ("/" segment)*] "." name arguments
"""

import re
from dataclasses import dataclass

from shared.ballerina.lexer import NAME, Cursor, ParseError
from shared.ballerina.types import read_type

_COMMENT = re.compile(r"\s*//[^\n]*")


@dataclass(frozen=True, kw_only=True)
class CallStatement:
    """A statement: the type of its variable, `var` or empty without one; the name of the variable;
    the arguments; and what is called."""

    type: str = ""
    variable: str = ""
    is_checked: bool
    callee: str
    arguments: tuple[str, ...]


def read_call(text: str) -> CallStatement:
    """Return the statement of a text with comments; raises `ParseError` for any other text."""
    cursor = Cursor(_COMMENT.sub("", text))
    type_, variable = _variable(cursor)
    is_checked = cursor.take("check")
    start = cursor.start
    _callee(cursor)
    callee = cursor.text[start : cursor.start].strip()
    arguments = _arguments(cursor)
    cursor.expect(";")
    if cursor.value:
        cursor.refuse("the end")
    return CallStatement(
        type=type_, variable=variable, is_checked=is_checked, callee=callee, arguments=arguments
    )


def _variable(cursor: Cursor) -> tuple[str, str]:
    """Read the type and the name of a variable, and `=`, if a variable is there."""
    start = cursor.start
    try:
        if not cursor.take("var"):
            read_type(cursor)
        type_ = cursor.text[start : cursor.start].strip()
        name = cursor.name()
        cursor.expect("=")
    except ParseError:
        cursor.move(start)
        return "", ""
    return type_, name


def _callee(cursor: Cursor) -> None:
    if cursor.take("new"):
        return
    cursor.name()
    if cursor.take(":") or cursor.take("."):
        cursor.name()
        return
    _arrow(cursor)
    if cursor.take("/"):
        _path(cursor)
    cursor.name()


def _path(cursor: Cursor) -> None:
    """Read the segments of a path, and the point behind it."""
    if cursor.take("."):
        return
    _segment(cursor)
    while not cursor.take("."):
        cursor.expect("/")
        _segment(cursor)


def _arrow(cursor: Cursor) -> None:
    """Read `->`, which is two tokens without a blank between them."""
    if not cursor.text.startswith("->", cursor.start):
        cursor.refuse("`->`")
    cursor.expect("-")
    cursor.expect(">")


def _segment(cursor: Cursor) -> None:
    if cursor.take("["):
        cursor.take("...")
        cursor.expression("]")
        cursor.expect("]")
        return
    cursor.name()


def _arguments(cursor: Cursor) -> tuple[str, ...]:
    found = list[str]()
    cursor.expect("(")
    while cursor.value != ")":
        name = cursor.name()
        found.append(f"{name} = {cursor.name()}" if cursor.take("=") else name)
        if cursor.value != ")":
            cursor.expect(",")
            if cursor.kind != NAME:
                cursor.refuse("a name")
    cursor.expect(")")
    return tuple(found)
