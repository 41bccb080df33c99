"""Serving archives: which bytes a link leads to, and who may follow it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from shared.auth.authorization import Authorization
from shared.auth.keys import LinkSigner
from shared.domain.archive_name import ArchiveName
from shared.domain.digest import Digest
from shared.domain.errors import ArchiveNotFound, Unavailable
from shared.domain.filename import archive_file_name
from shared.domain.identity import Principal
from shared.domain.names import NO_PACKAGE
from shared.domain.package import Head, Release, State, Visibility
from shared.domain.second_hop import Caller, Cdn, Hop, Ways, second_hop
from shared.domain.sides import is_settled, side_of
from shared.ports import ArchiveLinks, Clock, MetadataStore

SIGNED_LINK_LIFETIME = timedelta(minutes=10)  # A slow client on a 64 MiB archive needs about eight.

NO_STORE = "no-store"
NOBODYS = "private, no-store"  # Of a redirect to a link that whoever holds it may follow.


@dataclass(frozen=True, slots=True)
class ArchiveLink:
    """The parts of `/archives/{scope}/{digest}/{version}/{file}` and its signature, if any."""

    scope: str
    digest: Digest
    version: str
    file: str
    expires_ms: str = ""
    signature: str = ""

    @property
    def path(self) -> str:
        """Return the path, which is what a signature covers."""
        return f"/archives/{self.scope}/{self.digest}/{self.version}/{self.file}"


def public_copies(name: ArchiveName) -> str:
    """Return what the paths of an archive's public links begin with, and of no other's."""
    return f"/archives/{Visibility.PUBLIC.value}/{name.digest}/"


@dataclass(frozen=True, slots=True)
class Edges:
    """Who else sends archives: a CDN at an address, and the store by links of its own."""

    cdn_url: str = ""
    cdn: Cdn = Cdn.NONE
    links: ArchiveLinks | None = None  # None on one machine.


@dataclass(frozen=True, slots=True)
class SecondHop:
    """Where a client gets the bytes, and what of that answer may be kept."""

    url: str
    cache_control: str
    stands: bool  # It is made of records alone, and of no time, and good as long as they are.


@dataclass(frozen=True, slots=True)
class Served:
    """An archive that may be sent, and on which side: anybody may keep a copy of a public one."""

    release: Release
    side: Visibility


@dataclass(frozen=True)
class Serving:
    """Makes links to archives and decides who may follow them."""

    authorization: Authorization
    metadata: MetadataStore
    signer: LinkSigner
    clock: Clock
    base_url: str
    edges: Edges = Edges()

    def link(self, head: Head, release: Release) -> ArchiveLink:
        """Return the archive's link, without a signature."""
        file = archive_file_name(release.coordinate, release.platform)
        return ArchiveLink(head.visibility.value, release.content, release.version, file)

    def stable_url(self, link: ArchiveLink) -> str:
        """Return the archive's address; for a private package it needs the caller's token."""
        return f"{self.base_url}{link.path}"

    async def second_hop(self, head: Head, release: Release, *, to: Caller) -> SecondHop:
        """Return where the caller gets the bytes; docs/operations.md has the table."""
        link, links = self.link(head, release), self._links(head, release)
        side = side_of(head, release)
        hop = second_hop(to, Ways(side, self.edges.cdn, is_linked=links is not None))
        if links and hop is Hop.STORE:
            with suppress(Unavailable):  # Then the bytes are ours to send.
                url = await links.link(release.archive, side, link.file)
                return SecondHop(url, NOBODYS, stands=False)
        url = f"{self.edges.cdn_url}{link.path}" if hop is Hop.CDN else await self._signed_url(link)
        return SecondHop(url, NO_STORE, stands=self.edges.links is None)

    def _links(self, head: Head, release: Release) -> ArchiveLinks | None:
        """Return what links past us, unless such a link might miss the archive."""
        return self.edges.links if is_settled(head, release, now_ms=self.clock.now_ms()) else None

    async def _signed_url(self, link: ArchiveLink) -> str:
        """Return an address that works without credentials: signed and expiring when private."""
        url = self.stable_url(link)
        if link.scope == Visibility.PUBLIC.value:
            return url
        await self.signer.ready()
        lifetime_ms = SIGNED_LINK_LIFETIME // timedelta(milliseconds=1)
        expires_ms = self.clock.now_ms() + lifetime_ms
        signature = self.signer.sign(url.removeprefix(self.base_url), expires_ms)
        # Clients split the whole URL on `/`, so its query may hold none.
        return f"{url}?{urlencode({'expires': expires_ms, 'signature': signature})}"

    async def open(self, link: ArchiveLink, by: Principal) -> Served:
        """Return the archive behind the link.

        Raises `ArchiveNotFound` alike for what is missing, withdrawn, or not for this caller.
        """
        found = await self.metadata.by_digest(link.digest)
        head, release = found.head, found.release
        is_shown = await self.is_open(link) or await self._may_find(head, by)
        if not is_shown or head is None or release is None or release.state is not State.LIVE:
            raise ArchiveNotFound
        if not await self._is_in_scope(link, head) or not _is_address_of(release, link):
            raise ArchiveNotFound
        return Served(release, Visibility(link.scope))

    async def _may_find(self, head: Head | None, by: Principal) -> bool:
        package = head.package if head else NO_PACKAGE
        return await self.authorization.may_find(by, package, head)

    async def _is_in_scope(self, link: ArchiveLink, head: Head) -> bool:
        if link.scope == head.visibility.value:
            return True
        # Signed links go on when the package became public meanwhile: a pull may be under way.
        return link.scope == Visibility.PRIVATE.value and await self.is_open(link)

    async def is_open(self, link: ArchiveLink) -> bool:
        """Say whether whoever holds the link may follow it: it is public, or signed."""
        if link.scope == Visibility.PUBLIC.value:
            return True
        if not link.signature:
            return False
        await self.signer.ready()
        # Another instance may sign already with a key that this one has not read.
        return self._is_signed(link) or (await self.signer.reread() and self._is_signed(link))

    def _is_signed(self, link: ArchiveLink) -> bool:
        return self.signer.verify(
            link.path, link.expires_ms, link.signature, now_ms=self.clock.now_ms()
        )


def _is_address_of(release: Release, link: ArchiveLink) -> bool:
    """Say whether the link ends as ours do; its end comes back in a header, so none is made up."""
    file = archive_file_name(release.coordinate, release.platform)
    return (link.version, link.file) == (release.version, file)
