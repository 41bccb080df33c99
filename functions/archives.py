"""The two hops of a pull: the redirect, and GET /archives/{scope}/{digest}/{version}/{file}.

On one machine the local host streams the files of that path from the disk, with the headers of
`archive_response`; the Function serves hosts that buffer responses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import azure.functions as func

from functions.central.responses import CORS_HEADERS, central_errors
from functions.http.answer_cache import RepeatEffect, with_repeat_effect
from functions.http.callers import anonymous_caller, caller_of
from functions.http.requests import header, headers_of
from functions.http.responses import NO_STORE
from shared.composition import Registry
from shared.conditional_requests import (
    RangeNotSatisfiable,
    is_current,
    is_known,
    requested_range,
)
from shared.domain.archives.delivery import ARCHIVE_TYPE, ClientKind, content_disposition
from shared.domain.archives.names import ArchiveName, Digest, archive_file_name
from shared.domain.errors.base import InvalidDigest
from shared.domain.errors.packages import ArchiveNotFound
from shared.domain.identity import Principal
from shared.domain.names import Coordinate
from shared.domain.packages import Visibility
from shared.services.archives import ArchiveLink, ArchiveRedirect
from shared.services.packages import AvailableRelease

CACHE_PUBLIC = "public, max-age=300"  # A quarantine reaches shared caches within five minutes.
CACHE_PRIVATE = "private, no-store"


@dataclass(frozen=True, slots=True)
class ArchiveResponse:
    """An archive that the caller may read, and the headers to send it with."""

    name: ArchiveName
    container: Visibility
    size: int
    etag: str
    headers: Mapping[str, str]
    is_cacheable: bool


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.route("archives/{scope}/{digest}/{version}/{file}", methods=["GET", "HEAD"])
    @central_errors
    async def archive_bytes(req: func.HttpRequest) -> func.HttpResponse:
        parts = [req.route_params[part] for part in ("scope", "digest", "version", "file")]
        found = await archive_response(registry, parts, req.params, headers_of(req))
        if not is_current(headers_of(req), etag=found.etag):
            return func.HttpResponse(status_code=412, headers={**found.headers, **NO_STORE})
        if is_known(headers_of(req), etag=found.etag):
            return func.HttpResponse(status_code=304, headers=found.headers)
        if req.method == "HEAD":
            return func.HttpResponse(headers={**found.headers, "Content-Length": str(found.size)})
        return await _content(registry, found, req)

    return bp


async def archive_response(
    registry: Registry, parts: list[str], params: Mapping[str, str], headers: Mapping[str, str]
) -> ArchiveResponse:
    """Return the archive of this path; raise a refusal if there is none for the caller."""
    link = _link(parts, params)
    served = await registry.archive_delivery.open(link, await _caller(registry, link, headers))
    etag, is_public = f'"{link.digest}"', served.container is Visibility.PUBLIC
    file = archive_file_name(served.release.coordinate, served.release.platform)
    return ArchiveResponse(
        name=served.release.archive,
        container=served.container,
        size=served.release.size_bytes,
        etag=etag,
        headers={
            **CORS_HEADERS,
            "ETag": etag,
            "Accept-Ranges": "bytes",
            "Content-Type": ARCHIVE_TYPE,
            "Content-Disposition": content_disposition(file),
            "Cache-Control": CACHE_PUBLIC if is_public else CACHE_PRIVATE,
        },
        is_cacheable=is_public,
    )


async def _caller(registry: Registry, link: ArchiveLink, headers: Mapping[str, str]) -> Principal:
    """Identify the caller; for public archives and valid links, credentials are ignored."""
    if await registry.archive_delivery.may_follow(link):
        return anonymous_caller(headers, registry)
    return await caller_of(headers, registry)


def _link(parts: list[str], params: Mapping[str, str]) -> ArchiveLink:
    scope, digest, version, file = parts
    try:
        parsed = Digest.parse(digest)
    except InvalidDigest:
        raise ArchiveNotFound from None
    expires, signature = params.get("expires", ""), params.get("signature", "")
    return ArchiveLink(scope, parsed, version, file, expires, signature)


async def _content(
    registry: Registry, found: ArchiveResponse, req: func.HttpRequest
) -> func.HttpResponse:
    headers = dict(found.headers)
    try:
        span = requested_range(headers_of(req), size=found.size, etag=found.etag)
    except RangeNotSatisfiable:
        return func.HttpResponse(
            status_code=416, headers={"Content-Range": f"bytes */{found.size}"}
        )
    if span is None:
        body = await registry.adapters.archives.read(found.name, first=found.container)
        return func.HttpResponse(body, headers=headers)
    body = await registry.adapters.archives.read(
        found.name, span.start, len(span), first=found.container
    )
    headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{found.size}"
    return func.HttpResponse(body, status_code=206, headers=headers)


async def redirect_to_archive(
    req: func.HttpRequest,
    offer: AvailableRelease,
    registry: Registry,
    *,
    by: Principal,
    headers: Callable[[ArchiveRedirect], Mapping[str, str]],
) -> func.HttpResponse:
    """Count a pull, and redirect to the archive, with the headers of a face.

    For `cacheable` handlers: each repeat of the redirect counts a pull, too.
    """
    count = _pull_counter(offer.release.coordinate, registry)
    count(req, by)
    # Clients send the same headers to the second hop.
    carries = "authorization" in headers_of(req)
    client = ClientKind.WITH_AUTHORIZATION if carries else ClientKind.WITHOUT_AUTHORIZATION
    redirect = await registry.archive_delivery.redirect(offer.head, offer.release, to=client)
    response = func.HttpResponse(status_code=302, headers=headers(redirect))
    return with_repeat_effect(response, count, until_ms=redirect.repeated_until_ms)


def _pull_counter(coordinate: Coordinate, registry: Registry) -> RepeatEffect:
    """Return what counts a request as a pull: no `HEAD`, and none of a client that opts out."""

    def count(req: func.HttpRequest, by: Principal) -> None:
        is_silent = header(req, "ballerina-central-telemetry-disabled").lower() == "true"
        if req.method == "GET" and not is_silent:
            client = by.id or f"{by.address} {header(req, 'user-agent')}"
            registry.pull_counter.count(coordinate, client)

    return count
