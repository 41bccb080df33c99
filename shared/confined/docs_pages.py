"""The pages of API documentation as HTML: a module, and each of its symbols."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Self, cast
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, Template
from msgspec import Struct
from msgspec.structs import replace

from shared.ballerina.doc_comments import markdown
from shared.confined.docs_text import outline_of, signature_line
from shared.confined.release_files import ReleaseRequest
from shared.domain.api_docs.calls import Calls
from shared.domain.api_docs.model import (
    EnumDocs,
    FunctionDocs,
    ModuleDocs,
    RecordDocs,
    ReturnDocs,
    SourcePosition,
    Type,
    VariableDocs,
)
from shared.domain.api_docs.outline import (
    FIELD,
    METHOD,
    DocsSymbol,
    Inclusions,
    inclusions_of,
    undocumented,
)
from shared.domain.api_docs.release import ModuleFacts
from shared.domain.api_docs.signatures import declaration_source, signature
from shared.domain.api_docs.symbol_texts import INDENT, NOT_SHOWN
from shared.domain.api_docs.type_parts import Part, PartKind, TypeTarget, type_parts
from shared.domain.sentences import counted
from shared.domain.source_names import import_line
from shared.prose.rendering import render_markdown
from shared.prose.safe_html import SafeHtml, show_bidi_characters
from shared.prose.template_engine import page_environment

MAX_INDEXED = 500  # Names in the index of a module, which each page of a symbol repeats.
# Members of a declaration with full comments; with more members, its page has the first line of
# each comment.
MEMBERS_IN_FULL = 40

# Chapters of the language's specification whose anchors are stable.
_SPECIFICATION = "https://ballerina.io/spec/lang/master/#"
_CHAPTERS = {
    "xml": "XML",
    "table": "tables",
    "function": "functions",
    "anydata": "anydata",
    "byte": "byte_type",
}
_ANY_CHAPTER = "values_types"
_LIBRARY_CHAPTER = "lang_library_modules"

_NO_COMMENT = SafeHtml()

# The classes that highlighted code has.
_COLORS = {
    PartKind.KEYWORD: "k",
    PartKind.TYPE: "kt",
    PartKind.NAME: "nf",
    PartKind.STRING: "s",
    PartKind.VALUE: "m",
}


class DocsLinks(Struct, frozen=True):
    """The addresses of documentation, as links of a release's pages."""

    release: ReleaseRequest

    def module(self, name: str) -> str:
        return f"{self.release.address}/docs/{quote(name)}"

    def symbol(self, module: str, path: str) -> str:
        return f"{self.module(module)}/{quote(path)}"

    def source(self, module: str, position: SourcePosition | None) -> str:
        """Return the address of a line of a source in the archive, or an empty text."""
        if position is None:
            return ""
        path = f"{self.release.source_folder(module)}{position.file}"
        return f"{self.release.address}/files?path={quote(path, safe='')}#L-{position.line}"

    def target(self, target: TypeTarget) -> str:
        """Return the address of the documentation of a named type."""
        if target.category == "builtin":
            return _SPECIFICATION + _CHAPTERS.get(target.name, _ANY_CHAPTER)
        if target.module.startswith("lang."):
            return _SPECIFICATION + _LIBRARY_CHAPTER
        is_own = (target.org, target.version) == (self.release.org, self.release.version)
        if is_own and target.module in self.release.modules:
            return self.symbol(target.module, target.name)
        parts = (target.org, target.module, target.version, target.name)
        return f"/docs/{'/'.join(quote(part, safe='') for part in parts)}"

    def member(self, owner: Type, name: str) -> str:
        """Return the address of a member of a named type, or an empty text."""
        found = next((each.target for each in type_parts(owner) if each.target), None)
        return self.target(replace(found, name=f"{found.name}.{name}")) if found else ""

    def html(self, parts: Iterable[Part]) -> SafeHtml:
        """Return source text with colors, in which named types are links."""
        return SafeHtml("".join(map(self._part, parts)))

    def field(self, parts: Sequence[Part], address: str) -> SafeHtml:
        """Return the source text of a field or an enum member, whose name is a link as well."""
        named = [number for number, each in enumerate(parts) if each.kind is PartKind.NAME]
        last = named[-1] if named and address else None
        return SafeHtml(
            "".join(
                self._part(each, address if number == last else "")
                for number, each in enumerate(parts)
            )
        )

    def _part(self, part: Part, address: str = "") -> str:
        text = escape(show_bidi_characters(part.text), quote=False)
        color = _COLORS.get(part.kind)
        if part.target is not None:
            address = self.target(part.target)
        if address:
            return f'<a class="{color}" href="{escape(address)}">{text}</a>'
        return f'<span class="{color}">{text}</span>' if color else text


