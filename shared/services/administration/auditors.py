"""The auditors of the registry."""

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.errors.base import Conflict
from shared.domain.errors.identity import account_locked
from shared.domain.principals import Principal
from shared.ports.system import Clock
from shared.runtime.retries import retried_with_back_off
from shared.services.administration.administrators import Administrators, reason_of_act


class Auditors(Struct, frozen=True):
    """Appoints and dismisses auditors, who read what administrators read and change nothing.

    Changes are mailed to all administrators and to the account. A repeat changes nothing.
    """

    administrators: Administrators
    clock: Clock

    @retried_with_back_off
    async def appoint(self, account: Account, *, by: Principal) -> Account:
        """Make an account an auditor. Raises `account-locked`."""
        async with self.administrators.changing(account, "appoint", by=by) as current:
            if current.is_locked:
                raise account_locked(current.name)
            if current.auditor:
                return current
            changed = current.model_copy(update={"auditor": True})
            return await self.administrators.write_role("auditor.appointed", changed, by)

    @retried_with_back_off
    async def dismiss(self, account: Account, reason: str, *, by: Principal) -> Account:
        """Revoke the auditor role that an account was given by hand. Raises `auditor-by-group` for
        an auditor only by a group, and `reason-missing` unless it is the own account."""
        reason = reason_of_act(account, reason, f"removing {account.name} as auditor", by)
        async with self.administrators.changing(account, "dismiss", by=by) as current:
            if current.auditor:
                changed = current.model_copy(update={"auditor": False})
                return await self.administrators.write_role(
                    "auditor.dismissed", changed, by, reason
                )
            if current.is_auditor_by_groups_at(self.clock.now_ms()):
                raise Conflict(
                    "auditor-by-group",
                    f"{current.name} is an auditor by a group. Change the rule on /manage/groups.",
                )
            return current
