"""Syntax highlighting with Pygments, and a lexer for Ballerina (language specification 2024R1)."""

import html
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
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
from pygments.lexers.textfmts import (  # pyright: ignore[reportMissingTypeStubs]
    HttpLexer,  # Untyped there.
)
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

MAX_MILLISECONDS = 150  # Of processor time; cleaning takes up to 50 more.
MAX_CHARACTERS = 128 * 1024  # The longest readme of the real index has a quarter of this.
MAX_SOURCE_CHARACTERS = 256 * 1024  # Of a source file; longer ones are downloaded.
MAX_NESTING = 50  # Of lists and quotes; human readers give up at five.
MAX_OPEN_TAGS = 32  # Of raw HTML; a tree builder visits all open tags at each further tag.
MAX_PARAGRAPH_CHARACTERS = 10_000  # Parsing emphasis takes more than linear time.
MAX_BRACKETS = 1_000  # In one paragraph; the parser tries each as the start of a link.
MAX_BRACKET_DEPTH = 12  # The parser searches the end of each open bracket at each further one.
MAX_CELLS = 4_000  # In all tables; the parser pads short rows to the columns of their table.
MAX_HTML_CHARACTERS = 384 * 1024  # Before cleaning, which takes 0.1 ms for a thousand.
MAX_ATTRIBUTE_CHARACTERS = 1024 * 1024  # One link definition can serve any number of links.
MAX_HIGHLIGHTED_CHARACTERS = 20_000  # Of one block of code; lexers are regular expressions.
MAX_HIGHLIGHTED_CHARACTERS_OF_TEXT = 100_000  # Of all blocks of a text.


class RenderingTimeout(Exception):
    """A rendering has used up its processor time."""


# The part of the time after which each step stops, so that what it found can still be written.
UNTIL_BLOCKS, UNTIL_PARAGRAPHS, UNTIL_HTML = 0.4, 0.75, 1.0


class Stopwatch:
    """Measures the processor time of a rendering, so that a busy machine cuts no text short."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._began = clock()

    def is_over(self, part: float) -> bool:
        """Return whether this part of `MAX_MILLISECONDS` is used up."""
        return self._clock() - self._began > part * MAX_MILLISECONDS / 1000

    def check(self, part: float) -> None:
        """Raise `RenderingTimeout` if this part of `MAX_MILLISECONDS` is used up."""
        if self.is_over(part):
            raise RenderingTimeout

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Do not measure what happens inside, which happens once in a process."""
        stopped = self._clock()
        yield
        self._began += self._clock() - stopped


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
_Token = tuple[_TokenType, str]
_UNSTYLED = frozenset(["n", "o", "p", "w"])  # Names, operators, punctuation and blanks.
_OPTIONS = {"stripnl": False, "ensurenl": False}  # Lines keep their numbers.


class _HttpLexer(HttpLexer):
    """Leaves bodies plain; its base lets the text choose any lexer of the library."""

    tokens: ClassVar = {**HttpLexer.tokens, "content": [(r".+", Text)]}


def highlight_code(
    code: str,
    language: str,
    is_over: Callable[[], bool],
    *,
    limit: int = MAX_HIGHLIGHTED_CHARACTERS,
) -> str:
    """Return code as HTML in which no element spans two lines.

    It is plain if it is longer than `limit` or its language is unknown, and after `is_over`.
    """
    lexer = _lexer(_LANGUAGE_OF.get(language.lower(), "")) if len(code) <= limit else None
    if lexer is None:
        return show_bidi_characters(html.escape(code, quote=False))
    return show_bidi_characters("".join(_pieces(lexer, code, is_over)))


def load_lexer(language: str) -> None:
    """Load the lexer of the language, which takes up to 50 ms the first time in a process."""
    _lexer(_LANGUAGE_OF.get(language.lower(), ""))


def _pieces(lexer: Lexer, code: str, is_over: Callable[[], bool]) -> Iterator[str]:
    # Lexers normalize the text like this, so offsets of tokens are offsets in `code`.
    code = code.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    within = _within_time(lexer.get_tokens(code), code, is_over)
    for name, tokens in groupby(within, key=lambda token: _class(token[0])):
        escaped = html.escape("".join(value for _, value in tokens), quote=False)
        yield _wrapped(escaped, name) if name else escaped


def _within_time(
    tokens: Iterable[_Token], code: str, is_over: Callable[[], bool]
) -> Iterator[_Token]:
    """Yield the tokens, and after `is_over` the rest of the code as one plain token.

    The regular expressions of lexers can take quadratic time or worse.
    """
    at = 0
    for kind, value in tokens:
        yield kind, value
        at += len(value)
        if is_over():
            yield Text, code[at:]
            return


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
        "nested": [
            (r"\}", Punctuation, "#pop"),
            (r"\{", Punctuation, "#push"),
            include("inside"),
        ],
    }
