"""The pages beside a package's readme, by the names that they have in addresses."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import azure.functions as func

from functions._package_files import files_page
from functions._package_pages import Frame, no_such_page, show
from functions._paging import Pager, asked_page
from functions._public_pages import Look
from functions._readmes import readme_of
from shared.domain.graph_drawing import draw
from shared.domain.plots import Bar, Plot, stacked
from shared.domain.query import Page, Sort
from shared.ports import PullHistory
from shared.services.showing import Portrait

ROWS = 50  # Of a list, on one page.
SERIES = 4  # Versions that have colours of their own in a plot; the rest shares one.
MONTHS = 60  # Of all time, in a plot.
VERSIONS = 100  # In the table of pulls, those that are pulled most.

TabPage = Callable[[Look, Portrait], Awaitable[func.HttpResponse]]


async def _docs(look: Look, portrait: Portrait) -> func.HttpResponse:
    """Show the modules, and what one of them says of itself."""
    texts = await look.registry.showing.texts(portrait)
    known = {each.name: each for each in texts.modules}
    name = look.query.get("module") or next(iter(known), "")
    if name and name not in known:
        raise no_such_page(look)
    text = known[name].readme if name else ""
    readme = await readme_of(look, portrait, text, name)
    release = portrait.release
    every = (*release.modules, *(release.internal_modules or ()))
    hidden = [each for each in every if each not in known]
    values = {"modules": texts.modules, "open_module": name, "hidden": hidden}
    return show(look, portrait, "docs", readme=readme, **values)


async def _versions(look: Look, portrait: Portrait) -> func.HttpResponse:
    """Show what is live of the package, newest first."""
    pager = _pager(look, portrait, "versions", len(portrait.entries))
    entries = portrait.entries[pager.offset : pager.offset + ROWS]
    return show(look, portrait, "versions", pager=pager, entries=entries)


async def _dependencies(look: Look, portrait: Portrait) -> func.HttpResponse:
    """Show what the release was built with, drawn and as a table."""
    nodes = await look.registry.showing.graph(portrait)
    own, *others = nodes
    direct = {(each.org, each.name) for each in own.dependencies}
    others.sort(key=lambda each: ((each.org, each.name) not in direct, each.org, each.name))
    pager = _pager(look, portrait, "dependencies", len(others))
    listed = others[pager.offset : pager.offset + ROWS]
    needs = await look.registry.showing.needs([own, *listed], by=look.principal)
    drawing = draw(nodes)
    return show(look, portrait, "dependencies", pager=pager, needs=needs, drawing=drawing)


async def _dependents(look: Look, portrait: Portrait) -> func.HttpResponse:
    """Show the packages that depend on this one, those that are pulled most first."""
    offset = (asked_page(look.query) - 1) * ROWS
    page = Page(offset=offset, limit=ROWS, sort=Sort.PULLS)
    found = await look.registry.showing.dependents(portrait.package, page, by=look.principal)
    if found.count and not found.hits:
        raise no_such_page(look)
    pager = _pager(look, portrait, "dependents", found.count)
    listings = [hit.listing for hit in found.hits]
    return show(look, portrait, "dependents", pager=pager, listings=listings)


async def _statistics(look: Look, portrait: Portrait) -> func.HttpResponse:
    """Show pulls by day and version, and of all time; read from what was rolled up alone."""
    showing = look.registry.showing
    history = await showing.history(portrait)
    recent = _recent(history)
    newest = {each.version: at for at, each in enumerate(portrait.entries)}
    rows = sorted(
        history.versions,
        key=lambda each: (-history.versions[each], newest.get(each, len(newest)), each),
    )
    values = {
        "days": _plot_of_days(history, showing.days()),
        "months": _plot_of_months(history, showing.days()[-1]),
        "rows": [(each, recent.get(each, 0), history.versions[each]) for each in rows[:VERSIONS]],
        "left_out": max(0, len(rows) - VERSIONS),
        "recent": sum(recent.values()),
        "ever": sum(history.versions.values()),
    }
    return show(look, portrait, "statistics", **values)


async def _activity(look: Look, portrait: Portrait) -> func.HttpResponse:
    """Show what became of the package and its releases."""
    happenings = await look.registry.chronicling.of(portrait)
    pager = _pager(look, portrait, "activity", len(happenings))
    listed = happenings[pager.offset : pager.offset + ROWS]
    entries = {each.version: each for each in portrait.entries}
    return show(look, portrait, "activity", pager=pager, happenings=listed, entries=entries)


PAGES: dict[str, TabPage] = {
    "docs": _docs,
    "versions": _versions,
    "dependencies": _dependencies,
    "dependents": _dependents,
    "files": files_page,
    "statistics": _statistics,
    "activity": _activity,
}


def _pager(look: Look, portrait: Portrait, tab: str, total: int) -> Pager:
    address = quote(Frame(portrait, look.url).address(tab))
    return Pager.of(total, ROWS, address, look.query)


def _recent(history: PullHistory) -> dict[str, int]:
    """Return the pulls of the last days by version."""
    sums: dict[str, int] = {}
    for versions in history.days.values():
        for version, count in versions.items():
            sums[version] = sums.get(version, 0) + count
    return sums


def _plot_of_days(history: PullHistory, days: list[str]) -> Plot:
    counts = [(day, dict(history.days.get(day, {}))) for day in days]
    series, bars = stacked(counts, SERIES)
    return Plot("Pulls by day in the last 90 days, in UTC", series, bars)


def _plot_of_months(history: PullHistory, today: str) -> Plot:
    months = _months(min(history.months, default=today), today)[-MONTHS:]
    bars = tuple(Bar(month, (history.months.get(month, 0),)) for month in months)
    return Plot("Pulls by month", ("pulls",), bars)


def _months(first: str, last: str) -> list[str]:
    """Return every month from one to another, each of which may be that of a day."""
    begin, end = (int(each[:4]) * 12 + int(each[5:7]) - 1 for each in (first, last))
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(begin, end + 1)]
