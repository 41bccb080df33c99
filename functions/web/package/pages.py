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
from shared.prose.links import TextPlace
from shared.prose.rendering import SafeHtml
from shared.services.package_details import ReleaseDetails


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of packages."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("packages/{org}/{name}", methods=READ_METHODS)
    @pages.page
    async def web_package(look: PageRequest) -> func.HttpResponse:
        portrait = await registry.package_details.package(package_of(look), by=look.principal)
        return await _release(look, portrait)

    @bp.route("packages/{org}/{name}/{version}", methods=READ_METHODS)
    @pages.page
    async def web_package_version(look: PageRequest) -> func.HttpResponse:
        portrait = await registry.package_details.release(coordinate_of(look), by=look.principal)
        return await _release(look, portrait)

    @bp.route("packages/{org}/{name}/{version}/{tab}", methods=READ_METHODS)
    @pages.page
    async def web_package_tab(look: PageRequest) -> func.HttpResponse:
        page = TAB_HANDLERS.get(look.route["tab"])
        if page is None:
            raise page_not_found(look)
        portrait = await registry.package_details.release(coordinate_of(look), by=look.principal)
        return await page(look, portrait)

    return bp


async def _release(look: PageRequest, portrait: ReleaseDetails) -> func.HttpResponse:
    """Return a release as the one who asks reads it: a page, JSON or Markdown."""
    if look.wants(JSON):
        return look.json(release_json(portrait, look.url))
    texts = await look.registry.package_details.texts(portrait)
    if look.wants(MARKDOWN):
        return look.text(release_markdown(portrait, texts.readme, look.url), MARKDOWN)
    readme = await readme_html(look, portrait, texts.readme)
    return show_tab(
        look, portrait, FIRST_TAB, readme=readme, managed=await _is_managed(look, portrait)
    )


async def _is_managed(look: PageRequest, portrait: ReleaseDetails) -> bool:
    """Say whether whoever looks may manage the package; of strangers no store is asked."""
    if look.visitor is None:
        return False
    return await look.registry.organization_packages.may_manage(portrait.package, by=look.principal)


ROWS_PER_PAGE = 50  # Of a list, on one page.
VERSIONS_IN_CHART = 4  # Versions that have colours of their own in a plot; the rest shares one.
MONTHS_IN_CHART = 60  # Of all time, in a plot.
VERSIONS_IN_TABLE = 100  # In the table of pulls, those that are pulled most.

TabHandler = Callable[[PageRequest, ReleaseDetails], Awaitable[func.HttpResponse]]


async def _docs(look: PageRequest, portrait: ReleaseDetails) -> func.HttpResponse:
    """Show the modules, and what one of them says of itself."""
    texts = await look.registry.package_details.texts(portrait)
    known = {each.name: each for each in texts.modules}
    name = look.query.get("module") or next(iter(known), "")
    if name and name not in known:
        raise page_not_found(look)
    text = known[name].readme if name else ""
    readme = await readme_html(look, portrait, text, name)
    release = portrait.release
    every = (*release.modules, *(release.internal_modules or ()))
    hidden = [each for each in every if each not in known]
    values = {"modules": texts.modules, "open_module": name, "hidden": hidden}
    return show_tab(look, portrait, "docs", readme=readme, **values)


async def _versions(look: PageRequest, portrait: ReleaseDetails) -> func.HttpResponse:
    """Show what is live of the package, newest first."""
    pager = _pager(look, portrait, "versions", len(portrait.entries))
    entries = portrait.entries[pager.offset : pager.offset + ROWS_PER_PAGE]
    return show_tab(look, portrait, "versions", pager=pager, entries=entries)


async def _dependencies(look: PageRequest, portrait: ReleaseDetails) -> func.HttpResponse:
    """Show what the release was built with, drawn and as a table."""
    nodes = await look.registry.package_details.graph(portrait)
    own, *others = nodes
    direct = {(each.org, each.name) for each in own.dependencies}
    others.sort(key=lambda each: ((each.org, each.name) not in direct, each.org, each.name))
    pager = _pager(look, portrait, "dependencies", len(others))
    listed = others[pager.offset : pager.offset + ROWS_PER_PAGE]
    needs = await look.registry.package_details.dependencies([own, *listed], by=look.principal)
    drawing = draw_graph(nodes)
    return show_tab(look, portrait, "dependencies", pager=pager, needs=needs, drawing=drawing)


async def _dependents(look: PageRequest, portrait: ReleaseDetails) -> func.HttpResponse:
    """Show the packages that depend on this one, those that are pulled most first."""
    offset = (requested_page(look.query) - 1) * ROWS_PER_PAGE
    page = ResultPage(offset=offset, limit=ROWS_PER_PAGE, sort=Sort.PULLS)
    found = await look.registry.package_details.dependents(
        portrait.package, page, by=look.principal
    )
    if found.count and not found.hits:
        raise page_not_found(look)
    pager = _pager(look, portrait, "dependents", found.count)
    listings = [hit.listing for hit in found.hits]
    return show_tab(look, portrait, "dependents", pager=pager, listings=listings)


async def _statistics(look: PageRequest, portrait: ReleaseDetails) -> func.HttpResponse:
    """Show pulls by day and version, and of all time; read from what was rolled up alone."""
    showing = look.registry.package_details
    history = await showing.pull_history(portrait)
    recent = _recent(history)
    newest = {each.version: at for at, each in enumerate(portrait.entries)}
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
    return show_tab(look, portrait, "statistics", **values)


async def _activity(look: PageRequest, portrait: ReleaseDetails) -> func.HttpResponse:
    """Show what became of the package and its releases."""
    happenings = await look.registry.package_history.of_package(portrait)
    pager = _pager(look, portrait, "activity", len(happenings))
    listed = happenings[pager.offset : pager.offset + ROWS_PER_PAGE]
    entries = {each.version: each for each in portrait.entries}
    return show_tab(look, portrait, "activity", pager=pager, happenings=listed, entries=entries)


def _pager(look: PageRequest, portrait: ReleaseDetails, tab: str, total: int) -> Pager:
    address = quote(PackageFrame(portrait, look.url).address(tab))
    return Pager.of(total, ROWS_PER_PAGE, address, look.query)


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
    look: PageRequest, portrait: ReleaseDetails, text: str, module: str = ""
) -> SafeHtml:
    """Return a text of a release, or of one of its modules, as HTML that is safe on our own pages;
    empty for no text."""
    if not text.strip():
        return SafeHtml()
    release, frame = portrait.release, PackageFrame(portrait, look.url)
    place = TextPlace(
        files=quote(f"/files/{portrait.package}/{release.version}"),
        folder=_folder(portrait, module),
        names=await _names(look, release),
        pages=f"{quote(frame.address('files'))}?path=",
    )
    return await look.registry.rendered_texts.render(release.content, text, place)


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


async def _names(look: PageRequest, release: Release) -> frozenset[str]:
    """Return what a text can lead to; a text is shown even where its archive is lost."""
    try:
        return (await look.registry.archive_files.list(release)).files
    except ArchiveNotFound:
        return frozenset()


def _folder(portrait: ReleaseDetails, module: str) -> str:
    """Return where the text lies in its archive."""
    name = portrait.package.name
    if portrait.release.bala_version.startswith(_AS_IT_WAS):
        return f"modules/{module.removeprefix(f'{name}.')}" if module not in ("", name) else ""
    return f"{_PACKED_TEXTS}/modules/{module}" if module else _PACKED_TEXTS
