"""Types of Ballerina by their text."""

from shared.ballerina.lexer import Cursor
from shared.ballerina.syntax import TypeNode
from shared.ballerina.types import one_type, run


def read_type(text: str) -> TypeNode:
    """Read a type descriptor; raise `ParseError` if the text is something else."""
    cursor = Cursor(text)
    type_ = run(cursor, one_type())
    if cursor.kind:
        cursor.refuse("the end of the type")
    return type_
