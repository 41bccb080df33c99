"""/packages/{org}/{name}[/{version}[/{tab}]]: a package, each release, and its tabs."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import azure.functions as func

from functions.http.pagination import Pager, requested_page
from functions.http.public_pages import MARKDOWN, READ_METHODS, PageRequest, PublicPages
from functions.http.responses import JSON
from functions.web.package.charts import BarChart, ChartBar, draw_graph, stacked_chart
from functions.web.package.files import files_page
from functions.web.package.formats import release_json, release_markdown
from functions.web.package.frame import (
    FIRST_TAB,
    PackageFrame,
    coordinate_of,
    package_of,
    page_not_found,
    show_tab,
)
from shared.composition import Registry
from shared.domain.errors.packages import ArchiveNotFound
from shared.domain.packages import Release
from shared.domain.search import ResultPage, Sort
from shared.ports import PullHistory
from shared.prose.rendering import SafeHtml, TextPlace
from shared.services.package_details import ReleaseDetails


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of packages."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("packages/{org}/{name}", methods=READ_METHODS)
    @pages.page
    async def web_package(request: PageRequest) -> func.HttpResponse:
        details = await registry.package_details.package(package_of(request), by=request.principal)
        return await _release(request, details)

    @bp.route("packages/{org}/{name}/{version}", methods=READ_METHODS)
    @pages.page
    async def web_package_version(request: PageRequest) -> func.HttpResponse:
        details = await registry.package_details.release(
            coordinate_of(request), by=request.principal
        )
        return await _release(request, details)

    @bp.route("packages/{org}/{name}/{version}/{tab}", methods=READ_METHODS)
    @pages.page
    async def web_package_tab(request: PageRequest) -> func.HttpResponse:
        page = TAB_HANDLERS.get(request.route["tab"])
        if page is None:
            raise page_not_found(request)
        details = await registry.package_details.release(
            coordinate_of(request), by=request.principal
        )
        return await page(request, details)

    return bp


async def _release(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Return a release as the one who asks reads it: a page, JSON or Markdown."""
    if request.wants(JSON):
        return request.json(release_json(details, request.url))
    texts = await request.registry.package_details.texts(details)
    if request.wants(MARKDOWN):
        return request.text(release_markdown(details, texts.readme, request.url), MARKDOWN)
    readme = await readme_html(request, details, texts.readme)
    return show_tab(
        request, details, FIRST_TAB, readme=readme, managed=await _is_managed(request, details)
    )


async def _is_managed(request: PageRequest, details: ReleaseDetails) -> bool:
    """Say whether whoever looks may manage the package; of strangers no store is asked."""
    if request.visitor is None:
        return False
    return await request.registry.organization_packages.may_manage(
        details.package, by=request.principal
    )


ROWS_PER_PAGE = 50  # Of a list, on one page.
VERSIONS_IN_CHART = 4  # Versions that have colours of their own in a plot; the rest shares one.
MONTHS_IN_CHART = 60  # Of all time, in a plot.
VERSIONS_IN_TABLE = 100  # In the table of pulls, those that are pulled most.

TabHandler = Callable[[PageRequest, ReleaseDetails], Awaitable[func.HttpResponse]]


