"""Copies of what everybody reads of public packages, as files by their paths.

A CDN reads them while the registry does not answer: the index, Maven metadata, POMs, dependency
graphs and archives. They are the documents that the registry itself sends, so builds by the index
and the Maven repository go on. Only live releases of public packages have copies.

The sparse index has a file for each package, with one line of JSON for each of its releases.
Clients need nine keys, which come first and in this order; the others may be absent. A line has the
current state, so a deprecation changes it. Lines are in the order of publication: a new release
adds one at the end, and the bytes before it stay.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.archives.names import ArchiveName, Digest
from shared.domain.maven import (
    METADATA_FILE,
    TOOLS_FOLDER,
    XML_TYPE,
    client_metadata,
    repository_metadata,
    tool_metadata,
)
from shared.domain.names import Distribution, Package, parse_tool_id
from shared.domain.packages import (
    Head,
    ReleaseEntry,
    State,
    Survey,
    Visibility,
    effective_deprecation,
)
from shared.domain.resolution import usable_entries

INDEX_CONFIG_PATH = "config.json"
FILE_NAME = "index.json"
INDEX_TYPE = "application/x-ndjson"
LINE_SCHEMA = 1
CONFIG_VERSION = 1

_WITHOUT_SPACES = (",", ":")


def index_file(survey: Survey) -> bytes:
    """Return the lines of a package's live releases; empty where there are none."""
    live = [entry for entry in reversed(survey.entries) if entry.state is State.LIVE]
    # Sorting is stable, so of simultaneous releases the lower version comes first.
    published, head = sorted(live, key=lambda entry: entry.created_ms), survey.head
    return b"".join(
        _json({**_nine_keys(head, entry), **dict(_more_keys(head, entry))}) for entry in published
    )


def index_config(base_url: str) -> bytes:
    config = {
        "version": CONFIG_VERSION,
        "dl": f"{base_url}/2.0/maven/{{org}}/{{name}}/{{version}}/{{name}}-{{version}}.bala",
        "api": f"{base_url}/2.0/registry",
        "auth-required": False,
    }
    return _json(config)


def index_path(head: Head) -> str:
    """Return the path of the package's file below the root of the index."""
    return f"{head.org}/{head.name}/{FILE_NAME}"


def _nine_keys(head: Head, entry: ReleaseEntry) -> dict[str, object]:
    deprecation = effective_deprecation(head, entry.deprecation)
    return {
        "org": head.org,
        "name": head.name,
        "version": entry.version,
        "platform": entry.platform,
        "ballerina_version": entry.ballerina_version,
        "is_deprecated": deprecation is not None,
        "deprecation_message": deprecation or "",
        "modules": [{"name": name} for name in entry.modules],
        "dependencies": [
            {"org": each.org, "name": each.name, "version": each.version}
            for each in entry.dependencies
        ],
    }


def _more_keys(head: Head, entry: ReleaseEntry) -> Iterator[tuple[str, object]]:
    yield "checksum", Digest(entry.digest).header()
    if entry.size_bytes:  # Not known of a release that Central describes.
        yield "size", entry.size_bytes
    yield "created", entry.created_ms
    if entry.tools:
        yield "tool_id", entry.tools[0]
    yield "visibility", head.visibility.value
    yield "schema", LINE_SCHEMA


def _json(value: object) -> bytes:
    # ASCII, because some readers end lines at other characters than a line feed.
    return json.dumps(value, separators=_WITHOUT_SPACES).encode("ascii") + b"\n"


INDEX = "index/"  # What the paths of the index begin with.
MAVEN = "maven/"  # And those of the Maven repository.

HEALTH = "health/ready"  # A CDN asks the registry and its copies under one path how they are.

JSON_TYPE = "application/json"

INDEX_CACHING = "public, max-age=60"
MAVEN_CACHING = "no-cache"


class Copy(Struct, frozen=True):
    """A document as the registry sends it."""

    content: bytes
    media_type: str
    caching: str = MAVEN_CACHING


