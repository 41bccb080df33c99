"""Identities of accounts at identity providers, and the sessions in which accounts are signed
in."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, suppress

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.access_tokens import OWNER_LENGTH
from shared.auth.identity_providers import VerifiedIdentity
from shared.auth.secrets import random_text
from shared.auth.sessions import SESSION_CREDENTIAL, GroupRights
from shared.domain.access_rights import require_own_account
from shared.domain.account_erasure import AccountErasure
from shared.domain.account_names import is_administrator_name, parse_account_name
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, InvalidRequest, NotFound
from shared.domain.errors.identity import (
    AccountExists,
    SessionNotFound,
    TokenUnknown,
    account_locked,
)
from shared.domain.errors.requests import Busy
from shared.domain.identities import Identity, identity_place
from shared.domain.ids import is_id
from shared.domain.mail import mail_line
from shared.domain.principals import Principal
from shared.domain.reasons import with_reason
from shared.domain.recent_sign_in import require_recent_sign_in
from shared.domain.sessions import Session
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import Accounts
from shared.services.identity.mail import AccountMail
from shared.services.leases import Leases
from shared.services.limits.notices import ReadOnlyMode
from shared.services.stored_records import remove_stored

# Ten characters below the limit, so that a number can follow a name that is taken.
ACCOUNT_NAME_LENGTH = 30
ACCOUNT_NAME_ATTEMPTS = 5

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class Identities(Struct, frozen=True):
    """Finds, creates and links the identities of accounts."""

    directory: DirectoryStore
    accounts: Accounts
    audited_writer: AuditedWriter
    clock: Clock
    randomness: Randomness
    account_mail: AccountMail
    read_only_mode: ReadOnlyMode
    rights: GroupRights
    leases: Leases

    async def account_id_of(self, verified: VerifiedIdentity) -> str | None:
        """Return the id of the account with this identity, or None if no account has it."""
        identity, _ = await self._find(verified)
        return identity.account if identity else None

    async def unlocked_account_of(
        self, verified: VerifiedIdentity
    ) -> tuple[str, Account | None] | None:
        """Return the id of the account with this identity, and the account as it was read, which is
        None if it was created now; None if no account has the identity. Raises `account-locked`."""
        identity, account = await self._find(verified)
        if account is not None and account.directory_lock is not None:
            await self.rights.renew(account.id)  # The directory may have enabled the person again.
            account = await self.directory.get(Account, account.place)
        if account is not None and account.is_locked:
            raise account_locked(account.name)
        if identity and account and identity.provider not in account.providers:
            await self._add_provider(identity)
        return (identity.account, account) if identity else None

    async def register(self, verified: VerifiedIdentity, provider: str, *, by: Principal) -> str:
        """Create an account with this identity, and return its id."""
        account_id = random_text(self.randomness, OWNER_LENGTH)
        # The identity is written first, so that concurrent sign-ins get the same account.
        try:
            await self._add(verified, provider, account_id, replace(by, id=account_id))
        except AlreadyThere:
            return await self.account_id_of(verified) or account_id
        await self._create_account(account_id, verified, provider)
        return account_id

    async def register_provisioned(
        self, verified: VerifiedIdentity, provider: str, *, by: Principal
    ) -> None:
        """Create an account with this identity, which a directory provisions by SCIM; if the
        identity is there, change nothing. A repeat after a crash continues."""
        account_id = random_text(self.randomness, OWNER_LENGTH)
        try:
            await self._add(verified, provider, account_id, by, is_provisioned=True)
        except AlreadyThere:
            await self._find(verified)
            return
        await self._create_account(account_id, verified, provider)

    async def link(self, verified: VerifiedIdentity, provider: str, *, by: Principal) -> None:
        """Link a further identity to the account of `by`; raise `identity-taken`, and
        `TokenUnknown` if the account is erased meanwhile."""
        try:
            identity = await self._add(verified, provider, by.id, by)
        except AlreadyThere:
            if await self.account_id_of(verified) != by.id:
                raise Conflict(
                    "identity-taken",
                    f"{verified.label or verified.display_name} belongs to another account of "
                    "this registry. Sign in with it and remove it there first.",
                ) from None
            return
        if not await self._add_provider(identity):
            await remove_stored(self.directory, identity)
            raise TokenUnknown
        label = mail_line(verified.label)
        self.account_mail.send(by.id, "identity-linked", label=label, provider=provider)

    async def of(self, *, by: Principal) -> list[Identity]:
        """Return the identities of the account of `by`, oldest first."""
        require_own_account(by, "list", "identities")
        found = await self.directory.list_by_subject(Identity, by.id)
        return sorted(found, key=lambda identity: identity.linked_ms)

    async def remove(self, identity_id: str, *, by: Principal) -> None:
        """Remove an identity of the account of `by`; raise `identity-not-found`, `SignInAgain`, or
        `last-identity` for the only one."""
        require_own_account(by, "remove", "identities")
        require_recent_sign_in(by, self.clock.now_ms(), "remove", "an identity")
        identity = await self._remove(identity_id, by)
        await self.rights.renew(by.id)
        label = mail_line(identity.label)
        provider = identity.provider
        self.account_mail.send(by.id, "identity-removed", label=label, provider=provider)

    @retried_with_back_off
    async def _remove(self, identity_id: str, by: Principal) -> Identity:
        """Remove an identity of an account, and let no other request remove one at the same time:
        otherwise two requests could remove the last two. Return the removed identity."""
        async with self._changing(by.id):
            identities = await self._stored(by.id)
            identity = self._removable(identity_id, identities)
            await self._remove_of(identity, identities, by)
        return identity

    @retried_with_back_off
    async def remove_again(self, removed: Identity, *, by: Principal) -> None:
        """Remove an identity that was removed before and that a restore of a backup brought back,
        also the only one of its account; callers check rights."""
        async with self._changing(removed.account):
            stored = await self.directory.get(Identity, removed.place)
            if stored is not None and stored.account == removed.account:
                await self._remove_of(stored, await self._stored(removed.account), by)

    async def _remove_of(
        self, identity: Identity, identities: Iterable[Identity], by: Principal
    ) -> None:
        """Remove one of the identities of an account. Callers hold the lease."""
        left = {each.provider for each in identities if each.place != identity.place}
        # The provider first, as it can make the account staff: a repeat after a crash finds the
        # identity, and so does a sign-in with it, which adds the provider again.
        await self._store_providers(
            identity.account, lambda stored: (each for each in stored if each in left)
        )
        change = identity_change("identity.removed", identity)
        await self.audited_writer.remove(identity, change=change, by=by)

    async def _stored(self, account_id: str) -> list[Identity]:
        """Return the identities of an account as they are stored: a list may be older."""
        listed = await self.directory.list_by_subject(Identity, account_id)
        read = await asyncio.gather(*(self.directory.get(Identity, e.place) for e in listed))
        return [each for each in read if each is not None]

    def _removable(self, identity_id: str, identities: Sequence[Identity]) -> Identity:
        identity = next((each for each in identities if each.id == identity_id), None)
        if identity is None:
            raise NotFound(
                "identity-not-found",
                f"You have no identity {identity_id[:40]!r}. List them to see which there are.",
            )
        if len(identities) == 1:
            raise Conflict(
                "last-identity",
                f"{identity.label} is the only way to sign in to this account. Link another "
                "identity first.",
            )
        return identity

    async def _find(self, verified: VerifiedIdentity) -> tuple[Identity | None, Account | None]:
        place = identity_place(verified.issuer, verified.identifier)
        identity = await self.directory.get(Identity, place)
        if identity is None:
            return None, None
        account = await self.directory.get(Account, Place(identity.account))
        if account is None:
            identity = await self._with_new_account(identity, verified)
        return identity, account

    async def _with_new_account(
        self, identity: Identity, verified: VerifiedIdentity
    ) -> Identity | None:
        """Create the account of an identity if `register` crashed before it did. Return None if an
        erasure of the account removed the identity meanwhile, and raise `Busy` during one."""
        if await self.directory.get(AccountErasure, Place(identity.account)) is not None:
            raise Busy
        # After the erasure was read: that removes the identity before it ends.
        current = await self.directory.get(Identity, identity.place)
        if current is not None:
            await self._create_account(current.account, verified, current.provider)
        return current

    async def _add(
        self,
        verified: VerifiedIdentity,
        provider: str,
        account_id: str,
        by: Principal,
        *,
        is_provisioned: bool = False,
    ) -> Identity:
        await self.read_only_mode.require_changes_allowed()  # Known identities can still sign in.
        identity = Identity(
            issuer=verified.issuer,
            identifier=verified.identifier,
            account=account_id,
            label=verified.label or verified.display_name or verified.identifier,
            provider=provider,
            linked_ms=self.clock.now_ms(),
            is_provisioned=is_provisioned,
        )
        change = identity_change("identity.linked", identity)
        return await self.audited_writer.add(identity, change=change, by=by)

    def _changing(self, account_id: str) -> AbstractAsyncContextManager[None]:
        """Let nobody else remove identities of the account, or change its providers."""
        return self.leases.lease(f"identities:{account_id}")

    @retried_with_back_off
    async def _add_provider(self, identity: Identity) -> bool:
        """Store that the account of an identity signs in with its provider, unless the identity was
        removed meanwhile; say whether there is such an account."""
        async with self._changing(identity.account):
            current = await self.directory.get(Identity, identity.place)
            added = (identity.provider,) if current is not None else ()
            return await self._store_providers(identity.account, lambda stored: (*stored, *added))

    @retried_when_stale
    async def _store_providers(
        self, account_id: str, change: Callable[[Sequence[str]], Iterable[str]]
    ) -> bool:
        """Change with which providers an account signs in, which decides whether it is staff; say
        whether there is such an account. Callers hold the lease."""
        account = await self.directory.get(Account, Place(account_id))
        if account is None:
            return False
        providers = tuple(dict.fromkeys(change(account.providers)))
        if providers != account.providers:
            await self.directory.replace(account.model_copy(update={"providers": providers}))
        return True

    async def _create_account(
        self, account_id: str, verified: VerifiedIdentity, provider: str
    ) -> None:
        by = Principal(account_id)
        wanted = suggested_account_name(verified)
        for attempt in range(ACCOUNT_NAME_ATTEMPTS):
            name = wanted if not attempt else f"{wanted}-{self._random_digits()}"
            try:
                await self.accounts.register(
                    account_id, name, email=verified.email, provider=provider, by=by
                )
            except AccountExists:
                continue
            except AlreadyThere:
                pass  # A concurrent sign-in of the same person created it.
            return
        raise Busy

    def _random_digits(self) -> str:
        return str(int.from_bytes(self.randomness.token_bytes(3)))[:6]


def identity_change(kind: str, identity: Identity) -> EntityChange:
    details = {"provider": identity.provider, "label": identity.label}
    return EntityChange(kind, identity.id, account=identity.account, details=details)


def suggested_account_name(verified: VerifiedIdentity) -> str:
    """Return a valid account name that is similar to a name of the person."""
    for text in (
        verified.label.partition("@")[0],
        verified.display_name,
        verified.email.partition("@")[0],
    ):
        name = _NOT_IN_NAMES.sub("-", text).strip("._-")[:ACCOUNT_NAME_LENGTH].strip("._-").lower()
        free = f"{name}-1" if is_id(name) else name
        if _is_permitted(free):
            return free
    return "someone"


def _is_permitted(name: str) -> bool:
    try:
        return not is_administrator_name(parse_account_name(name))
    except InvalidRequest:
        return False


class Sessions(Struct, frozen=True):
    """Lists and ends the sessions of an account."""

    directory: DirectoryStore
    audited_writer: AuditedWriter
    clock: Clock
    account_mail: AccountMail

    async def list_own(self, *, by: Principal) -> list[Session]:
        """Return the sessions of the account of `by` that have not ended, the last used first."""
        require_own_account(by, "list", "sessions")
        return live_sessions(
            await self.directory.list_by_owner(Session, by.id), self.clock.now_ms()
        )

    async def end(self, session_id: str, *, by: Principal) -> Session:
        """End a session everywhere within five seconds, or raise `SessionNotFound`."""
        require_own_account(by, "end", "sessions")
        return await self._end(Place(by.id, session_id), by)

    async def end_all(self, account_id: str, *, by: Principal, reason: str = "") -> list[Session]:
        """End all sessions of an account; callers check rights."""
        ended: list[Session] = []
        for each in await self.directory.list_by_owner(Session, account_id):
            with suppress(SessionNotFound):  # The owner of the session ended it meanwhile.
                ended.append(await self._end(each.place, by, reason))
        return ended

    async def sign_out(self, *, by: Principal) -> Session | None:
        """End the session of the request; return None where it has ended already."""
        if not by.credential.startswith(SESSION_CREDENTIAL):
            return None
        try:
            return await self.end(by.credential.removeprefix(SESSION_CREDENTIAL), by=by)
        except SessionNotFound:
            return None

    async def end_copied(self, session: Session) -> None:
        """End a session whose cookie was copied, and send mail to its owner."""
        by = Principal(session.account, f"{SESSION_CREDENTIAL}{session.id}")
        change = EntityChange("session.copied", session.id, account=session.account)
        try:
            await self.audited_writer.remove(session, change=change, by=by)
        except Stale:
            # Another request changes the session now; the next request with the copied cookie ends
            # it.
            return
        self.account_mail.send(session.account, "session-copied")

    @retried_when_stale
    async def _end(self, place: Place, by: Principal, reason: str = "") -> Session:
        session = await self.directory.get(Session, place)
        if session is None:
            raise SessionNotFound(place.key)
        change = session_end(session, reason)
        return await self.audited_writer.remove(session, change=change, by=by)


def session_end(session: Session, reason: str) -> EntityChange:
    """Return the change of a session that ends before its time."""
    details = {"agent": session.agent, "from": session.address, **with_reason(reason)}
    return EntityChange("session.ended", session.id, account=session.account, details=details)


def live_sessions(sessions: Iterable[Session], now_ms: int) -> list[Session]:
    """Return the live sessions, the last used first."""
    found = [each for each in sessions if each.ends_ms > now_ms]
    return sorted(found, key=lambda session: -session.seen_ms)
