"""A declaration as agents read it: as a row of a list, and as Markdown with each comment in the
source.

The Markdown of `docs_text.py` has the source in its first fence, then the comment, a call, and a
section for each member with its signature and comment. Authors write the comments, which may look
like sections: each text is read once, however many fences it begins.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

from msgspec import Meta, Struct

from functions.mcp.texts import short, shown
from shared.domain.api_docs.symbols import Symbol
from shared.domain.packages import Release

_FENCED = re.compile(r"^(`{3,})ballerina\n(.*?)\n\1$", re.DOTALL | re.MULTILINE)
_SECTION = re.compile(r"^## ([^\n]+)\n\n(?=`{3,}ballerina\n)", re.MULTILINE)
_PARAMETER = re.compile(r"- `([^`\n]+)`: (.+)")
_RECORD = re.compile(r"# .* \(record of ")
_CALL = "Call"
# What follows the signature of a member in the source of its declaration.
_ENDS_OF_MEMBERS = ("", ";", ",", " {}", " = external;")


def source_of(markdown: str) -> str:
    """Return the source of a declaration, which is the first fenced text of its documentation."""
    found = _FENCED.search(markdown)
    return found[2].strip() if found else ""


def commented_source(markdown: str) -> str:
    """Return the source of a declaration with its comment, and with those of its members."""
    sections = list(_sections(markdown))
    if not sections:
        return ""
    (_, source, comment), *members = sections
    return "\n".join((*_comment_lines(comment), _with_comments(source, members)))


def without_fields(markdown: str) -> str:
    """Return the documentation of a record with its fields in the source alone; of others as it
    is."""
    found = _FENCED.search(markdown)
    if found is None or not _RECORD.match(markdown):
        return markdown
    (_, _, comment), *members = _sections(markdown)
    # A field of an included record is not in the source.
    if any(" (of *" in name for name, _, _ in members):
        return markdown
    source = _with_comments(found[2], members)
    said = f"\n\n{comment}" if comment else ""
    return f"{markdown[: found.start(2)]}{source}\n{found[1]}{said}\n"


def _sections(markdown: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, signature and comment of the declaration itself, without a name, and of its
    members; of the declaration the whole source."""
    source = _FENCED.search(markdown)
    if source is None:
        return
    headings = list(_SECTION.finditer(markdown, source.end()))
    ends = [*(each.start() for each in headings), len(markdown)]
    yield "", source[2].strip(), markdown[source.end() : ends[0]].strip()
    for heading, end in zip(headings, ends[1:], strict=True):
        signature = _FENCED.match(markdown, heading.end(), end)
        if signature is not None and heading[1] != _CALL:
            yield heading[1], signature[2].strip(), markdown[signature.end() : end].strip()


def _with_comments(source: str, members: Iterable[tuple[str, str, str]]) -> str:
    """Return the source with the comment of each member above its line."""
    comments = dict[str, list[str]]()
    for _, signature, comment in members:
        if said := _comment_lines(comment):
            comments.setdefault(signature.partition("\n")[0], said)
    lines = list[str]()
    for line in source.split("\n"):
        text = line.lstrip()
        indent = line.removesuffix(text)
        possible = (text.removesuffix(end) for end in _ENDS_OF_MEMBERS)
        signature = next((each for each in possible if each in comments), None)
        if signature is not None:
            lines += [f"{indent}{each}" for each in comments.pop(signature)]
        lines.append(line)
    return "\n".join(lines)


def _comment_lines(comment: str) -> list[str]:
    """Return the first paragraph of a comment, and what it says of parameters, as lines of a
    comment in source."""
    paragraphs = [each for each in comment.split("\n\n") if each.strip()]
    lines = list[str]()
    if paragraphs and not _PARAMETER.match(paragraphs[0]):
        lines.append(f"# {' '.join(paragraphs[0].split())}")
    for said in filter(None, map(_PARAMETER.fullmatch, comment.splitlines())):
        name = "return" if said[1] == "returns" else said[1]
        lines.append(f"# + {name} - {said[2]}")
    return lines


class DeclarationRow(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    package: str = ""  # In a search.
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
        signature=short(symbol.signature),
        author_summary=short(symbol.description),
        is_deprecated=symbol.is_deprecated,
        create=short(symbol.creation),
        next=f"get_symbol {of} symbol={path}",
    )