class RenderedParameter(Struct, frozen=True):
    """A parameter of a function, or its result, as a page shows it."""

    name: str
    type: SafeHtml
    default: str
    comment: SafeHtml


class RenderedSymbol(Struct, frozen=True):
    """A declaration or a member as a page shows it."""

    symbol: DocsSymbol
    address: str
    signature: SafeHtml
    source: str
    comment: SafeHtml = _NO_COMMENT
    deprecation: SafeHtml | None = None
    parameters: tuple[RenderedParameter, ...] = ()
    result: RenderedParameter | None = None


class BlockLine(Struct, frozen=True):
    """A field or an enum member in a block of source text, after its comment; an inclusion and a
    rest field are no symbols."""

    html: SafeHtml
    symbol: DocsSymbol | None = None


class SourceBlock(Struct, frozen=True):
    """A whole record or enum as source text with its comments, or the fields of another type."""

    lines: Sequence[BlockLine]
    opening: SafeHtml = _NO_COMMENT
    closing: SafeHtml = _NO_COMMENT


class RenderedSection(Struct, frozen=True):
    """Members of a declaration: those of a kind, or the fields of a type that it includes. Fields
    are a block of source text."""

    title: SafeHtml
    members: Sequence[RenderedSymbol] = ()
    block: SourceBlock | None = None

    @property
    def count(self) -> int:
        return len(self.block.lines) if self.block else len(self.members)


_REMOTE = "Remote methods"
_RESOURCE = "Resource methods"
_TITLES = {FIELD: "Fields", METHOD: "Methods"}
_SECTIONS = (*_TITLES.values(), _REMOTE, _RESOURCE)


def _section_of(symbol: DocsSymbol) -> str:
    docs = symbol.docs
    if isinstance(docs, FunctionDocs) and (docs.is_remote or docs.is_resource):
        return _REMOTE if docs.is_remote else _RESOURCE
    return _TITLES[symbol.kind]


