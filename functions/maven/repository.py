"""/2.0/maven: one Maven repository that `bal` pushes to and pulls from, and a proxy of Central.

Clients print the status of a refusal and drop the body; its sentence is for people with other
clients, and docs/clients.md explains each status. Clients send credentials only after a 401 with a
Basic challenge, so every refusal that credentials could avoid is a 401.
"""

from contextlib import suppress
from dataclasses import replace

import azure.functions as func

from functions.archives import redirect_to_archive
from functions.http.answer_cache import cacheable, uncacheable
from functions.http.callers import caller_of
from functions.http.edge_requests import has_two_origins, with_client_credentials
from functions.http.handlers import STATUS_BY_KIND, handler_decorator
from functions.http.requests import (
    READ_METHODS,
    headers_of,
    require_upload_taken,
    upload_body,
)
from functions.http.responses import JSON, Representation, conditional_response, retry_headers
from functions.maven.paths import (
    ClientMetadata,
    FileKind,
    PackageMetadata,
    ReleaseFile,
    RepositoryPath,
    Resource,
    ToolMetadata,
)
from functions.maven.search import MavenSearchRequest, search_representation
from shared.composition import Registry
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.errors.base import Refusal, RefusalKind
from shared.domain.errors.identity import RepositoryTokenMissing
from shared.domain.errors.packages import ApiDocsFailed, PackageNotFound
from shared.domain.identity import Principal
from shared.domain.maven import (
    XML_TYPE,
    Checksum,
    ChecksumAlgorithm,
    client_metadata,
    depgraph,
    listeners,
    pom_of,
    tool_metadata,
)
from shared.domain.names import Coordinate
from shared.domain.packages import Head, Release, Visibility
from shared.domain.public_copies import MAVEN
from shared.domain.rate_limits import RateLimitClass
from shared.services.archives import ArchiveRedirect
from shared.services.maven import MavenVersionList
from shared.services.packages import AvailableRelease

REPOSITORY_ROUTE = "2.0/maven/{*path}"
# Front Door reads the repository by a path that is one of blobs as well.
COPIES_ROUTE = f"{MAVEN}{{*path}}"

TEXT = "text/plain"

# Repository managers request the root to check whether the repository exists.
_ROOT_DOCUMENT = Representation(
    b"This is the Maven repository of a Ballroom.\n", TEXT, is_public=True
)

# Never with a `DAV` header, which makes clients use WebDAV.
_ALLOWED = {"Allow": "GET, HEAD, OPTIONS, PUT", "Content-Length": "0"}


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()
    _add_reads(bp, registry)
    _add_writes(bp, registry)
    return bp


def _add_reads(bp: func.Blueprint, registry: Registry) -> None:
    @bp.route(REPOSITORY_ROUTE, methods=READ_METHODS)
    @maven_errors
    @cacheable(registry)
    async def maven_read(req: func.HttpRequest) -> func.HttpResponse:
        return await _read(registry, req)

    if has_two_origins(registry):

        @bp.route(COPIES_ROUTE, methods=READ_METHODS)
        @maven_errors
        @with_client_credentials(registry)
        @cacheable(registry)
        async def maven_read_at_edge(req: func.HttpRequest) -> func.HttpResponse:
            return await _read(registry, req)


