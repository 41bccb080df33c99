"""/packages/{org}/{name}/{version}/docs[/{module}[/{symbol}]]: the API documentation of a release.

A module has a page with an outline of its declarations; each declaration, method and field has a
page of its own. All of them are Markdown, too. They are pieces that were made after the
push; a page puts them into its frame.

/packages/{org}/{name}/{version}/changes: the API changes from another version.
"""

import asyncio
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from functions.html.public_pages import MARKDOWN, PublicPageCall, PublicPages
from functions.http.addresses import release_path
from functions.web.package.frame import (
    missing_readme_html,
    page_not_found,
    show_tab,
    stored_details_of,
)
from functions.web.package.missing import refusal_page_of
from shared.domain.api_docs.pieces import BASE_URL, PieceKind
from shared.domain.api_docs.records import earlier_release
from shared.domain.api_docs.symbol_texts import symbol_markdown
from shared.domain.errors.base import NotFound, Refusal
from shared.domain.errors.packages import (
    ApiDocsFailed,
    SymbolNotFound,
    compared_version_not_found,
)
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.mirror_rules import CENTRAL_PAGES
from shared.domain.name_suggestions import similar_names
from shared.domain.names import parse_org, parse_package_name
from shared.domain.packages import ReleaseEntry
from shared.domain.versions import Version
from shared.prose.safe_html import SafeHtml
from shared.runtime.answers import Answer
from shared.services.api_docs.api_docs import ModuleName
from shared.services.packages.package_details import ReleaseDetails

TOO_LARGE_TO_SEND = "this part has more than 2 MiB in this form; /2.0/docs sends whole modules"


pages = PublicPages(refusal_page_of)
FACES = (pages,)


@pages.read("packages/{org}/{name}/{version}/docs/{module}/{*symbol}")
async def web_module_docs(call: PublicPageCall) -> Answer:
    details = await stored_details_of(call, call.redacted_route["version"])
    module = call.redacted_route["module"]
    path = call.redacted_route.get("symbol", "")
    if module not in details.release.modules:
        raise page_not_found(call)
    if path:
        return await _symbol_page(call, details, module, path)
    return await _module_page(call, details, module)


@pages.read("docs/{org}/{module}/{version}/{*symbol}")
async def web_type_docs(call: PublicPageCall) -> Answer:
    """Redirect to a type of another package, of which its users know only the module."""
    named = [call.redacted_route[each] for each in ("org", "module", "version")]
    try:
        found = await call.registry.api_docs.documentation.find(ModuleName(*named), by=call.caller)
    except NotFound:
        return call.redirect(await _page_elsewhere(call, *named))
    release = release_path(found.head.package, found.entry.version)
    address = quote(f"{release}/docs/{found.module}/{call.redacted_route.get('symbol', '')}")
    return call.redirect(address.rstrip("/"))


async def _page_elsewhere(call: PublicPageCall, org: str, module: str, version: str) -> str:
    """Return the page of Central, or raise `PageNotFound` for names that cannot be there: those of
    our organizations, and what is no name of a module or no version."""
    try:
        checked = parse_org(org), parse_package_name(module), Version.parse(version)
    except Refusal:
        raise page_not_found(call) from None
    try:
        await call.registry.organizations.organizations.show(checked[0], by=call.caller)
    except NotFound:
        return "/".join((CENTRAL_PAGES, *map(str, checked)))
    raise page_not_found(call)


