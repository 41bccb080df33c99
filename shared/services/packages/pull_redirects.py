"""Which redirect a pull answers: from where the client fetches the archive of a release that its
caller may have. docs/run/azure/archive-delivery.md describes the routes.

In the cloud an instance caches redirects in memory (`RedirectCache`). The host of Azure calls
the Function for each pull, and a cached redirect spares it reading records, and for a while signing
a link. A cached redirect takes a third of the memory of the records that it is made of.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from math import inf
from urllib.parse import urlencode

import orjson
from msgspec import Struct
from msgspec.structs import replace

from shared.auth.known_readers import KnownReaders
from shared.auth.signing_keys import ArchiveLinkSigner
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import (
    LINK_CACHE_DIVISOR,
    Cdn,
    ClientKind,
    DeliveryRoute,
    LinkedArchive,
    is_placement_settled,
    second_hop,
)
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import archive_file_name
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ClientProfile
from shared.domain.errors.base import Unavailable
from shared.domain.packages import AvailableRelease, Head, Release, archive_container
from shared.domain.principals import Principal
from shared.domain.times import MS
from shared.domain.versions import Range, Version
from shared.domain.visibility import Readers, Visibility
from shared.ports.archive_delivery import ArchiveLinks
from shared.ports.system import Clock
from shared.runtime.answer_dependencies import Dependencies
from shared.runtime.editions import Edition
from shared.runtime.lru_cache import LruCache
from shared.services.packages.archive_delivery import ArchiveDelivery, ArchiveLink
from shared.services.packages.source import PackageSource

SIGNED_LINK_LIFETIME = timedelta(minutes=10)  # A slow client on a 64 MiB archive needs about eight.

NO_STORE = "no-store"
# For redirects to signed links: anybody who has such a link can use it.
PRIVATE_NO_STORE = "private, no-store"

CAPACITY_BYTES = 256 * 1024 * 1024  # Some 110,000 redirects.
LONGEST_PLACE = 500  # Characters. Longer ones are no versions that clients ask for.

_ENTRY_BYTES = 1_200  # Memory of a cached redirect without its texts, measured with tracemalloc.


class DeliveryRoutes(Struct, frozen=True):
    """Who else serves archives: a CDN, and the store by links of its own."""

    cdn_url: str
    cdn: Cdn
    links: ArchiveLinks | None  # None on one machine.


class ArchiveRedirect(Struct, frozen=True):
    """The address of an archive, and who may cache the redirect to it."""

    url: str
    cache_control: str
    # Until when everybody gets the same redirect while the records do not change, by the monotonic
    # clock.
    cacheable_until_ms: float
    # The linked archive, if another link to it may be signed from the same records.
    archive: LinkedArchive | None = None


class LocatedArchive(Struct, frozen=True):
    """The address of the archive of a release, and what faces say beside it."""

    coordinate: Coordinate
    file: str
    archive_digest: Digest
    deprecation: str | None
    cache_control: str
    url: str
    published_ms: int
    is_public: bool
    is_mirrored: bool
    depends_on: Dependencies | None
    # Until when the address stays the same while the records do not change, by the monotonic clock.
    cacheable_until_ms: float


class PullRedirects(Struct, frozen=True):
    """Decides where a pull is redirected, or finds an earlier decision in the cache."""

    delivery: ArchiveDelivery
    routes: DeliveryRoutes
    signer: ArchiveLinkSigner
    readers: Readers
    cache: "RedirectCache | None"  # None on one machine, whose host caches whole answers.
    clock: Clock
    mirrored_fresh_ms: int  # Requests refresh a release of an upstream that often.
    # Returns whose rule limits the caller to approved releases of upstreams; empty for nobody's.
    limited_by: Callable[[Principal], Awaitable[str]]

    async def locate(
        self,
        package: Package,
        wanted: Version | Range,
        source: PackageSource,
        *,
        client: ClientProfile,
        to: ClientKind,
        by: Principal,
    ) -> LocatedArchive:
        """Return where the caller gets the archive of the release that `source` finds; raise what
        that raises."""
        cache = self.cache
        if cache is None:
            found = await source.find(package, wanted, client=client, by=by)
            located, _ = await self._located(found, wanted, to)
            return located
        place = f"{package.key}\n{wanted}\n{to.name}"
        if isinstance(wanted, Range):
            place += f"\n{','.join(sorted(client.platforms or ()))}\n{client.language}"
        edition_number = cache.edition_number
        cached = await cache.find(place, package.org, by)
        if cached is not None:
            located = _decoded(cached)
            if not located.is_mirrored or not await self.limited_by(by):
                return located
        found = await source.find(package, wanted, client=client, by=by)
        located, archive = await self._located(found, wanted, to)
        depends_on = located.depends_on
        if depends_on is not None:
            content = _encoded(located, depends_on)
            redirect = Redirect(content, located.url, located.cacheable_until_ms, archive)
            cache.put(place, redirect, depends_on, edition_number=edition_number, by=by)
        return located

    async def _located(
        self, found: AvailableRelease, wanted: Version | Range, to: ClientKind
    ) -> tuple[LocatedArchive, LinkedArchive | None]:
        """Return the address, and the archive in the store if another link to it may follow."""
        release = found.release
        coordinate = release.coordinate
        file = archive_file_name(coordinate, release.platform)
        redirect = await self._redirect(found.head, release, file, to=to)
        until_ms = redirect.cacheable_until_ms
        archive = redirect.archive
        if release.upstream is not None:  # It is looked at again when it is no longer fresh.
            until_ms = min(until_ms, self.clock.monotonic_ms() + self.mirrored_fresh_ms)
            archive = None
        located = LocatedArchive(
            coordinate=coordinate,
            file=file,
            archive_digest=release.archive_digest,
            deprecation=found.deprecation,
            cache_control=redirect.cache_control,
            url=redirect.url,
            published_ms=release.created_ms,
            is_public=found.head.visibility is Visibility.PUBLIC,
            is_mirrored=release.upstream is not None,
            depends_on=Dependencies.of_release(found.head, release, wanted),
            cacheable_until_ms=until_ms,
        )
        return located, archive

    async def _redirect(
        self, head: Head, release: Release, file: str, *, to: ClientKind
    ) -> ArchiveRedirect:
        """Return the address from which a client of this kind fetches the archive."""
        link = self.delivery.link_of_file(head, release, file)
        links = self._links(head, release)
        container = archive_container(head, release, self.readers)
        route = second_hop(to, container, self.routes.cdn, is_linked=links is not None)
        if links and route is DeliveryRoute.STORE:
            with suppress(Unavailable):  # Then the registry serves the archive itself.
                made = await links.link(release.archive, container, file)
                archive = LinkedArchive(release.archive, container, file)
                return ArchiveRedirect(made.url, PRIVATE_NO_STORE, made.cacheable_until_ms, archive)
        if route is DeliveryRoute.CDN:
            return ArchiveRedirect(f"{self.routes.cdn_url}{link.path}", NO_STORE, inf)
        url, until_ms = await self._own_url(link)
        # Another address may be better soon: the archive gets its place, or the store signs again.
        is_lasting = self.routes.links is None or (links and route is not DeliveryRoute.STORE)
        return ArchiveRedirect(url, NO_STORE, until_ms if is_lasting else 0)

    def _links(self, head: Head, release: Release) -> ArchiveLinks | None:
        """Return the store's links, unless the archive may still be moving between containers."""
        links = self.routes.links
        if links is None:
            return None
        now_ms = self.clock.now_ms()
        is_settled = is_placement_settled(head, release, self.readers, now_ms=now_ms)
        return links if is_settled else None

    async def _own_url(self, link: ArchiveLink) -> tuple[str, float]:
        """Return an address that needs no credentials, and until when of the monotonic clock it may
        be cached: for a private package it expires.

        Where a CDN reads blobs, it takes all requests for public paths, so the registry sends a
        public archive by a signed link, too.
        """
        if link.scope == ArchiveContainer.PUBLIC.value and not self.delivery.reads_blobs:
            return self.delivery.stable_url(link), inf
        url = self.delivery.stable_url(replace(link, scope=ArchiveContainer.PRIVATE.value))
        await self.signer.ready()
        lifetime_ms = SIGNED_LINK_LIFETIME // MS
        expires_ms = self.clock.now_ms() + lifetime_ms
        signature = self.signer.sign(url.removeprefix(self.delivery.base_url), expires_ms)
        # Clients split the whole URL on `/`, so its query may hold none.
        signed = f"{url}?{urlencode({'expires': expires_ms, 'signature': signature})}"
        return signed, self.clock.monotonic_ms() + lifetime_ms // LINK_CACHE_DIVISOR


