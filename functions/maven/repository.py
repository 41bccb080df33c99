"""/2.0/maven: one Maven repository that `bal` pushes to and pulls from, and a proxy of Central.

Clients print the status of a refusal and drop the body; its sentence is for people with other
clients, and docs/use/clients.md explains each status. Clients send credentials only after a 401
with a Basic challenge, so every refusal that credentials could avoid is a 401.
"""

from contextlib import suppress

from msgspec.structs import replace

from functions.archives import locate_archive, redirect_to_archive
from functions.http.body_parsing import require_upload_taken, upload_body
from functions.http.calls import Call
from functions.http.json_answers import JSON
from functions.http.plain_text import PlainTextFace
from functions.http.representations import Representation, conditional_answer
from functions.maven.paths import (
    ClientMetadata,
    FileKind,
    PackageMetadata,
    ReleaseFile,
    RepositoryPath,
    Resource,
    ToolMetadata,
    UnknownFile,
)
from functions.maven.search import MavenSearchRequest, search_representation
from shared.domain.archives.delivery import PullProtocol
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Unauthenticated, printable
from shared.domain.errors.packages import PackageNotFound, PathNotFound, ReleaseNotFound
from shared.domain.maven import (
    XML_TYPE,
    ChecksumAlgorithm,
    client_metadata,
    depgraph,
    listeners,
    pom_of,
    tool_metadata,
)
from shared.domain.packages import AvailableRelease
from shared.domain.principals import Principal
from shared.domain.rate_limits import RateLimitAllowance, RateLimitClass
from shared.domain.visibility import Visibility
from shared.registry import Registry
from shared.runtime.answer_dependencies import NOTHING_STORED, Dependencies
from shared.runtime.answers import PLAIN_TEXT, Answer
from shared.services.publishing.maven import MavenVersionList
from shared.telemetry.log import log

REPOSITORY_ROUTE = "2.0/maven/{*path}"

# Repository managers request the root to check whether the repository exists.
_ROOT_DOCUMENT = Representation(
    b"This is the Maven repository of a Ballroom.\n",
    PLAIN_TEXT,
    is_public=True,
    depends_on=NOTHING_STORED,
)

# Never with a `DAV` header, which makes clients use WebDAV.
_ALLOWED = {"Allow": "GET, HEAD, OPTIONS, PUT", "Content-Length": "0"}


maven = PlainTextFace()
FACES = (maven,)


@maven.read(REPOSITORY_ROUTE, uses_answer_cache=True)
async def maven_read(call: Call) -> Answer:
    if not _requested_path(call):
        return conditional_answer(call, _ROOT_DOCUMENT)
    return await _read(call, RepositoryPath.to_read(_requested_path(call)))


@maven.change(REPOSITORY_ROUTE, ["PUT"], accepts_archive=True)
async def maven_write(call: Call) -> Answer:
    if call.caller.is_anonymous:
        raise _repository_token_missing()
    require_upload_taken(call, call.registry.settings.app_role)
    target = RepositoryPath.to_write(_requested_path(call))
    content = upload_body(call, call.registry.settings.max_archive_bytes)
    call.add_allowance(await store_file(call.registry, target, content, call.caller))
    return Answer(status=201, headers={"Content-Length": "0"})


@maven.change(REPOSITORY_ROUTE, ["OPTIONS"])
async def maven_options(call: Call) -> Answer:
    # Clients ask this before each push. Challenged here, they send the archive once, and not a
    # second time after a 401.
    if call.caller.is_anonymous:
        raise _repository_token_missing()
    return Answer(headers=_ALLOWED)


def _requested_path(call: Call) -> str:
    return call.route_params.get("path", "")


async def _read(call: Call, target: RepositoryPath) -> Answer:
    """Answer with a document, its checksum, or the redirect to an archive."""
    match target:
        case RepositoryPath(ReleaseFile(at, FileKind.ARCHIVE), None):
            return await _pull(call, at)
        case RepositoryPath(ReleaseFile(at, FileKind.ARCHIVE), ChecksumAlgorithm() as algorithm):
            document = await _archive_checksum(call, await _release(call, at), algorithm)
        case RepositoryPath(resource, algorithm):
            document = await _resource_document(call, resource)
            document = _checksum_of(document, algorithm) if algorithm else document
    return conditional_answer(call, document)


async def _pull(call: Call, at: Coordinate) -> Answer:
    try:
        located = await locate_archive(
            call, at.package, at.version, client=call.client, protocol=PullProtocol.MAVEN
        )
    except ReleaseNotFound as missing:
        packages = call.registry.publishing.maven_packages
        raise await packages.refusal(missing, at, at.package.org, call.caller) from None
    return redirect_to_archive(call, located, {"Content-Length": "0"})


async def _release(call: Call, at: Coordinate) -> AvailableRelease:
    """Return a release, fetched from the upstream if need be: all its files come of its archive."""
    packages = call.registry.publishing.maven_packages
    return await packages.release(at, call.package_source, by=call.caller)


async def _archive_checksum(
    call: Call, available: AvailableRelease, algorithm: ChecksumAlgorithm
) -> Representation:
    packages = call.registry.publishing.maven_packages
    checksum = await packages.checksum(available.release, algorithm)
    return _of_release(call, available, checksum.encode(), PLAIN_TEXT)


