"""One record in memory, such as a list of rules: read again after seconds, and used on while the
store fails.
"""

from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Generic, TypeVar

from shared.domain.errors.base import Unavailable
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.runtime.editions import Edition
from shared.runtime.single_flight import SingleFlight

Value = TypeVar("Value")


def ignore_failure(_failure: Unavailable) -> None:
    """Do nothing."""


class CachedRecord(Generic[Value]):
    """A record as it was at most `fresh_for` ago. Calls at the same time share one read.

    Where `edition` follows records, the record is fresh until one of `records_of` changes, however
    old it is. If `read` raises `Unavailable`, `on_failure` is called, and the value that was read
    last is used for another `fresh_for`, also where `edition` follows records: what changed since
    then is not known.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Value]],
        clock: Clock,
        fresh_for: timedelta,
        *,
        edition: Edition | None = None,
        records_of: Collection[str] = (),
        on_failure: Callable[[Unavailable], None] = ignore_failure,
    ) -> None:
        self._read = read
        self._clock = clock
        self._fresh_for_ms = fresh_for // MS
        self._edition = edition
        self._records_of = records_of
        self._on_failure = on_failure
        self._last: Value | None = None
        self._fresh_until_ms = 0  # A time of the monotonic clock.
        # From before the record was read; None if the last read failed, or was before a change.
        self._edition_number: int | None = None
        self._invalidations = 0
        self._reading = SingleFlight[Value]()

    @property
    def last(self) -> Value | None:
        """The value that was read last, however old it is."""
        return self._last

    @property
    def fresh(self) -> Value | None:
        """The value, if it is known without a read."""
        return self._last if self._is_fresh() else None

    async def current(self) -> Value:
        """Return the value; raise `Unavailable` if none was read yet and the store fails."""
        if self._last is not None and self._is_fresh():
            return self._last
        # A read that began before the record was invalidated answers only those who wait for it.
        return await self._reading.answer(self._invalidations, self._read_again)

    def invalidate(self) -> None:
        """Read the record again at the next call, because this process changed it."""
        self._invalidations += 1
        self._fresh_until_ms = 0
        self._edition_number = None

    async def close(self) -> None:
        """Cancel a read that is under way."""
        await self._reading.close()

    def _is_fresh(self) -> bool:
        edition = self._edition
        number = self._edition_number
        if (
            edition is not None
            and number is not None
            and edition.follows_records
            and edition.is_current()
        ):
            return edition.is_unchanged_since(number, self._records_of)
        return self._clock.monotonic_ms() < self._fresh_until_ms

    async def _read_again(self) -> Value:
        # The number and the time before the read count: a change during it is read by the next.
        invalidations = self._invalidations
        edition_number = None if self._edition is None else self._edition.number
        fresh_until_ms = self._clock.monotonic_ms() + self._fresh_for_ms
        try:
            value = await self._read()
        except Unavailable as failure:
            if self._last is None:
                raise
            self._on_failure(failure)
            value = self._last
            edition_number = None
        if invalidations == self._invalidations:
            self._last = value
            self._edition_number = edition_number
            self._fresh_until_ms = fresh_until_ms
        return value
