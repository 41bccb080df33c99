"""The addresses of archives in this registry, and who may fetch one from there.

To which address a pull is redirected is decided in `pull_redirects.py`. Uploads are read in
`archive_reader.py`, and `archive_relocation.py` moves archives between the public and the private
container.
"""

from datetime import timedelta
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.auth.signing_keys import ArchiveLinkSigner
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import Cdn
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import (
    ArchiveName,
    archive_file_name,
    canonical_file_name,
    package_in_file_name,
)
from shared.domain.coordinates import Coordinate
from shared.domain.errors.packages import ArchiveLost, ArchiveNotFound
from shared.domain.packages import Head, Release, is_for_everybody
from shared.domain.principals import Principal
from shared.domain.times import MS
from shared.domain.visibility import Readers, Visibility
from shared.ports.archive_store import ArchiveStore
from shared.ports.metadata import PackageReader
from shared.ports.system import Clock
from shared.telemetry.log import log

# The scope of links to releases that wait for a review, for those who review them.
REVIEW_SCOPE = "review"
REVIEW_LINK_LIFETIME = timedelta(minutes=10)

# Paths that begin so name an archive by its coordinate, and not by its digest.
COORDINATES = "archives/mirrored/"


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
        """The path, which the signature signs. If a CDN reads blobs, the path of a public archive
        ends with the name of its blob."""
        return f"/archives/{self.scope}/{self.digest}/{self.version}/{self.file}"


SCANNED = "scanned"  # The scope of links for the scanner, to archives that are no releases yet.


def scanned_link(digest: Digest, coordinate: Coordinate, platform: str) -> ArchiveLink:
    """Return the link by which the scanner fetches an archive, without its signature."""
    file = canonical_file_name(coordinate, platform)
    return ArchiveLink(SCANNED, digest, coordinate.version.text, file)


def public_link_prefix(name: ArchiveName) -> str:
    """Return the prefix with which all public links to the archive begin, and no other path."""
    return f"/archives/{ArchiveContainer.PUBLIC.value}/{name.digest}/"


class DeliveredArchive(Struct, frozen=True):
    """An archive that may be sent, and its container: shared caches may keep one of the public
    container.

    `is_public` says whether its package is public, which only signed-in people may read on some
    registries.
    """

    release: Release
    container: ArchiveContainer
    is_public: bool


class ScannedArchive(Struct, frozen=True):
    """An archive that the scanner may fetch before it is a release."""

    name: ArchiveName
    size_bytes: int


