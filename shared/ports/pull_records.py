"""The record of pulls: who pulled which release."""

from typing import Protocol

from shared.domain.pull_records import FoundPulls, PullQuery, PullRecordBatch, RecordedPull


class PullRecordStore(Protocol):
    """The record of pulls: who pulled which release, from where and when.

    A pull is recorded once for each caller, release and window of ten minutes, in whichever batch
    it comes; a store with `CallerScope.PROCESS` does so for the batches of one process.
    """

    async def record(self, batch: PullRecordBatch) -> None:
        """Add the pulls of a batch. The call may be repeated until it returns."""
        ...

    async def find(self, query: PullQuery) -> FoundPulls:
        """Return up to `query.count` pulls that match, newest first; fewer, and where to go on, if
        the store read as much as it reads for one call. Pulls of several processes may be in
        another order within the seconds between two batches.

        Raises `InvalidRequest` for a cursor of another store."""
        ...

    async def of_principal(self, principal: str, count: int) -> list[RecordedPull]:
        """Return up to `count` pulls of a principal in all organizations, in any order. The cost
        grows with the number of pulls: for the export of an account."""
        ...

    async def forget_principal(self, principal: str) -> int:
        """Delete the pulls of a principal in all organizations; return how many there were. May be
        repeated, and goes on where an interrupted call stopped."""
        ...

    async def remove_before(self, before_ms: int, count: int) -> int:
        """Delete up to about `count` pulls from before that time; return how many, which is 0 only
        if there are no more. A store whose items end by themselves has none to delete."""
        ...
