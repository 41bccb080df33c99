"""The two hops of a pull: the redirect, and GET /archives/{scope}/{digest}/{version}/{file}; and
archives by their coordinates, which may not be stored yet.

On one machine the local host streams the files of that path from the disk, with the headers of
`archive_to_send`; the Function serves hosts that buffer responses.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Self

from msgspec import Struct

from functions.central.central_face import CORS_HEADERS, CentralFace
from functions.http.caching_headers import CACHE_PRIVATE
from functions.http.calls import Call, Exchange, anonymous_caller, caller_of
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import (
    ARCHIVE_CACHE_PUBLIC,
    ARCHIVE_TYPE,
    PullProtocol,
    client_kind,
    content_disposition,
)
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName, archive_file_name
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT, ClientProfile
from shared.domain.errors.base import InvalidDigest
from shared.domain.errors.identity import SignInToRead
from shared.domain.errors.packages import ArchiveNotFound
from shared.domain.principals import Principal
from shared.domain.versions import Range, Version
from shared.domain.visibility import Readers
from shared.registry import Registry
from shared.runtime.answer_dependencies import Dependencies
from shared.runtime.answers import Answer
from shared.runtime.conditional_requests import select
from shared.services.packages.archive_delivery import (
    COORDINATES,
    SCANNED,
    ArchiveLink,
    DeliveredArchive,
    ScannedArchive,
)
from shared.services.packages.pull_redirects import LocatedArchive


class ArchiveToSend(Struct, frozen=True):
    """An archive that the caller may read, and the headers to send it with."""

    name: ArchiveName
    container: ArchiveContainer
    size: int
    etag: str
    headers: Mapping[str, str]
    depends_on: Dependencies | None  # As in `Answer`; None if the archive is not for everybody.


central = CentralFace()
FACES = (central,)


# A signed link needs no credentials, and `archive_caller` asks for them without one.
@central.read(
    "archives/{scope}/{digest}/{version}/{file}",
    ignores_credentials=True,
    serves_anonymous_always=True,
)
async def archive_bytes(call: Call) -> Answer:
    link = link_of([call.route_params[each] for each in LINK_PARTS], call.params)
    call.set_caller(await archive_caller(call.registry, link, call.headers))
    found = await archive_to_send(call.registry, link, call.caller, call.exchange)
    return await _archive_answer(call, found)


@central.read(f"{COORDINATES}{{org}}/{{name}}/{{version}}/{{file}}")
async def archive_of_release(call: Call) -> Answer:
    """Send the archive of a release that may not be stored yet: it is fetched from the upstream
    first, and no redirect follows, because clients follow none."""
    at = call.coordinate
    delivery = call.registry.packages.archive_delivery
    found = await call.package_source.find(
        at.package, at.version, client=ANY_CLIENT, by=call.caller
    )
    served = delivery.named(found.head, found.release, call.route_params["file"])
    pulled = PulledRelease.of(served.release.coordinate, is_public=served.is_public)
    _record_pull(call.registry, call.exchange, pulled, call.caller)
    return await _archive_answer(call, _to_send(served))


async def _archive_answer(call: Call, found: ArchiveToSend) -> Answer:
    selected = select(call.headers, tag=found.etag, length=found.size, method=call.method)
    is_sent = selected.span and not call.is_head
    delivery = call.registry.packages.archive_delivery
    body = await delivery.read(found.name, selected.span, found.container) if is_sent else b""
    return Answer(body, selected.status, selected.headers(found.headers))


async def archive_to_send(
    registry: Registry, link: ArchiveLink, caller: Principal, exchange: Exchange
) -> ArchiveToSend:
    """Return the archive of a link; raise a refusal if there is none for the caller.

    A caller who is known came without a signed link, so by no redirect, and nobody has recorded
    this pull yet.
    """
    delivery = registry.packages.archive_delivery
    if link.scope == SCANNED:
        return _to_scan(await delivery.open_scanned(link))
    served = await delivery.open(link, caller)
    if registry.mirroring:
        await registry.mirroring.reader.require_age(served.release)
    if not caller.is_anonymous:
        pulled = PulledRelease.of(served.release.coordinate, is_public=served.is_public)
        _record_pull(registry, exchange, pulled, caller)
    return _to_send(served)


def _to_send(served: DeliveredArchive) -> ArchiveToSend:
    etag = f'"{served.release.archive_digest}"'
    is_public = served.container is ArchiveContainer.PUBLIC
    coordinate = served.release.coordinate
    file = archive_file_name(coordinate, served.release.platform)
    return ArchiveToSend(
        name=served.release.archive,
        container=served.container,
        size=served.release.size_bytes,
        etag=etag,
        headers={
            **CORS_HEADERS,
            **_archive_headers(etag, file, ARCHIVE_CACHE_PUBLIC if is_public else CACHE_PRIVATE),
        },
        depends_on=Dependencies(frozenset((coordinate.package.key,))) if is_public else None,
    )


def _to_scan(archive: ScannedArchive) -> ArchiveToSend:
    name = archive.name
    etag = f'"{name.digest}"'
    file = archive_file_name(name.coordinate, name.platform)
    return ArchiveToSend(
        name=name,
        container=ArchiveContainer.PRIVATE,
        size=archive.size_bytes,
        etag=etag,
        headers=_archive_headers(etag, file, CACHE_PRIVATE),
        depends_on=None,
    )


def _archive_headers(etag: str, file: str, cache_control: str) -> dict[str, str]:
    return {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Type": ARCHIVE_TYPE,
        "Content-Disposition": content_disposition(file),
        "Cache-Control": cache_control,
    }


async def archive_caller(
    registry: Registry, link: ArchiveLink, headers: Mapping[str, str]
) -> Principal:
    """Identify the caller; for public archives and valid links, credentials are ignored.

    Raises `SignInToRead` where only signed-in people read, and what `caller_of` raises.
    """
    if await registry.packages.archive_delivery.may_follow(link):
        return anonymous_caller(headers, registry.settings.proxies)
    caller = await caller_of(headers, registry)
    if caller.is_anonymous and registry.settings.readers is Readers.SIGNED_IN:
        raise SignInToRead(registry.settings.base_url)
    return caller


LINK_PARTS = ("scope", "digest", "version", "file")  # The parameters of the path of a link.


def link_of(parts: Sequence[str], params: Mapping[str, str]) -> ArchiveLink:
    """Parse the parts of the path of an archive, and its query."""
    scope, digest, version, file = parts
    try:
        parsed = Digest.parse(digest)
    except InvalidDigest:
        raise ArchiveNotFound from None
    expires = params.get("expires", "")
    signature = params.get("signature", "")
    return ArchiveLink(scope, parsed, version, file, expires, signature)


async def locate_archive(
    call: Call,
    package: Package,
    wanted: Version | Range,
    *,
    client: ClientProfile,
    protocol: PullProtocol,
) -> LocatedArchive:
    """Return where the caller gets the archive that they pull; raise `ReleaseNotFound`."""
    authorization = call.headers.get("authorization")
    kind = client_kind(protocol, authorization=authorization, agent=call.header("user-agent"))
    return await call.registry.packages.pull_redirects.locate(
        package, wanted, call.package_source, client=client, to=kind, by=call.caller
    )


def redirect_to_archive(call: Call, at: LocatedArchive, headers: dict[str, str]) -> Answer:
    """Count and record a pull, as each cache hit does, and redirect to the archive."""
    pulled = PulledRelease.of(at.coordinate, is_public=at.is_public)
    count = partial(_count_pull, at.published_ms, pulled)
    count(call)
    sent = {**headers, "Location": at.url, "Cache-Control": at.cache_control}
    return Answer(
        status=302,
        headers=sent,
        on_cache_hit=count,
        cacheable_until_ms=at.cacheable_until_ms,
        depends_on=at.depends_on,
    )


class PulledRelease(Struct, frozen=True):
    """A release that somebody pulls, and whether its package is public.

    `text` is the coordinate for the log, and `key` its key, made once for all hits of an answer.
    """

    coordinate: Coordinate
    is_public: bool
    text: str
    key: str

    @classmethod
    def of(cls, coordinate: Coordinate, *, is_public: bool) -> Self:
        return cls(coordinate, is_public, str(coordinate), coordinate.key)


def _count_pull(published_ms: int, pulled: PulledRelease, call: Call) -> None:
    """Record a pull, and count it: no `HEAD`, and none of a client that opts out."""
    # Recorded in every case: a client that uses HEAD or opts out of counting also learns where the
    # archive is.
    _record_pull(call.registry, call.exchange, pulled, call.caller)
    opts_out = call.headers.get("ballerina-central-telemetry-disabled")
    is_silent = opts_out is not None and opts_out.lower() == "true"
    if call.exchange.method == "GET" and not is_silent:
        caller = call.caller
        client = caller.id or f"{caller.address} {call.header('user-agent')}"
        packages = call.registry.packages
        packages.release_pullers.add(pulled.coordinate, _who(caller), published_ms, key=pulled.key)
        packages.pull_counter.count(pulled.coordinate, client, key=pulled.key)


def _record_pull(
    registry: Registry, exchange: Exchange, pulled: PulledRelease, caller: Principal
) -> None:
    """Say in the line of the request who pulls what, and record it."""
    exchange.pulled = pulled.text
    exchange.caller = caller
    registry.packages.pull_recorder.add(
        pulled.coordinate, is_public=pulled.is_public, by=caller, key=pulled.key
    )


def _who(caller: Principal) -> str:
    """Return what identifies an account, a CI job, or the address of a caller without either."""
    if caller.provenance:
        job = caller.provenance
        return f"{caller.id} {job.provider} {job.repository} {job.workflow}"
    return caller.id or caller.address
