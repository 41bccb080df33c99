"""Task `erase-accounts`, every hour at minute 55: erases accounts whose notice is over, sends the
notices that could not be sent, and replaces former names of accounts by their hashes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol

from shared.domain.account_erasure import AccountErasure
from shared.domain.account_names import AccountName
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.base import Refusal
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventForgetting
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.identity.accounts import RetiredNames
from shared.services.maintenance.tasks import Task
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches

SCHEDULE = "0 55 * * * *"


class PendingErasures(Protocol):
    """The erasures of accounts, as the services of administration carry them out."""

    def all(self) -> AsyncIterator[AccountErasure]:
        """Yield the erasures that wait or are under way."""
        ...

    async def send_notice(self, erasure: AccountErasure) -> int:
        """Send the mail about an erasure that waits, unless it was sent; return how many were
        sent."""
        ...

    async def carry_out(self, listed: AccountErasure) -> object | None:
        """Carry out an erasure, or return None if it is not due any more; a repeat continues.
        Raises refusals and `Stale`."""
        ...


NAMES_LOOKED_AT_EVERY = timedelta(days=30)
_NAMES_KIND = "former-names"


class EraseAccounts(Task, frozen=True):
    id = "erase-accounts"
    title = "Erase accounts"
    sentence = (
        "Erases accounts whose notice is over, finishes interrupted erasures, and replaces former "
        "names of accounts by their hashes."
    )
    schedule = SCHEDULE
    runs_first = True  # Older versions stored former names.

    directory: DirectoryStore
    work: WorkStore
    erasures: PendingErasures
    retired_names: RetiredNames
    events: EventForgetting
    clock: Clock

    async def run(self) -> TaskReport:
        """Visit each erasure; the next run repeats what failed."""
        seen = 0
        changed = 0
        problems = list[str]()
        async for erasure in self.erasures.all():
            seen += 1
            try:
                if erasure.is_due_at(self.clock.now_ms()):
                    changed += await self.erasures.carry_out(erasure) is not None
                else:
                    # It is sent when the erasure is announced, unless that failed.
                    changed += await self.erasures.send_notice(erasure)
            except Refusal as refusal:
                problems.append(f"{erasure.account}: {refusal}")
            except Stale:
                problems.append(f"{erasure.account}: it was changed meanwhile.")
        try:
            hashed = await self._hash_names()
        except Refusal as refusal:
            return TaskReport(seen, changed, (*problems, f"Former names: {refusal}"))
        return TaskReport(seen + hashed, changed + hashed, tuple(problems))

    async def _hash_names(self) -> int:
        """Hash former names that an earlier version stored, also in a backup that was restored, and
        remove what events say of accounts that are gone; return how many."""
        now_ms = self.clock.now_ms()
        until_ms = now_ms + NAMES_LOOKED_AT_EVERY // MS
        if await self.work.peek(_NAMES_KIND, self.id, now_ms) is not None:
            return 0
        hashed = 0
        async for batch in entity_batches(self.directory, AccountName, RECORDS_AT_ONCE):
            for claim in batch:
                if claim.is_retired:
                    hashed += await self._hash_name(claim)
        await self.events.overwrite_forgotten()
        await self.work.put(_NAMES_KIND, self.id, "hashed", until_ms)
        return hashed

    async def _hash_name(self, claim: AccountName) -> bool:
        if await self.directory.get(Account, Place(claim.account)) is None:
            await self.events.forget_account(claim.account)
        return await self.retired_names.retire(claim.name, claim.account)
