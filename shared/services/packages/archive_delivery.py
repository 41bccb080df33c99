"""The delivery of archives: links to them, and who may follow a link.

Uploads are read in `archive_reader.py`, and `archive_relocation.py` moves archives between the
public and the private container.
"""

from contextlib import suppress
from datetime import timedelta
from math import inf
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.auth.signing_keys import ArchiveLinkSigner
from shared.domain.archives.delivery import (
    LIFETIMES_REPEATED,
    Cdn,
    ClientKind,
    DeliveryRoute,
    LinkedArchive,
    is_placement_settled,
    second_hop,
)
from shared.domain.archives.names import ArchiveName, Digest, archive_file_name, canonical_file_name
from shared.domain.errors.base import Unavailable
from shared.domain.errors.packages import ArchiveNotFound
from shared.domain.packages import (
    Head,
    Readers,
    Release,
    Visibility,
    archive_container,
    is_for_everybody,
)
from shared.domain.principals import Principal
from shared.domain.times import MS
from shared.ports.archive_delivery import ArchiveLinks
from shared.ports.metadata import PackageReader
from shared.ports.system import Clock

SIGNED_LINK_LIFETIME = timedelta(minutes=10)  # A slow client on a 64 MiB archive needs about eight.

COORDINATES = "archives/mirrored/"  # Below it, archives are named by their coordinates.

NO_STORE = "no-store"
PRIVATE_NO_STORE = "private, no-store"  # Of a redirect to a link that anybody may follow.


class ArchiveLink(Struct, frozen=True):
    """The parts of `/archives/{scope}/{digest}/{version}/{file}` and its signature, if any."""

    scope: str
    digest: Digest
    version: str
    file: str
    expires_ms: str = ""
    signature: str = ""

    @property
    def path(self) -> str:
        """The path, which is what a signature covers. Below `/archives/public/` it ends as the name
        of the blob does, where a CDN reads blobs."""
        return f"/archives/{self.scope}/{self.digest}/{self.version}/{self.file}"


def public_link_prefix(name: ArchiveName) -> str:
    """Return the prefix of all paths of an archive's public links, and of no other paths."""
    return f"/archives/{Visibility.PUBLIC.value}/{name.digest}/"


class DeliveryRoutes(Struct, frozen=True):
    """Who else serves archives: a CDN, and the store by links of its own."""

    cdn_url: str
    cdn: Cdn
    links: ArchiveLinks | None  # None on one machine.


class ArchiveRedirect(Struct, frozen=True):
    """The address of an archive, and who may cache the redirect to it."""

    url: str
    cache_control: str
    # Of the monotonic clock: how long it is the same for everybody while the records stand.
    repeated_until_ms: float
    archive: LinkedArchive | None = None  # Then another link to it may follow, of the same records.


class DeliveredArchive(Struct, frozen=True):
    """An archive that may be sent, and its container: anybody may cache a public one.

    `is_public` says whether its package is public, which only signed-in people may read on some
    registries.
    """

    release: Release
    container: Visibility
    is_public: bool


