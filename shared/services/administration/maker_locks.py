"""What happens to what an account made when the account is locked, unlocked or deleted.

The makers of tokens, publishers and webhooks are asked about whenever these are used
(`shared/domain/makers.py`), so nothing is written into them. Only scheduled changes of owners,
which would take effect by themselves, are put on hold.
"""

from collections.abc import Sequence

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import Principal
from shared.ports.directory import DirectoryStore
from shared.runtime.retries import retried_with_back_off
from shared.services.organizations.made_by_accounts import (
    MadeByAccounts,
    MadeItem,
    MadeKind,
    MakerMail,
)
from shared.services.organizations.membership_records import MembershipRecords


class MakerLocks(Struct, frozen=True):
    """Holds and ends what accounts scheduled, and tells owners what stops; callers check rights.

    Each method may be repeated: what is on hold or ended already stays so.
    """

    directory: DirectoryStore
    made_by_accounts: MadeByAccounts
    membership_records: MembershipRecords
    maker_mail: MakerMail

    async def after_lock(self, account: Account, *, by: Principal) -> list[MadeItem]:
        """Put on hold what the account scheduled, tell owners what stops with it, and return it."""
        made = await self.made_by_accounts.of_account(account.id)
        for org in _with_changes(made):
            await self._hold(org, account, by)
        await self.maker_mail.send(account, f"The account {account.name} was locked.", made)
        return made

    async def after_unlock(self, account: Account, *, by: Principal) -> None:
        """Resume the changes of owners that the account scheduled, which were on hold while it was
        locked."""
        for org in _with_changes(await self.made_by_accounts.of_account(account.id)):
            await self._resume(org, account, by)

    async def after_deletion(
        self, account: Account, made: Sequence[MadeItem], *, by: Principal
    ) -> None:
        """End the scheduled changes of a deleted account, and tell owners what stops with it."""
        for org in _with_changes(made):
            await self._end(org, account, by)
        await self.maker_mail.send(account, f"The account {account.name} was deleted.", made)

    @retried_with_back_off
    async def _hold(self, org: str, account: Account, by: Principal) -> None:
        organization = await self._organization(org)
        if organization is not None:
            async with self.membership_records.changing(organization) as members:
                await self.membership_records.hold_changes_by(members, account.id, by)

    @retried_with_back_off
    async def _resume(self, org: str, account: Account, by: Principal) -> None:
        organization = await self._organization(org)
        if organization is not None:
            async with self.membership_records.changing(organization) as members:
                await self.membership_records.resume_changes_by(members, account.id, by)

    @retried_with_back_off
    async def _end(self, org: str, account: Account, by: Principal) -> None:
        organization = await self._organization(org)
        if organization is not None:
            async with self.membership_records.changing(organization) as members:
                await self.membership_records.end_changes_by(members, account.id, by)

    async def _organization(self, org: str) -> Organization | None:
        return await self.directory.get(Organization, organization_place(org))


def _with_changes(made: Sequence[MadeItem]) -> list[str]:
    """Return the organizations in which an account scheduled changes of owners."""
    return sorted({each.org for each in made if each.kind is MadeKind.OWNER_CHANGE})
