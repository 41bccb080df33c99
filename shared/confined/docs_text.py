"""The outline of a module, its documentation as Markdown, and the texts of its symbols.

Addresses begin with `BASE_URL`, which the page that sends the text replaces by the registry's.
"""

import json
import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from shared.ballerina.doc_comments import markdown
from shared.confined.release_files import ReleaseRequest
from shared.domain.api_docs.calls import Calls
from shared.domain.api_docs.model import (
    ClassDocs,
    DeclarationKind,
    Documented,
    EnumDocs,
    ErrorDocs,
    FunctionDocs,
    ModuleDocs,
    ObjectTypeDocs,
    RecordDocs,
)
from shared.domain.api_docs.outline import DocsSymbol, declared, inclusions_of
from shared.domain.api_docs.pieces import BASE_URL
from shared.domain.api_docs.signatures import (
    DeclarationSource,
    SourceLine,
    declaration_source,
    signature_text,
)
from shared.domain.api_docs.symbol_texts import (
    CommentText,
    InclusionText,
    LineText,
    MemberText,
    NamedType,
    SymbolText,
    joined,
)
from shared.domain.api_docs.type_parts import Part, type_parts, types_in_path
from shared.domain.markdown_summaries import fenced
from shared.domain.source_names import import_line

KIND_TITLES = {
    DeclarationKind.CLIENT: "Clients",
    DeclarationKind.LISTENER: "Listeners",
    DeclarationKind.FUNCTION: "Functions",
    DeclarationKind.CLASS: "Classes",
    DeclarationKind.OBJECT_TYPE: "Object types",
    DeclarationKind.SERVICE_TYPE: "Service types",
    DeclarationKind.RECORD: "Records",
    DeclarationKind.ENUM: "Enums",
    DeclarationKind.TYPE: "Types",
    DeclarationKind.ERROR: "Errors",
    DeclarationKind.CONSTANT: "Constants",
    DeclarationKind.VARIABLE: "Variables",
    DeclarationKind.CONFIGURABLE: "Configurables",
    DeclarationKind.ANNOTATION: "Annotations",
}


Outline = list[tuple[str, list[DocsSymbol]]]  # Symbols below the title of their kind.


def outline_of(module: ModuleDocs) -> Outline:
    """Return the declarations of a module below the title of their kind."""
    found: dict[DeclarationKind, list[DocsSymbol]] = {}
    for kind, symbol in declared(module):
        found.setdefault(kind, []).append(symbol)
    return [
        (title, sorted(found[kind], key=lambda symbol: symbol.title.lower()))
        for kind, title in KIND_TITLES.items()
        if kind in found
    ]


def json_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def module_markdown(release: ReleaseRequest, module: ModuleDocs) -> str:
    """Return a module as Markdown: its declarations with the first line of each comment."""
    page = f"{BASE_URL}/packages/{release.coordinate.package}/{release.version}/docs/{module.id}"
    parts = [f"# {module.org_name}/{module.id} {module.version}"]
    parts += [module.summary] if module.summary else []
    parts += [fenced(import_line(module.org_name, module.id)), f"Page: {page}"]
    for title, symbols in outline_of(module):
        parts += [f"## {title}", *map(_declaration, symbols)]
    return joined(parts)


def _declaration(symbol: DocsSymbol) -> str:
    said = f"\n\n{symbol.summary}" if symbol.summary else ""
    return f"### {symbol.title}\n\n{fenced(signature_text(symbol.docs))}{said}"


# --- The text of a symbol ------------------------------------------------------------------------


def symbol_text(calls: Calls, symbol: DocsSymbol) -> SymbolText:
    """Return the text of a declaration with its members, or of one member."""
    source = declaration_source(symbol.docs)
    members = list(symbol.members())
    numbers = {id(member.docs): number for number, member in enumerate(members)}
    inclusions = (
        InclusionText(_text(type_parts(origin)), tuple(map(_member, fields)))
        for origin, fields in inclusions_of(symbol)
    )
    return SymbolText(
        path=symbol.path,
        kind=symbol.kind,
        opening=_text(source.opening),
        lines=tuple(_line(line, numbers.get(id(line.docs))) for line in source.lines),
        closing=_text(source.closing),
        comment=_comment(symbol),
        call=calls.source(symbol),
        members=tuple(map(_member, members)),
        inclusions=tuple(inclusions),
        types=tuple(dict.fromkeys(_types(calls.module, symbol.docs, source))),
    )


def _text(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts)


def _line(line: SourceLine, number: int | None) -> LineText:
    if number is None:
        return LineText(_text(line.parts))
    return LineText(_text(line.before), number, _text(line.after))


def _types(module: ModuleDocs, docs: Documented, source: DeclarationSource) -> Iterator[NamedType]:
    """Yield the types that a source names, without those of the language."""
    yield from _types_of(module, docs, source.opening)
    for line in source.lines:
        yield from _types_of(module, line.docs, line.parts)


def _types_of(
    module: ModuleDocs, docs: Documented | None, parts: Iterable[Part]
) -> Iterator[NamedType]:
    if isinstance(docs, FunctionDocs):
        for name in types_in_path(docs.resource_path):
            yield NamedType(module.org_name, module.id, module.version, name)
    for each in (part.target for part in parts):
        if each and each.category != "builtin":
            yield NamedType(each.org, each.module, each.version, each.name)


def _member(symbol: DocsSymbol) -> MemberText:
    return MemberText(symbol.title, signature_text(symbol.docs), _comment(symbol))


def _comment(symbol: DocsSymbol) -> CommentText:
    docs = symbol.docs
    said = CommentText(symbol.deprecation, symbol.comment.strip())
    if not isinstance(docs, FunctionDocs):
        return said
    parameters = ((each.name, _in_a_line(each.description)) for each in docs.parameters)
    results = (_in_a_line(each.description) for each in docs.return_parameters)
    return replace(
        said,
        parameters=tuple((name, text) for name, text in parameters if text),
        result=next(results, ""),
    )


def _in_a_line(comment: str) -> str:
    return " ".join(markdown(comment).split())


# --- Lines of lists ------------------------------------------------------------------------------

LINE_LENGTH = 160  # Characters of a signature in a list.
# What a list need not say of each: its heading says it, or all declarations are so.
_QUALIFIERS = re.compile(r"^(?:(?:public|isolated|remote|resource|const) )+")
# Their signature says no more than the name below the title of the kind.
_NAMED_ONLY = (ClassDocs, EnumDocs, ErrorDocs, ObjectTypeDocs, RecordDocs)


def signature_line(docs: Documented) -> str:
    """Return the signature of a declaration on one line for lists; empty if it says no more than
    the name."""
    if isinstance(docs, _NAMED_ONLY):
        return ""
    text = " ".join(signature_text(docs).split())
    text = _QUALIFIERS.sub("", text)
    return text if len(text) <= LINE_LENGTH else f"{text[:LINE_LENGTH]}…"
