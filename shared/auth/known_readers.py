"""Known readers: which packages that are not public callers may read, as a process knows it.

What is known is used to repeat an answer about such a package to others who may read it. Who may
not read it never gets that far: an answer is looked up among those for the readers that the caller
is known to be one of, so looking it up takes as long for a missing package as for a hidden one.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.identity import Principal
from shared.ports import Clock
from shared.runtime.caching import LruCache
from shared.runtime.edition import RECORDS, Edition, records_of

KNOWN_FOR = timedelta(seconds=3)  # What ends by itself, such as a membership, ends within five.
MAX_READERS = 10_000  # Credentials; each takes about 1 KiB.

_KNOWN_FOR_MS = KNOWN_FOR // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Known:
    """Readers, and the number of the edition from before rights were read."""

    readers: frozenset[str]
    number: int
    read_ms: int  # Of the monotonic clock.


class KnownReaders:
    """The readers, as `Head.readers` says, that each credential is one of: organizations of which
    it reads every package, and every account. They are known while no record of its account or of
    these organizations is known to have changed; in the cloud for three seconds at most."""

    def __init__(self, edition: Edition, clock: Clock) -> None:
        self._edition = edition
        self._clock = clock
        self._known = LruCache[tuple[str, str], _Known](MAX_READERS)

    @property
    def number(self) -> int:
        """The number to note what is read from now on with."""
        return self._edition.number

    def note(self, by: Principal, reader: str, number: int) -> None:
        """Note that `by` may read every package of these readers."""
        known = self._standing(by)
        readers, read_ms = frozenset((reader,)), self._clock.monotonic_ms()
        if known is not None:
            readers |= known.readers
            number, read_ms = min(number, known.number), known.read_ms
        self._known.put(_key(by), _Known(readers, number, read_ms))

    def of(self, by: Principal) -> frozenset[str]:
        """Return the readers that `by` is one of; none where it is not known any more."""
        known = self._standing(by)
        return known.readers if known else frozenset()

    def _standing(self, by: Principal) -> _Known | None:
        known = self._known.get(_key(by)) if by.credential else None
        if known is None or self._clock.monotonic_ms() - known.read_ms >= _KNOWN_FOR_MS:
            return None
        keys = [RECORDS, *(records_of(owner) for owner in (by.id, *known.readers))]
        return known if self._edition.holds(known.number, keys) else None


def _key(by: Principal) -> tuple[str, str]:
    return by.id, by.credential
