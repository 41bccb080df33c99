"""Ballerina in colours: a lexer for Pygments, after the language's specification 2024R1.

It has no rule that takes any character at all: what the language does not have is an error token.
"""

from typing import ClassVar

from pygments.lexer import (
    RegexLexer,
    bygroups,  # pyright: ignore[reportUnknownVariableType] - untyped there.
    default,
    include,
    words,
)
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

_LETTER = r"(?:[^\W\d]|\\u\{[0-9A-Fa-f]{1,6}\}|\\[^\w\s])"
_WORD = rf"(?:{_LETTER}(?:{_LETTER}|\d)*)"
_NAME = rf"(?:'(?:{_LETTER}|\d)+|{_WORD})"  # 'type is the name `type`.
_END = r"(?![\w\\])"

_DECLARING = (
    "import as public private external final service resource function object record annotation "
    "parameter worker listener remote returns class isolated transactional client distinct "
    "configurable const enum type xmlns source field var natural"
)
_ACTING = (
    "if else while foreach in match break continue panic trap check checkpanic fork lock "
    "transaction retry commit rollback do fail wait start flush return from where let select "
    "order by limit join outer equals conflict ascending descending group collect key is typeof "
    "new on default"
)
_TYPES = (
    "int byte float decimal boolean string json xml map table stream future any anydata error "
    "handle never readonly typedesc"
)


class BallerinaLexer(RegexLexer):
    """Tells the words of Ballerina apart."""

    name = "Ballerina"
    aliases: ClassVar = ["ballerina", "bal"]
    filenames: ClassVar = ["*.bal"]
    mimetypes: ClassVar = ["text/x-ballerina"]
    url = "https://ballerina.io"

    tokens: ClassVar = {
        # Braces are told from those that end a template's expression, and else mean nothing here.
        "root": [
            (r"[{}]", Punctuation),
            include("inside"),
        ],
        "inside": [
            include("space"),
            (
                rf"(import)(\s+)({_NAME}(?:[./]{_NAME})*)",
                bygroups(Keyword.Namespace, Whitespace, Name.Namespace),
            ),
            (
                rf"(function)(\s+)({_NAME})(?=\s*\()",
                bygroups(Keyword.Declaration, Whitespace, Name.Function),
            ),
            (
                rf"(type|class|enum|annotation)(\s+)({_NAME})(?=\s*[\w{{;'(|])",
                bygroups(Keyword.Declaration, Whitespace, Name.Class),
            ),
            (rf"@{_NAME}(?::{_NAME})?", Name.Decorator),
            include("literals"),
            (words(_DECLARING.split(), suffix=_END), Keyword.Declaration),
            (words(_ACTING.split(), suffix=_END), Keyword),
            (words(_TYPES.split(), suffix=_END), Keyword.Type),
            (words(["true", "false", "null"], suffix=_END), Keyword.Constant),
            (words(["self", "init"], suffix=_END), Name.Builtin.Pseudo),
            (rf"({_NAME})(:)(?={_NAME})", bygroups(Name.Namespace, Punctuation)),
            (rf"{_NAME}(?=\s*\()", Name.Function),
            (_NAME, Name),
            (r"\.\.\.|\.\.<|->>?|=>|<-|\?\.|\?:|[=!]==?|<<=?|>>>?=?|<=|>=|&&|\|\|", Operator),
            (r"[-+*/%&|^~!<>=?]=?|@", Operator),
            (r"[\[\]();:,.$]", Punctuation),
        ],
        "space": [
            (r"\s+", Whitespace),
            (r"//.*", Comment.Single),
            # Documentation: `# text`, `# + name - text`, with code in backticks.
            (
                rf"(#[ \t]*)(\+)([ \t]*)({_NAME}|\.\.\.)([ \t]*)(-)",
                bygroups(
                    String.Doc, Punctuation, Whitespace, Name.Variable, Whitespace, Punctuation
                ),
                "documentation",
            ),
            (r"#", String.Doc, "documentation"),
        ],
        "documentation": [
            (r"`+[^`\n]*`+", String.Backtick),
            (r"[^`\n]+|`", String.Doc),
            default("#pop"),
        ],
        "literals": [
            (r"0[xX](?:[0-9A-Fa-f]+\.?[0-9A-Fa-f]*|\.[0-9A-Fa-f]+)[pP][+-]?\d+", Number.Float),
            (r"0[xX][0-9A-Fa-f]+\.[0-9A-Fa-f]+", Number.Float),
            (r"0[xX][0-9A-Fa-f]+", Number.Hex),
            (r"(?:\d+\.\d+|\.\d+|\d+)[eE][+-]?\d+[fFdD]?", Number.Float),
            (r"(?:\d+\.\d+|\.\d+)[fFdD]?|\d+[fFdD](?!\w)", Number.Float),
            (r"\d+", Number.Integer),
            (r'"', String, "string"),
            (r"(base16|base64)(\s*)(`[^`]*`)", bygroups(Keyword.Type, Whitespace, String.Other)),
            (
                rf"(string|xml|re|natural|{_NAME})(\s*)(`)",
                bygroups(String.Affix, Whitespace, String.Backtick),
                "template",
            ),
            (r"`", String.Backtick, "template"),
        ],
        "string": [
            (r'\\(?:[nrt"\\]|u\{[0-9A-Fa-f]+\})', String.Escape),
            (r'[^"\\\n]+|\\', String),
            (r'"', String, "#pop"),
            (r"(?=\n)", String, "#pop"),
        ],
        "template": [
            (r"\$\{", String.Interpol, "interpolation"),
            (r"[^`$]+|\$", String.Backtick),
            (r"`", String.Backtick, "#pop"),
        ],
        "interpolation": [
            (r"\}", String.Interpol, "#pop"),
            (r"\{", Punctuation, "nested"),
            include("inside"),
        ],
        "nested": [
            (r"\}", Punctuation, "#pop"),
            (r"\{", Punctuation, "#push"),
            include("inside"),
        ],
    }
