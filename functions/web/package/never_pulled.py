"""The page of a release of the upstream that nobody has pulled: what is known of it."""

from functions.http.answers import JSON
from functions.http.public_pages import MARKDOWN, PublicPageCall
from functions.web.package.frame import LATEST, package_of, snippets
from shared.domain.errors.base import Refusal
from shared.domain.versions import Range, Version
from shared.runtime.answers import Answer
from shared.services.mirroring.mirrored_lookup import MirroredLookup, ReleasePreview

VERSIONS_SHOWN = 20


async def never_pulled_page(
    call: PublicPageCall, refusal: Refusal, version: str = LATEST
) -> Answer:
    """Show a release that is not stored; raise the refusal if the upstream does not have it."""
    lookup = call.lookup
    if not isinstance(lookup, MirroredLookup):
        raise refusal
    wanted = Range() if version == LATEST else Version.parse(version)
    package = package_of(call)
    if not await lookup.reader.may_ask(package, lookup.asker):
        raise refusal
    found = await lookup.preview(package, wanted, by=call.caller)
    if call.wants(JSON):
        return call.json(_as_json(found))
    if call.wants(MARKDOWN):
        return call.text(_as_markdown(found), MARKDOWN)
    release = found.listing.release
    [pull] = [each for each in snippets(release, call.base_url) if each.id == "pull"]
    tools = [each for each in snippets(release, call.base_url) if each.id == "tool"]
    return call.show(
        "web/package/never_pulled.html",
        found=found,
        release=release,
        package=found.listing.head.package,
        commands=(*tools, pull),
        versions=found.versions[:VERSIONS_SHOWN],
        origin=found.listing.head.upstream,
    )


def _as_json(found: ReleasePreview) -> dict[str, object]:
    release = found.listing.release
    return {
        "package": str(release.coordinate.package),
        "version": release.version,
        "summary": release.summary,
        "keywords": release.keywords,
        "deprecated": found.listing.deprecation,
        "versions": [each.text for each in found.versions],
        "versionsAreComplete": found.is_current,
        "publishedBy": {"means": "upstream", "upstream": found.listing.head.upstream},
        "isStored": False,
    }


def _as_markdown(found: ReleasePreview) -> str:
    release, upstream = found.listing.release, found.listing.head.upstream
    versions = ", ".join(each.text for each in found.versions[:VERSIONS_SHOWN])
    return (
        f"# {release.coordinate}\n\n{release.summary}\n\n"
        f"This release is one of {upstream} that nobody has pulled from this registry. "
        f"The first pull stores it.\n\nVersions: {versions}\n"
    )
