"""Redirects of pulls: those that an instance in the cloud repeats from memory.

The host of Azure asks the Functions each time, so this is what keeps a pull from reading records,
and for a while from signing a link. A kept redirect takes a third of the memory of the records that
it is made of.
"""

from dataclasses import dataclass, replace

from shared.auth.authorization import KnownReaders
from shared.domain.archives.delivery import LinkedArchive
from shared.domain.errors.base import Unavailable
from shared.domain.identity import Principal
from shared.ports import ArchiveLinks, Clock
from shared.runtime.caching import LruCache
from shared.runtime.edition import (
    EVERYTHING,
    Edition,
    PackagesRead,
    note_private,
    note_read,
)

CAPACITY_BYTES = 256 * 1024 * 1024  # Some 110,000 redirects.
LONGEST_PLACE = 500  # Characters. Longer ones are no versions that clients ask for.

_ENTRY_BYTES = 1_200  # Of memory, besides the texts; measured with tracemalloc.


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect as its face encodes it without the address, and its address."""

    content: bytes
    url: str
    repeated_until_ms: float  # Of the monotonic clock: how long the address is repeated.
    archive: LinkedArchive | None  # What the address is signed for; None if no other may follow.


@dataclass(frozen=True, slots=True)
class _KeptRedirect:
    """A redirect, and what it depends on."""

    redirect: Redirect
    number: int  # Of the edition, from before anything was read for it.
    package: str
    readers_of: str  # The readers that it takes to be one of, as `Head.readers` says.


class RedirectCache:
    """Keeps the redirects that were used last, while their packages stand. Once a link is no longer
    repeated, the next pull signs another one, without a request to a store of records.

    One about a package that is not public is kept for its readers, and looked up only for callers
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
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        self._edition = edition
        self._readers = readers
        self._clock = clock
        self._links = links
        self._kept = LruCache[str, _KeptRedirect](capacity_bytes, weigh=_weigh)

    @property
    def number(self) -> int:
        """The number to keep what is read from now on with."""
        return self._edition.number

    async def find(self, place: str, org: str, by: Principal) -> Redirect | None:
        """Return the redirect kept for `by` at a place of an organization; its package counts as
        read."""
        readers = self._readers.among(by, (org.lower(),))
        places = [place, *(_of_readers(place, each) for each in readers)]
        for each in places:
            kept = self._kept.get(each)
            if kept is None or not await self._stands(each, kept):
                continue
            redirect = await self._with_link(each, kept)
            if redirect is not None:
                note_read(kept.package)
                if kept.readers_of:
                    note_private(kept.readers_of)
                return redirect
        return None

    def keep(
        self, place: str, redirect: Redirect, read: PackagesRead, *, number: int, by: Principal
    ) -> None:
        """Keep a redirect that was made for `by` and depends on what was read of packages."""
        if len(read.packages) != 1 or EVERYTHING in read.packages or len(place) > LONGEST_PLACE:
            return
        readers_of = "".join(read.private_of)
        if readers_of and not self._readers.includes(by, readers_of):
            return
        kept = _KeptRedirect(redirect, number, next(iter(read.packages)), readers_of)
        if self._is_repeated(redirect) and self._edition.holds(number, (kept.package,)):
            self._kept.put(_of_readers(place, readers_of) if readers_of else place, kept)

    async def _stands(self, place: str, kept: _KeptRedirect) -> bool:
        is_confirmed = self._edition.is_confirmed() or await self._edition.confirm()
        if not self._edition.holds(kept.number, (kept.package,)):
            self._kept.drop(place)
            return False
        return is_confirmed

    async def _with_link(self, place: str, kept: _KeptRedirect) -> Redirect | None:
        """Return the redirect with a link that is repeated; None if there is none."""
        redirect, archive = kept.redirect, kept.redirect.archive
        if self._is_repeated(redirect):
            return redirect
        if archive is None:
            self._kept.drop(place)
            return None
        try:
            link = await self._links.link(archive.name, archive.container, archive.file)
        except Unavailable:  # The registry sends the archive itself meanwhile.
            return None
        renewed = replace(redirect, url=link.url, repeated_until_ms=link.repeated_until_ms)
        if self._kept.peek(place) is kept:  # A change may have come while the key was awaited.
            self._kept.put(place, replace(kept, redirect=renewed))
        return renewed

    def _is_repeated(self, redirect: Redirect) -> bool:
        return self._clock.monotonic_ms() < redirect.repeated_until_ms


def _weigh(place: str, kept: _KeptRedirect) -> int:
    texts = len(place) + len(kept.redirect.content) + len(kept.redirect.url)
    return _ENTRY_BYTES + texts


def _of_readers(place: str, org: str) -> str:
    return f"{place}\n\n{org}"
