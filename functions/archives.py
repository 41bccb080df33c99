"""GET /archives/{scope}/{digest}/{version}/{file}: the bytes of an archive, the second hop of a
pull.

A host on a single machine streams this path from the disk, over the same `archive_response`; this
Function serves where the host buffers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import azure.functions as func

from functions.central.responses import CORS_HEADERS, central_errors
from functions.http.callers import anonymous_caller, caller_of
from functions.http.requests import headers_of
from shared.composition import Registry
from shared.conditional_requests import RangeNotSatisfiable, is_known, requested_range
from shared.domain.archives.delivery import ClientKind
from shared.domain.archives.names import ArchiveName, Digest
from shared.domain.errors.base import InvalidDigest
from shared.domain.errors.packages import ArchiveNotFound
from shared.domain.identity import Principal
from shared.domain.packages import Visibility
from shared.services.archives import ArchiveLink, ArchiveRedirect
from shared.services.packages import AvailableRelease

# GET /archives/{scope}/{digest}/{version}/{file}: the bytes of a bala, hop two of a pull.
#
# A host on a single machine streams this path from the disk, over the same `archive_answer`; this
# Function serves where the host buffers.

CACHE_PUBLIC = "public, max-age=300"  # A quarantine reaches shared caches within five minutes.
CACHE_PRIVATE = "private, no-store"


@dataclass(frozen=True, slots=True)
class ArchiveResponse:
    """An archive that may be sent, and the headers that say so."""

    name: ArchiveName
    side: Visibility
    size: int
    etag: str
    headers: Mapping[str, str]
    stands: bool


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that sends archives."""
    bp = func.Blueprint()

    @bp.route("archives/{scope}/{digest}/{version}/{file}", methods=["GET", "HEAD"])
    @central_errors
    async def archive_bytes(req: func.HttpRequest) -> func.HttpResponse:
        parts = [req.route_params[part] for part in ("scope", "digest", "version", "file")]
        found = await archive_response(registry, parts, req.params, headers_of(req))
        if is_known(headers_of(req), etag=found.etag):
            return func.HttpResponse(status_code=304, headers=found.headers)
        if req.method == "HEAD":
            return func.HttpResponse(headers={**found.headers, "Content-Length": str(found.size)})
        return await _content(registry, found, req)

    return bp


async def archive_response(
    registry: Registry, parts: list[str], params: Mapping[str, str], headers: Mapping[str, str]
) -> ArchiveResponse:
    """Return what to send for these parts of the path; or raise its refusal."""
    link = _link(parts, params)
    served = await registry.archive_delivery.open(link, await _caller(registry, link, headers))
    etag, is_public = f'"{link.digest}"', served.container is Visibility.PUBLIC
    return ArchiveResponse(
        name=served.release.archive,
        side=served.container,
        size=served.release.size_bytes,
        etag=etag,
        headers={
            **CORS_HEADERS,
            "ETag": etag,
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename={link.file}",
            "Cache-Control": CACHE_PUBLIC if is_public else CACHE_PRIVATE,
        },
        stands=is_public,
    )


async def _caller(registry: Registry, link: ArchiveLink, headers: Mapping[str, str]) -> Principal:
    """Return who asks, where it matters: public archives and good links ignore credentials."""
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
        body = await registry.archives.read(found.name, first=found.side)
        return func.HttpResponse(body, headers=headers)
    body = await registry.archives.read(found.name, span.start, len(span), first=found.side)
    headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{found.size}"
    return func.HttpResponse(body, status_code=206, headers=headers)


async def second_hop_of(
    req: func.HttpRequest, offer: AvailableRelease, registry: Registry
) -> ArchiveRedirect:
    """Return where this client gets the bytes; it sends there again what it sent here."""
    carries = "authorization" in headers_of(req)
    caller = ClientKind.CARRYING if carries else ClientKind.PLAIN
    return await registry.archive_delivery.redirect(offer.head, offer.release, to=caller)
