"""Serving archives: which bytes a link leads to, and who may follow it."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from shared.auth.authorization import Authorization
from shared.auth.keys import LinkSigner
from shared.domain.digest import Digest
from shared.domain.errors import ArchiveNotFound
from shared.domain.filename import archive_file_name
from shared.domain.identity import Principal
from shared.domain.names import NO_PACKAGE
from shared.domain.package import Head, Release, State, Visibility
from shared.ports import Clock, MetadataStore

SIGNED_LINK_LIFETIME = timedelta(minutes=10)  # A slow client on a 64 MiB archive needs about eight.


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

    def link(self, head: Head, release: Release) -> ArchiveLink:
        """Return the archive's link, without a signature."""
        file = archive_file_name(release.coordinate, release.platform)
        return ArchiveLink(head.visibility.value, release.content, release.version, file)

    def stable_url(self, link: ArchiveLink) -> str:
        """Return the archive's address; for a private package it needs the caller's token."""
        return f"{self.base_url}{link.path}"

    def signed_url(self, link: ArchiveLink) -> str:
        """Return an address that works without credentials: signed and expiring when private."""
        url = self.stable_url(link)
        if link.scope == Visibility.PUBLIC.value:
            return url
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
        is_shown = self.is_open(link) or await self._may_find(head, by)
        if not is_shown or head is None or release is None or release.state is not State.LIVE:
            raise ArchiveNotFound
        if not self._is_in_scope(link, head) or not _is_address_of(release, link):
            raise ArchiveNotFound
        return Served(release, Visibility(link.scope))

    async def _may_find(self, head: Head | None, by: Principal) -> bool:
        package = head.package if head else NO_PACKAGE
        return await self.authorization.may_find(by, package, head)

    def _is_in_scope(self, link: ArchiveLink, head: Head) -> bool:
        if link.scope == head.visibility.value:
            return True
        # Signed links go on when the package became public meanwhile: a pull may be under way.
        return link.scope == Visibility.PRIVATE.value and self.is_open(link)

    def is_open(self, link: ArchiveLink) -> bool:
        """Say whether whoever holds the link may follow it: it is public, or signed."""
        if link.scope == Visibility.PUBLIC.value:
            return True
        return self.signer.verify(
            link.path, link.expires_ms, link.signature, now_ms=self.clock.now_ms()
        )


def _is_address_of(release: Release, link: ArchiveLink) -> bool:
    """Say whether the link ends as ours do; its end comes back in a header, so none is made up."""
    file = archive_file_name(release.coordinate, release.platform)
    return (link.version, link.file) == (release.version, file)
