"""The paths of the Maven repository, parsed into what they name.

    {org}/{name}/maven-metadata.xml
    {org}/{name}/{version}/{name}-{version}.bala · .pom · -depgraph.json · -listeners.json
    {org}/{name}/{version}/{name}-{version}.bala.ballroom-sig, the signatures of the registry
    {org}/{name}/{version}/{name}-{version}.bala.sigstore.json, its Sigstore bundle
    {org}/{name}/{version}/bom.cdx.json, which newer clients call {name}-{version}.cdx.json
    {distribution}/{org}/{name}/maven-metadata.xml
    {distribution}/__tools__/{tool}/maven-metadata.xml
    {distribution}/__packagesearch__/{Base64, slashes and all}/maven-metadata.xml

With the suffix `.sha1`, `.md5`, `.sha256` or `.sha512`, a path names the checksum of the file.
Clients also send other files beside an archive, none of which can be read. When they push a version
such as 1.0.0-SNAPSHOT, the names of its files have the time of the push instead of `SNAPSHOT`.
"""

import re
from enum import Enum
from typing import Self

from msgspec import Struct

from functions.maven.search import MavenSearch, MavenSearchRequest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import Distribution
from shared.domain.errors.base import Invalid, InvalidName, InvalidVersion, Refusal, quoted
from shared.domain.errors.packages import PathNotFound
from shared.domain.maven import METADATA_FILE, TOOLS_FOLDER, ChecksumAlgorithm
from shared.domain.names import ToolId, parse_tool_id

_SEARCHES = {each.value: each for each in MavenSearch}
_TIMED_SNAPSHOT = re.compile(
    r"^(?P<folder>[^/]+/(?P<name>[^/]+)/(?P<version>[^/]+)SNAPSHOT/)"
    r"(?P=name)-(?P=version)\d{8}\.\d{6}-\d+(?=[.-])",
    re.ASCII,
)


class FileKind(Enum):
    """A file of a release, by the end of its name after `{name}-{version}`."""

    ARCHIVE = ".bala"
    POM = ".pom"
    GRAPH = "-depgraph.json"
    LISTENERS = "-listeners.json"
    SBOM = ".cdx.json"
    SIGNATURES = ".bala.ballroom-sig"
    SIGSTORE = ".bala.sigstore.json"


# The whole name of the bill of materials for clients before September 2026.
_EARLIER_SBOM_FILE = "bom.cdx.json"


class PackageMetadata(Struct, frozen=True):
    """The versions of a package for any Maven client."""

    package: Package


class ReleaseFile(Struct, frozen=True):
    coordinate: Coordinate
    kind: FileKind


class UnknownFile(Struct, frozen=True):
    """A file beside the archive of a release that the registry does not know."""

    coordinate: Coordinate
    file: str


class ClientMetadata(Struct, frozen=True):
    """The versions of a package for a distribution; `package` is None for invalid names."""

    distribution: Distribution
    org: str
    name: str
    package: Package | None


class ToolMetadata(Struct, frozen=True):
    """The versions of a tool for a distribution."""

    distribution: Distribution
    tool: ToolId


Resource = (
    PackageMetadata | ReleaseFile | UnknownFile | ClientMetadata | ToolMetadata | MavenSearchRequest
)


class RepositoryPath(Struct, frozen=True):
    """A resource, or a checksum of it if `algorithm` is set."""

    resource: Resource
    algorithm: ChecksumAlgorithm | None

    @classmethod
    def to_read(cls, path: str) -> Self:
        """Parse the path of a GET, or raise `PathNotFound`.

        Any invalid path is a 404, since a client with several repositories requests every file from
        each, and goes on to the next repository only after a 404.
        """
        try:
            return cls(*_parse(path))
        except (InvalidName, InvalidVersion) as reason:
            raise PathNotFound(path, str(reason)) from None

    @classmethod
    def to_write(cls, path: str) -> Self:
        """Parse the path of a PUT, or raise a refusal that explains it."""
        try:
            target = cls(*_parse(_without_time(path)))
        except PathNotFound:
            raise _not_deployable(path) from None
        if not _is_deployable(target.resource):
            raise _not_deployable(path)
        return target


def _parse(path: str) -> tuple[Resource, ChecksumAlgorithm | None]:
    for algorithm in ChecksumAlgorithm:
        if path.endswith(f".{algorithm.value}"):
            return _parse_resource(path.removesuffix(f".{algorithm.value}")), algorithm
    return _parse_resource(path), None


def _without_time(path: str) -> str:
    """Return the path with the version in the name of the file in place of the time of a push."""
    return _TIMED_SNAPSHOT.sub(r"\g<folder>\g<name>-\g<version>SNAPSHOT", path)


def _is_deployable(resource: Resource) -> bool:
    match resource:
        case PackageMetadata() | ReleaseFile():
            return True
        case UnknownFile(_, file):
            # An archive under another name would be lost without a word.
            return not file.lower().endswith(FileKind.ARCHIVE.value)
        case _:
            return False


def _parse_resource(path: str) -> Resource:
    segments = path.split("/")
    distribution = Distribution.parse(segments[0])
    if distribution is not None:
        found = _parse_client_path(distribution, segments[1:])
    else:
        found = _parse_repository_path(segments)
    if found is None:
        raise PathNotFound(path)
    return found


def _parse_client_path(distribution: Distribution, segments: list[str]) -> Resource | None:
    match segments:
        case [search, *words, file] if search in _SEARCHES and file == METADATA_FILE:
            return MavenSearchRequest(distribution, _SEARCHES[search], "/".join(words))
        case [marker, tool, file] if marker == TOOLS_FOLDER and file == METADATA_FILE:
            return ToolMetadata(distribution, parse_tool_id(tool))
        case [org, name, file] if file == METADATA_FILE:
            return ClientMetadata(distribution, org, name, _package(org, name))
        case _:
            return None


def _package(org: str, name: str) -> Package | None:
    try:
        return Package.parse(org, name)
    except Refusal:
        return None


def _parse_repository_path(segments: list[str]) -> Resource | None:
    match segments:
        case [org, name, file] if file == METADATA_FILE:
            return PackageMetadata(Package.parse(org, name))
        case [org, name, version, file] if file:
            at = Coordinate.parse(org, name, version)
            kind = _file_kind(file, f"{name}-{version}")
            return ReleaseFile(at, kind) if kind else UnknownFile(at, file)
        case _:
            return None


def _file_kind(file: str, stem: str) -> FileKind | None:
    if file == _EARLIER_SBOM_FILE:
        return FileKind.SBOM
    named = (kind for kind in FileKind if file == f"{stem}{kind.value}")
    return next(named, None)


def _not_deployable(path: str) -> Invalid:
    return Invalid(
        "not-deployable",
        f"Nothing can be published at {quoted(path)}. A bala goes to "
        "{org}/{name}/{version}/{name}-{version}.bala, and other files beside it.",
    )
