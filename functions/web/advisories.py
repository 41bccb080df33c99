"""/advisories: published advisories about packages of this registry; /advisories/{id}: one."""

from collections.abc import Iterable
from urllib.parse import quote

from msgspec import Struct

from functions.html.numbered_pages import Pager
from functions.html.public_pages import PublicPageCall, PublicPages
from shared.domain.advisories.advisories import (
    Advisory,
    Affected,
    EventKind,
    ballerina_ecosystem,
    is_package_name,
)
from shared.domain.advisories.authoring import FROM_THE_FIRST, severity_text
from shared.domain.advisories.matching import fixed_versions
from shared.domain.advisories.severity_levels import SeverityLevel, severity_level
from shared.runtime.answers import Answer

ADVISORIES_PER_PAGE = 50
AFFECTED_SHOWN = 100  # Packages of one advisory.
VERSIONS_SHOWN = 100  # Listed versions of a package.

pages = PublicPages()
FACES = (pages,)


class ShownAffected(Struct, frozen=True):
    """A package of an advisory: where its page is, empty for one of elsewhere, and in words which
    versions are affected and fixed."""

    name: str
    ecosystem: str
    path: str
    ranges: tuple[str, ...]
    versions: tuple[str, ...]
    more_versions: int
    fixed: tuple[str, ...]


@pages.read("advisories")
async def web_advisories(call: PublicPageCall) -> Answer:
    found = await call.registry.advisories.advisories.about_own_packages(call.caller)
    pager = Pager.of(len(found), ADVISORIES_PER_PAGE, "/advisories", call.params)
    return call.show(
        "web/advisories.html", advisories=pager.slice(found), count=len(found), pager=pager
    )


@pages.read("advisories/{id}")
async def web_advisory(call: PublicPageCall) -> Answer:
    found = await call.registry.advisories.advisories.find_published(
        call.redacted_route["id"], call.caller
    )
    details = await call.registry.advisories.texts.html(found.details)
    if details is None:
        call.reload_soon()
    ecosystem = ballerina_ecosystem(call.base_url)
    return call.show(
        "web/advisory.html",
        advisory=found,
        details=details,
        affected=[_shown(each, ecosystem) for each in found.affected[:AFFECTED_SHOWN]],
        more_affected=max(0, len(found.affected) - AFFECTED_SHOWN),
        severity=severity_text(found),
        severity_level=_shown_severity(found),
        references=[each for each in found.references if _is_web(each.url)],
        osv=f"/v1/vulns/{quote(found.id)}",
    )


def _shown_severity(advisory: Advisory) -> str:
    """Return its severity in one word; empty where it does not say."""
    found = severity_level(advisory)
    return "" if found is SeverityLevel.UNKNOWN else found.value.capitalize()


def _shown(affected: Affected, ecosystem: str) -> ShownAffected:
    is_own = affected.ecosystem == ecosystem and is_package_name(affected.name)
    return ShownAffected(
        name=affected.name,
        ecosystem="" if is_own else affected.ecosystem,
        path=f"/packages/{affected.name}" if is_own else "",
        ranges=tuple(_ranges(affected)),
        versions=affected.versions[:VERSIONS_SHOWN] if not affected.ranges else (),
        more_versions=max(0, len(affected.versions) - VERSIONS_SHOWN) if not affected.ranges else 0,
        fixed=fixed_versions(affected),
    )


def _ranges(affected: Affected) -> Iterable[str]:
    """Yield the ranges of versions in words."""
    for each in affected.ranges:
        since = ""
        for event in each.events:
            match event.kind:
                case EventKind.INTRODUCED:
                    since = event.version
                case EventKind.FIXED if since:
                    yield _range(since, f"before {event.version}")
                    since = ""
                case EventKind.LAST_AFFECTED if since:
                    yield _range(since, f"up to {event.version}")
                    since = ""
                case _:
                    pass
        if since:
            yield _range(since, "")


def _range(since: str, end: str) -> str:
    if since == FROM_THE_FIRST:
        return f"all {end}" if end else "all versions"
    return f"from {since}, {end}" if end else f"from {since} on"


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))