class ArchiveDelivery(Struct, frozen=True):
    """Makes links to archives and decides who may follow them."""

    authorization: Authorization
    records: PackageReader
    signer: ArchiveLinkSigner
    clock: Clock
    base_url: str
    edges: DeliveryRoutes
    readers: Readers

    def link(self, head: Head, release: Release) -> ArchiveLink:
        """Return the archive's link, without a signature."""
        is_blob = self._reads_blobs and is_for_everybody(head, self.readers)
        file_name = canonical_file_name if is_blob else archive_file_name
        file = file_name(release.coordinate, release.platform)
        return ArchiveLink(self._scope_of(head), release.content, release.version, file)

    def address(self, head: Head, release: Release) -> str:
        """Return the address of the archive of a release, which stays as it is.

        That of a release of the upstream that is not stored fetches it first. It names no digest,
        and is no path of archives that a CDN reads without asking the registry.
        """
        link = self.link(head, release)
        if release.is_stored:
            return self.stable_url(link)
        place = f"{release.org}/{release.name}/{release.version}/{link.file}"
        return f"{self.base_url}/{COORDINATES}{place}"

    def stable_url(self, link: ArchiveLink) -> str:
        """Return the archive's address; for a private package it needs the caller's token."""
        return f"{self.base_url}{link.path}"

    async def redirect(self, head: Head, release: Release, *, to: ClientKind) -> ArchiveRedirect:
        """Return where the caller gets the bytes: docs/run/azure/archive-delivery.md."""
        link = self.link(head, release)
        links = self._links(head, release)
        container = archive_container(head, release, self.readers)
        route = second_hop(to, container, self.edges.cdn, is_linked=links is not None)
        if links and route is DeliveryRoute.STORE:
            with suppress(Unavailable):  # Then the registry serves the archive itself.
                file = archive_file_name(release.coordinate, release.platform)
                made = await links.link(release.archive, container, file)
                archive = LinkedArchive(release.archive, container, file)
                return ArchiveRedirect(made.url, PRIVATE_NO_STORE, made.repeated_until_ms, archive)
        if route is DeliveryRoute.CDN:
            return ArchiveRedirect(f"{self.edges.cdn_url}{link.path}", NO_STORE, inf)
        url, until_ms = await self._own_url(link)
        # Another address may be better soon: the archive gets its place, or the store signs again.
        is_lasting = self.edges.links is None or (links and route is not DeliveryRoute.STORE)
        return ArchiveRedirect(url, NO_STORE, until_ms if is_lasting else 0)

    @property
    def _reads_blobs(self) -> bool:
        return self.edges.cdn is Cdn.READING_BLOBS

    def _links(self, head: Head, release: Release) -> ArchiveLinks | None:
        """Return the store's links, unless the archive may still be moving between containers."""
        return (
            self.edges.links
            if is_placement_settled(head, release, self.readers, now_ms=self.clock.now_ms())
            else None
        )

    async def _own_url(self, link: ArchiveLink) -> tuple[str, float]:
        """Return an address that needs no credentials, and until when of the monotonic clock it may
        be repeated: for a private package it expires.

        Where a CDN reads blobs, it takes all requests for public paths, so the registry sends a
        public archive by a signed link, too.
        """
        if link.scope == Visibility.PUBLIC.value and not self._reads_blobs:
            return self.stable_url(link), inf
        url = self.stable_url(replace(link, scope=Visibility.PRIVATE.value))
        await self.signer.ready()
        lifetime_ms = SIGNED_LINK_LIFETIME // MS
        expires_ms = self.clock.now_ms() + lifetime_ms
        signature = self.signer.sign(url.removeprefix(self.base_url), expires_ms)
        # Clients split the whole URL on `/`, so its query may hold none.
        signed = f"{url}?{urlencode({'expires': expires_ms, 'signature': signature})}"
        return signed, self.clock.monotonic_ms() + lifetime_ms // LIFETIMES_REPEATED

    async def open(self, link: ArchiveLink, by: Principal) -> DeliveredArchive:
        """Return the archive behind the link.

        Raises the same `ArchiveNotFound` if it is missing, withheld, or hidden from the caller.
        """
        has_link = await self.may_follow(link)
        check = None if has_link else self.authorization.read_check(by)
        found = await self.records.by_digest(link.digest, check=check)
        available = found.available
        if available is None:
            raise ArchiveNotFound
        head = available.head
        release = available.release
        if not await self._is_in_scope(link, head) or not _is_address_of(release, link):
            raise ArchiveNotFound
        return _delivered(head, release, link)

    def named(self, head: Head, release: Release, file: str) -> DeliveredArchive:
        """Return the archive of a release that the caller may have, or raise `ArchiveNotFound` if
        it has no such file name."""
        link = replace(self.link(head, release), file=file)
        if not _is_address_of(release, link):
            raise ArchiveNotFound
        return _delivered(head, release, link)

    async def _is_in_scope(self, link: ArchiveLink, head: Head) -> bool:
        if link.scope == self._scope_of(head):
            return True
        # A signed link still works after its package became public: a pull may be under way.
        return link.scope == Visibility.PRIVATE.value and await self.may_follow(link)

    def _scope_of(self, head: Head) -> str:
        """Return the scope of links to archives of the package: public or private."""
        is_public = is_for_everybody(head, self.readers)
        return (Visibility.PUBLIC if is_public else Visibility.PRIVATE).value

    async def may_follow(self, link: ArchiveLink) -> bool:
        """Check whether anybody with the link may follow it: it is public, or signed."""
        if link.scope == Visibility.PUBLIC.value and self.readers is Readers.EVERYBODY:
            return True
        if not link.signature:
            return False
        await self.signer.ready()
        # Another instance may already sign with a key that this one has not read.
        return self._is_signed(link) or (await self.signer.reread() and self._is_signed(link))

    def _is_signed(self, link: ArchiveLink) -> bool:
        return self.signer.verify(
            link.path, link.expires_ms, link.signature, now_ms=self.clock.now_ms()
        )


def _delivered(head: Head, release: Release, link: ArchiveLink) -> DeliveredArchive:
    is_public = head.visibility is Visibility.PUBLIC
    return DeliveredArchive(release, Visibility(link.scope), is_public)


def _is_address_of(release: Release, link: ArchiveLink) -> bool:
    """Check whether the link ends in a file name of the release."""
    at = release.coordinate
    platform = release.platform
    files = (archive_file_name(at, platform), canonical_file_name(at, platform))
    return link.version == release.version and link.file in files
