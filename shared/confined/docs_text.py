"""The outline of a module, and its documentation as Markdown.

Addresses begin with `BASE_URL`, which the page that sends the text replaces by the registry's.
"""

import json
import re
from collections.abc import Iterator, Sequence

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
    Type,
)
from shared.domain.api_docs.outline import DocsSymbol, declared, inclusions_of
from shared.domain.api_docs.pieces import BASE_URL
from shared.domain.api_docs.signatures import signature_text, source_text
from shared.domain.api_docs.type_parts import type_parts
from shared.domain.outside_values import fenced
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
    return _joined(parts)


def symbol_markdown(calls: Calls, symbol: DocsSymbol) -> str:
    """Return a declaration with its members, or one member, as Markdown."""
    module = calls.module
    parts = [f"# {symbol.path} ({symbol.kind} of {module.org_name}/{module.id} {module.version})"]
    parts += [fenced(source_text(symbol.docs)), *_comment(symbol)]
    call = calls.source(symbol)
    parts += ["## Call", fenced(call)] if call else []
    for member in symbol.members():
        parts += [f"## {member.title}", fenced(signature_text(member.docs)), *_comment(member)]
    for origin, fields in inclusions_of(symbol):
        parts += [] if fields else [f"## Fields of *{_type(origin)}", NOT_SHOWN]
        for field in fields:
            parts += [f"## {field.title} (of *{_type(origin)})"]
            parts += [fenced(signature_text(field.docs)), *_comment(field)]
    return _joined(parts)


NOT_SHOWN = "The documentation of its own package has them."


def _type(docs: Type) -> str:
    return "".join(part.text for part in type_parts(docs))


def _declaration(symbol: DocsSymbol) -> str:
    said = f"\n\n{symbol.summary}" if symbol.summary else ""
    return f"### {symbol.title}\n\n{fenced(signature_text(symbol.docs))}{said}"


def _comment(symbol: DocsSymbol) -> Iterator[str]:
    docs = symbol.docs
    if symbol.deprecation is not None:
        yield f"> Deprecated. {symbol.deprecation}".rstrip()
    if text := symbol.comment.strip():
        yield text
    if isinstance(docs, FunctionDocs):
        said = [*((each.name, each.description) for each in docs.parameters)]
        said += [("returns", each.description) for each in docs.return_parameters]
        texts = [(name, " ".join(markdown(text).split())) for name, text in said]
        lines = [f"- `{name}`: {text}" for name, text in texts if text]
        if lines:
            yield "\n".join(lines)


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(parts) + "\n"


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
