"""The text of a declaration or of one of its members as data, as it is stored; and as Markdown.

Pages as Markdown and the tools for agents are written from this data, so nothing parses Markdown.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from shared.domain.markdown_summaries import fenced

INDENT = "    "
NOT_SHOWN = "The documentation of its own package has them."


class NamedType(Struct, frozen=True, array_like=True):
    """A declaration that a source names as a type: the release, the module and its name there."""

    org: str
    module: str
    version: str
    name: str


class CommentText(Struct, frozen=True, omit_defaults=True):
    """What a doc comment says. `text` is Markdown; each parameter and the result that the comment
    explains has a text of one line."""

    deprecation: str | None = None  # What to use instead; None if it is not deprecated.
    text: str = ""
    parameters: tuple[tuple[str, str], ...] = ()  # The name and the text of each.
    result: str = ""

    @property
    def description(self) -> str:
        """What it says about the declaration as a whole, as Markdown."""
        deprecated = [] if self.deprecation is None else [f"> Deprecated. {self.deprecation}"]
        parts = (each.rstrip() for each in (*deprecated, self.text))
        return "\n\n".join(filter(None, parts))


NO_COMMENT = CommentText()


class MemberText(Struct, frozen=True, omit_defaults=True):
    """A field, a method or an enum member of a declaration."""

    name: str
    signature: str
    comment: CommentText = NO_COMMENT


class LineText(Struct, frozen=True, array_like=True):
    """A line of the source of a declaration: what stands before and after the signature of a
    member, which `member` counts from 0; without one, the line is `before`."""

    before: str
    member: int | None = None
    after: str = ""


class InclusionText(Struct, frozen=True, omit_defaults=True):
    """The fields that a declaration includes from a type; none if that type is not known here."""

    type: str
    fields: tuple[MemberText, ...] = ()


class SymbolText(Struct, frozen=True, omit_defaults=True):
    """A declaration, or a member of one.

    Its source is `opening`, `lines` and `closing`; without `closing`, it is `opening` alone.
    `members` are in source order, and also those that the source does not have: methods of
    included object types. `types` are those that the source names, in this order, without those of
    the language.
    """

    path: str
    kind: str
    opening: str
    lines: tuple[LineText, ...] = ()
    closing: str = ""
    comment: CommentText = NO_COMMENT
    call: str = ""  # Source that calls it; empty for what is not called.
    members: tuple[MemberText, ...] = ()
    inclusions: tuple[InclusionText, ...] = ()
    types: tuple[NamedType, ...] = ()

    def source_lines(self) -> Iterator[tuple[str, MemberText | None]]:
        """Yield each line of the source, with the member that it declares."""
        yield self.opening, None
        for line in self.lines:
            member = None if line.member is None else self.members[line.member]
            signature = member.signature if member else ""
            yield f"{INDENT}{line.before}{signature}{line.after}", member
        if self.closing:
            yield self.closing, None

    @property
    def source(self) -> str:
        """The declaration with its members, a line for each, without comments."""
        return "\n".join(line for line, _ in self.source_lines())


_decode = msgspec.json.Decoder(SymbolText).decode


def read_symbol(piece: bytes) -> SymbolText:
    """Return the text that is stored as a piece."""
    return _decode(piece)


# --- As Markdown ---------------------------------------------------------------------------------


def symbol_markdown(symbol: SymbolText, module: str) -> str:
    """Return a declaration with its members, or one member, as Markdown; `module` is its module
    with the version, for the heading."""
    parts = [*markdown_head(symbol, module, symbol.source)]
    parts += ["## Call", fenced(symbol.call)] if symbol.call else []
    for member in symbol.members:
        parts += _section(member.name, member)
    return joined((*parts, *markdown_of_inclusions(symbol)))


def markdown_head(symbol: SymbolText, module: str, source: str) -> Iterator[str]:
    """Yield the heading, the source and the comment."""
    yield f"# {symbol.path} ({symbol.kind} of {module})"
    yield fenced(source)
    yield from _comment_parts(symbol.comment)


def markdown_of_inclusions(symbol: SymbolText) -> Iterator[str]:
    """Yield a section for each included field, and one for each inclusion that is not known."""
    for each in symbol.inclusions:
        if not each.fields:
            yield f"## Fields of *{each.type}"
            yield NOT_SHOWN
        for field in each.fields:
            yield from _section(f"{field.name} (of *{each.type})", field)


def joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _section(title: str, member: MemberText) -> Iterator[str]:
    yield f"## {title}"
    yield fenced(member.signature)
    yield from _comment_parts(member.comment)


def _comment_parts(comment: CommentText) -> Iterator[str]:
    if comment.description:
        yield comment.description
    rows = [*comment.parameters, *([("returns", comment.result)] if comment.result else [])]
    if rows:
        yield "\n".join(f"- `{name}`: {text}" for name, text in rows)
