"""Administrators of the registry: how they are appointed and dismissed; one is always left."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.auth.authorization import Administration
from shared.domain.accounts import ADMINISTRATORS, Account
from shared.domain.errors.base import Conflict
from shared.domain.errors.identity import account_locked, account_not_found
from shared.domain.identity import Principal
from shared.domain.mail import administrators_changed_mail
from shared.domain.records import Place
from shared.ports import DirectoryStore
from shared.services.identity.accounts import accounts_by_ids
from shared.services.identity.mail import MailDelivery
from shared.services.leases import Leases, retried_when_leased
from shared.services.organizations.role_changes import OPERATOR_NAME
from shared.services.records import EntityChange, RecordWriter


@dataclass(frozen=True, slots=True)
class Administrators:
    """Lists, appoints and dismisses administrators; there is always one who can sign in.

    Changes are mailed to all administrators and to the account.
    """

    directory: DirectoryStore
    administration: Administration
    leases: Leases
    record_writer: RecordWriter
    mail_delivery: MailDelivery
    base_url: str

    async def all(self) -> list[Account]:
        listed = await self.directory.list_by_subject(Account, ADMINISTRATORS)
        # The list may lag behind, so the records are read.
        found = await accounts_by_ids(self.directory, [each.id for each in listed])
        current = [each for each in found if each.administrator]
        return sorted(current, key=lambda account: account.name.lower())

    @retried_when_leased
    async def appoint(self, account: Account, *, by: Principal) -> Account:
        """Make an account an administrator; a repeat changes nothing. Raises `account-locked`."""
        async with self.locked(account, "appoint", by=by) as current:
            if current.is_locked:
                raise account_locked(current.name)
            if current.administrator:
                return current
            return await self._write(current.model_copy(update={"administrator": True}), by)

    @retried_when_leased
    async def dismiss(self, account: Account, *, by: Principal) -> Account:
        """End that an account is administrator; a repeat changes nothing. Raises
        `last-administrator`.
        """
        async with self.locked(account, "dismiss", by=by) as current:
            if not current.administrator:
                return current
            await self.require_another(current)
            return await self._write(current.model_copy(update={"administrator": False}), by)

    @asynccontextmanager
    async def locked(
        self, account: Account, verb: str, *, by: Principal
    ) -> AsyncGenerator[Account]:
        """Yield the stored account while nobody else can change administrators.

        Otherwise two administrators could dismiss each other, and none would be left.
        Raises as `Administration.require_fresh` and `Leases.lease` do, and `account-not-found`.
        """
        what = f"the account {account.name}"
        await self.administration.require_fresh(by, verb, what)
        async with self.leases.lease(ADMINISTRATORS):
            # Checked again: `by` may have been dismissed meanwhile.
            await self.administration.require_fresh(by, verb, what)
            current = await self.directory.get(Account, Place(account.id))
            if current is None:
                raise account_not_found(account.name)
            yield current

    async def require_another(self, account: Account) -> None:
        """Raise `last-administrator` unless another administrator can sign in."""
        if not any(each.id != account.id and not each.is_locked for each in await self.all()):
            raise Conflict(
                "last-administrator",
                f"{account.name} is the only administrator who can sign in. Appoint another one "
                "first.",
            )

    async def _write(self, account: Account, by: Principal) -> Account:
        kind = "account.appointed" if account.administrator else "account.dismissed"
        change = EntityChange(kind, account.id, account=account.id, details={"name": account.name})
        stored = await self.record_writer.replace(account, change=change, by=by)
        await self._send_mail(stored, by)
        return stored

    async def _send_mail(self, account: Account, by: Principal) -> None:
        actors = await accounts_by_ids(self.directory, [by.id])
        mail_text = administrators_changed_mail(
            account.name,
            self.base_url,
            by=actors[0].name if actors else OPERATOR_NAME,
            is_one=account.administrator,
        )
        recipients = {each.id: each for each in [*await self.all(), *actors, account]}
        await self.mail_delivery.send_to_accounts(recipients.values(), *mail_text)
