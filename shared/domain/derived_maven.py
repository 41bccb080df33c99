"""The documents that Maven clients read of a package, each made from what the registry knows of it.

The same records give the same bytes: nothing here asks the time, so a document and its checksum
stay as they are until something is published, deprecated or withdrawn.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from shared.domain.distribution import Distribution
from shared.domain.language import EVERYTHING
from shared.domain.markup import document, element, flag, leaf
from shared.domain.names import ToolId
from shared.domain.package import Entry, Head, Release, Survey, effective_deprecation
from shared.domain.selection import usable_entries

_WITHOUT_SPACES = (",", ":")


def heading(group: str, artifact: str) -> str:
    """Return the two elements that every metadata document begins with."""
    return leaf("groupId", group) + leaf("artifactId", artifact)


# --- A repository of artifacts -----------------------------------------------------------------


def repository_metadata(survey: Survey) -> bytes:
    """Return the `maven-metadata.xml` of an artifact: its live versions, oldest first."""
    head, live = survey.head, usable_entries(survey, EVERYTHING)[::-1]
    stable = [entry for entry in live if entry.parsed.is_stable]
    versions = element("versions", *(leaf("version", entry.version) for entry in live))
    versioning = element(
        "versioning",
        *(leaf("latest", entry.version) for entry in live[-1:]),
        *(leaf("release", entry.version) for entry in (stable or live)[-1:]),
        versions,
        leaf("lastUpdated", _last_updated(live)),
    )
    return document(element("metadata", heading(head.org, head.name), versioning))


def _last_updated(entries: Iterable[Entry]) -> str:
    """Return the time of the newest entry: of the data, not of the request."""
    newest_ms = max((entry.created_ms for entry in entries), default=0)
    return datetime.fromtimestamp(newest_ms // 1000, UTC).strftime("%Y%m%d%H%M%S")


# --- The proxy of Central ----------------------------------------------------------------------


def client_metadata(
    distribution: Distribution, org: str, name: str, survey: Survey | None
) -> bytes:
    """Return what a distribution can use of a package; of one that is not there, no version.

    The client searches the whole document for names of elements, so none is nested in another of
    its name.
    """
    entries = usable_entries(survey, distribution.client) if survey else ()
    versions = element("versions", *(_version(survey.head, each) for each in entries if survey))
    group = f"{distribution.text}.{org}"
    return document(element("metadata", heading(group, name), versions))


def _version(head: Head, entry: Entry) -> str:
    return element(
        "version",
        leaf("number", entry.version),
        leaf("platform", entry.platform),
        flag("isDeprecated", effective_deprecation(head, entry.deprecation) is not None),
        leaf("ballerinaVersion", entry.ballerina_version),
        element("modules", *(element("module", leaf("name", each)) for each in entry.modules)),
    )


def tool_metadata(distribution: Distribution, tool: ToolId, survey: Survey) -> bytes:
    """Return the package of a tool and the versions that `survey` has, newest first.

    `bal tool pull` takes the first one as the latest.
    """
    head = survey.head
    return document(
        element(
            "metadata",
            heading(f"{distribution.text}.__tools__", tool),
            element("versions", *(leaf("version", entry.version) for entry in survey.entries)),
            leaf("org", head.org),
            leaf("package", head.name),
        )
    )


def depgraph(head: Head, release: Release, graph: bytes) -> bytes:
    """Return the dependency graph of a release as an answer of the resolve call.

    `graph` is the JSON list of nodes as it is stored, which is not read again here.
    """
    deprecation = effective_deprecation(head, release.deprecation)
    resolved = json.dumps(
        {
            "org": release.org,
            "name": release.name,
            "version": release.version,
            "isDeprecated": deprecation is not None,
            "deprecateMessage": deprecation or "",
        },
        separators=_WITHOUT_SPACES,
    ).encode()
    return b'{"resolved":[%b,"dependencyGraph":%b}],"unresolved":[]}' % (resolved[:-1], graph)


def listeners(release: Release) -> bytes:
    """Return the listeners of each module: none, until API documentation is read."""
    modules = [{"listeners": "[]"} for _ in release.modules]
    answer = {"data": {"apiDocs": {"docsData": {"modules": modules}}}}
    return json.dumps(answer, separators=_WITHOUT_SPACES).encode()