def _encoded(located: LocatedArchive, depends_on: Dependencies) -> bytes:
    at = located.coordinate
    text = located.deprecation
    facts = (
        at.package.org,
        at.package.name,
        at.version.text,
        located.file,
        located.archive_digest.hex,
    )
    readers = sorted(depends_on.readers)
    rest = (located.cache_control, located.published_ms, readers, located.is_mirrored)
    return orjson.dumps((*facts, text, *rest))


def _decoded(cached: "Redirect") -> LocatedArchive:
    org, name, version, file, digest, deprecation, *rest = orjson.loads(cached.content)
    cache_control, published_ms, readers, is_mirrored = rest
    coordinate = Coordinate.parse(org, name, version)
    return LocatedArchive(
        coordinate=coordinate,
        file=file,
        archive_digest=Digest(digest),
        deprecation=deprecation,
        cache_control=cache_control,
        url=cached.url,
        published_ms=published_ms,
        is_public=not readers,
        is_mirrored=is_mirrored,
        depends_on=Dependencies(
            frozenset((coordinate.package.key,)), frozenset(readers), is_mirrored
        ),
        cacheable_until_ms=cached.cacheable_until_ms,
    )


class Redirect(Struct, frozen=True):
    """A located archive, encoded without its address, and the address."""

    content: bytes
    url: str
    cacheable_until_ms: float  # Until when the address is used, by the monotonic clock.
    archive: LinkedArchive | None  # What the address is signed for; None if no other may follow.


