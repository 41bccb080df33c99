"""The rights of administrators and auditors, which are rights over the whole registry."""

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.identity import NotPermitted, credentials_missing
from shared.domain.principals import Principal
from shared.domain.recent_sign_in import require_recent_sign_in
from shared.domain.scopes import Resource, Scope
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock


class RegistryAuthorization(Struct, frozen=True):
    """Checks whether a principal administers or audits the registry; reads the account for each
    request."""

    directory: DirectoryStore
    clock: Clock

    async def require(self, by: Principal, verb: str, what: str) -> None:
        """Raise unless `by` is the operator, or an administrator whose credential manages
        everything.

        Raises `credentials-missing` or `NotPermitted`; `verb` and `what` complete "You may not …".
        One call of the store, and none for the operator.
        """
        if by.is_anonymous:
            raise credentials_missing()
        if by.is_operator:
            return
        await self.require_administrator(by.id, verb, what)
        if not by.manages_everything:
            raise NotPermitted(verb, what, "the token does not manage everything")

    async def require_auditor(self, by: Principal, verb: str, what: str) -> None:
        """Raise unless `by` may read what administrators and auditors read of the whole registry.

        It takes the operator, or an administrator or auditor whose credential manages everything or
        has the scope audit. One call of the store, and none for the operator.
        """
        if by.is_anonymous:
            raise credentials_missing()
        if by.is_operator:
            return
        await self.require_auditing_account(by.id, verb, what)
        if not (by.manages_everything or by.audits_everything):
            reason = "the token neither manages everything nor has the scope audit"
            raise NotPermitted(verb, what, reason)

    async def require_auditing_account(self, account_id: str, verb: str, what: str) -> None:
        """Raise `NotPermitted` unless the account is an administrator or an auditor who is not
        locked."""
        account = await self.directory.get(Account, Place(account_id))
        now_ms = self.clock.now_ms()
        if account is None or account.is_locked or not account.reads_management_at(now_ms):
            reason = "only administrators and auditors of the registry can do this"
            raise NotPermitted(verb, what, reason)

    async def require_administrator(self, account_id: str, verb: str, what: str) -> None:
        """Raise `NotPermitted` unless the account is an administrator who is not locked."""
        account = await self.directory.get(Account, Place(account_id))
        if account is None or account.is_locked or not account.administers_at(self.clock.now_ms()):
            raise NotPermitted(verb, what, "only administrators of the registry can do this")

    async def require_moderator(
        self, by: Principal, verb: str, what: object, on: Resource | None = None
    ) -> None:
        """Raise unless `by` may moderate what is `on`, or everything.

        People need what `require_fresh` says. A token needs the scope moderate, and to be one of an
        administrator: it can do what can be undone.
        """
        if by.is_anonymous or by.is_person:
            await self.require_fresh(by, verb, str(what))
            return
        await self.require_administrator(by.id, verb, str(what))
        _require_moderate_scope(by, verb, what, on)

    async def require_file_applier(self, by: Principal, verb: str, what: str) -> None:
        """Raise unless `by` may apply registry files.

        People need what `require_fresh` says. A token needs the scope apply, and to be one of an
        administrator.
        """
        if by.is_anonymous or by.is_person:
            await self.require_fresh(by, verb, what)
            return
        await self.require_administrator(by.id, verb, what)
        if not by.applies_files:
            raise NotPermitted(verb, what, "the token lacks the scope apply")

    async def require_reviewer(
        self, by: Principal, verb: str, what: object, on: Resource | None = None
    ) -> None:
        """Raise unless `by` may see what is moderated: as `require_auditor` does, or by the token
        of an administrator with the scope moderate."""
        if by.is_anonymous or by.is_person or by.manages_everything or by.audits_everything:
            await self.require_auditor(by, verb, str(what))
            return
        await self.require_administrator(by.id, verb, str(what))
        _require_moderate_scope(by, verb, what, on)

    async def require_fresh(self, by: Principal, verb: str, what: str) -> None:
        """Raise as `require` does, and `SignInAgain` unless `by` signed in recently."""
        await self.require(by, verb, what)
        require_recent_sign_in(by, self.clock.now_ms(), verb, what)


def _require_moderate_scope(by: Principal, verb: str, what: object, on: Resource | None) -> None:
    if by.moderates_everything or (on is not None and by.allows(Scope.MODERATE, on)):
        return
    if any(Scope.MODERATE in grant.scopes for grant in by.grants):
        raise NotPermitted(verb, what, "the token is limited to some organizations or packages")
    raise NotPermitted(verb, what, "the token lacks the scope moderate")
