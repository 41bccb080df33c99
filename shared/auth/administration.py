"""Administration: who runs the registry, and may look into and change what holds for all of it."""

from dataclasses import dataclass

from shared.domain.accounts import Account
from shared.domain.entity import Place
from shared.domain.errors import CredentialsMissing, NotPermitted, SignInAgain
from shared.domain.identity import Principal
from shared.domain.rights import ANY, RIGHTS, Action
from shared.ports import Clock, DirectoryStore


@dataclass(frozen=True, slots=True)
class Administration:
    """Asks the directory each time whether an account administers the registry."""

    directory: DirectoryStore
    clock: Clock

    async def require(self, by: Principal, verb: str, what: str) -> None:
        """Raise unless `by` runs the registry: an administrator, by a credential that manages
        everything, or the operator. One call of the store, and none for the operator.

        Raises `CredentialsMissing` or `NotPermitted`; verb and what complete "You may not …".
        """
        if by.is_anonymous:
            raise CredentialsMissing
        if by.is_operator:
            return
        account = await self.directory.get(Account, Place(by.id))
        if account is None or not account.administrator or account.is_locked:
            raise NotPermitted(verb, what, "it takes being administrator of the registry")
        if not _manages_everything(by):
            raise NotPermitted(verb, what, "the token does not manage everything")

    async def require_fresh(self, by: Principal, verb: str, what: str) -> None:
        """Raise as `require` does, and `SignInAgain` unless they signed in a moment ago."""
        await self.require(by, verb, what)
        if not by.is_operator and not by.is_fresh(self.clock.now_ms()):
            raise SignInAgain(verb, what)


def _manages_everything(by: Principal) -> bool:
    scope, _ = RIGHTS[Action.OPERATE]
    return any(
        scope in grant.scopes and grant.org == ANY and grant.package == ANY for grant in by.grants
    )
