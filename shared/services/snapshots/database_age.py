"""The age of the database, which tasks ask before they delete what it may not know."""

from msgspec import Struct

from shared.domain.accounts import Account
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches


class DatabaseAge(Struct, frozen=True):
    """Tells whether a database is younger than what is stored beside it: it may have been created
    again, so nothing is deleted because it lacks a record."""

    events: EventReader
    directory: DirectoryStore

    async def is_younger_than(self, stored_ms: int) -> bool:
        """Check whether all records are younger than what was stored at that time.

        A restored database is as old as its oldest record. That is mostly the first event of the
        feed; accounts are read as well if it is not old enough.
        """
        for _, event in await self.events.since(0, 1):
            if event.at_ms <= stored_ms:
                return False
        async for accounts in entity_batches(self.directory, Account, RECORDS_AT_ONCE):
            if any(account.created_ms <= stored_ms for account in accounts):
                return False
        return True
