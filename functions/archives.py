"""GET /archives/{scope}/{digest}/{version}/{file}: the bytes of a bala, hop two of a pull.

A host on a single machine streams this path from the disk, over the same `archive_answer`; this
Function serves where the host buffers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import azure.functions as func

from functions._central import CORS, central_errors
from functions._http import caller_of, headers_of, stranger_of
from shared.domain.archive_name import ArchiveName
from shared.domain.digest import Digest
from shared.domain.errors import ArchiveNotFound, InvalidDigest
from shared.domain.identity import Principal
from shared.domain.package import Visibility
from shared.ranges import Unsatisfiable, is_known, requested_range
from shared.registry import Registry
from shared.services.serving import ArchiveLink

PUBLIC = "public, max-age=300"  # A quarantine reaches shared caches within five minutes.
PRIVATE = "private, no-store"


@dataclass(frozen=True, slots=True)
class ArchiveAnswer:
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
        found = await archive_answer(registry, parts, req.params, headers_of(req))
        if is_known(headers_of(req), etag=found.etag):
            return func.HttpResponse(status_code=304, headers=found.headers)
        if req.method == "HEAD":
            return func.HttpResponse(headers={**found.headers, "Content-Length": str(found.size)})
        return await _content(registry, found, req)

    return bp


async def archive_answer(
    registry: Registry, parts: list[str], params: Mapping[str, str], headers: Mapping[str, str]
) -> ArchiveAnswer:
    """Return what to send for these parts of the path; or raise its refusal."""
    link = _link(parts, params)
    served = await registry.serving.open(link, await _caller(registry, link, headers))
    etag, is_public = f'"{link.digest}"', served.side is Visibility.PUBLIC
    return ArchiveAnswer(
        name=served.release.archive,
        side=served.side,
        size=served.release.size_bytes,
        etag=etag,
        headers={
            **CORS,
            "ETag": etag,
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename={link.file}",
            "Cache-Control": PUBLIC if is_public else PRIVATE,
        },
        stands=is_public,
    )


async def _caller(registry: Registry, link: ArchiveLink, headers: Mapping[str, str]) -> Principal:
    """Return who asks, where it matters: public archives and good links ignore credentials."""
    if await registry.serving.is_open(link):
        return stranger_of(headers, registry)
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
    registry: Registry, found: ArchiveAnswer, req: func.HttpRequest
) -> func.HttpResponse:
    headers = dict(found.headers)
    try:
        span = requested_range(headers_of(req), size=found.size, etag=found.etag)
    except Unsatisfiable:
        return func.HttpResponse(
            status_code=416, headers={"Content-Range": f"bytes */{found.size}"}
        )
    if span is None:
        body = await registry.archives.read(found.name, first=found.side)
        return func.HttpResponse(body, headers=headers)
    body = await registry.archives.read(found.name, span.start, len(span), first=found.side)
    headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{found.size}"
    return func.HttpResponse(body, status_code=206, headers=headers)