async def _docs(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Show the modules, and what one of them says of itself."""
    texts = await request.registry.package_details.texts(details)
    known = {each.name: each for each in texts.modules}
    name = request.query.get("module") or next(iter(known), "")
    if name and name not in known:
        raise page_not_found(request)
    text = known[name].readme if name else ""
    readme = await readme_html(request, details, text, name)
    release = details.release
    every = (*release.modules, *(release.internal_modules or ()))
    hidden = [each for each in every if each not in known]
    values = {"modules": texts.modules, "open_module": name, "hidden": hidden}
    return show_tab(request, details, "docs", readme=readme, **values)


async def _versions(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Show what is live of the package, newest first."""
    pager = _pager(request, details, "versions", len(details.entries))
    entries = details.entries[pager.offset : pager.offset + ROWS_PER_PAGE]
    return show_tab(request, details, "versions", pager=pager, entries=entries)


async def _dependencies(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Show what the release was built with, drawn and as a table."""
    nodes = await request.registry.package_details.graph(details)
    own, *others = nodes
    direct = {(each.org, each.name) for each in own.dependencies}
    others.sort(key=lambda each: ((each.org, each.name) not in direct, each.org, each.name))
    pager = _pager(request, details, "dependencies", len(others))
    listed = others[pager.offset : pager.offset + ROWS_PER_PAGE]
    needs = await request.registry.package_details.dependencies(
        [own, *listed], by=request.principal
    )
    drawing = draw_graph(nodes)
    return show_tab(request, details, "dependencies", pager=pager, needs=needs, drawing=drawing)


async def _dependents(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Show the packages that depend on this one, those that are pulled most first."""
    offset = (requested_page(request.query) - 1) * ROWS_PER_PAGE
    page = ResultPage(offset=offset, limit=ROWS_PER_PAGE, sort=Sort.PULLS)
    found = await request.registry.package_details.dependents(
        details.package, page, by=request.principal
    )
    if found.count and not found.hits:
        raise page_not_found(request)
    pager = _pager(request, details, "dependents", found.count)
    listings = [hit.listing for hit in found.hits]
    return show_tab(request, details, "dependents", pager=pager, listings=listings)


async def _statistics(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Show pulls by day and version, and of all time; read from what was rolled up alone."""
    showing = request.registry.package_details
    history = await showing.pull_history(details)
    recent = _recent(history)
    newest = {each.version: at for at, each in enumerate(details.entries)}
    rows = sorted(
        history.versions,
        key=lambda each: (-history.versions[each], newest.get(each, len(newest)), each),
    )
    values = {
        "days": _plot_of_days(history, showing.pull_days()),
        "months": _plot_of_months(history, showing.pull_days()[-1]),
        "rows": [
            (each, recent.get(each, 0), history.versions[each]) for each in rows[:VERSIONS_IN_TABLE]
        ],
        "left_out": max(0, len(rows) - VERSIONS_IN_TABLE),
        "recent": sum(recent.values()),
        "ever": sum(history.versions.values()),
    }
    return show_tab(request, details, "statistics", **values)


async def _activity(request: PageRequest, details: ReleaseDetails) -> func.HttpResponse:
    """Show what became of the package and its releases."""
    happenings = await request.registry.package_history.of_package(details)
    pager = _pager(request, details, "activity", len(happenings))
    listed = happenings[pager.offset : pager.offset + ROWS_PER_PAGE]
    entries = {each.version: each for each in details.entries}
    return show_tab(request, details, "activity", pager=pager, happenings=listed, entries=entries)


def _pager(request: PageRequest, details: ReleaseDetails, tab: str, total: int) -> Pager:
    address = quote(PackageFrame(details, request.url).address(tab))
    return Pager.of(total, ROWS_PER_PAGE, address, request.query)


def _recent(history: PullHistory) -> dict[str, int]:
    """Return the pulls of the last days by version."""
    sums: dict[str, int] = {}
    for versions in history.days.values():
        for version, count in versions.items():
            sums[version] = sums.get(version, 0) + count
    return sums


def _plot_of_days(history: PullHistory, days: list[str]) -> BarChart:
    counts = [(day, dict(history.days.get(day, {}))) for day in days]
    series, bars = stacked_chart(counts, VERSIONS_IN_CHART)
    return BarChart("Pulls by day in the last 90 days, in UTC", series, bars)


def _plot_of_months(history: PullHistory, today: str) -> BarChart:
    months = _months(min(history.months, default=today), today)[-MONTHS_IN_CHART:]
    bars = tuple(ChartBar(month, (history.months.get(month, 0),)) for month in months)
    return BarChart("Pulls by month", ("pulls",), bars)


async def readme_html(
    request: PageRequest, details: ReleaseDetails, text: str, module: str = ""
) -> SafeHtml:
    """Return a text of a release, or of one of its modules, as HTML that is safe on our own pages;
    empty for no text."""
    if not text.strip():
        return SafeHtml()
    release, frame = details.release, PackageFrame(details, request.url)
    place = TextPlace(
        files=quote(f"/files/{details.package}/{release.version}"),
        folder=_folder(details, module),
        names=await _names(request, release),
        pages=f"{quote(frame.address('files'))}?path=",
    )
    return await request.registry.rendered_texts.render(release.content, text, place)


TAB_HANDLERS: dict[str, TabHandler] = {
    "docs": _docs,
    "versions": _versions,
    "dependencies": _dependencies,
    "dependents": _dependents,
    "files": files_page,
    "statistics": _statistics,
    "activity": _activity,
}


def _months(first: str, last: str) -> list[str]:
    """Return every month from one to another, each of which may be that of a day."""
    begin, end = (int(each[:4]) * 12 + int(each[5:7]) - 1 for each in (first, last))
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(begin, end + 1)]


_PACKED_TEXTS = "docs"  # Where `bal pack` of Java puts the texts that lay at the root.
_AS_IT_WAS = "4"  # The layout in which an archive is the author's project as it is.


async def _names(request: PageRequest, release: Release) -> frozenset[str]:
    """Return what a text can lead to; a text is shown even where its archive is lost."""
    try:
        return (await request.registry.archive_files.list(release)).files
    except ArchiveNotFound:
        return frozenset()


def _folder(details: ReleaseDetails, module: str) -> str:
    """Return where the text lies in its archive."""
    name = details.package.name
    if details.release.bala_version.startswith(_AS_IT_WAS):
        return f"modules/{module.removeprefix(f'{name}.')}" if module not in ("", name) else ""
    return f"{_PACKED_TEXTS}/modules/{module}" if module else _PACKED_TEXTS
