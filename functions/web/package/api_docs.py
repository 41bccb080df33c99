"""/packages/{org}/{name}/{version}/docs[/{module}[/{symbol}]]: the API documentation of a release.

A module has a page with an outline of its declarations; each declaration, method and field has a
page of its own. All of them are Markdown and JSON, too.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape
from itertools import islice
from urllib.parse import quote

import azure.functions as func

from functions.http.public_pages import MARKDOWN, PageRequest, PublicPages
from functions.http.requests import READ_METHODS
from functions.http.responses import JSON
from functions.web.package.docs_text import (
    Outline,
    call_of,
    json_of,
    module_markdown,
    outline_of,
    package_llms_text,
    symbol_markdown,
)
from functions.web.package.frame import (
    details_of,
    page_not_found,
    release_path,
    show_tab,
    wants_form,
)
from functions.web.package.missing import missing_page
from functions.web.package.texts import readme_html, source_folder
from shared.composition import Registry
from shared.domain.api_docs.coverage import undocumented
from shared.domain.api_docs.model import (
    FunctionDocs,
    ModuleDocs,
    ReturnDocs,
    SourcePosition,
    VariableDocs,
)
from shared.domain.api_docs.outline import DocsSymbol, find_symbol
from shared.domain.api_docs.signatures import signature
from shared.domain.api_docs.type_parts import Part, PartKind, TypeTarget, type_parts
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.packages import ModuleText
from shared.prose.rendering import SafeHtml, TextPlace, show_bidi_characters
from shared.services.api_docs import ModuleName
from shared.services.package_details import ReleaseDetails

SYMBOLS_SHOWN = 2_000  # Of a kind, and members of a declaration; Markdown and JSON have all.
MEMBERS_IN_FULL = 40  # Of a declaration; of more, its page has the first line of each comment.

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

NO_COMMENT = SafeHtml()

# The classes that highlighted code has.
_COLORS = {
    PartKind.KEYWORD: "k",
    PartKind.TYPE: "kt",
    PartKind.NAME: "nf",
    PartKind.STRING: "s",
    PartKind.VALUE: "m",
}


@dataclass(frozen=True, slots=True)
class DocsLinks:
    """The addresses of documentation, as links of a release's pages."""

    details: ReleaseDetails

    def module(self, name: str) -> str:
        return f"{release_path(self.details)}/docs/{quote(name)}"

    def symbol(self, module: str, path: str) -> str:
        return f"{self.module(module)}/{quote(path)}"

    def source(self, module: str, position: SourcePosition | None) -> str:
        """Return the address of a line of a source in the archive, or an empty text."""
        if position is None:
            return ""
        path = f"{source_folder(self.details, module)}{position.file}"
        return f"{release_path(self.details)}/files?path={quote(path, safe='')}#L-{position.line}"

    def target(self, target: TypeTarget) -> str:
        """Return the address of the documentation of a named type."""
        if target.category == "builtin":
            return _SPECIFICATION + _CHAPTERS.get(target.name, _ANY_CHAPTER)
        if target.module.startswith("lang."):
            return _SPECIFICATION + _LIBRARY_CHAPTER
        details = self.details
        is_own = (target.org, target.version) == (details.head.org, details.release.version)
        if is_own and target.module in details.release.modules:
            return self.symbol(target.module, target.name)
        parts = (target.org, target.module, target.version, target.name)
        return f"/docs/{'/'.join(quote(part, safe='') for part in parts)}"

    def html(self, parts: Iterable[Part]) -> SafeHtml:
        """Return source text with colors, in which named types are links."""
        return SafeHtml("".join(map(self._part, parts)))

    def _part(self, part: Part) -> str:
        text = escape(show_bidi_characters(part.text), quote=False)
        color = _COLORS.get(part.kind)
        if part.target is not None:
            return f'<a class="{color}" href="{escape(self.target(part.target))}">{text}</a>'
        return f'<span class="{color}">{text}</span>' if color else text


