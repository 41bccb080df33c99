"""The page of a release as JSON and as Markdown, for programs."""

from collections.abc import Mapping

from functions.http.formatting import machine_moment
from functions.maven.paths import archive_path
from functions.web.package.api_docs import verdict_json
from functions.web.package.frame import PackageFrame
from shared.domain.api_docs.records import ApiVerdict
from shared.domain.packages import Release, ReleaseEntry, effective_deprecation
from shared.services.packages.package_details import ReleaseDetails

MAX_VERSIONS = 100  # The newest; the index has all of them.


def release_json(
    details: ReleaseDetails, verdicts: Mapping[str, ApiVerdict], base_url: str
) -> dict[str, object]:
    """Return the release, its package and the newest versions."""
    frame, release, head = PackageFrame(details, base_url), details.release, details.head
    return {
        "org": head.org,
        "name": head.name,
        "version": release.version,
        "summary": release.summary,
        "url": base_url + frame.of_release,
        "purl": frame.purl,
        "visibility": head.visibility.value,
        "deprecation": details.deprecation,
        "digest": f"sha256:{release.digest}",
        "size": release.size_bytes,
        "platform": release.platform,
        "ballerinaVersion": release.ballerina_version,
        "licenses": list(release.licenses),
        "authors": list(release.authors),
        "keywords": list(release.keywords),
        "modules": list(release.modules),
        "tools": list(release.tools),
        "compilerPlugin": release.compiler_plugin,
        "source": _source(frame),
        "publishedAt": machine_moment(release.created_ms),
        "publishedBy": _publisher(release),
        "owner": _owner(details),
        "dependencies": [
            {"org": each.org, "name": each.name, "version": each.version}
            for each in release.dependencies
        ],
        "pulls": head.pulls,
        "newest": details.latest.version,
        "versionCount": len(details.entries),
        "apiChanges": verdict_json(verdicts.get(release.version)),
        "versions": _versions(details, verdicts),
        "links": _links(frame),
    }


def release_markdown(details: ReleaseDetails, readme: str, base_url: str) -> str:
    """Return the release as Markdown: what it is, how to use it, and its readme."""
    frame, release = PackageFrame(details, base_url), details.release
    notices = [f"> Deprecated: {details.deprecation}"] if details.deprecation is not None else []
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


def _facts(frame: PackageFrame) -> list[tuple[str, str]]:
    details, release = frame.details, frame.details.release
    provenance = release.origin.provenance
    publisher = "an access token"
    if release.upstream:
        publisher = f"the upstream registry {release.upstream.name}"
    if provenance:
        publisher = f"{provenance.repository}, commit {provenance.commit}"
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
        ("Package URL", frame.purl),
    ]


def _source(frame: PackageFrame) -> dict[str, object] | None:
    source = frame.source
    return source and {"url": source.text, "verified": source.is_verified}


def _publisher(release: Release) -> dict[str, str]:
    """Return how the release was published, without the account or the token."""
    provenance, upstream = release.origin.provenance, release.upstream
    if upstream is not None:
        seen = machine_moment(upstream.first_seen_ms)
        facts = {"means": "upstream", "upstream": upstream.name, "firstSeenAt": seen}
        if upstream.removed_ms is not None:
            facts["removedAt"] = machine_moment(upstream.removed_ms)
        return facts
    if provenance is None:
        return {"means": "stored-token"}
    return {"means": "trusted-publisher", **provenance.event_details}


def _owner(details: ReleaseDetails) -> dict[str, object]:
    owner = details.owner
    return {
        "name": owner.name,
        "displayName": owner.display_name,
    }


def _versions(
    details: ReleaseDetails, verdicts: Mapping[str, ApiVerdict]
) -> list[dict[str, object]]:
    return [
        {**_version(details, each), "apiChanges": verdict_json(verdicts.get(each.version))}
        for each in details.entries[:MAX_VERSIONS]
    ]


def _version(details: ReleaseDetails, entry: ReleaseEntry) -> dict[str, object]:
    return {
        "version": entry.version,
        "platform": entry.platform,
        "ballerinaVersion": entry.ballerina_version,
        "publishedAt": machine_moment(entry.created_ms),
        "size": entry.size_bytes,
        "digest": f"sha256:{entry.digest}",
        "deprecation": effective_deprecation(details.head, entry.deprecation),
    }


def _links(frame: PackageFrame) -> dict[str, str]:
    package, base = frame.details.package, frame.base_url
    return {
        "package": base + frame.of_package,
        "archive": base + archive_path(frame.details.release.coordinate),
        "index": f"{base}/index/{package}/index.json",
        "feed": f"{base}/feeds/packages/{package}/releases.atom",
    }