def _checksum_of(document: Representation, algorithm: ChecksumAlgorithm) -> Representation:
    return replace(document, content=algorithm.of(document.content).encode(), media_type=PLAIN_TEXT)


async def _resource_document(call: Call, resource: Resource) -> Representation:
    registry = call.registry
    by = call.caller
    match resource:
        case PackageMetadata(package):
            packages = registry.publishing.maven_packages
            return _version_list(await packages.versions(package, call.package_source, by=by))
        case ReleaseFile(at, kind):
            return await _release_document(call, await _release(call, at), kind)
        case UnknownFile():
            raise PathNotFound(_requested_path(call))
        case ClientMetadata():
            return await _client_document(call, resource)
        case ToolMetadata(distribution, tool):
            survey = await registry.publishing.maven_packages.tool(
                tool, call.package_source, client=distribution.client, by=by
            )
            content = tool_metadata(distribution, tool, survey)
            is_public = survey.head.visibility is Visibility.PUBLIC
            return Representation(content, XML_TYPE, is_public, Dependencies.of(survey.head))
        case MavenSearchRequest():
            return await search_representation(call, resource)


async def _release_document(
    call: Call, available: AvailableRelease, kind: FileKind
) -> Representation:
    packages = call.registry.publishing.maven_packages
    match kind:
        case FileKind.GRAPH:
            graph = await packages.graph(available)
            content = depgraph(available.head, available.release, graph)
            media_type = JSON
        case FileKind.LISTENERS:
            return await _listeners(call, available)
        case FileKind.SIGNATURES:
            content = packages.signatures(available.release)
            media_type = JSON
        case FileKind.SIGSTORE:
            content = await packages.sigstore(available)
            media_type = JSON
        case FileKind.SBOM:
            content = await packages.sbom(available)
            media_type = JSON
        case _:
            content = pom_of(available.release.coordinate)
            media_type = XML_TYPE
    return _of_release(call, available, content, media_type)


def _of_release(
    call: Call, available: AvailableRelease, content: bytes, media_type: str
) -> Representation:
    """Return a document that is made only of an exact version."""
    head = available.head
    release = available.release
    return Representation(
        content,
        media_type,
        is_public=head.visibility is Visibility.PUBLIC,
        depends_on=Dependencies.of_release(head, release, release.coordinate.version),
        cacheable_until_ms=call.fresh_until_ms(release),
    )


async def _listeners(call: Call, available: AvailableRelease) -> Representation:
    """Return the listeners of all modules of a release."""
    documentation = call.registry.api_docs.documentation
    release = available.release
    lists = [await documentation.listeners(release, each) for each in release.modules]
    document = _of_release(call, available, listeners([each for each, _ in lists]), JSON)
    depends_on = document.depends_on
    for _, of_list in lists:
        depends_on = depends_on and depends_on | of_list
    return replace(document, depends_on=depends_on)


async def _client_document(call: Call, wanted: ClientMetadata) -> Representation:
    """Return the versions for a distribution; the list of an unknown package is empty.

    A build asks for every package that a module may be in, and some clients stop at a 404 and
    look up no other import.
    """
    distribution = wanted.distribution
    package = wanted.package
    if package:
        with suppress(PackageNotFound):
            packages = call.registry.publishing.maven_packages
            usable = packages.usable_versions(
                package, distribution, call.package_source, by=call.caller
            )
            return _version_list(await usable)
    content = client_metadata(distribution, wanted.org, wanted.name, None)
    return Representation(content, XML_TYPE, is_public=True)


def _version_list(versions: MavenVersionList) -> Representation:
    content = versions.document.content
    return Representation(content, XML_TYPE, versions.is_public, versions.depends_on)


async def store_file(
    registry: Registry, target: RepositoryPath, content: bytes, by: Principal
) -> RateLimitAllowance | None:
    """Publish an archive, or accept a file that clients send with one; return what is left of the
    limit that counted it."""
    await registry.limits.rate_limiter.require_changes_allowed(RateLimitClass.PUSH)
    publishing = registry.publishing.maven
    match target:
        case RepositoryPath(ReleaseFile(at, FileKind.ARCHIVE), None):
            published = await publishing.publish_archive(content, at, by=by)
            # A release that waits for its Sigstore bundle is accepted: after a refusal, clients
            # would not send the bundle, which is their next file.
            if not published.release.is_held_for_sigstore:
                published.require_published()
            return published.allowance
        case RepositoryPath(ReleaseFile(at, FileKind.SBOM), None):
            await publishing.add_sbom(content, at, by=by)
        case RepositoryPath(ReleaseFile(at, FileKind.SIGSTORE), None):
            await publishing.add_sigstore(content, at, by=by)
        # Made by the registry itself, or unknown. A refusal would fail the push.
        case RepositoryPath(UnknownFile(at, file), _):
            await publishing.require_pusher(at.package, by=by)
            log.info("maven.file_discarded", coordinate=str(at), file=printable(file))
        case RepositoryPath(ReleaseFile(at, _), _):
            await publishing.require_pusher(at.package, by=by)
        case RepositoryPath(PackageMetadata(package), _):
            await publishing.require_pusher(package, by=by)
        case _:
            pass
    return None


def _repository_token_missing() -> Unauthenticated:
    return Unauthenticated(
        "repository-token-missing",
        "Publishing needs an access token. Put username and accesstoken into the repository's "
        "entry of Settings.toml; the username may be any word.",
    )
