"""The outline of a module, its documentation as Markdown, and calls of functions.

Addresses begin with `BASE_URL`, which the page that sends the text replaces by the registry's.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence

from shared.ballerina.doc_comments import markdown
from shared.confined.release_files import ReleaseRequest
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
from shared.domain.api_docs.type_parts import PathSegment, path_segments, type_parts
from shared.domain.names import RESERVED_WORDS, import_line, module_prefix
from shared.domain.outside_values import fenced

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


def symbol_markdown(module: ModuleDocs, symbol: DocsSymbol) -> str:
    """Return a declaration with its members, or one member, as Markdown."""
    parts = [f"# {symbol.path} ({symbol.kind} of {module.org_name}/{module.id} {module.version})"]
    parts += [fenced(source_text(symbol.docs)), *_comment(symbol)]
    call = call_of(module, symbol)
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


# --- Calls ---------------------------------------------------------------------------------------


def call_of(module: ModuleDocs, symbol: DocsSymbol) -> str:
    """Return source that calls a function or method, or makes a value of a class, with a name in
    place of each value that must be given; empty for other symbols."""
    prefix, docs, owner = module_prefix(module.id), symbol.docs, symbol.owner
    if isinstance(docs, ClassDocs):
        arguments = _arguments(docs.init_method) if docs.init_method else ""
        check = "check " if docs.init_method and _may_fail(docs.init_method) else ""
        return f"{prefix}:{docs.name} {_variable(prefix, docs.name)} = {check}new ({arguments});"
    if not isinstance(docs, FunctionDocs):
        return ""
    if owner is not None and docs.name == "init":  # `new` calls it.
        return ""
    return _call(docs, f"{_callee(prefix, docs, owner, _argument_of_path)}({_arguments(docs)})")


def call_line(module: ModuleDocs, symbol: DocsSymbol) -> str:
    """Return the call of a function or method for lists, such as `httpClient->/path.post(…)`;
    empty for other symbols."""
    docs = symbol.docs
    if not isinstance(docs, FunctionDocs):
        return ""
    arguments = "…" if docs.parameters else ""
    if symbol.owner is not None and docs.name == "init":
        return f"new ({arguments})"
    prefix = module_prefix(module.id)
    return f"{_callee(prefix, docs, symbol.owner, _name_in_path)}({arguments})"


def _callee(
    prefix: str,
    docs: FunctionDocs,
    owner: DocsSymbol | None,
    segment_text: Callable[[PathSegment], str],
) -> str:
    """Return the part of a call before its arguments."""
    if owner is None:
        return f"{prefix}:{docs.name}"
    value = _variable(prefix, owner.docs.name)
    if docs.is_resource:
        path = "/".join(map(segment_text, path_segments(docs.resource_path)))
        return f"{value}->/{path}.{docs.accessor}"
    return f"{value}{'->' if docs.is_remote else '.'}{docs.name}"


def _name_in_path(segment: PathSegment) -> str:
    """Return a segment for reading: a rest parameter stands for any path."""
    return segment.name if segment.name and segment.is_rest else _argument_of_path(segment)


def _argument_of_path(segment: PathSegment) -> str:
    if not segment.name:
        return segment.text
    return f"[...{segment.name}]" if segment.is_rest else f"[{segment.name}]"


def _call(docs: FunctionDocs, call: str) -> str:
    result = "var result = " if docs.return_parameters else ""
    return f"{result}{'check ' if _may_fail(docs) else ''}{call};"


def _arguments(docs: FunctionDocs) -> str:
    """Return the names of the parameters that must be given."""
    return ", ".join(each.name for each in docs.parameters if each.must_be_given)


def _may_fail(docs: FunctionDocs) -> bool:
    """Check whether an error is among the results."""
    types = [each.type for each in docs.return_parameters]
    members = [member for each in types for member in (each, *each.member_types)]
    return any(each.name == "error" or each.category == "errors" for each in members)


def _variable(prefix: str, type_name: str) -> str:
    """Return the name of a variable of this type: of `Caller` caller, of `http:Client` httpClient,
    since `client` is a keyword."""
    name = type_name[:1].lower() + type_name[1:]
    return prefix.removeprefix("'") + type_name if name in RESERVED_WORDS else name
