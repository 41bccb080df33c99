"""Identities: who at which provider signs in to which account."""

import re
from dataclasses import dataclass, replace
from functools import partial

from shared.auth.base62 import random_text
from shared.auth.providers import SignedIn
from shared.auth.token import OWNER_LENGTH
from shared.domain.accounts import (
    Account,
    Identity,
    is_id,
    is_kept_for_administrators,
    parse_name,
    place_of_identity,
)
from shared.domain.entity import Place
from shared.domain.errors import AccountExists, Busy, InvalidRequest, SignInAgain
from shared.domain.identity import Principal
from shared.domain.sign_in_errors import (
    AccountLocked,
    IdentityNotFound,
    IdentityTaken,
    LastIdentity,
)
from shared.domain.sign_in_letters import identity_linked, identity_removed
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness
from shared.services.accounts import Accounts
from shared.services.noticing import Noticing
from shared.services.pausing import Pausing
from shared.services.recording import Change, Recording
from shared.services.signing_out import check_own

NAME_LENGTH = 30  # Ten below the limit, for a number that tells two of the same name apart.
NAME_ATTEMPTS = 5

_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Identities:
    """Finds accounts by who signs in, and links further identities to them."""

    directory: DirectoryStore
    accounts: Accounts
    recording: Recording
    clock: Clock
    randomness: Randomness
    noticing: Noticing
    pausing: Pausing

    async def account_of(self, who: SignedIn) -> str | None:
        """Return the id of the account that the person has; None for a stranger."""
        identity, _ = await self._known(who)
        return identity.account if identity else None

    async def open_account_of(self, who: SignedIn) -> str | None:
        """Return as `account_of` does whose account the person enters; raise `AccountLocked`."""
        identity, account = await self._known(who)
        if account is not None and account.is_locked:
            raise AccountLocked(account.name)
        return identity.account if identity else None

    async def enrol(self, who: SignedIn, provider: str, *, by: Principal) -> str:
        """Make an account for a stranger, and return its id."""
        account_id = random_text(self.randomness, OWNER_LENGTH)
        # The identity before the account: of two sign-ins at once one claims it, and both find it.
        try:
            await self._add(who, provider, account_id, replace(by, id=account_id))
        except AlreadyThere:
            return await self.account_of(who) or account_id
        await self._make_account(account_id, who)
        return account_id

    async def link(self, who: SignedIn, provider: str, *, by: Principal) -> None:
        """Let the person sign in to the account of `by` as well; raise `IdentityTaken`."""
        try:
            await self._add(who, provider, by.id, by)
        except AlreadyThere:
            if await self.account_of(who) != by.id:
                raise IdentityTaken(who.label or who.display_name) from None
            return
        self.noticing.tell(by.id, partial(identity_linked, label=who.label, provider=provider))

    async def of(self, *, by: Principal) -> list[Identity]:
        """Return the identities of one's own account, oldest first."""
        check_own("list", "identities", by)
        found = await self.directory.about(Identity, by.id)
        return sorted(found, key=lambda identity: identity.linked_ms)

    async def remove(self, identity_id: str, *, by: Principal) -> None:
        """Take away a way to sign in; raise `LastIdentity` for the only one."""
        check_own("remove", "identities", by)
        if not by.is_fresh(self.clock.now_ms()):
            raise SignInAgain("remove", "an identity")
        mine = await self.of(by=by)
        identity = next((each for each in mine if each.id == identity_id), None)
        if identity is None:
            raise IdentityNotFound(identity_id)
        if len(mine) == 1:
            raise LastIdentity(identity.label)
        change = self._change("identity.removed", identity)
        await self.recording.remove(identity, change=change, by=by)
        told = partial(identity_removed, label=identity.label, provider=identity.provider)
        self.noticing.tell(by.id, told)

    async def _known(self, who: SignedIn) -> tuple[Identity | None, Account | None]:
        identity = await self.directory.get(Identity, place_of_identity(who.issuer, who.identifier))
        if identity is None:
            return None, None
        account = await self.directory.get(Account, Place(identity.account))
        # Whoever died between the two steps of `enrol` comes back for the second.
        if account is None:
            await self._make_account(identity.account, who)
        return identity, account

    async def _add(self, who: SignedIn, provider: str, account_id: str, by: Principal) -> None:
        await self.pausing.admit()  # Signing in goes on for those who are known.
        identity = Identity(
            issuer=who.issuer,
            identifier=who.identifier,
            account=account_id,
            label=who.label or who.display_name or who.identifier,
            provider=provider,
            linked_ms=self.clock.now_ms(),
        )
        await self.recording.add(identity, change=self._change("identity.linked", identity), by=by)

    async def _make_account(self, account_id: str, who: SignedIn) -> None:
        by = Principal(account_id)
        wanted = account_name(who)
        for attempt in range(NAME_ATTEMPTS):
            name = wanted if not attempt else f"{wanted}-{self._digits()}"
            try:
                await self.accounts.enrol(account_id, name, email=who.email, by=by)
            except AccountExists:
                continue
            except AlreadyThere:
                pass  # Another sign-in of the same person was faster.
            return
        raise Busy

    def _digits(self) -> str:
        return str(int.from_bytes(self.randomness.token_bytes(3)))[:6]

    def _change(self, kind: str, identity: Identity) -> Change:
        details = {"provider": identity.provider, "label": identity.label}
        return Change(kind, identity.id, account=identity.account, details=details)


def account_name(who: SignedIn) -> str:
    """Return a name of an account that is close to what the person calls themselves."""
    for text in (who.label.partition("@")[0], who.display_name, who.email.partition("@")[0]):
        name = _NO_NAME.sub("-", text).strip("._-")[:NAME_LENGTH].strip("._-").lower()
        free = f"{name}-1" if is_id(name) else name
        if _may_be_taken(free):
            return free
    return "someone"


def _may_be_taken(name: str) -> bool:
    try:
        return not is_kept_for_administrators(parse_name(name))
    except InvalidRequest:
        return False