@dataclass(frozen=True, slots=True)
class RenderedParameter:
    """A parameter of a function, or its result, as a page shows it."""

    name: str
    type: SafeHtml
    default: str
    comment: SafeHtml


@dataclass(frozen=True, slots=True)
class RenderedSymbol:
    """A declaration or a member as a page shows it."""

    symbol: DocsSymbol
    address: str
    signature: SafeHtml
    source: str
    comment: SafeHtml = NO_COMMENT
    deprecation: SafeHtml | None = None
    parameters: tuple[RenderedParameter, ...] = ()
    result: RenderedParameter | None = None


def blueprint(registry: Registry) -> func.Blueprint:
    bp, pages = func.Blueprint(), PublicPages(registry, missing_page)

    @bp.route("packages/{org}/{name}/{version}/docs/{module}/{*symbol}", methods=READ_METHODS)
    @pages.page
    async def web_module_docs(request: PageRequest) -> func.HttpResponse:
        details = await details_of(request, request.route["version"])
        name, path = request.route["module"], request.route.get("symbol", "")
        if not path:
            return await _module_page(request, details, name)
        return await _symbol_page(
            request, details, await _read_module(request, details, name), path
        )

    @bp.route("docs/{org}/{module}/{version}/{*symbol}", methods=READ_METHODS)
    @pages.page
    async def web_type_docs(request: PageRequest) -> func.HttpResponse:
        """Redirect to a type of another package, of which its users know the module alone."""
        named = (request.route[each] for each in ("org", "module", "version"))
        found = await registry.api_docs.find(ModuleName(*named), by=request.principal)
        release = f"/packages/{found.head.package}/{found.entry.version}"
        address = quote(f"{release}/docs/{found.module}/{request.route.get('symbol', '')}")
        return request.redirect(address.rstrip("/"))

    return bp