class DocsPages(Struct, frozen=True):
    """Renders the pages of one module; `since` has the versions since which its symbols exist."""

    release: ReleaseRequest
    module: ModuleDocs
    since: Mapping[str, str]
    calls: Calls

    @classmethod
    def of(cls, release: ReleaseRequest, module: ModuleDocs, since: Mapping[str, str]) -> Self:
        return cls(release, module, since, Calls.of(module))

    @property
    def links(self) -> DocsLinks:
        return DocsLinks(self.release)

    def module_page(self, facts: ModuleFacts) -> str:
        return template("module").render(
            module=self.module,
            import_line=import_line(self.module.org_name, self.module.id),
            links=self.links,
            outline=outline_of(self.module),
            signature_line=signature_line,
            uncommented=list(undocumented(self.module)),
            unread=facts.unread,
            **self._dated,
        )

    def module_index(self) -> str:
        outline = outline_of(self.module)
        shown = list[tuple[str, list[DocsSymbol]]]()
        room = MAX_INDEXED
        for title, symbols in outline:
            shown += [(title, symbols[:room])] if room else []
            room -= len(symbols[:room])
        hidden = sum(len(symbols) for _, symbols in outline) - (MAX_INDEXED - room)
        return template("index").render(
            module=self.module, links=self.links, outline=shown, hidden=hidden
        )

    def symbol_page(self, symbol: DocsSymbol) -> str:
        members = list(symbol.members())
        inclusions = inclusions_of(symbol)
        is_long = len(members) + sum(len(fields) for _, fields in inclusions) > MEMBERS_IN_FULL
        sections = [*self._sections(symbol, members, is_long=is_long)]
        sections += self._included(inclusions, is_long=is_long)
        return template("symbol").render(
            module=self.module,
            links=self.links,
            shown=self._full(symbol),
            whole=self._whole(symbol, members, is_long=is_long),
            sections=sections,
            is_long=is_long,
            not_shown=NOT_SHOWN,
            call=self.calls.source(symbol),
            call_line=self.calls.line,
            **self._dated,
        )

    def _whole(
        self, symbol: DocsSymbol, members: Sequence[DocsSymbol], *, is_long: bool
    ) -> SourceBlock | None:
        """Return a record or an enum as one block; None for others."""
        docs = symbol.docs
        if not isinstance(docs, RecordDocs | EnumDocs):
            return None
        source = declaration_source(docs)
        symbols = {each.title: each for each in members}
        lines = [
            self._block_line(
                (*line.signature, *line.after),
                symbols.get(line.docs.name),
                is_long=is_long,
            )
            for line in source.lines
            if line.docs
        ]
        opening, closing = map(self.links.html, (source.opening, source.closing))
        return SourceBlock(lines, opening, closing)

    def _field_line(
        self, symbol: DocsSymbol, *, is_long: bool, address: str | None = None
    ) -> BlockLine:
        line = (*signature(symbol.docs), Part(";"))
        return self._block_line(line, symbol, is_long=is_long, address=address)

    def _block_line(
        self,
        line: Sequence[Part],
        symbol: DocsSymbol | None,
        *,
        is_long: bool,
        address: str | None = None,
    ) -> BlockLine:
        if address is None:
            address = self.links.symbol(self.module.id, symbol.path) if symbol else ""
        comment = _comment_lines(symbol, is_long=is_long) if symbol else ()
        lines = (
            f'{INDENT}<span class="c">{escape(show_bidi_characters(each), quote=False)}</span>\n'
            for each in comment
        )
        html = self.links.field(line, address)
        return BlockLine(SafeHtml(f"{''.join(lines)}{INDENT}{html}\n"), symbol)

    def _sections(
        self, symbol: DocsSymbol, members: Sequence[DocsSymbol], *, is_long: bool
    ) -> Iterator[RenderedSection]:
        """Yield the sections of members that are not in the block of the whole declaration."""
        if isinstance(symbol.docs, RecordDocs | EnumDocs):
            return
        render = self._brief if is_long else self._full
        for title in _SECTIONS:
            found = [each for each in members if _section_of(each) == title]
            if not found:
                continue
            if title == _TITLES[FIELD]:
                lines = [self._field_line(each, is_long=is_long) for each in found]
                yield RenderedSection(SafeHtml(title), block=SourceBlock(lines))
            else:
                yield RenderedSection(SafeHtml(title), list(map(render, found)))

    def _included(self, inclusions: Inclusions, *, is_long: bool) -> Iterator[RenderedSection]:
        """Yield the included fields, of which a page is that of the type that declares it."""
        for origin, fields in inclusions:
            lines = [
                self._field_line(
                    each, is_long=is_long, address=self.links.member(origin, each.title)
                )
                for each in fields
            ]
            title = SafeHtml(f"Fields of <code>*{self.links.html(type_parts(origin))}</code>")
            yield RenderedSection(title, block=SourceBlock(lines) if lines else None)

    @property
    def _dated(self) -> dict[str, object]:
        return {"since": self.since, "oldest": self.release.oldest}

    def _brief(self, symbol: DocsSymbol) -> RenderedSymbol:
        return RenderedSymbol(
            symbol,
            self.links.symbol(self.module.id, symbol.path),
            self.links.html(signature(symbol.docs)),
            self.links.source(self.module.id, symbol.docs.position),
        )

    def _full(self, symbol: DocsSymbol) -> RenderedSymbol:
        docs = symbol.docs
        lines = symbol.deprecation
        brief = replace(
            self._brief(symbol),
            comment=self._comment(symbol.comment),
            deprecation=None if lines is None else self._comment(lines),
        )
        if not isinstance(docs, FunctionDocs):
            return brief
        results = [self._parameter(each) for each in docs.return_parameters]
        parameters = tuple(self._parameter(each) for each in docs.parameters if each.type)
        return replace(brief, parameters=parameters, result=results[0] if results else None)

    def _parameter(self, docs: VariableDocs | ReturnDocs) -> RenderedParameter:
        return RenderedParameter(
            name=docs.name,
            type=self.links.html(type_parts(docs.type) if docs.type else ()),
            default=docs.default_value if isinstance(docs, VariableDocs) else "",
            comment=self._comment(markdown(docs.description)),
        )

    def _comment(self, text: str) -> SafeHtml:
        """Return a doc comment, which is Markdown, as safe HTML."""
        return render_markdown(text, self.release.place()) if text.strip() else _NO_COMMENT


def _comment_lines(symbol: DocsSymbol, *, is_long: bool) -> Iterator[str]:
    """Yield the doc comment of a member as lines of source; of a long declaration, the first
    sentence."""
    text = symbol.summary if is_long else symbol.comment
    lines = text.strip().splitlines()
    if symbol.deprecation is not None:
        lines += ["# Deprecated", *symbol.deprecation.strip().splitlines()]
    yield from (f"# {each}".rstrip() for each in lines)
    if symbol.docs.is_deprecated:
        yield "@deprecated"


_CODE_SPAN = re.compile(r"`([^`]+)`")


def code_spans(text: str) -> SafeHtml:
    """Return a sentence as HTML, with names in backquotes as code."""
    escaped = escape(show_bidi_characters(text), quote=False)
    return SafeHtml(_CODE_SPAN.sub(r"<code>\1</code>", escaped))


def _environment() -> Environment:
    environment = page_environment(FileSystemLoader(Path(__file__).parent / "templates"))
    filters = cast("dict[str, object]", environment.filters)
    filters |= {
        "code_spans": code_spans,
        "counted": counted,
        "show_bidi_characters": show_bidi_characters,
    }
    return environment


_ENVIRONMENT = _environment()


def template(name: str) -> Template:
    return _ENVIRONMENT.get_template(f"{name}.html")
