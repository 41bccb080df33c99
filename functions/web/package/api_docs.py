"""/packages/{org}/{name}/{version}/docs[/{module}[/{symbol}]]: the API documentation of a release.

A module has a page with an outline of its declarations; each declaration, method and field has a
page of its own. All of them are Markdown and JSON, too. They are pieces that were made after the
push; a page puts them into its frame.
"""

from urllib.parse import quote

import azure.functions as func

from functions.http.public_pages import MARKDOWN, PageRequest, PublicPages
from functions.http.requests import READ_METHODS
from functions.http.responses import JSON
from functions.web.package.frame import (
    details_of,
    page_not_found,
    release_path,
    show_tab,
    wants_form,
)
from functions.web.package.missing import missing_page
from functions.web.package.texts import readme_html
from shared.composition import Registry
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending
from shared.prose.safe_html import SafeHtml
from shared.services.api_docs import ModuleName
from shared.services.package_details import ReleaseDetails

TOO_LARGE_TO_SEND = "this part has more than 2 MiB in this form; /2.0/docs sends whole modules"
BASE_URL = "\0"  # In texts of pieces, what the address of the registry replaces.


def blueprint(registry: Registry) -> func.Blueprint:
    bp, pages = func.Blueprint(), PublicPages(registry, missing_page)

    @bp.route("packages/{org}/{name}/{version}/docs/{module}/{*symbol}", methods=READ_METHODS)
    @pages.page
    async def web_module_docs(request: PageRequest) -> func.HttpResponse:
        details = await details_of(request, request.route["version"])
        module, path = request.route["module"], request.route.get("symbol", "")
        if module not in details.release.modules:
            raise page_not_found(request)
        if path:
            return await _symbol_page(request, details, module, path)
        return await _module_page(request, details, module)

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
    module = request.query.get("module") or modules[0]
    if module not in modules:
        raise page_not_found(request)
    return await _module_page(request, details, module)


async def llms_text(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Respond with a summary of the package for language models, as llmstxt.org describes."""
    text = await request.registry.api_docs.text(details.release, PieceKind.LLMS_TEXT)
    return request.text((text or "").replace(BASE_URL, request.url), "text/plain")


async def _module_page(
    request: PageRequest, details: ReleaseDetails, module: str
) -> func.HttpResponse:
    if form := _wanted_form(request, PieceKind.MODULE_MARKDOWN, PieceKind.MODULE_JSON):
        return await _text_response(request, details, form, module)
    page, problem = SafeHtml(), ""
    try:
        text = await request.registry.api_docs.text(details.release, PieceKind.MODULE_PAGE, module)
        page = SafeHtml(text or "")
    except (ApiDocsFailed, ApiDocsPending) as refusal:
        problem = str(refusal)
    readme = SafeHtml()
    if module != details.head.name:
        readme = await readme_html(request, details, module)
    values = {
        "module": module,
        "page": page,
        "problem": problem,
        "readme": readme,
        "record": await request.registry.api_docs.state(details.release),
        "canonical": f"{request.url}{_address(details, module)}",
    }
    return await show_tab(request, details, "docs", values)


async def _symbol_page(
    request: PageRequest, details: ReleaseDetails, module: str, path: str
) -> func.HttpResponse:
    if form := _wanted_form(request, PieceKind.SYMBOL_MARKDOWN, PieceKind.SYMBOL_JSON):
        return await _text_response(request, details, form, module, path)
    api_docs, release = request.registry.api_docs, details.release
    page = await api_docs.text(release, PieceKind.SYMBOL_PAGE, module, path)
    if page is None:
        raise page_not_found(request)
    values = {
        "module": module,
        "symbol": path,
        "page": SafeHtml(page),
        "canonical": f"{request.url}{_address(details, module)}/{quote(path)}",
    }
    return await show_tab(request, details, "docs", values)


def _wanted_form(request: PageRequest, markdown: PieceKind, json: PieceKind) -> PieceKind | None:
    if wants_form(request, MARKDOWN):
        return markdown
    return json if wants_form(request, JSON) else None


async def _text_response(
    request: PageRequest, details: ReleaseDetails, kind: PieceKind, module: str, path: str = ""
) -> func.HttpResponse:
    """Respond with a piece as Markdown or JSON."""
    api_docs, release = request.registry.api_docs, details.release
    of = (module, path) if path else (module,)
    text = await api_docs.text(release, kind, *of)
    if text is None:
        page = PieceKind.SYMBOL_PAGE if path else PieceKind.MODULE_PAGE
        if await api_docs.place(release.content, release.coordinate, page, *of) is None:
            raise page_not_found(request)
        raise ApiDocsFailed(release.coordinate, TOO_LARGE_TO_SEND)
    is_markdown = kind in (PieceKind.MODULE_MARKDOWN, PieceKind.SYMBOL_MARKDOWN)
    return request.text(text.replace(BASE_URL, request.url), MARKDOWN if is_markdown else JSON)


def _address(details: ReleaseDetails, module: str) -> str:
    return f"{release_path(details)}/docs/{quote(module)}"
