"""Code in colours: classes that the style sheet knows, and no style of their own."""

import html
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import ClassVar

from pygments.lexer import Lexer
from pygments.lexers import (
    get_lexer_by_name,  # pyright: ignore[reportUnknownVariableType] - untyped there.
)
from pygments.lexers.textfmts import (  # pyright: ignore[reportMissingTypeStubs]
    HttpLexer,  # Untyped there.
)
from pygments.token import (
    STANDARD_TYPES,
    Text,
    _TokenType,  # pyright: ignore[reportPrivateUsage] - what a token's kind is has no other name.
)

from shared.prose.ballerina import BallerinaLexer
from shared.prose.bounding import MOST_HIGHLIGHTED
from shared.prose.safe_html import with_turns_shown

# Languages by the names that authors and files give them. Only these: each further lexer is
# another set of regular expressions that hostile texts are matched with.
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
_UNCOLOURED = frozenset(["n", "o", "p", "w"])  # Names, signs and blanks: most of a text.
_AS_WRITTEN = {"stripnl": False, "ensurenl": False}  # Lines keep their numbers.


class _HttpLexer(HttpLexer):
    """Shows bodies plain; its base takes any lexer of the library, as the text itself says."""

    tokens: ClassVar = {**HttpLexer.tokens, "content": [(r".+", Text)]}


def coloured(
    code: str, language: str, is_over: Callable[[], bool], *, most: int = MOST_HIGHLIGHTED
) -> str:
    """Return code as HTML in which no element spans two lines; plain where we know no better,
    and from the place where the time is over."""
    lexer = _lexer(_LANGUAGE_OF.get(language.lower(), "")) if len(code) <= most else None
    if lexer is None:
        return with_turns_shown(html.escape(code, quote=False))
    return with_turns_shown("".join(_pieces(lexer, code, is_over)))


def load_lexer(language: str) -> None:
    """Have what colours the language, which takes up to 50 ms the first time in a process."""
    _lexer(_LANGUAGE_OF.get(language.lower(), ""))


def _pieces(lexer: Lexer, code: str, is_over: Callable[[], bool]) -> Iterator[str]:
    # What lexers do before they begin, so that the rest of the code is known at each token.
    code = code.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    within = _within_time(lexer.get_tokens(code), code, is_over)
    for name, tokens in groupby(within, key=lambda token: _class(token[0])):
        escaped = html.escape("".join(value for _, value in tokens), quote=False)
        yield _wrapped(escaped, name) if name else escaped


def _within_time(
    tokens: Iterable[_Token], code: str, is_over: Callable[[], bool]
) -> Iterator[_Token]:
    """Yield the tokens, and once the time is over the rest of the code as one.

    The expressions of lexers take time with the square of what they look at, or worse.
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
    """Return the class of a token, or of the nearest kind that it is one of."""
    known = next(each for each in reversed(kind.split()) if each in STANDARD_TYPES)
    return "" if STANDARD_TYPES[known] in _UNCOLOURED else STANDARD_TYPES[known]


def _wrapped(escaped: str, name: str) -> str:
    return "\n".join(
        f'<span class="{name}">{line}</span>' if line else "" for line in escaped.split("\n")
    )


@cache
def _lexer(language: str) -> Lexer | None:
    if not language:
        return None
    if language == "ballerina":
        return BallerinaLexer(**_AS_WRITTEN)
    if language == "http":
        return _HttpLexer(**_AS_WRITTEN)
    return get_lexer_by_name(language, **_AS_WRITTEN)
