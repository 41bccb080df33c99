"""Types of Ballerina by their text."""

from shared.ballerina import types
from shared.ballerina.lexer import Cursor
from shared.ballerina.syntax import TypeNode


def read_type(text: str) -> TypeNode:
    """Read a type descriptor; raise `ParseError` if the text is something else."""
    cursor = Cursor(text)
    type_ = types.read_type(cursor)
    if cursor.kind:
        cursor.refuse("the end of the type")
    return type_
