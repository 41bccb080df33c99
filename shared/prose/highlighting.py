"""Syntax highlighting with Pygments, and a lexer for Ballerina (language specification 2024R1)."""

import html
from functools import cache
from itertools import groupby
from typing import ClassVar

from pygments.lexer import (
    Lexer,
    RegexLexer,
    bygroups,  # pyright: ignore[reportUnknownVariableType] - untyped there.
    default,
    include,
    words,
)
from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType] - untyped there.
from pygments.lexers.textfmts import HttpLexer  # pyright: ignore[reportMissingTypeStubs]  # Untyped there.
from pygments.token import (
    STANDARD_TYPES,
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Whitespace,
    _TokenType,  # pyright: ignore[reportPrivateUsage] - the type of a token has no public name.
)

from shared.prose.safe_html import show_bidi_characters

# Lexers by the names of languages in readmes and the suffixes of files. The list is short, since
# each lexer is another set of regular expressions that hostile texts are matched with.
_LANGUAGES = {
    "ballerina": ("bal", "ballerina"),
    "bash": ("bash", "sh", "shell", "zsh"),
    "c": ("c", "h"),
    "console": ("console", "shell-session"),
    "cpp": ("c++", "cpp", "hpp"),
    "csharp": ("c#", "cs", "csharp"),
    "css": ("css",),
    "diff": ("diff", "patch"),
    "docker": ("docker", "dockerfile"),
    "go": ("go", "golang"),
    "graphql": ("graphql", "gql"),
    "html": ("htm", "html"),
    "http": ("http",),
    "ini": ("cfg", "ini"),
    "java": ("java",),
    "javascript": ("javascript", "js"),
    "json": ("json", "jsonc"),
    "kotlin": ("kotlin", "kt"),
    "powershell": ("powershell", "ps1"),
    "properties": ("properties",),
    "protobuf": ("proto", "protobuf"),
    "python": ("py", "python"),
    "rust": ("rs", "rust"),
    "sql": ("mysql", "postgresql", "sql"),
    "toml": ("toml",),
    "typescript": ("ts", "typescript"),
    "xml": ("wsdl", "xml", "xsd"),
    "yaml": ("yaml", "yml"),
}
_LANGUAGE_OF = {name: language for language, names in _LANGUAGES.items() for name in names}
_UNSTYLED = frozenset(["n", "o", "p", "w"])  # Names, operators, punctuation and blanks.
_OPTIONS = {"stripnl": False, "ensurenl": False}  # Lines keep their numbers.


class _HttpLexer(HttpLexer):
    """Leaves bodies plain; its base lets the text choose any lexer of the library."""

    tokens: ClassVar = {**HttpLexer.tokens, "content": [(r".+", Text)]}


def highlight_code(code: str, language: str) -> str:
    """Return code as HTML in which no element spans two lines; plain if its language is unknown."""
    lexer = _lexer(_LANGUAGE_OF.get(language.lower(), ""))
    if lexer is None:
        return show_bidi_characters(html.escape(code, quote=False))
    # Lexers leave the byte order mark out, and end lines like this.
    pieces = list[str]()
    for name, tokens in groupby(lexer.get_tokens(code), key=lambda token: _class(token[0])):
        escaped = html.escape("".join(value for _, value in tokens), quote=False)
        pieces.append(_wrapped(escaped, name) if name else escaped)
    return show_bidi_characters("".join(pieces))


@cache
def _class(kind: _TokenType) -> str:
    """Return the CSS class of a token type, or of its nearest ancestor that has one."""
    known = next(each for each in reversed(kind.split()) if each in STANDARD_TYPES)
    return "" if STANDARD_TYPES[known] in _UNSTYLED else STANDARD_TYPES[known]


def _wrapped(escaped: str, name: str) -> str:
    return "\n".join(
        f'<span class="{name}">{line}</span>' if line else "" for line in escaped.split("\n")
    )


@cache
def _lexer(language: str) -> Lexer | None:
    if not language:
        return None
    if language == "ballerina":
        return BallerinaLexer(**_OPTIONS)
    if language == "http":
        return _HttpLexer(**_OPTIONS)
    return get_lexer_by_name(language, **_OPTIONS)


# The lexer has no rule for any character: what is not in the language is an error token.

_LETTER = r"(?:[^\W\d]|\\u\{[0-9A-Fa-f]{1,6}\}|\\[^\w\s])"
_WORD = rf"(?:{_LETTER}(?:{_LETTER}|\d)*)"
_NAME = rf"(?:'(?:{_LETTER}|\d)+|{_WORD})"  # 'type is the name `type`.
_END = r"(?![\w\\])"

_DECLARATIONS = (
    "import as public private external final service resource function object record annotation "
    "parameter worker listener remote returns class isolated transactional client distinct "
    "configurable const enum type xmlns source field var natural"
)
_STATEMENTS = (
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
    name = "Ballerina"
    aliases: ClassVar = ["ballerina", "bal"]
    filenames: ClassVar = ["*.bal"]
    mimetypes: ClassVar = ["text/x-ballerina"]
    url = "https://ballerina.io"

    tokens: ClassVar = {
        # The `}` that ends an expression in a template is matched in another state.
        "root": [(r"[{}]", Punctuation), include("inside")],
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
            (words(_DECLARATIONS.split(), suffix=_END), Keyword.Declaration),
            (words(_STATEMENTS.split(), suffix=_END), Keyword),
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
        "nested": [(r"\}", Punctuation, "#pop"), (r"\{", Punctuation, "#push"), include("inside")],
    }