class ReleaseCopies(Struct, frozen=True):
    """The files of a release: archive, POM and dependency graph.

    `mark` changes with everything that they say, so that copies with the same mark are current.
    """

    entry: ReleaseEntry
    archive: ArchiveName
    mark: str
    stem: str

    @property
    def bala(self) -> str:
        """The path of the archive."""
        return f"{self.stem}.bala"

    @property
    def pom(self) -> str:
        """The path of the POM."""
        return f"{self.stem}.pom"

    @property
    def graph(self) -> str:
        """The path of the dependency graph."""
        return f"{self.stem}-depgraph.json"

    @property
    def paths(self) -> tuple[str, str, str]:
        return self.bala, self.pom, self.graph

    def is_current(self, marks: Mapping[str, str]) -> bool:
        """Check whether all files are among the stored ones, of which these are the marks."""
        return marks.get(self.graph) == self.mark and set(self.paths) <= marks.keys()


def fixed_copies(base_url: str) -> Mapping[str, Copy]:
    """Return the documents that are no package's, by path."""
    return {
        HEALTH: Copy(b'{"status":"copies"}', JSON_TYPE),
        f"{INDEX}{INDEX_CONFIG_PATH}": Copy(index_config(base_url), JSON_TYPE, INDEX_CACHING),
    }


def release_folder(package: Package) -> str:
    """Return the prefix of the paths of the files of all releases of a package."""
    return f"{MAVEN}{package.org}/{package.name}/"


def has_copies(survey: Survey) -> bool:
    """Check whether everybody may read the package, and it has a release to read."""
    return survey.head.visibility is Visibility.PUBLIC and bool(survey.live)


def release_copies(survey: Survey) -> list[ReleaseCopies]:
    """Return the live releases with their copies; none of a package that is not public."""
    if not has_copies(survey):
        return []
    folder = release_folder(survey.head.package)
    return [_copies_of(survey, entry, folder) for entry in survey.live]


def _copies_of(survey: Survey, entry: ReleaseEntry, folder: str) -> ReleaseCopies:
    coordinate = survey.head.package.at(entry.parsed)
    deprecation = effective_deprecation(survey.head, entry.deprecation)
    said = f"{entry.digest}\n{deprecation is not None}\n{deprecation or ''}"
    return ReleaseCopies(
        entry=entry,
        archive=ArchiveName(Digest(entry.digest), coordinate, entry.platform),
        mark=hashlib.sha256(said.encode()).hexdigest()[:32],
        stem=f"{folder}{entry.version}/{survey.head.name}-{entry.version}",
    )


def package_documents(
    survey: Survey, distributions: Sequence[Distribution]
) -> Mapping[str, Copy | None]:
    """Return the documents of a package by path: None for those that must not be there."""
    if has_copies(survey):
        return dict(_documents(survey, distributions))
    return dict.fromkeys((path for path, _ in _documents(survey, distributions)))


def _documents(
    survey: Survey, distributions: Sequence[Distribution]
) -> Iterator[tuple[str, Copy | None]]:
    head = survey.head
    yield f"{INDEX}{index_path(head)}", Copy(index_file(survey), INDEX_TYPE, INDEX_CACHING)
    folder = release_folder(head.package)
    yield f"{folder}{METADATA_FILE}", Copy(repository_metadata(survey), XML_TYPE)
    for each in distributions:
        content = client_metadata(each, head.org, head.name, survey)
        yield f"{MAVEN}{each.text}/{head.org}/{head.name}/{METADATA_FILE}", Copy(content, XML_TYPE)
        yield from _tool_documents(survey, each)


def _tool_documents(
    survey: Survey, distribution: Distribution
) -> Iterator[tuple[str, Copy | None]]:
    usable = usable_entries(survey, distribution.client)
    for tool in sorted({tool for entry in survey.entries for tool in entry.tools}):
        entries = tuple(entry for entry in usable if tool in entry.tools)
        content = tool_metadata(distribution, parse_tool_id(tool), replace(survey, entries=entries))
        path = f"{MAVEN}{distribution.text}/{TOOLS_FOLDER}/{tool}/{METADATA_FILE}"
        yield path, Copy(content, XML_TYPE) if entries else None


def empty_lists(survey: Survey, distributions: Sequence[Distribution]) -> Mapping[str, Copy]:
    """Return empty lists of the packages that an import of this one may mean as well, by path.

    A build that imports `org/a.b` asks for `org/a` first, and some clients stop at a 404.
    """
    words = survey.head.name.split(".")
    names = [".".join(words[:count]) for count in range(1, len(words))]
    org = survey.head.org
    return {
        f"{MAVEN}{each.text}/{org}/{name}/{METADATA_FILE}": Copy(
            client_metadata(each, org, name, None), XML_TYPE
        )
        for each in distributions
        for name in names
    }
