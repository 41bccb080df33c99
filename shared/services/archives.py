"""Archives: reading them on threads, links to them and who may follow a link, moving them between
the public and the private container, and their checksums.
"""

import asyncio
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from shared.auth.authorization import Authorization
from shared.auth.signing_keys import ArchiveLinkSigner
from shared.caching import LruCache
from shared.domain.archives.bala import Bala, read_bala
from shared.domain.archives.delivery import (
    Cdn,
    ClientKind,
    DeliveryOptions,
    DeliveryRoute,
    archive_container,
    changes_placement,
    is_placement_settled,
    second_hop,
)
from shared.domain.archives.names import ArchiveName, Digest, archive_file_name
from shared.domain.archives.unpacking import ArchiveLimits
from shared.domain.errors.base import Unavailable
from shared.domain.errors.packages import ArchiveNotFound, ArchiveTooLarge, ChecksumDiffers
from shared.domain.errors.requests import Busy
from shared.domain.identity import Principal
from shared.domain.maven import Checksum, ChecksumAlgorithm
from shared.domain.names import NO_PACKAGE
from shared.domain.packages import Head, Release, State, Visibility
from shared.ports import ArchiveLinks, ArchiveStore, Clock, EdgeCache, MetadataStore

SIGNED_LINK_LIFETIME = timedelta(minutes=10)  # A slow client on a 64 MiB archive needs about eight.

NO_STORE = "no-store"
PRIVATE_NO_STORE = "private, no-store"  # Of a redirect to a link that whoever holds it may follow.


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


def public_link_prefix(name: ArchiveName) -> str:
    """Return what the paths of an archive's public links begin with, and of no other's."""
    return f"/archives/{Visibility.PUBLIC.value}/{name.digest}/"


@dataclass(frozen=True, slots=True)
class DeliveryRoutes:
    """Who else sends archives: a CDN at an address, and the store by links of its own."""

    cdn_url: str = ""
    cdn: Cdn = Cdn.NONE
    links: ArchiveLinks | None = None  # None on one machine.


@dataclass(frozen=True, slots=True)
class ArchiveRedirect:
    """Where a client gets the bytes, and what of that answer may be kept."""

    url: str
    cache_control: str
    is_cacheable: bool  # It is made of records alone, and of no time, and good as long as they are.


@dataclass(frozen=True, slots=True)
class DeliveredArchive:
    """An archive that may be sent, and on which side: anybody may keep a copy of a public one."""

    release: Release
    container: Visibility


@dataclass(frozen=True)
class ArchiveDelivery:
    """Makes links to archives and decides who may follow them."""

    authorization: Authorization
    metadata: MetadataStore
    signer: ArchiveLinkSigner
    clock: Clock
    base_url: str
    edges: DeliveryRoutes = DeliveryRoutes()

    def link(self, head: Head, release: Release) -> ArchiveLink:
        """Return the archive's link, without a signature."""
        file = archive_file_name(release.coordinate, release.platform)
        return ArchiveLink(head.visibility.value, release.content, release.version, file)

    def stable_url(self, link: ArchiveLink) -> str:
        """Return the archive's address; for a private package it needs the caller's token."""
        return f"{self.base_url}{link.path}"

    async def redirect(self, head: Head, release: Release, *, to: ClientKind) -> ArchiveRedirect:
        """Return where the caller gets the bytes; docs/archive-delivery.md has the table."""
        link, links = self.link(head, release), self._links(head, release)
        side = archive_container(head, release)
        hop = second_hop(to, DeliveryOptions(side, self.edges.cdn, is_linked=links is not None))
        if links and hop is DeliveryRoute.STORE:
            with suppress(Unavailable):  # Then the bytes are ours to send.
                url = await links.link(release.archive, side, link.file)
                return ArchiveRedirect(url, PRIVATE_NO_STORE, is_cacheable=False)
        url = (
            f"{self.edges.cdn_url}{link.path}"
            if hop is DeliveryRoute.CDN
            else await self._signed_url(link)
        )
        return ArchiveRedirect(url, NO_STORE, is_cacheable=self.edges.links is None)

    def _links(self, head: Head, release: Release) -> ArchiveLinks | None:
        """Return what links past us, unless such a link might miss the archive."""
        return (
            self.edges.links
            if is_placement_settled(head, release, now_ms=self.clock.now_ms())
            else None
        )

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

    async def open(self, link: ArchiveLink, by: Principal) -> DeliveredArchive:
        """Return the archive behind the link.

        Raises `ArchiveNotFound` alike for what is missing, withdrawn, or not for this caller.
        """
        found = await self.metadata.by_digest(link.digest)
        head, release = found.head, found.release
        is_shown = await self.may_follow(link) or await self._may_find(head, by)
        if not is_shown or head is None or release is None or release.state is not State.LIVE:
            raise ArchiveNotFound
        if not await self._is_in_scope(link, head) or not _is_address_of(release, link):
            raise ArchiveNotFound
        return DeliveredArchive(release, Visibility(link.scope))

    async def _may_find(self, head: Head | None, by: Principal) -> bool:
        package = head.package if head else NO_PACKAGE
        return await self.authorization.may_find(by, package, head)

    async def _is_in_scope(self, link: ArchiveLink, head: Head) -> bool:
        if link.scope == head.visibility.value:
            return True
        # Signed links go on when the package became public meanwhile: a pull may be under way.
        return link.scope == Visibility.PRIVATE.value and await self.may_follow(link)

    async def may_follow(self, link: ArchiveLink) -> bool:
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


