"""The modules of the language, which come with the compiler and are in no dependency graph."""

LANGUAGE_ORG = "ballerina"
LANGUAGE_VERSION = "0.0.0"  # Of the modules `lang.*`.

# Module prefixes that need no import: `error:` is the module `lang.error`.
PREDECLARED = frozenset(
    (
        *("boolean", "decimal", "error", "float", "function", "future", "int", "map", "object"),
        *("stream", "string", "table", "transaction", "typedesc", "xml"),
    )
)
