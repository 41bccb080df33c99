"""What the Maven face answers to GET and HEAD."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

import azure.functions as func

from functions._documents import Document, document_answer
from functions._http import JSON, tags_to_trust
from functions._maven import TEXT, XML
from functions._maven_paths import (
    Asked,
    ClientMetadata,
    FileKind,
    PackageMetadata,
    ReleaseFile,
    Resource,
    Target,
    ToolMetadata,
)
from functions._second_hop import second_hop_of
from functions._standing import pull_of, stands
from functions.maven_searching import found_document
from shared.domain.checksum import Algorithm
from shared.domain.derived_maven import (
    client_metadata,
    depgraph,
    listeners,
    tool_metadata,
)
from shared.domain.errors import PackageNotFound
from shared.domain.identity import Principal
from shared.domain.names import Coordinate
from shared.domain.package import Head, Visibility
from shared.domain.pom import pom_of
from shared.registry import Registry
from shared.services.enumerating import VersionList
from shared.services.pulling import Offer


async def answer_to_read(
    registry: Registry, req: func.HttpRequest, target: Target, by: Principal
) -> func.HttpResponse:
    """Return the document that the path names, its checksum, or the way to an archive."""
    match target:
        case Target(ReleaseFile(at, FileKind.ARCHIVE), None):
            return await _archive(registry, req, at, by)
        case Target(ReleaseFile(at, FileKind.ARCHIVE), Algorithm() as algorithm):
            document = await _archive_checksum(registry, at, algorithm, by)
            return _answer(registry, req, document)
        case Target(resource, algorithm):
            # Where a checksum is asked for, the tags are of checksums.
            known = frozenset[str]() if algorithm else tags_to_trust(req)
            document = await _document(registry, resource, by, known)
            summed = _summed(document, algorithm) if algorithm else document
            return _answer(registry, req, summed)


def _answer(registry: Registry, req: func.HttpRequest, document: Document) -> func.HttpResponse:
    answer = document_answer(req, document)
    return stands(answer, registry) if document.stands else answer


async def _archive(
    registry: Registry, req: func.HttpRequest, at: Coordinate, by: Principal
) -> func.HttpResponse:
    offer = await registry.browsing.release(at, by=by)
    counts = pull_of(offer.release.coordinate, registry)
    counts(req, by)
    hop = await second_hop_of(req, offer, registry)
    headers = {"Location": hop.url, "Cache-Control": hop.cache_control, "Content-Length": "0"}
    response = func.HttpResponse(status_code=302, headers=headers)
    return stands(response, registry, counts) if hop.stands else response


async def _archive_checksum(
    registry: Registry, at: Coordinate, algorithm: Algorithm, by: Principal
) -> Document:
    offer = await registry.browsing.release(at, by=by)
    checksum = await registry.checking.checksum(offer.release, algorithm)
    return Document(checksum.encode(), TEXT, _is_public(offer.head), stands=True)


def _summed(document: Document, algorithm: Algorithm) -> Document:
    return replace(document, content=algorithm.of(document.content).encode(), media_type=TEXT)


async def _document(
    registry: Registry, resource: Resource, by: Principal, known: Collection[str]
) -> Document:
    """Return a document; `known` are the tags of what the client has of it."""
    match resource:
        case PackageMetadata(package):
            return _listed(await registry.enumerating.versions(package, by=by, known=known))
        case ReleaseFile(at, kind):
            return await _release_document(
                registry, await registry.browsing.release(at, by=by), kind
            )
        case ClientMetadata():
            return await _client_document(registry, resource, by, known)
        case ToolMetadata(distribution, tool):
            survey = await registry.browsing.tool(tool, client=distribution.client, by=by)
            content = tool_metadata(distribution, tool, survey)
            return Document(content, XML, _is_public(survey.head), stands=True)
        case Asked():
            return await found_document(registry, resource, by)


async def _release_document(registry: Registry, offer: Offer, kind: FileKind) -> Document:
    match kind:
        case FileKind.GRAPH:
            graph = await registry.browsing.graph(offer)
            content, media_type = depgraph(offer.head, offer.release, graph), JSON
        case FileKind.LISTENERS:
            content, media_type = listeners(offer.release), JSON
        case FileKind.SBOM:
            content, media_type = await registry.browsing.sbom(offer), JSON
        case _:
            content, media_type = pom_of(offer.release.coordinate), XML
    return Document(content, media_type, _is_public(offer.head), stands=True)


async def _client_document(
    registry: Registry, wanted: ClientMetadata, by: Principal, known: Collection[str]
) -> Document:
    """Return what a distribution can use of a package, and an empty list for what is not there.

    A build asks for every package that a module may be in, and some clients stop at a 404 and
    look up no other import.
    """
    distribution, package = wanted.distribution, wanted.package
    if package:
        with suppress(PackageNotFound):
            usable = registry.enumerating.usable(package, distribution, by=by, known=known)
            return _listed(await usable)
    return Document(client_metadata(distribution, wanted.org, wanted.name, None), XML, True)


def _listed(versions: VersionList) -> Document:
    content, stands = versions.document.content, not versions.is_remembered
    return Document(content, XML, versions.is_public, stands=stands)


def _is_public(head: Head) -> bool:
    return head.visibility is Visibility.PUBLIC