class ArchiveDelivery(Struct, frozen=True):
    """Makes addresses of archives, decides who may fetch what they lead to, and reads it."""

    authorization: Authorization
    package_reader: PackageReader
    archives: ArchiveStore
    signer: ArchiveLinkSigner
    clock: Clock
    base_url: str
    cdn: Cdn
    readers: Readers

    def link(self, head: Head, release: Release) -> ArchiveLink:
        """Return the archive's link, without a signature."""
        return self.link_of_file(
            head, release, archive_file_name(release.coordinate, release.platform)
        )

    def link_of_file(self, head: Head, release: Release, file: str) -> ArchiveLink:
        """Return the archive's link as `link` does, where `file` is the archive's file name for a
        pull."""
        if self.reads_blobs and is_for_everybody(head, self.readers):
            file = canonical_file_name(release.coordinate, release.platform)
        return ArchiveLink(self._scope_of(head), release.archive_digest, release.version, file)

    def address(self, head: Head, release: Release) -> str:
        """Return an address of the archive of a release that never expires.

        A request for a release of an upstream that is not stored makes the registry fetch it first.
        The address of such a release contains no digest, and a CDN always asks the registry for it.
        """
        link = self.link(head, release)
        if release.is_stored:
            return self.stable_url(link)
        place = f"{release.org}/{release.name}/{release.version}/{link.file}"
        return f"{self.base_url}/{COORDINATES}{place}"

    def stable_url(self, link: ArchiveLink) -> str:
        """Return the archive's address; for a private package it needs the caller's token."""
        return f"{self.base_url}{link.path}"

    @property
    def reads_blobs(self) -> bool:
        """Whether a CDN reads public archives from the store itself, by their public paths."""
        return self.cdn is Cdn.READING_BLOBS

    async def open(self, link: ArchiveLink, by: Principal) -> DeliveredArchive:
        """Return the archive behind the link.

        Raises the same `ArchiveNotFound` if it is missing, withheld, or hidden from the caller.
        """
        if link.scope == REVIEW_SCOPE:
            return await self._open_for_review(link)
        has_link = await self.may_follow(link)
        check = None if has_link else self.authorization.read_check(by)
        found = await self.package_reader.by_digest(link.digest, check=check)
        available = found.available
        if available is None:
            raise ArchiveNotFound
        head = available.head
        release = available.release
        if not await self._is_in_scope(link, head) or not _is_address_of(release, link):
            raise ArchiveNotFound
        return _delivered(head, release, link)

    async def open_scanned(self, link: ArchiveLink) -> ScannedArchive:
        """Return the archive behind a signed link for the scanner, or raise `ArchiveNotFound`."""
        package = package_in_file_name(link.file)
        if link.scope != SCANNED or package is None or not await self.may_follow(link):
            raise ArchiveNotFound
        coordinate = Coordinate.parse(package.org, package.name, link.version)
        # The signature says that the file name is of this form.
        platform = link.file.split("-")[2]
        name = ArchiveName(link.digest, coordinate, platform)
        stored = await self.archives.stat(name)
        if stored is None:
            raise ArchiveNotFound
        return ScannedArchive(name, stored.size_bytes)

    async def read(self, name: ArchiveName, span: range, container: ArchiveContainer) -> bytes:
        """Return these bytes of an archive that may be sent from the container; log the loss and
        raise `ArchiveLost` if the store does not have them."""
        body = await self.archives.read(name, span.start, len(span), first=container)
        if len(body) != len(span):
            coordinate = name.coordinate
            log.error("archive.lost", coordinate=str(coordinate), digest=name.digest.hex)
            raise ArchiveLost(coordinate)
        return body

    async def review_url(self, head: Head, release: Release) -> str:
        """Return the address of the archive of a release that waits for a review, which works
        for ten minutes without credentials, and while it waits."""
        link = replace(self.link(head, release), scope=REVIEW_SCOPE)
        await self.signer.ready()
        expires_ms = self.clock.now_ms() + REVIEW_LINK_LIFETIME // MS
        signature = self.signer.sign(link.path, expires_ms)
        query = urlencode({"expires": expires_ms, "signature": signature})
        return f"{self.stable_url(link)}?{query}"

    async def _open_for_review(self, link: ArchiveLink) -> DeliveredArchive:
        """Return the archive behind a signed link for those who review a release."""
        if not await self.may_follow(link):
            raise ArchiveNotFound
        found = await self.package_reader.by_digest(link.digest, check=None)
        head = found.head
        release = found.release
        if head is None or release is None or not _is_address_of(release, link):
            raise ArchiveNotFound
        if not release.is_held_for_review:
            raise ArchiveNotFound
        return DeliveredArchive(release, ArchiveContainer.PRIVATE, is_public=False)

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
        # A signed link still works after its package became public, because a client may be about
        # to follow it.
        return link.scope == ArchiveContainer.PRIVATE.value and await self.may_follow(link)

    def _scope_of(self, head: Head) -> str:
        """Return the scope of links to archives of the package: public or private."""
        is_public = is_for_everybody(head, self.readers)
        return (ArchiveContainer.PUBLIC if is_public else ArchiveContainer.PRIVATE).value

    async def may_follow(self, link: ArchiveLink) -> bool:
        """Check whether anybody with the link may follow it: it is public, or signed."""
        if link.scope == ArchiveContainer.PUBLIC.value and self.readers is Readers.EVERYBODY:
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
    return DeliveredArchive(release, ArchiveContainer(link.scope), is_public)


def _is_address_of(release: Release, link: ArchiveLink) -> bool:
    """Check whether the link ends in a file name of the release."""
    at = release.coordinate
    platform = release.platform
    files = (archive_file_name(at, platform), canonical_file_name(at, platform))
    return link.version == release.version and link.file in files