# Placing: moving archives to the side where they belong, and withdrawing copies from caches.
#
# The records say who may have an archive, and every answer of ours looks at them first. What lies
# past our answers follows here, as soon as the change is recorded. It is derived: a change stays in
# its record's outbox until this is done, so that upkeep finishes what a crash left.

ARCHIVES_MOVED_AT_ONCE = 16  # Archives of one package that are moved side by side.


@dataclass(frozen=True)
class ArchiveRelocation:
    """Moves archives as their records demand; every call may be repeated."""

    metadata: MetadataStore
    archives: ArchiveStore
    edge: EdgeCache | None  # None where no copies are kept, or nobody can withdraw them.

    async def apply(self, record: Head | Release) -> None:
        """Do what the unfinished changes of the record demand, which is nothing for most of them.

        Whoever changes it meanwhile may be overtaken, so it is read again until it stands.
        """
        if not changes_placement(record.outbox):
            return
        placed: Mapping[ArchiveName, Visibility] | None = None
        while (wanted := await self._wanted(record)) != placed:
            await self._place(wanted)
            placed = wanted

    async def _wanted(self, record: Head | Release) -> Mapping[ArchiveName, Visibility]:
        """Return where the archives of the record belong by now."""
        if isinstance(record, Head):
            head, releases = await asyncio.gather(
                self.metadata.head(record.package), self.metadata.releases(record.package)
            )
            return (
                {each.archive: archive_container(head, each) for each in releases} if head else {}
            )
        found = await self.metadata.find(record.coordinate)
        head, release = found.head, found.release
        return {release.archive: archive_container(head, release)} if head and release else {}

    async def _place(self, wanted: Mapping[ArchiveName, Visibility]) -> None:
        names = list(wanted)
        for start in range(0, len(names), ARCHIVES_MOVED_AT_ONCE):
            batch = names[start : start + ARCHIVES_MOVED_AT_ONCE]
            await asyncio.gather(*(self.archives.move(name, wanted[name]) for name in batch))
        await self._withdraw([name for name in names if wanted[name] is Visibility.PRIVATE])

    async def _withdraw(self, names: Sequence[ArchiveName]) -> None:
        if self.edge is not None and names:
            await self.edge.forget([public_link_prefix(name) for name in names])


ARCHIVE_READERS = (
    2  # Archives read at once by a process: more would starve the loop of the interpreter.
)
SMALLEST_SHARE = 256  # A tiny archive counts as this part of a large one: a thousand may wait.


def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(ARCHIVE_READERS, thread_name_prefix="bala")


@dataclass
class ArchiveReader:
    """Reads uploads within the limits of this registry.

    Uploads wait for their turn as long as all of them together take no more memory than
    `max_archives_in_hand` of the largest would: a hundred small pushes at once are no reason to
    refuse one.
    """

    limits: ArchiveLimits
    max_archive_bytes: int
    max_archives_in_hand: int
    _bytes_in_hand: int = 0
    _threads: ThreadPoolExecutor = field(default_factory=_readers, repr=False)

    async def read(self, content: bytes | memoryview) -> Bala:
        """Return what the archive holds; raise `ArchiveTooLarge`, `Busy` or a `BadArchive`."""
        if len(content) > self.max_archive_bytes:
            raise ArchiveTooLarge(len(content), self.max_archive_bytes)
        with self._in_hand(len(content)):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, read_bala, content, self.limits)

    async def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _in_hand(self, size_bytes: int) -> Generator[None]:
        counted = max(size_bytes, self.max_archive_bytes // SMALLEST_SHARE)
        if self._bytes_in_hand + counted > self.max_archives_in_hand * self.max_archive_bytes:
            raise Busy
        self._bytes_in_hand += counted
        try:
            yield
        finally:
            self._bytes_in_hand -= counted


CHECKSUM_CHUNK_BYTES = (
    4 * 1024 * 1024
)  # Bytes that are read and summed up at once; about 10 ms on a thread.
CHECKSUMS_REMEMBERED = 10_000  # Checksums; an archive never changes, so neither do they.


class ArchiveChecksums:
    """Computes checksums of stored archives, each once as long as it is remembered."""

    def __init__(self, archives: ArchiveStore) -> None:
        """Read from `archives`."""
        self._archives = archives
        self._known = LruCache[str, str](CHECKSUMS_REMEMBERED)

    async def checksum(self, release: Release, algorithm: ChecksumAlgorithm) -> str:
        """Return a checksum of the release's archive."""
        if algorithm is ChecksumAlgorithm.SHA256:
            return release.digest
        key = f"{algorithm.value}:{release.digest}"
        known = self._known.get(key)
        if known is None:
            known = await self._compute(release, algorithm)
            self._known.put(key, known)
        return known

    async def require(self, release: Release, claimed: Checksum) -> None:
        """Raise `ChecksumDiffers` unless the release's archive has the checksum."""
        actual = await self.checksum(release, claimed.algorithm)
        if actual != claimed.hex:
            raise ChecksumDiffers(claimed.algorithm.name, claimed.hex, actual)

    async def _compute(self, release: Release, algorithm: ChecksumAlgorithm) -> str:
        hasher = algorithm.hasher()
        for start in range(0, release.size_bytes, CHECKSUM_CHUNK_BYTES):
            chunk = await self._archives.read(release.archive, start, CHECKSUM_CHUNK_BYTES)
            await asyncio.to_thread(hasher.update, chunk)
        return hasher.hexdigest()