async def docs_page(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show the first module of the release, or the one that the query names."""
    modules = details.release.modules
    if not modules:
        return await show_tab(call, details, "docs", {"module": None})
    module = call.redacted_query.get("module") or modules[0]
    if module not in modules:
        raise page_not_found(call)
    return await _module_page(call, details, module)


async def _module_page(call: PublicPageCall, details: ReleaseDetails, module: str) -> Answer:
    if call.wants_markdown:
        return await _module_markdown(call, details, module)
    index, page, readme = await _texts_of_module(call, details, module)
    problem = _problem(call, page) if isinstance(page, Refusal) else ""
    if problem and module == details.head.name:
        readme = ""
    elif isinstance(readme, Refusal):
        readme = missing_readme_html(call, readme)
    values = {
        "module": module,
        "page": SafeHtml() if isinstance(page, Refusal) else SafeHtml(page or ""),
        "index": _marked_index(details, module, index) if isinstance(index, str) else SafeHtml(),
        "problem": problem,
        "readme": SafeHtml(readme or ""),
        "record": await call.registry.api_docs.documentation.state(details.release),
        "canonical": f"{call.base_url}{_address(details, module)}",
    }
    return await show_tab(call, details, "docs", values)


_TextOrRefusal = str | ApiDocsFailed | ApiDocsPending | None


async def _texts_of_module(
    call: PublicPageCall, details: ReleaseDetails, module: str
) -> Sequence[_TextOrRefusal]:
    """Return the index, the page and the readme of a module, or why they are not there."""
    kinds = (PieceKind.MODULE_INDEX, PieceKind.MODULE_PAGE, PieceKind.README)
    try:
        return await call.registry.api_docs.documentation.texts(details.release, module, *kinds)
    except (ApiDocsFailed, ApiDocsPending) as refusal:
        return [refusal] * len(kinds)


async def _index(call: PublicPageCall, details: ReleaseDetails, module: str, path: str) -> SafeHtml:
    """Return the index of a module for the page of a declaration; nothing until it is made, and if
    it could not be."""
    text = call.registry.api_docs.documentation.text
    try:
        index = await text(details.release, PieceKind.MODULE_INDEX, module) or ""
    except (ApiDocsFailed, ApiDocsPending):
        return SafeHtml()
    return _marked_index(details, module, index, path)


def _marked_index(details: ReleaseDetails, module: str, index: str, path: str = "") -> SafeHtml:
    """Return the index of a module, in which the page of a declaration, or of its member, is marked
    as the current one."""
    address = f"{_address(details, module)}/{quote(path.partition('.')[0])}"
    link = f'href="{escape(address)}"'
    current = "page" if "." not in path else "true"
    return SafeHtml(index.replace(f"{link}>", f'{link} aria-current="{current}">', 1))


def _problem(call: PublicPageCall, refusal: ApiDocsFailed | ApiDocsPending) -> str:
    """Return why the page lacks a part; have it loaded again if that is being made."""
    if isinstance(refusal, ApiDocsPending):
        call.reload_soon()
    return str(refusal)


async def _symbol_page(
    call: PublicPageCall, details: ReleaseDetails, module: str, path: str
) -> Answer:
    if call.wants_markdown:
        return await _symbol_markdown(call, details, module, path)
    api_docs = call.registry.api_docs.documentation
    release = details.release
    page = await api_docs.text(release, PieceKind.SYMBOL_PAGE, module, path)
    if page is None:
        raise await _symbol_not_found(call, details, module, path)
    values = {
        "module": module,
        "symbol": path,
        "page": SafeHtml(page),
        "index": await _index(call, details, module, path),
        "canonical": f"{call.base_url}{_address(details, module)}/{quote(path)}",
    }
    return await show_tab(call, details, "docs", values)


async def _module_markdown(call: PublicPageCall, details: ReleaseDetails, module: str) -> Answer:
    text = await call.registry.api_docs.documentation.text(
        details.release, PieceKind.MODULE_MARKDOWN, module
    )
    if text is None:
        if await _has(call, details, PieceKind.MODULE_PAGE, module):
            raise ApiDocsFailed(details.release.coordinate, TOO_LARGE_TO_SEND)
        raise page_not_found(call)
    return call.text(text.replace(BASE_URL, call.base_url), MARKDOWN)


async def _symbol_markdown(
    call: PublicPageCall, details: ReleaseDetails, module: str, path: str
) -> Answer:
    release = details.release
    symbol = await call.registry.api_docs.documentation.symbol(release, module, path)
    if symbol is None:
        if await _has(call, details, PieceKind.SYMBOL_PAGE, module, path):
            raise ApiDocsFailed(release.coordinate, TOO_LARGE_TO_SEND)
        raise await _symbol_not_found(call, details, module, path)
    heading = f"{release.org}/{module} {release.version}"
    return call.text(symbol_markdown(symbol, heading), MARKDOWN)


async def _has(call: PublicPageCall, details: ReleaseDetails, kind: PieceKind, *of: str) -> bool:
    """Check that the release has a page, which is shown also where its text is too large."""
    release = details.release
    docs = call.registry.api_docs.documentation
    return await docs.place(release.archive_digest, release.coordinate, kind, *of) is not None


async def _symbol_not_found(
    call: PublicPageCall, details: ReleaseDetails, module: str, path: str
) -> SymbolNotFound:
    """Return the refusal for a symbol that the module lacks, with those of similar names."""
    symbols = await call.registry.api_docs.documentation.symbols(details.release)
    own = [each.path for each in symbols if each.module == module]
    similar = await asyncio.to_thread(similar_names, path, own)
    return SymbolNotFound(details.release.coordinate, module, path, similar)


def _address(details: ReleaseDetails, module: str) -> str:
    return f"{release_path(details.package, details.release.version)}/docs/{quote(module)}"


# --- Changes between versions --------------------------------------------------------------------


async def changes_page(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show the changes from the version that the query names, or the one before this one."""
    after = _entry(details, details.release.version)
    others = [each for each in details.entries if each.version != details.release.version]
    named = call.redacted_query.get("from")
    before = _entry(details, named) if named else _earlier(details)
    if after is None:
        raise page_not_found(call)
    if named and before is None:
        raise compared_version_not_found(details.package, named)
    changes = SafeHtml()
    problem = ""
    if before is not None:
        try:
            changes = await call.registry.api_docs.comparisons.compare(
                details.package, before, after
            )
        except (ApiDocsFailed, ApiDocsPending) as refusal:
            problem = _problem(call, refusal)
    values = {"before": before, "others": others, "problem": problem, "changes": changes}
    return await show_tab(call, details, "changes", values)


def _earlier(details: ReleaseDetails) -> ReleaseEntry | None:
    return earlier_release(details.entries, details.release.coordinate.version)


def _entry(details: ReleaseDetails, version: str) -> ReleaseEntry | None:
    return next((each for each in details.entries if each.version == version), None)
