"""What the language itself defines: its modules, which are in no dependency graph, and the types of
its literals.
"""

import re

LANGUAGE_ORG = "ballerina"
LANGUAGE_VERSION = "0.0.0"  # The version of the modules `lang.*`.

# Module prefixes that need no import: `error:` is the module `lang.error`.
PREDECLARED = frozenset(
    (
        "boolean",
        "decimal",
        "error",
        "float",
        "function",
        "future",
        "int",
        "map",
        "object",
        "stream",
        "string",
        "table",
        "transaction",
        "typedesc",
        "xml",
    )
)

_LITERALS = (
    ("string", re.compile(r'"|string\s*`')),
    ("boolean", re.compile(r"(?:true|false)$")),
    ("int", re.compile(r"[+-]?\s*(?:0[xX][0-9a-fA-F]+|\d+)$")),
    ("decimal", re.compile(r"[+-]?\s*[\d.]+(?:[eE][+-]?\d+)?[dD]$")),
    ("float", re.compile(r"[+-]?\s*(?:[\d.]+(?:[eE][+-]?\d+)?[fF]?|0[xX][0-9a-fA-F.pP+-]+)$")),
)


def literal_type(value: str) -> str:
    """Return the type of a constant that is written without one; empty for expressions."""
    return next((name for name, pattern in _LITERALS if pattern.match(value)), "")


# Types without a module of their own: their functions are those of all values.
OTHER_TYPES = frozenset(("any", "anydata", "byte", "handle", "json", "never", "readonly"))
