"""Redirects of pulls, the first hops: those that an instance in the cloud repeats from memory.

The host of Azure asks the Functions each time, so this is what keeps a pull from reading records
and signing a link. A kept redirect takes a tenth of the memory of the records that it is made of.
"""

from dataclasses import dataclass

from shared.auth.authorization import KnownReaders
from shared.domain.identity import Principal
from shared.ports import Clock
from shared.runtime.caching import LruCache
from shared.runtime.edition import (
    EVERYTHING,
    Edition,
    PackagesRead,
    note_private,
    note_read,
)

CAPACITY_BYTES = 256 * 1024 * 1024  # Some 250,000 redirects.
LONGEST_PLACE = 500  # Characters. Longer ones are no versions that clients ask for.

_ENTRY_BYTES = 500  # Of memory, besides the texts; measured with tracemalloc.


@dataclass(frozen=True, slots=True)
class FirstHop:
    """A redirect as its face encodes it, and what it depends on."""

    content: bytes
    repeated_until_ms: float  # Of the monotonic clock.
    number: int  # Of the edition, from before anything was read for it.
    package: str
    readers_of: str  # The readers that it takes to be one of, as `Head.readers` says.


class FirstHops:
    """Keeps the redirects that were used last, while their packages stand and links are valid.

    One about a package that is not public is kept for its readers, and looked up only for callers
    that are known to be among them: for others a hidden package takes the same steps as a
    missing one (docs/decisions/0020).
    """

    def __init__(
        self,
        edition: Edition,
        readers: KnownReaders,
        clock: Clock,
        *,
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        self._edition = edition
        self._readers = readers
        self._clock = clock
        self._kept = LruCache[str, FirstHop](
            capacity_bytes,
            weigh=lambda place, hop: _ENTRY_BYTES + len(place) + len(hop.content),
        )

    @property
    def number(self) -> int:
        """The number to keep what is read from now on with."""
        return self._edition.number

    async def find(self, place: str, by: Principal) -> FirstHop | None:
        """Return the redirect kept at a place for `by`; its package counts as read."""
        places = [place, *(_of_readers(place, org) for org in self._readers.of(by))]
        for each in places:
            hop = self._kept.get(each)
            if hop is not None and await self._stands(each, hop):
                note_read(hop.package)
                if hop.readers_of:
                    note_private(hop.readers_of)
                return hop
        return None

    def keep(
        self,
        place: str,
        content: bytes,
        read: PackagesRead,
        *,
        number: int,
        until_ms: float,
        by: Principal,
    ) -> None:
        """Keep a redirect that was made for `by` and depends on what was read of packages."""
        if len(read.packages) != 1 or EVERYTHING in read.packages or len(place) > LONGEST_PLACE:
            return
        readers_of = "".join(read.private_of)
        if readers_of and readers_of not in self._readers.of(by):
            return
        hop = FirstHop(content, until_ms, number, next(iter(read.packages)), readers_of)
        if self._is_valid(hop) and self._edition.holds(number, (hop.package,)):
            self._kept.put(_of_readers(place, readers_of) if readers_of else place, hop)

    async def _stands(self, place: str, hop: FirstHop) -> bool:
        is_confirmed = self._edition.is_confirmed() or await self._edition.confirm()
        if not self._is_valid(hop) or not self._edition.holds(hop.number, (hop.package,)):
            self._kept.drop(place)
            return False
        return is_confirmed

    def _is_valid(self, hop: FirstHop) -> bool:
        return self._clock.monotonic_ms() < hop.repeated_until_ms


def _of_readers(place: str, org: str) -> str:
    return f"{place}\n\n{org}"
