"""Maven: the documents that its clients read about a package, and checksums.

The same records give the same bytes: no document depends on the time, so a document and its
checksum change only when something is published, deprecated or withdrawn.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol

from shared.domain.coordinates import Coordinate
from shared.domain.distributions import ANY_CLIENT, Distribution
from shared.domain.documents import xml_document, xml_element, xml_flag, xml_leaf
from shared.domain.names import ToolId
from shared.domain.packages import Head, Release, ReleaseEntry, Survey, effective_deprecation
from shared.domain.version_choice import latest, usable_entries
from shared.domain.versions import Range

METADATA_FILE = "maven-metadata.xml"
TOOLS_FOLDER = "__tools__"  # The folder of the tools of a distribution.
XML_TYPE = "application/xml"

_WITHOUT_SPACES = (",", ":")


def repository_heading(group: str, artifact: str) -> str:
    """Return the two elements at the start of every metadata document."""
    return xml_leaf("groupId", group) + xml_leaf("artifactId", artifact)


# --- A repository of artifacts -----------------------------------------------------------------


def repository_metadata(survey: Survey) -> bytes:
    """Return the `maven-metadata.xml` of an artifact: its live versions, oldest first."""
    head = survey.head
    live = usable_entries(survey, ANY_CLIENT)[::-1]
    stable = [entry for entry in live if entry.parsed.is_stable]
    versions = xml_element("versions", *(xml_leaf("version", entry.version) for entry in live))
    versioning = xml_element(
        "versioning",
        *(xml_leaf("latest", entry.version) for entry in live[-1:]),
        *(xml_leaf("release", entry.version) for entry in (stable or live)[-1:]),
        versions,
        xml_leaf("lastUpdated", _last_updated(live)),
    )
    return xml_document(
        xml_element("metadata", repository_heading(head.org, head.name), versioning)
    )


def _last_updated(entries: Iterable[ReleaseEntry]) -> str:
    """Return the time of the latest entry: of the data, not of the request."""
    newest_ms = max((entry.created_ms for entry in entries), default=0)
    return datetime.fromtimestamp(newest_ms // 1000, UTC).strftime("%Y%m%d%H%M%S")


# --- The proxy of Central ----------------------------------------------------------------------


def client_metadata(
    distribution: Distribution, org: str, name: str, survey: Survey | None
) -> bytes:
    """Return the versions of a package that a distribution can use; none for an unknown package.

    The client searches the whole document for element names, so no element is nested in another
    with the same name.
    """
    entries = usable_entries(survey, distribution.client) if survey else ()
    versions = xml_element("versions", *(_version(survey.head, each) for each in entries if survey))
    group = f"{distribution.text}.{org}"
    return xml_document(xml_element("metadata", repository_heading(group, name), versions))


def _version(head: Head, entry: ReleaseEntry) -> str:
    return xml_element(
        "version",
        xml_leaf("number", entry.version),
        xml_leaf("platform", entry.platform),
        xml_flag("isDeprecated", effective_deprecation(head, entry.deprecation) is not None),
        xml_leaf("ballerinaVersion", entry.ballerina_version),
        xml_element(
            "modules", *(xml_element("module", xml_leaf("name", each)) for each in entry.modules)
        ),
    )


def tool_metadata(distribution: Distribution, tool: ToolId, survey: Survey) -> bytes:
    """Return the package of a tool, and the versions of `survey`, latest first.

    `bal tool pull` uses the first one as the latest, so that is the one which Central gives.
    """
    head = survey.head
    best = latest(survey, Range(), ANY_CLIENT)
    versions = [best, *(entry for entry in survey.entries if entry is not best)]
    return xml_document(
        xml_element(
            "metadata",
            repository_heading(f"{distribution.text}.__tools__", tool),
            xml_element(
                "versions", *(xml_leaf("version", entry.version) for entry in versions if entry)
            ),
            xml_leaf("org", head.org),
            xml_leaf("package", head.name),
        )
    )


def depgraph(head: Head, release: Release, graph: bytes) -> bytes:
    """Return the dependency graph of a release in the form of an answer to a resolve.

    `graph` is the stored JSON list of nodes; it is not parsed here.
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


def listeners(texts: Sequence[str]) -> bytes:
    """Return the listeners of each module, of which each text is a list in JSON."""
    modules = [{"listeners": text} for text in texts]
    answer = {"data": {"apiDocs": {"docsData": {"modules": modules}}}}
    return json.dumps(answer, separators=_WITHOUT_SPACES).encode()


_NAMESPACE = "http://maven.apache.org/POM/4.0.0"


def pom_of(coordinate: Coordinate) -> bytes:
    package = coordinate.package
    lines = [
        xml_leaf("modelVersion", "4.0.0"),
        xml_leaf("groupId", package.org),
        xml_leaf("artifactId", package.name),
        xml_leaf("version", coordinate.version),
        xml_leaf("packaging", "bala"),
    ]
    inside = "".join(f"  {line}\n" for line in lines)
    return xml_document(f'<project xmlns="{_NAMESPACE}">\n{inside}</project>')


class HashFunction(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class ChecksumAlgorithm(Enum):
    """An algorithm, by the suffix of its files."""

    SHA1 = "sha1"
    MD5 = "md5"
    SHA256 = "sha256"
    SHA512 = "sha512"

    def hasher(self) -> HashFunction:
        # Clients use these to detect damage; the registry trusts SHA-256 only.
        return hashlib.new(self.value, usedforsecurity=False)

    def of(self, content: bytes) -> str:
        """Return the checksum of a whole file, in lower case."""
        hasher = self.hasher()
        hasher.update(content)
        return hasher.hexdigest()
