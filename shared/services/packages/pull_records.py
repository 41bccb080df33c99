"""The record of pulls: who pulled a release; written in batches from memory, and read by owners."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.accounts import Account
from shared.domain.client_addresses import caller_network
from shared.domain.coordinates import Coordinate
from shared.domain.entities import Place
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import TakesNoChanges
from shared.domain.organizations import Organization
from shared.domain.principals import Principal
from shared.domain.pull_records import (
    KEPT_FOR,
    PullQuery,
    PullRecordBatch,
    RecordedPull,
    RecordedPulls,
    pull_window,
)
from shared.domain.scopes import Action
from shared.domain.times import MS
from shared.ports.directory import DirectoryStore
from shared.ports.pull_records import PullRecordStore
from shared.ports.system import Clock, Randomness
from shared.runtime.background_tasks import DelayedFlush
from shared.runtime.lru_cache import LruCache
from shared.services.identity.accounts import (
    ACCOUNT_ID_PREFIX,
    account_by_name_or_id,
    account_names,
)
from shared.services.limits.notices import ReadOnlyMode

# A crash loses at most ten seconds of pulls: these, and a second for the write.
FLUSH_AFTER = timedelta(seconds=9)
# Pulls that one process keeps while its store does not answer; they take 40 MB.
MAX_PULLS_WAITING = 100_000
# Pulls of one window that are remembered to record each only once; they take 20 MB.
MAX_PULLS_REMEMBERED = 100_000
BATCH_PULLS = 1_000

_PROCESS_ID_BYTES = 8


class PullRecorder:
    """Records pulls: those of packages that are not public, or all.

    A pull only adds to memory. What one caller pulls again in a window of ten minutes is the same
    pull.
    """

    def __init__(
        self,
        store: PullRecordStore,
        directory: DirectoryStore,
        clock: Clock,
        *,
        randomness: Randomness,
        read_only_mode: ReadOnlyMode,
        recorded_pulls: RecordedPulls,
        on_delay: Callable[[Refusal], None],
        flush_after: timedelta = FLUSH_AFTER,
    ) -> None:
        """`on_delay` is called with the reason when pulls cannot be written yet."""
        self._store = store
        self._directory = directory
        self._clock = clock
        self._randomness = randomness
        self._read_only_mode = read_only_mode
        self._records_all = recorded_pulls is RecordedPulls.ALL
        self._seen = LruCache[tuple[str, ...], bool](MAX_PULLS_REMEMBERED)
        self._window = 0
        self._waiting = list[RecordedPull]()
        # The accounts whose pulls wait to be written. Pulls with tokens of organizations have no
        # account.
        self._accounts = set[str]()
        self._batch: PullRecordBatch | None = None  # Written until the store has answered.
        self._process = ""
        self._batches = 0
        self._flushing = DelayedFlush(self.flush, self._has_more, flush_after, on_delay)

    def add(self, coordinate: Coordinate, *, is_public: bool, by: Principal, key: str = "") -> None:
        """Record a pull, if pulls of packages with this visibility are recorded; `key` is that of
        the coordinate, if the caller has it. Never waits."""
        if is_public and not self._records_all:
            return
        now_ms = self._clock.now_ms()
        window = pull_window(now_ms)
        if window != self._window:
            self._seen = LruCache(MAX_PULLS_REMEMBERED)
            self._window = window
        # This is called for every repeated answer, so a pull that is remembered already must cost
        # little.
        network = caller_network(by.address)
        once = (key or coordinate.key, by.id, by.credential, network)
        if self._seen.get(once) or len(self._waiting) >= MAX_PULLS_WAITING:
            return
        self._seen.put(once, True)
        self._waiting.append(RecordedPull.of(coordinate, by, now_ms))
        if by.id and not by.organization:
            self._accounts.add(by.id)
        self._flushing.start()

    async def flush(self) -> int:
        """Write the pulls since the last flush; return their number. On failure keep them.

        Raises `TakesNoChanges`, and what its store raises.
        """
        return await self._flushing.exclusively(self._write)

    async def close(self) -> None:
        """Write the pulls that wait; they are lost if the registry is read-only."""
        self._flushing.cancel()
        with suppress(TakesNoChanges):
            await self.flush()

    async def _write(self) -> int:
        written = 0
        while batch := self._batch or self._next_batch():
            # A write that failed may have taken effect, so the same batch is written again.
            self._batch = batch
            await self._read_only_mode.require_changes_allowed()
            await self._store.record(batch)
            await self._forget_erased(batch.pulls)
            self._batch = None
            written += len(batch.pulls)
        return written

    async def _forget_erased(self, pulls: Sequence[RecordedPull]) -> None:
        """Delete the pulls of accounts that were erased while their pulls waited.

        An erasure deletes the account before its pulls. So either the erasure deletes the pulls
        that are written now, or the account is already missing here.
        """
        for account_id in {each.principal for each in pulls} & self._accounts:
            if await self._directory.get(Account, Place(account_id)) is None:
                await self._store.forget_principal(account_id)
        if not self._waiting:
            self._accounts.clear()

    def _has_more(self) -> bool:
        return bool(self._waiting or self._batch)

    def _next_batch(self) -> PullRecordBatch | None:
        if not self._waiting:
            return None
        pulls = self._waiting[:BATCH_PULLS]
        del self._waiting[:BATCH_PULLS]
        self._batches += 1
        self._process = self._process or self._randomness.token_bytes(_PROCESS_ID_BYTES).hex()
        return PullRecordBatch(self._process, self._batches, pulls)


class PullRecordPage(Struct, frozen=True):
    """Pulls, newest first; `next` is the `before` of the next page, and empty at the end."""

    pulls: tuple[RecordedPull, ...]
    names: Mapping[str, str]  # The names of the accounts and of the organization, by id.
    next: str


class PullRecords(Struct, frozen=True):
    """Reads who pulled the packages of an organization, for its owners and for administrators."""

    store: PullRecordStore
    directory: DirectoryStore
    authorization: Authorization
    clock: Clock

    async def of_organization(self, query: PullQuery, *, by: Principal) -> PullRecordPage:
        """Return a page of the pulls of an organization.

        `query.principal` may also be the name of an account, or that of the organization for its
        own tokens. Raises `NotPermitted`, and `organization-not-found` for callers who are not
        members.
        """
        access = await self.authorization.require_to_read(by, Action.MANAGE, query.org)
        organization = access.require_organization(query.org)
        # Pulls of a deleted organization with the same name are left out.
        oldest_ms = max(organization.created_ms, self.clock.now_ms() - KEPT_FOR // MS)
        principal = await self._principal_id(query.principal, organization)
        since_ms = max(query.since_ms, oldest_ms)
        asked = replace(query, since_ms=since_ms, principal=principal)
        found = await self.store.find(asked)
        principals = {each.principal for each in found.pulls if each.principal}
        names = await account_names(self.directory, principals - {organization.id})
        return PullRecordPage(
            found.pulls, {**names, organization.id: organization.name}, found.next
        )

    async def all_of_organization(
        self, query: PullQuery, *, by: Principal
    ) -> AsyncIterator[PullRecordPage]:
        """Yield every page of the pulls of an organization."""
        while True:
            page = await self.of_organization(query, by=by)
            yield page
            if not page.next:
                return
            query = replace(query, before=page.next)

    async def _principal_id(self, text: str, organization: Organization) -> str:
        if text.lower() == organization.key:
            return organization.id
        account = await account_by_name_or_id(self.directory, text) if text else None
        return account.id if account else text.removeprefix(ACCOUNT_ID_PREFIX)
