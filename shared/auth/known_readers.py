"""Which callers may read private packages, as far as this process knows.

This is used to repeat an answer about a package that is not public to others who may read it. A
caller who may not read it never gets that far: an answer is looked up among those for the readers
that the caller is known to be one of, so the lookup takes as long for a missing package as for a
hidden one. Only the readers that a request names are looked up, because a credential may read
hundreds of organizations.
"""

from collections.abc import Iterable, Iterator
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
MAX_READERS = 20_000  # Pairs of a credential and a reader; each takes about 0.5 KiB.


class _Known(Struct, frozen=True):
    """When rights were read: the number of the edition before, and the monotonic clock."""

    number: int
    read_ms: int


class KnownReaders:
    """The readers, as `Head.readers` says, that each credential is one of: organizations of which
    it reads every package, and staff. They are known while no record of its account or of
    these organizations is known to have changed; in the cloud for three seconds at most."""

    def __init__(self, edition: Edition, clock: Clock) -> None:
        self._edition = edition
        self._clock = clock
        self._known = LruCache[tuple[str, str, str], _Known](MAX_READERS)

    @property
    def number(self) -> int:
        """The number with which what is read from now on is noted."""
        return self._edition.number

    def note(self, by: Principal, reader: str, number: int) -> None:
        """Note that `by` may read every package of these readers."""
        if by.credential:
            known = _Known(number, self._clock.monotonic_ms())
            self._known.put((by.id, by.credential, reader), known)

    def includes(self, by: Principal, reader: str) -> bool:
        """Check whether `by` is known to be one of these readers.

        A principal that was identified as a guest meanwhile is no staff, whatever is known of the
        credential: both ages together would be more than five seconds.
        """
        if reader == STAFF and by.is_guest:
            return False
        known = self._known.get((by.id, by.credential, reader))
        if known is None or self._clock.monotonic_ms() - known.read_ms >= KNOWN_FOR // MS:
            return False
        keys = (RECORDS, records_of(by.id), records_of(reader))
        return self._edition.holds(known.number, keys)

    def includes_now(self, by: Principal, reader: str) -> bool:
        """Check what `includes` does, where every change of rights is known as soon as it is
        made; elsewhere nobody is known to be one."""
        edition = self._edition
        return edition.follows_records and edition.is_confirmed() and self.includes(by, reader)

    def among(self, by: Principal, orgs: Iterable[str]) -> Iterator[str]:
        """Return the readers that `by` is known to be one of: of these organizations, in lower
        case, and staff."""
        if not by.credential:  # Without a credential, nothing is noted.
            return iter(())
        return (each for each in (*orgs, STAFF) if self.includes(by, each))
