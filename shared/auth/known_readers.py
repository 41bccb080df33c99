"""Which callers may read private packages, as far as this process knows.

This is used to serve a cached answer about a package that is not public to others who may read it.
A caller who may not read it never gets that far: an answer is looked up among those for the readers
that the caller is known to be one of, so the lookup takes as long for a missing package as for a
hidden one. Only the readers that a request names are looked up, because a credential may read
hundreds of organizations.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from shared.domain.principals import Principal
from shared.domain.times import MS
from shared.domain.visibility import STAFF
from shared.ports.system import Clock
from shared.runtime.editions import RECORDS, Edition, records_of
from shared.runtime.lru_cache import LruCache

# An access that ends by time, such as a membership, ends everywhere within five seconds.
KNOWN_FOR = timedelta(seconds=3)
MAX_READERS = 20_000  # Pairs of a credential and a reader; each takes at most 0.8 KiB.


class _Known(Struct, frozen=True):
    """When rights were read: the number of the edition before, and the monotonic clock; and the
    keys of the records that they depend on."""

    edition_number: int
    read_ms: int
    records: tuple[str, ...]


class KnownReaders:
    """The readers, as `Head.readers` says, that each credential is one of: organizations of which
    it reads every package, and staff. They are known while no record of its account or of
    these organizations is known to have changed; in the cloud for three seconds at most."""

    def __init__(self, edition: Edition, clock: Clock) -> None:
        self._edition = edition
        self._clock = clock
        # By the account and the credential, what is known of each reader.
        self._known = LruCache[tuple[str, str], Mapping[str, _Known]](
            MAX_READERS, weigh=lambda _, known: len(known)
        )

    @property
    def edition_number(self) -> int:
        """The number to note with what is read from now on."""
        return self._edition.number

    def note(self, by: Principal, readers: Collection[str], edition_number: int) -> None:
        """Note that `by` may read every package of these readers; what was noted too long ago is
        forgotten. This takes as long as there are readers of the credential, so those of a request
        are noted in one call."""
        if not by.credential or not readers:
            return
        now_ms = self._clock.monotonic_ms()
        known = self._known.peek((by.id, by.credential)) or {}
        recent = {each: rights for each, rights in known.items() if _is_recent(rights, now_ms)}
        for each in readers:
            records = (RECORDS, records_of(by.id), records_of(each))
            recent[each] = _Known(edition_number, now_ms, records)
        self._known.put((by.id, by.credential), recent)

    def includes(self, by: Principal, reader: str) -> bool:
        """Check whether `by` is known to be one of these readers.

        A principal that was identified as a guest meanwhile is no staff, whatever is known of the
        credential: both ages together would be more than five seconds.
        """
        known = self._known.get((by.id, by.credential))
        return known is not None and self._includes(known, by, reader)

    def includes_now(self, by: Principal, reader: str) -> bool:
        """Check what `includes` does, where every change of rights is known as soon as it is
        made; elsewhere nobody is known to be one."""
        edition = self._edition
        return edition.follows_records and edition.is_current() and self.includes(by, reader)

    def among(self, by: Principal, orgs: Iterable[str]) -> Sequence[str]:
        """Return the readers that `by` is known to be one of: of these organizations, in lower
        case, and staff."""
        known = self._known.get((by.id, by.credential)) if by.credential else None
        if known is None:
            return ()
        # Most of these names are parts of a path: `in` spares them a call.
        return [
            each for each in (*orgs, STAFF) if each in known and self._includes(known, by, each)
        ]

    def _includes(self, known: Mapping[str, _Known], by: Principal, reader: str) -> bool:
        rights = known.get(reader)
        if rights is None or not _is_recent(rights, self._clock.monotonic_ms()):
            return False
        if reader == STAFF and by.is_guest:
            return False
        return self._edition.is_unchanged_since(rights.edition_number, rights.records)


def _is_recent(rights: _Known, now_ms: int) -> bool:
    return now_ms - rights.read_ms < KNOWN_FOR // MS