class _CachedRedirect(Struct, frozen=True):
    """A redirect, and what it depends on."""

    redirect: Redirect
    edition_number: int  # The number from before the redirect was computed.
    package: str
    readers_of: str  # The readers of whom the caller has to be one, as in `Head.readers`.


class RedirectCache:
    """Stores the redirects that were used last, while their packages are unchanged. Once a link is
    no longer used, the next pull signs another one, without a request to a store of records.

    One about a package that is not public is stored for its readers, and looked up only for callers
    that are known to be among them: for others a hidden package takes the same steps as a
    missing one (docs/decisions/0020).
    """

    def __init__(
        self,
        edition: Edition,
        readers: KnownReaders,
        clock: Clock,
        links: ArchiveLinks,
        *,
        capacity_bytes: int,
    ) -> None:
        self._edition = edition
        self._readers = readers
        self._clock = clock
        self._links = links
        self._redirects = LruCache[str, _CachedRedirect](capacity_bytes, weigh=_weigh)

    @property
    def edition_number(self) -> int:
        """The number to store with what is read from now on."""
        return self._edition.number

    async def find(self, place: str, org: str, by: Principal) -> Redirect | None:
        """Return the cached redirect for `by` at a place of an organization."""
        readers = self._readers.among(by, (org.lower(),))
        places = [place, *(_of_readers(place, each) for each in readers)]
        for each in places:
            cached = self._redirects.get(each)
            if cached is None or not await self._is_valid(each, cached):
                continue
            redirect = await self._with_link(each, cached)
            if redirect is not None:
                return redirect
        return None

    def put(
        self,
        place: str,
        redirect: Redirect,
        depends_on: Dependencies,
        *,
        edition_number: int,
        by: Principal,
    ) -> None:
        """Store a redirect that was made for `by`, if it depends on one package."""
        is_of_one = depends_on.is_of_packages and len(depends_on.packages) == 1
        if not is_of_one or len(depends_on.readers) > 1 or len(place) > LONGEST_PLACE:
            return
        [package] = depends_on.packages
        readers_of = "".join(depends_on.readers)
        if readers_of and not self._readers.includes(by, readers_of):
            return
        cached = _CachedRedirect(redirect, edition_number, package, readers_of)
        if self._is_cacheable(redirect) and self._edition.is_unchanged_since(
            edition_number, (cached.package,)
        ):
            self._redirects.put(_of_readers(place, readers_of) if readers_of else place, cached)

    async def _is_valid(self, place: str, cached: _CachedRedirect) -> bool:
        is_current = self._edition.is_current() or await self._edition.poll()
        if not self._edition.is_unchanged_since(cached.edition_number, (cached.package,)):
            self._redirects.drop(place)
            return False
        return is_current

    async def _with_link(self, place: str, cached: _CachedRedirect) -> Redirect | None:
        """Return the redirect with a link that may be used; None if there is none."""
        redirect = cached.redirect
        archive = cached.redirect.archive
        if self._is_cacheable(redirect):
            return redirect
        if archive is None:
            self._redirects.drop(place)
            return None
        try:
            link = await self._links.link(archive.name, archive.container, archive.file)
        except Unavailable:  # The registry sends the archive itself meanwhile.
            return None
        renewed = replace(redirect, url=link.url, cacheable_until_ms=link.cacheable_until_ms)
        # A change may have come while the link was awaited.
        if self._redirects.peek(place) is cached:
            self._redirects.put(place, replace(cached, redirect=renewed))
        return renewed

    def _is_cacheable(self, redirect: Redirect) -> bool:
        return self._clock.monotonic_ms() < redirect.cacheable_until_ms


def _weigh(place: str, cached: _CachedRedirect) -> int:
    texts = len(place) + len(cached.redirect.content) + len(cached.redirect.url)
    return _ENTRY_BYTES + texts


def _of_readers(place: str, org: str) -> str:
    return f"{place}\n\n{org}"
