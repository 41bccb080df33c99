"""Appointing: making somebody administrator of the registry, and no administrator any more."""

from dataclasses import dataclass

from shared.domain.accounts import Account
from shared.domain.administration_letters import administrators_changed
from shared.domain.identity import Principal
from shared.domain.sign_in_errors import AccountLocked
from shared.services.administrators import Administrators
from shared.services.finding import accounts_of
from shared.services.member_changes import OPERATOR_NAME
from shared.services.notifying import Notifying
from shared.services.recording import Change, Recording


@dataclass(frozen=True, slots=True)
class Appointing:
    """Changes who administers the registry; all who do are told, and those who did."""

    administrators: Administrators
    recording: Recording
    notifying: Notifying
    base_url: str

    async def appoint(self, account: Account, *, by: Principal) -> Account:
        """Make somebody administrator; a repeat changes nothing. Raises `AccountLocked`."""
        async with self.administrators.held(account, "appoint", by=by) as there:
            if there.is_locked:
                raise AccountLocked(there.name)
            if there.administrator:
                return there
            return await self._write(there.model_copy(update={"administrator": True}), by)

    async def dismiss(self, account: Account, *, by: Principal) -> Account:
        """Let somebody be no administrator any more; raise `LastAdministrator`."""
        async with self.administrators.held(account, "dismiss", by=by) as there:
            if not there.administrator:
                return there
            await self.administrators.require_another_beside(there)
            return await self._write(there.model_copy(update={"administrator": False}), by)

    async def _write(self, account: Account, by: Principal) -> Account:
        kind = "account.appointed" if account.administrator else "account.dismissed"
        change = Change(kind, account.id, account=account.id, details={"name": account.name})
        stored = await self.recording.replace(account, change=change, by=by)
        await self._tell(stored, by)
        return stored

    async def _tell(self, account: Account, by: Principal) -> None:
        deciding = await accounts_of(self.recording.directory, [by.id])
        letter = administrators_changed(
            account.name,
            self.base_url,
            by=deciding[0].name if deciding else OPERATOR_NAME,
            is_one=account.administrator,
        )
        told = {each.id: each for each in [*await self.administrators.all(), *deciding, account]}
        await self.notifying.tell(told.values(), *letter)
