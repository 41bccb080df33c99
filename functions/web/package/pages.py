"""/packages/{org}/{name}[/{version}[/{tab}]]: a package, each release, and its tabs, as HTML and
Markdown."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from urllib.parse import quote

from msgspec import Struct

from functions.html.formatting import machine_moment
from functions.html.numbered_pages import Pager, requested_page
from functions.html.public_pages import MARKDOWN, PublicPageCall, PublicPages
from functions.html.shown_advisories import mark_of
from functions.http.addresses import sbom_path
from functions.web.package.api_docs import changes_page, docs_page
from functions.web.package.charts import DailyChart, line_points
from functions.web.package.files import files_page
from functions.web.package.frame import (
    FIRST_TAB,
    NO_FINDINGS,
    AffectedRelease,
    PackageFrame,
    affected_release,
    details_of,
    findings_of,
    if_available,
    limited_by,
    page_not_found,
    readme_html,
    show_tab,
    stored_details_of,
)
from functions.web.package.history import history_page
from functions.web.package.missing import refusal_page_of
from functions.web.package.proofs import proof_page
from functions.web.package.sboms import sbom_page
from shared.domain.api_docs.records import ApiVerdict
from shared.domain.coordinates import Coordinate
from shared.domain.dependency_graphs import GraphNode
from shared.domain.packages import ReleaseEntry
from shared.domain.search import ResultPage, Sort
from shared.domain.withdrawals import withdrawal_text
from shared.runtime.answers import Answer
from shared.services.packages.package_details import ReleaseDetails

pages = PublicPages(refusal_page_of)
FACES = (pages,)


@pages.read("packages/{org}/{name}")
async def web_package(call: PublicPageCall) -> Answer:
    return await _release_answer(call, await details_of(call))


@pages.read("packages/{org}/{name}/{version}")
async def web_package_version(call: PublicPageCall) -> Answer:
    version = call.redacted_route["version"]
    tab = TAB_HANDLERS.get(version)  # No version has the name of a tab.
    if tab:
        return await tab(call, await stored_details_of(call))
    return await _release_answer(call, await details_of(call, version))


@pages.read("packages/{org}/{name}/{version}/{tab}")
async def web_package_tab(call: PublicPageCall) -> Answer:
    page = TAB_HANDLERS.get(call.redacted_route["tab"])
    if page is None:
        raise page_not_found(call)
    return await page(call, await stored_details_of(call, call.redacted_route["version"]))


async def _release_answer(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Respond with a page or Markdown, as the client accepts."""
    if not details.release.is_stored:
        return await _description_answer(call, details)
    of_packages = call.registry.packages.details
    if call.wants_markdown:
        texts = await of_packages.texts(details)
        affected = await affected_release(call, details)
        markdown = release_markdown(details, texts.readme, call.base_url, affected)
        return call.text(markdown, MARKDOWN)
    readme, pulls, logged, findings = await asyncio.gather(
        readme_html(call, details),
        if_available(of_packages.recent_pulls(details)),
        if_available(call.registry.transparency.proofs.find(details.release)),
        if_available(findings_of(call, details)),
    )
    trend = {} if pulls is None else {"recent": sum(pulls), "trend": line_points(pulls)}
    values = {
        "readme": readme,
        "logged": logged,
        "findings": findings or NO_FINDINGS,
        **trend,
    }
    return await show_tab(call, details, FIRST_TAB, values)


VERSIONS_SHOWN = 20  # Versions listed next to the description of a release that is not stored.


