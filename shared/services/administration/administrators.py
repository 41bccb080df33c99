"""The administrators of the registry."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import ADMINISTRATORS, Account, AccountByGroups
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict
from shared.domain.errors.identity import NotPermitted, account_locked, account_not_found
from shared.domain.principals import DIRECTORY, Principal
from shared.domain.queued_mail import Audience, Recipients
from shared.domain.reasons import parse_reason, parse_required_reason, with_reason
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import actor_name, administrator_accounts
from shared.services.leases import Leases
from shared.services.mail_delivery import MailDelivery, mail_text, reason_text

# What a token with the scope moderate is enough for.
_DONE_BY_MODERATORS = frozenset({"lock", "unlock"})


def require_no_administrator(account: Account, verb: str, *, by: Principal) -> None:
    """Raise `NotPermitted` if a token changes an administrator, which only people may do."""
    if by.token and account.administrator:
        reason = "it is an administrator, to whom no token does this"
        raise NotPermitted(verb, f"the account {account.name}", reason)


class Administrators(Struct, frozen=True):
    """Lists, appoints and dismisses administrators; there is always one who can sign in.

    Changes are mailed to all administrators and to the account.
    """

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    leases: Leases
    audited_writer: AuditedWriter
    clock: Clock
    mail_delivery: MailDelivery
    base_url: str

    async def all(self) -> list[Account]:
        now_ms = self.clock.now_ms()
        current = await administrator_accounts(self.directory, now_ms)
        return sorted(current, key=lambda account: account.name.lower())

    @retried_with_back_off
    async def appoint(self, account: Account, *, by: Principal) -> Account:
        """Make an account an administrator; a repeat changes nothing. Raises `account-locked`."""
        async with self.changing(account, "appoint", by=by) as current:
            if current.is_locked:
                raise account_locked(current.name)
            if current.is_administrator_by_hand:
                return current
            return await self._write(current.with_rights(current.by_groups, by_hand=True), by)

    @retried_with_back_off
    async def dismiss(self, account: Account, reason: str, *, by: Principal) -> Account:
        """End that an account is administrator; a repeat changes nothing. Raises
        `last-administrator`, and `reason-missing` unless it is the own account.
        """
        reason = reason_of_act(account, reason, f"removing {account.name} as administrator", by)
        async with self.changing(account, "dismiss", by=by) as current:
            if current.administrator and not current.is_administrator_by_hand:
                raise Conflict(
                    "administrator-by-group",
                    f"{current.name} is an administrator by a group. Change the rule on "
                    "/manage/groups.",
                )
            if not current.administrator:
                return current
            await self.require_another(current)
            dismissed = current.with_rights(current.by_groups, by_hand=False)
            return await self._write(dismissed, by, reason)

    async def end_role(self, current: Account, *, by: Principal) -> Account:
        """End that an account is administrator, by hand and by groups, while the lease is held.

        Raises `last-administrator`.
        """
        await self.require_another(current)
        return await self._write(current.with_rights(None, by_hand=False), by)

    @retried_when_stale
    async def set_by_groups(
        self,
        account_id: str,
        by_groups: AccountByGroups | None,
        groups_until_ms: int | None,
        *,
        by: Principal,
    ) -> None:
        """Store the roles that an account has by its groups, and until when they are known. No
        lease: an administrator by hand stays one, and there is always such a one."""
        current = await self.directory.get(Account, Place(account_id))
        if current is None:
            return
        rights = current.with_rights(by_groups, by_hand=current.is_administrator_by_hand)
        changed = rights.model_copy(update={"groups_until_ms": groups_until_ms})
        if changed == current:
            return
        if changed.administrator != current.administrator:
            # Each of the two changes has an event, and so a write. A crash in between leaves the
            # second one to the next renewal.
            current = await self._write(_auditing_as(changed, current), by)
            update = {"revision": current.revision, "outbox": current.outbox}
            changed = changed.model_copy(update=update)
        audits = bool(changed.by_groups and changed.by_groups.auditor)
        did_audit = bool(current.by_groups and current.by_groups.auditor)
        if audits != did_audit and not changed.auditor:
            kind = "auditor.appointed" if audits else "auditor.dismissed"
            await self.write_role(kind, changed, by)
        elif changed != current:
            await self.directory.replace(changed)

    @asynccontextmanager
    async def changing(
        self, account: Account, verb: str, *, by: Principal
    ) -> AsyncGenerator[Account]:
        """Yield the stored account while nobody else can change administrators.

        Otherwise two administrators could dismiss each other, and none would be left.
        Raises `NotPermitted`, `SignInAgain`, `account-not-found`, and `Stale` while another process
        changes administrators. For locking and unlocking, a token that moderates is enough, except
        for administrators.
        """
        what = f"the account {account.name}"
        await self._require(by, verb, what)
        async with self.leases.lease(ADMINISTRATORS):
            # Checked again: `by` may have been dismissed meanwhile.
            await self._require(by, verb, what)
            current = await self.directory.get(Account, Place(account.id))
            if current is None:
                raise account_not_found(account.name)
            require_no_administrator(current, verb, by=by)
            yield current

    async def _require(self, by: Principal, verb: str, what: str) -> None:
        if by == DIRECTORY:
            return
        if verb in _DONE_BY_MODERATORS:
            await self.registry_authorization.require_moderator(by, verb, what)
        else:
            await self.registry_authorization.require_fresh(by, verb, what)

    async def require_another(self, account: Account) -> None:
        """Raise `last-administrator` unless another administrator, by hand, can sign in."""
        others = [each for each in await self.all() if each.id != account.id and not each.is_locked]
        if not any(each.is_administrator_by_hand for each in others):
            raise Conflict(
                "last-administrator",
                f"{account.name} is the only administrator who can sign in and is not one by a "
                "group. Appoint another one first.",
            )

    async def _write(self, account: Account, by: Principal, reason: str = "") -> Account:
        kind = "account.appointed" if account.administrator else "account.dismissed"
        return await self.write_role(kind, account, by, reason)

    async def write_role(
        self, kind: str, account: Account, by: Principal, reason: str = ""
    ) -> Account:
        """Store what an account is in the registry from now on, and send mail about the event of
        this kind; callers check rights."""
        details = {"name": account.name, **with_reason(reason)}
        change = EntityChange(kind, account.id, account=account.id, details=details)
        mail = mail_text(
            "administrators-changed",
            name=account.name,
            url=self.base_url,
            by=await actor_name(self.directory, by),
            what=_BECAME[kind],
            reason=reason_text(reason),
        )
        stored = await self.audited_writer.replace(account, change=change, by=by)
        told = tuple(dict.fromkeys([by.id, account.id]))
        recipients = Recipients(audience=Audience.ADMINISTRATORS, accounts=told)
        await self.mail_delivery.send_to(recipients, mail)
        return stored


def _auditing_as(account: Account, other: Account) -> Account:
    """Return the account, by its groups an auditor if and only if the other one is."""
    theirs = other.by_groups or AccountByGroups()
    if account.by_groups is None and not theirs.auditor:
        return account
    ours = account.by_groups or AccountByGroups(administrator_by_hand=account.administrator)
    update = {"auditor": theirs.auditor, "auditor_until_ms": theirs.auditor_until_ms}
    return account.model_copy(update={"by_groups": ours.model_copy(update=update)})


# What an account is after each event, as mail says it.
_BECAME = {
    "account.appointed": "an administrator",
    "account.dismissed": "no longer an administrator",
    "auditor.appointed": "an auditor",
    "auditor.dismissed": "no longer an auditor",
}


def reason_of_act(account: Account, reason: str, what: str, by: Principal) -> str:
    """Return the reason for what is done to an account; one's own needs none."""
    return parse_reason(reason) if by.id == account.id else parse_required_reason(reason, what)
