"""A declaration as agents read it: as a row of a list, as source with comments, and as Markdown."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from functions.mcp.texts import shortened, shown
from shared.domain.api_docs.symbol_texts import (
    INDENT,
    CommentText,
    SymbolText,
    joined,
    markdown_head,
    markdown_of_inclusions,
    symbol_markdown,
)
from shared.domain.api_docs.symbols import Symbol
from shared.domain.packages import Release

# The value of DeclarationKind.RECORD, whose module the server does not import.
RECORD = "record"


def commented_source(symbol: SymbolText) -> str:
    """Return the source of a declaration with its comment, and with those of its members."""
    return "\n".join((*_comment_lines(symbol.comment), *_commented_lines(symbol)))


def short_markdown(symbol: SymbolText, module: str) -> str:
    """Return a declaration as Markdown: that of a record has its fields in the source alone, unless
    it includes fields, which the source does not have. `module` is for the heading."""
    has_included_fields = any(each.fields for each in symbol.inclusions)
    if symbol.kind != RECORD or has_included_fields:
        return symbol_markdown(symbol, module)
    head = markdown_head(symbol, module, "\n".join(_commented_lines(symbol)))
    return joined((*head, *markdown_of_inclusions(symbol)))


def _commented_lines(symbol: SymbolText) -> Iterator[str]:
    """Yield the lines of the source, with the comment of each member above its line."""
    for line, member in symbol.source_lines():
        if member is not None:
            yield from (f"{INDENT}{each}" for each in _comment_lines(member.comment))
        yield line


def _comment_lines(comment: CommentText) -> Iterator[str]:
    """Yield the first paragraph of a comment, and what it says of parameters and the result, as
    lines of a comment in source."""
    paragraphs = (each for each in comment.description.split("\n\n") if each.strip())
    if first := next(paragraphs, ""):
        yield f"# {' '.join(first.split())}"
    yield from (f"# + {name} - {text}" for name, text in comment.parameters)
    if comment.result:
        yield f"# + return - {comment.result}"


class DeclarationRow(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    package: str = ""  # The package of the declaration, in results of a search.
    kind: str
    symbol: str
    signature: str
    author_summary: str
    is_deprecated: bool = False
    create: Annotated[str, Meta(description="How a client or listener is made.")] = ""
    next: str


def declaration_row(release: Release, symbol: Symbol, package: str = "") -> DeclarationRow:
    path = shown(symbol.path)
    of = f"package={release.org}/{release.name} version={release.version}"
    of += "" if symbol.module == release.name else f" module={symbol.module}"
    return DeclarationRow(
        package=package,
        kind=symbol.kind,
        symbol=path,
        signature=shortened(symbol.signature),
        author_summary=shortened(symbol.description),
        is_deprecated=symbol.is_deprecated,
        create=shortened(symbol.creation),
        next=f"get_symbol {of} symbol={path}",
    )