async def _description_answer(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Do the same for a release that is not stored, of which there is only a description."""
    if call.wants_markdown:
        return call.text(description_markdown(details), MARKDOWN)
    uses = PackageFrame(details, call.base_url).snippets
    return call.show(
        "web/package/description.html",
        details=details,
        commands=[uses[each] for each in ("tool", "pull") if each in uses],
        versions=details.listed_versions[:VERSIONS_SHOWN],
        limited_by=await limited_by(call, details),
    )


ROWS_PER_PAGE = 50
VERSIONS_PER_PAGE = 100
MONTHS_IN_TABLE = 60
VERSIONS_IN_CHART = 4  # Versions with their own color in the chart; the others share one.
VERSIONS_IN_TABLE = 50

TabHandler = Callable[[PublicPageCall, ReleaseDetails], Awaitable[Answer]]


async def _versions(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show the live releases of the package that fit the filter, newest first."""
    wanted = VersionFilter.parse(call.redacted_query)
    entries = wanted.select(details)
    pager = _pager(call, details, "versions", len(entries), VERSIONS_PER_PAGE)
    groups = list(groups_of(pager.slice(entries)))
    history, verdicts = await asyncio.gather(
        call.registry.packages.details.pull_history(details), _verdicts(call, details)
    )
    shown = [each.version for group in groups for each in group.entries]
    marks = await call.registry.advisories.affected_versions.of_versions(details.package, shown)
    values = {
        "wanted": wanted,
        "pager": pager,
        "groups": groups,
        "pulls": history.versions,
        "verdicts": verdicts,
        "marks": {version: (mark_of(each), each) for version, each in marks.items()},
    }
    return await show_tab(call, details, "versions", values)


async def _verdicts(call: PublicPageCall, details: ReleaseDetails) -> dict[str, ApiVerdict]:
    """Return the API changes of each version, from a version that is still live."""
    live = {each.version for each in details.entries}
    found = await call.registry.api_docs.history.verdicts(details.package)
    return {version: each for version, each in found.items() if each.compared_with in live}


_MAX_FILTER_LENGTH = 100  # Characters.


class VersionFilter(Struct, frozen=True):
    """Which versions are listed: those that begin with a text, and only stable ones or all."""

    beginning: str = ""
    stable_only: bool = False

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "VersionFilter":
        """Read the filter from the query of an address; every text is one."""
        beginning = query.get("filter", "").strip().removeprefix("v")[:_MAX_FILTER_LENGTH]
        return cls(beginning.lower(), bool(query.get("stable")))

    @property
    def is_empty(self) -> bool:
        return not self.beginning and not self.stable_only

    def select(self, details: ReleaseDetails) -> list[ReleaseEntry]:
        """Return the entries that fit, newest first."""
        is_deprecated = details.head.deprecation is not None
        return [each for each in details.entries if self._fits(each, is_deprecated)]

    def _fits(self, entry: ReleaseEntry, is_package_deprecated: bool) -> bool:
        is_deprecated = is_package_deprecated or entry.deprecation is not None
        is_hidden = self.stable_only and (is_deprecated or not entry.parsed.is_stable)
        return not is_hidden and entry.version.lower().startswith(self.beginning)


class VersionGroup(Struct, frozen=True):
    """Versions with the same major and minor number, such as 1.2."""

    name: str
    entries: tuple[ReleaseEntry, ...]


def groups_of(entries: Iterable[ReleaseEntry]) -> Iterator[VersionGroup]:
    """Yield the groups of entries that are in the order of their versions."""
    for (major, minor), members in groupby(entries, key=lambda each: each.parsed.precedence[:2]):
        yield VersionGroup(f"{major}.{minor}", tuple(members))


async def _dependencies(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show the dependencies that the release was built with, and why each is needed."""
    nodes = await call.registry.packages.details.graph(details)
    own, *others = nodes
    direct = {(each.org, each.name) for each in own.dependencies}
    others.sort(key=lambda each: ((each.org, each.name) not in direct, each.org, each.name))
    pager = _pager(call, details, "dependencies", len(others))
    listed = pager.slice(others)
    needs = await call.registry.packages.details.dependencies([own, *listed], by=call.caller)
    seen = [each for each in needs if each.latest]
    coordinates = [Coordinate.parse(e.node.org, e.node.name, e.node.version) for e in seen]
    affected = await call.registry.advisories.affected_versions.of_releases(coordinates)
    values = {
        "needs": needs,
        "required_by": _required_by(nodes),
        "pager": pager,
        "marks": {
            (each.node.org, each.node.name): (mark_of(advisories), advisories)
            for each, advisories in zip(seen, affected.advisories, strict=True)
        },
    }
    return await show_tab(call, details, "dependencies", values)


def _required_by(nodes: Sequence[GraphNode]) -> dict[str, list[str]]:
    """Return the packages that depend on each package of a graph directly, without its root."""
    found: dict[str, list[str]] = {}
    for node in nodes[1:]:
        for each in node.dependencies:
            found.setdefault(f"{each.org}/{each.name}", []).append(f"{node.org}/{node.name}")
    return found


async def _dependents(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show the packages that depend on this one, most pulled first."""
    offset = (requested_page(call.redacted_query) - 1) * ROWS_PER_PAGE
    page = ResultPage(offset=offset, limit=ROWS_PER_PAGE, sort=Sort.PULLS)
    found = await call.registry.packages.search.dependents(details.package, page, by=call.caller)
    if found.count and not found.hits:
        raise page_not_found(call)
    pager = _pager(call, details, "dependents", found.count)
    listings = [hit.listing for hit in found.hits]
    key = details.package.key
    needed = {
        each.version
        for listing in listings
        for each in listing.release.dependencies
        if f"{each.org}/{each.name}".lower() == key
    }
    marks = await call.registry.advisories.affected_versions.of_versions(
        details.package, sorted(needed)
    )
    values = {
        "pager": pager,
        "listings": listings,
        "marks": {version: (mark_of(each), each) for version, each in marks.items()},
    }
    return await show_tab(call, details, "dependents", values, dependents=found.count)


async def _statistics(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show pulls by day, month and version."""
    history = await call.registry.packages.details.pull_history(details)
    recent = Counter[str]()
    for counts in history.days.values():
        recent.update(counts)
    newest_first = [each.version for each in details.entries]
    places = {version: place for place, version in enumerate(newest_first)}
    versions = sorted(history.versions.items(), key=lambda each: (-each[1], places.get(each[0], 0)))
    by_day = DailyChart(history.days, newest_first, VERSIONS_IN_CHART)
    values = {
        "by_day": by_day,
        "days": [(day, (*counts, sum(counts))) for day, counts in reversed(by_day.counts)],
        "months": [
            (month, (count,))
            for month, count in sorted(history.months.items(), reverse=True)[:MONTHS_IN_TABLE]
        ],
        "versions": [
            (version, recent[version], count) for version, count in versions[:VERSIONS_IN_TABLE]
        ],
        "most": max(history.versions.values(), default=1),
        "left_out": max(0, len(versions) - VERSIONS_IN_TABLE),
        "recent": recent.total(),
        "ever": sum(history.versions.values()),
        "is_counted_at_once": call.registry.packages.pull_counter.is_counted_at_once,
    }
    return await show_tab(call, details, "statistics", values)


TAB_HANDLERS: dict[str, TabHandler] = {
    "changes": changes_page,
    "docs": docs_page,
    "versions": _versions,
    "dependencies": _dependencies,
    "dependents": _dependents,
    "files": files_page,
    "history": history_page,
    "proof": proof_page,
    "sbom": sbom_page,
    "statistics": _statistics,
}


def _pager(
    call: PublicPageCall, details: ReleaseDetails, tab: str, total: int, size: int = ROWS_PER_PAGE
) -> Pager:
    address = quote(PackageFrame(details, call.base_url).address(tab))
    return Pager.of(total, size, address, call.redacted_query)


def release_markdown(
    details: ReleaseDetails,
    readme: str,
    base_url: str,
    affected: AffectedRelease,
) -> str:
    """Return the release as Markdown: what it is, how to use it, and its readme."""
    frame = PackageFrame(details, base_url)
    release = details.release
    notices = [
        f"> Affected by {each.sentence} {base_url}/advisories/{each.id}"
        for each in affected.advisories
    ]
    if affected.better:
        notices.append(f"> Use version {affected.better}, which no known advisory affects.")
    notices += [f"> Deprecated: {details.deprecation}"] if details.deprecation is not None else []
    if details.successor:
        notices.append(f"> Moved to {details.successor}")
    if frame.lost_provenance:
        notices.append(
            f"> Not published from CI, unlike {frame.lost_provenance}: a stolen token can do that."
        )
    notices += [
        f"> Depends on {each.coordinate}, which was withdrawn. "
        f"{withdrawal_text(each.withdrawal)}".rstrip()
        for each in details.withdrawn_dependencies
    ]
    uses = [
        f"{each.title} ({each.place}):\n\n```\n{each.text}\n```" for each in frame.snippets.values()
    ]
    facts = (f"- {name}: {value}" for name, value in _facts(frame) if value)
    parts = [
        f"# {details.package} {release.version}",
        *([release.summary] if release.summary else []),
        *notices,
        "\n".join(facts),
        "## Use",
        *uses,
        "## Readme",
        readme.strip() or "This version has no readme.",
    ]
    return "\n\n".join(parts) + "\n"


def description_markdown(details: ReleaseDetails) -> str:
    """Return the description of a release that is not stored as Markdown."""
    release = details.release
    versions = ", ".join(each.text for each in details.listed_versions[:VERSIONS_SHOWN])
    return (
        f"# {release.coordinate}\n\n{release.summary}\n\n"
        f"This release is one of {details.head.upstream} that nobody has pulled from this "
        f"registry. The first pull stores it.\n\nVersions: {versions}\n"
    )


def _facts(frame: PackageFrame) -> list[tuple[str, str]]:
    details = frame.details
    release = frame.details.release
    provenance = release.origin.provenance
    publisher = "an access token"
    if release.upstream:
        publisher = f"the upstream registry {release.upstream.name}"
    if provenance:
        commit = f", commit {provenance.commit}" if provenance.commit else ""
        workflow = f", workflow {provenance.workflow}" if provenance.workflow else ""
        publisher = f"{provenance.source}{commit}{workflow}"
    return [
        ("Page", frame.base_url + frame.of_release),
        ("Published", f"{machine_moment(release.created_ms)} by {publisher}"),
        ("Latest version", details.latest.version),
        ("License", ", ".join(release.licenses)),
        ("Platform", release.platform),
        ("Ballerina", release.ballerina_version),
        ("Modules", ", ".join(release.modules)),
        ("Depends on", ", ".join(f"{n.org}/{n.name} {n.version}" for n in release.dependencies)),
        ("SHA-256", release.digest),
        ("Signature", ", ".join(f"{each.sig} by {each.keyid}" for each in release.signatures)),
        ("Statements", frame.base_url + frame.provenance_path),
        ("Package URL", frame.purl),
        ("Bill of materials", f"{frame.base_url}{sbom_path(release.coordinate)}"),
    ]