async def docs_page(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Show the first module of the release, or the one that the query names."""
    modules = details.release.modules
    if not modules:
        return await show_tab(request, details, "docs", {"module": None})
    return await _module_page(request, details, request.query.get("module") or modules[0])


async def llms_text(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Respond with a summary of the package for language models, as llmstxt.org describes."""
    names = details.release.modules
    modules = await asyncio.gather(*(_read_module(request, details, each) for each in names))
    text = await asyncio.to_thread(package_llms_text, details, modules, request.url)
    return request.text(text, "text/plain")


# --- Modules -------------------------------------------------------------------------------------


async def _module_page(
    request: PageRequest, details: ReleaseDetails, name: str
) -> func.HttpResponse:
    problem = ""
    try:
        module = await _read_module(request, details, name)
    except (ApiDocsFailed, ApiDocsPending) as refusal:
        module, problem = await _undocumented(request, details, name), str(refusal)
    if wants_form(request, MARKDOWN):
        text = await asyncio.to_thread(module_markdown, details, module, request.url)
        return request.text(text, MARKDOWN)
    if wants_form(request, JSON):
        return request.json(await asyncio.to_thread(json_of, module))
    outline, uncommented = await asyncio.to_thread(_summary, module)
    values = {
        "module": module,
        "links": DocsLinks(details),
        "outline": outline,
        "undocumented": uncommented,
        "symbols_shown": SYMBOLS_SHOWN,
        "since": await request.registry.api_history.since(details.release, module.id),
        "oldest": details.entries[-1].version,
        "readme": await _readme(request, details, module),
        "record": await request.registry.api_docs.record(details.release),
        "problem": problem,
        "canonical": request.url + DocsLinks(details).module(name),
    }
    return await show_tab(request, details, "docs", values)


def _summary(module: ModuleDocs) -> tuple[Outline, list[str]]:
    """Return the outline of a module, and what lacks a comment."""
    return outline_of(module), list(undocumented(module))


async def _undocumented(request: PageRequest, details: ReleaseDetails, name: str) -> ModuleDocs:
    """Return the texts of a module whose sources are not documented, or not yet."""
    texts = await request.registry.package_details.texts(details)
    text = next((each for each in texts.modules if each.name == name), ModuleText(name=name))
    return ModuleDocs(
        id=name,
        summary=text.summary,
        description=text.readme,
        org_name=details.head.org,
        version=details.release.version,
        is_default_module=name == details.head.name,
    )


async def _readme(request: PageRequest, details: ReleaseDetails, module: ModuleDocs) -> SafeHtml:
    """Return the readme of a module; the default module has that of the package."""
    if module.is_default_module:
        return SafeHtml()
    return await readme_html(request, details, module.description, module.id)


async def _read_module(request: PageRequest, details: ReleaseDetails, name: str) -> ModuleDocs:
    if name not in details.release.modules:
        raise page_not_found(request)
    return await request.registry.api_docs.of_release(details.release, name)


# --- Symbols -------------------------------------------------------------------------------------


async def _symbol_page(
    request: PageRequest, details: ReleaseDetails, module: ModuleDocs, path: str
) -> func.HttpResponse:
    symbol = find_symbol(module, path)
    if symbol is None:
        raise page_not_found(request)
    if wants_form(request, MARKDOWN):
        return request.text(await asyncio.to_thread(symbol_markdown, module, symbol), MARKDOWN)
    if wants_form(request, JSON):
        return request.json(await asyncio.to_thread(json_of, symbol.docs))
    renderer = SymbolRenderer(request, details, module.id)
    members = list(islice(symbol.members(), SYMBOLS_SHOWN))
    is_long = len(members) > MEMBERS_IN_FULL
    values = {
        "module": module,
        "links": renderer.links,
        "shown": await renderer.full(symbol),
        "members": [
            renderer.brief(each) if is_long else await renderer.full(each) for each in members
        ],
        "canonical": request.url + renderer.links.symbol(module.id, symbol.path),
        "is_long": is_long,
        "since": await request.registry.api_history.since(details.release, module.id),
        "oldest": details.entries[-1].version,
        "call": call_of(module, symbol),
    }
    return await show_tab(request, details, "docs", values)


@dataclass(frozen=True, slots=True)
class SymbolRenderer:
    """Renders the symbols of a module."""

    request: PageRequest
    details: ReleaseDetails
    module: str

    @property
    def links(self) -> DocsLinks:
        return DocsLinks(self.details)

    def brief(self, symbol: DocsSymbol) -> RenderedSymbol:
        """Return a symbol without its comment."""
        return RenderedSymbol(
            symbol,
            self.links.symbol(self.module, symbol.path),
            self.links.html(signature(symbol.docs)),
            self.links.source(self.module, symbol.docs.position),
        )

    async def full(self, symbol: DocsSymbol) -> RenderedSymbol:
        docs, said = symbol.docs, symbol.deprecation
        is_function = isinstance(docs, FunctionDocs)
        return replace(
            self.brief(symbol),
            comment=await self._comment(docs.documentation or docs.description or ""),
            deprecation=None if said is None else await self._comment(said),
            parameters=tuple(
                [await self._parameter(each) for each in docs.parameters if each.type]
                if is_function
                else ()
            ),
            result=await self._result(docs) if is_function else None,
        )

    async def _parameter(self, docs: VariableDocs | ReturnDocs) -> RenderedParameter:
        return RenderedParameter(
            name=docs.name,
            type=self.links.html(type_parts(docs.type) if docs.type else ()),
            default=docs.default_value if isinstance(docs, VariableDocs) else "",
            comment=await self._comment(docs.description),
        )

    async def _result(self, docs: FunctionDocs) -> RenderedParameter | None:
        results = [await self._parameter(each) for each in docs.return_parameters]
        return results[0] if results else None

    async def _comment(self, text: str) -> SafeHtml:
        """Return a doc comment, which is Markdown, as safe HTML."""
        if not text.strip():
            return NO_COMMENT
        release = self.details.release
        place = TextPlace(files=quote(f"/files/{self.details.package}/{release.version}"))
        return await self.request.registry.rendered_texts.render(release.content, text, place)