def _add_writes(bp: func.Blueprint, registry: Registry) -> None:
    @bp.route(REPOSITORY_ROUTE, methods=["PUT"])
    @maven_errors
    async def maven_write(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        if caller.is_anonymous:
            raise RepositoryTokenMissing
        require_upload_taken(req, registry.settings.app_role)
        target = RepositoryPath.to_write(_requested_path(req))
        content = upload_body(req, registry.settings.max_archive_bytes)
        await store_file(registry, target, content, caller)
        return func.HttpResponse(status_code=201, headers={"Content-Length": "0"})

    @bp.route(REPOSITORY_ROUTE, methods=["OPTIONS"])
    @maven_errors
    async def maven_options(req: func.HttpRequest) -> func.HttpResponse:
        # Clients ask this before each push. Challenged here, they send the archive once, and not a
        # second time after a 401.
        caller = await caller_of(headers_of(req), registry)
        if caller.is_anonymous:
            raise RepositoryTokenMissing
        return func.HttpResponse(headers=_ALLOWED)


async def _read(registry: Registry, req: func.HttpRequest) -> func.HttpResponse:
    caller = await caller_of(headers_of(req), registry)
    if not _requested_path(req):
        return conditional_response(req, _ROOT_DOCUMENT)
    target = RepositoryPath.to_read(_requested_path(req))
    return await read_response(registry, req, target, caller)


def _requested_path(req: func.HttpRequest) -> str:
    return req.route_params.get("path", "")


async def read_response(
    registry: Registry, req: func.HttpRequest, target: RepositoryPath, by: Principal
) -> func.HttpResponse:
    """Respond with a document, its checksum, or the redirect to an archive."""
    match target:
        case RepositoryPath(ReleaseFile(at, FileKind.ARCHIVE), None):
            return await _archive(registry, req, at, by)
        case RepositoryPath(ReleaseFile(at, FileKind.ARCHIVE), ChecksumAlgorithm() as algorithm):
            document = await _archive_checksum(registry, at, algorithm, by)
            return _document_response(req, document)
        case RepositoryPath(resource, algorithm):
            document = await _resource_document(registry, resource, by)
            summed = _checksum_of(document, algorithm) if algorithm else document
            return _document_response(req, summed)


def _document_response(req: func.HttpRequest, document: Representation) -> func.HttpResponse:
    response = conditional_response(req, document)
    return response if document.is_cacheable else uncacheable(response)


async def _archive(
    registry: Registry, req: func.HttpRequest, at: Coordinate, by: Principal
) -> func.HttpResponse:
    available = await registry.maven_packages.release(at, by=by)
    return await redirect_to_archive(req, available, registry, by=by, headers=_redirect_headers)


def _redirect_headers(redirect: ArchiveRedirect) -> dict[str, str]:
    return {
        "Location": redirect.url,
        "Cache-Control": redirect.cache_control,
        "Content-Length": "0",
    }


async def _archive_checksum(
    registry: Registry, at: Coordinate, algorithm: ChecksumAlgorithm, by: Principal
) -> Representation:
    available = await registry.maven_packages.release(at, by=by)
    checksum = await registry.maven_packages.checksum(available.release, algorithm)
    return Representation(checksum.encode(), TEXT, _is_public(available.head))


def _checksum_of(document: Representation, algorithm: ChecksumAlgorithm) -> Representation:
    return replace(document, content=algorithm.of(document.content).encode(), media_type=TEXT)


async def _resource_document(
    registry: Registry, resource: Resource, by: Principal
) -> Representation:
    match resource:
        case PackageMetadata(package):
            return _version_list(await registry.maven_packages.versions(package, by=by))
        case ReleaseFile(at, kind):
            return await _release_document(
                registry, await registry.maven_packages.release(at, by=by), kind
            )
        case ClientMetadata():
            return await _client_document(registry, resource, by)
        case ToolMetadata(distribution, tool):
            survey = await registry.maven_packages.tool(tool, client=distribution.client, by=by)
            content = tool_metadata(distribution, tool, survey)
            return Representation(content, XML_TYPE, _is_public(survey.head))
        case MavenSearchRequest():
            return await search_representation(registry, resource, by)


async def _release_document(
    registry: Registry, available: AvailableRelease, kind: FileKind
) -> Representation:
    match kind:
        case FileKind.GRAPH:
            graph = await registry.maven_packages.graph(available)
            content, media_type = depgraph(available.head, available.release, graph), JSON
        case FileKind.LISTENERS:
            release = available.release
            lists = [await _listeners(registry, release, each) for each in release.modules]
            content, media_type = listeners(lists), JSON
        case FileKind.SBOM:
            content, media_type = await registry.maven_packages.sbom(available), JSON
        case _:
            content, media_type = pom_of(available.release.coordinate), XML_TYPE
    return Representation(content, media_type, _is_public(available.head))


async def _listeners(registry: Registry, release: Release, module: str) -> str:
    """Return the listeners of a module as JSON; a module without a document has none."""
    try:
        found = await registry.api_docs.text(release, PieceKind.LIST, module, "listeners")
    except ApiDocsFailed:
        found = None
    return found or "[]"


async def _client_document(
    registry: Registry, wanted: ClientMetadata, by: Principal
) -> Representation:
    """Return the versions for a distribution; the list of an unknown package is empty.

    A build asks for every package that a module may be in, and some clients stop at a 404 and
    look up no other import.
    """
    distribution, package = wanted.distribution, wanted.package
    if package:
        with suppress(PackageNotFound):
            usable = registry.maven_packages.usable_versions(package, distribution, by=by)
            return _version_list(await usable)
    content = client_metadata(distribution, wanted.org, wanted.name, None)
    return Representation(content, XML_TYPE, is_public=True, is_cacheable=False)


def _version_list(versions: MavenVersionList) -> Representation:
    return Representation(versions.document.content, XML_TYPE, versions.is_public)


def _is_public(head: Head) -> bool:
    return head.visibility is Visibility.PUBLIC


async def store_file(
    registry: Registry, target: RepositoryPath, content: bytes, by: Principal
) -> None:
    """Publish an archive, or accept a file that clients send with one."""
    await registry.rate_limiter.require_changes_allowed(RateLimitClass.PUSH)
    publishing = registry.maven_publishing
    match target:
        case RepositoryPath(ReleaseFile(at, FileKind.ARCHIVE), None):
            await publishing.publish_archive(content, at, by=by)
        case RepositoryPath(ReleaseFile(at, FileKind.ARCHIVE), ChecksumAlgorithm() as algorithm):
            await publishing.check_archive_checksum(content, algorithm, at, by=by)
        case RepositoryPath(ReleaseFile(at, FileKind.POM), None):
            await publishing.check_pom(content, at, by=by)
        case RepositoryPath(ReleaseFile(at, FileKind.SBOM), None):
            await publishing.add_sbom(content, at, by=by)
        case _:
            await _verify_and_discard(registry, target, content, by)


async def _verify_and_discard(
    registry: Registry, target: RepositoryPath, content: bytes, by: Principal
) -> None:
    """Accept files that the registry generates itself: metadata, and checksums of any file.

    A refusal would fail the push. Only the syntax of a checksum can be verified.
    """
    match target.resource:
        case ReleaseFile(at, _):
            package = at.package
        case PackageMetadata(package):
            pass
        case _:
            return
    await registry.maven_publishing.require_right(package, by=by)
    if target.algorithm:
        Checksum.parse(target.algorithm, content)


CHALLENGE = 'Basic realm="Ballroom"'


def refusal_response(refusal: Refusal) -> func.HttpResponse:
    """Return the refusal as a line of plain text."""
    headers = retry_headers(refusal)
    if refusal.kind is RefusalKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = CHALLENGE
    return _text_response(str(refusal), STATUS_BY_KIND[refusal.kind], headers)


def failure_response(request_id: str) -> func.HttpResponse:
    """Return a 500 with the request id, and without internal details."""
    message = f"The registry failed. Tell its operator this request id: {request_id}."
    return _text_response(message, 500, {})


def _text_response(message: str, status: int, headers: dict[str, str]) -> func.HttpResponse:
    body = f"{message}\n".encode()
    headers |= {"Cache-Control": "no-store", "Content-Length": str(len(body))}
    return func.HttpResponse(body, status_code=status, headers=headers, mimetype=TEXT)


maven_errors = handler_decorator(refusal_response, failure_response)
