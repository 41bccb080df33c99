"""Sign-in with an identity provider or a link, signing in again, and the identities of an
account.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from functools import partial

from shared.auth.cookies import KnownBrowsers, SignInBrowser, send_cookie
from shared.auth.identity_providers import Freshness, IdentityProvider, VerifiedIdentity
from shared.auth.secrets import Secret, random_text
from shared.auth.sessions import (
    SESSION_CREDENTIAL,
    SESSION_ID_LENGTH,
    SessionLifetimes,
    Sessions,
    SignInLinks,
)
from shared.auth.tokens import OWNER_LENGTH
from shared.domain.accounts import (
    Account,
    Identity,
    identity_place,
    is_administrator_name,
    is_id,
    parse_account_name,
)
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    AccountLocked,
    CredentialsMissing,
    IdentityNotFound,
    IdentityTaken,
    LastIdentity,
    LinkExpired,
    NotPermitted,
    ProviderNotFound,
    SignedTokenRefused,
    SignInAgain,
    SignInExpired,
    SignInFailed,
    SignUpClosed,
)
from shared.domain.errors.organizations import AccountExists
from shared.domain.errors.requests import Busy
from shared.domain.identity import Principal
from shared.domain.mail import identity_linked_mail, identity_removed_mail, new_device_mail
from shared.domain.records import Place
from shared.domain.rights import Grant
from shared.domain.secrets import hash_secret
from shared.domain.sign_in import Session, SignInAttempt, SignInPurpose
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness, WorkStore
from shared.retries import retry_when_stale
from shared.services.accounts import Accounts
from shared.services.mail import AccountMail
from shared.services.notices import ReadOnlyMode
from shared.services.records import EntityChange, RecordWriter
from shared.services.sessions import require_own_account

STATE_LIFETIME = timedelta(minutes=10)  # To find a password and a second factor.
CLOCK_LEEWAY = timedelta(minutes=1)  # Between a provider's clock and ours.
LINK_PROVIDER = "link"  # What a session that began with a sign-in link says of its provider.

_KIND = "sign-in-state"
_MS = timedelta(milliseconds=1)


class SignUp(Enum):
    """Who gets an account by signing in."""

    ANYONE = "anyone"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """What somebody wants to sign in for, and where to go afterwards."""

    purpose: SignInPurpose
    to: str
    by: Principal


@dataclass(frozen=True, slots=True)
class _Proof:
    """How and when somebody showed who they are."""

    provider: str
    signed_in_ms: int
    strong: bool


@dataclass(frozen=True, slots=True)
class Identities:
    """Finds accounts by who signs in, and links further identities to them."""

    directory: DirectoryStore
    accounts: Accounts
    record_writer: RecordWriter
    clock: Clock
    randomness: Randomness
    account_mail: AccountMail
    read_only_mode: ReadOnlyMode

    async def account_id_of(self, who: VerifiedIdentity) -> str | None:
        """Return the id of the account that the person has; None for a stranger."""
        identity, _ = await self._known(who)
        return identity.account if identity else None

    async def unlocked_account_id_of(self, who: VerifiedIdentity) -> str | None:
        """Return as `account_of` does whose account the person enters; raise `AccountLocked`."""
        identity, account = await self._known(who)
        if account is not None and account.is_locked:
            raise AccountLocked(account.name)
        return identity.account if identity else None

    async def register(self, who: VerifiedIdentity, provider: str, *, by: Principal) -> str:
        """Make an account for a stranger, and return its id."""
        account_id = random_text(self.randomness, OWNER_LENGTH)
        # The identity before the account: of two sign-ins at once one claims it, and both find it.
        try:
            await self._add(who, provider, account_id, replace(by, id=account_id))
        except AlreadyThere:
            return await self.account_id_of(who) or account_id
        await self._make_account(account_id, who)
        return account_id

    async def link(self, who: VerifiedIdentity, provider: str, *, by: Principal) -> None:
        """Let the person sign in to the account of `by` as well; raise `IdentityTaken`."""
        try:
            await self._add(who, provider, by.id, by)
        except AlreadyThere:
            if await self.account_id_of(who) != by.id:
                raise IdentityTaken(who.label or who.display_name) from None
            return
        self.account_mail.send(
            by.id, partial(identity_linked_mail, label=who.label, provider=provider)
        )

    async def of(self, *, by: Principal) -> list[Identity]:
        """Return the identities of one's own account, oldest first."""
        require_own_account("list", "identities", by)
        found = await self.directory.about(Identity, by.id)
        return sorted(found, key=lambda identity: identity.linked_ms)

    async def remove(self, identity_id: str, *, by: Principal) -> None:
        """Take away a way to sign in; raise `LastIdentity` for the only one."""
        require_own_account("remove", "identities", by)
        if not by.signed_in_recently(self.clock.now_ms()):
            raise SignInAgain("remove", "an identity")
        mine = await self.of(by=by)
        identity = next((each for each in mine if each.id == identity_id), None)
        if identity is None:
            raise IdentityNotFound(identity_id)
        if len(mine) == 1:
            raise LastIdentity(identity.label)
        change = self._change("identity.removed", identity)
        await self.record_writer.remove(identity, change=change, by=by)
        told = partial(identity_removed_mail, label=identity.label, provider=identity.provider)
        self.account_mail.send(by.id, told)

    async def _known(self, who: VerifiedIdentity) -> tuple[Identity | None, Account | None]:
        identity = await self.directory.get(Identity, identity_place(who.issuer, who.identifier))
        if identity is None:
            return None, None
        account = await self.directory.get(Account, Place(identity.account))
        # Whoever died between the two steps of `enrol` comes back for the second.
        if account is None:
            await self._make_account(identity.account, who)
        return identity, account

    async def _add(
        self, who: VerifiedIdentity, provider: str, account_id: str, by: Principal
    ) -> None:
        await (
            self.read_only_mode.require_changes_allowed()
        )  # Signing in goes on for those who are known.
        identity = Identity(
            issuer=who.issuer,
            identifier=who.identifier,
            account=account_id,
            label=who.label or who.display_name or who.identifier,
            provider=provider,
            linked_ms=self.clock.now_ms(),
        )
        await self.record_writer.add(
            identity, change=self._change("identity.linked", identity), by=by
        )

    async def _make_account(self, account_id: str, who: VerifiedIdentity) -> None:
        by = Principal(account_id)
        wanted = suggested_account_name(who)
        for attempt in range(ACCOUNT_NAME_ATTEMPTS):
            name = wanted if not attempt else f"{wanted}-{self._digits()}"
            try:
                await self.accounts.register(account_id, name, email=who.email, by=by)
            except AccountExists:
                continue
            except AlreadyThere:
                pass  # Another sign-in of the same person was faster.
            return
        raise Busy

    def _digits(self) -> str:
        return str(int.from_bytes(self.randomness.token_bytes(3)))[:6]

    def _change(self, kind: str, identity: Identity) -> EntityChange:
        details = {"provider": identity.provider, "label": identity.label}
        return EntityChange(kind, identity.id, account=identity.account, details=details)


@dataclass(frozen=True, slots=True)
class SignInFlow:
    """Begins and finishes sign-ins; each counts once, and in the browser that began it."""

    providers: Mapping[str, IdentityProvider]
    links: SignInLinks
    sessions: Sessions
    identities: Identities
    known_browsers: KnownBrowsers
    work: WorkStore
    directory: DirectoryStore
    record_writer: RecordWriter
    clock: Clock
    randomness: Randomness
    account_mail: AccountMail
    base_url: str
    lifetimes: SessionLifetimes
    sign_up: SignUp
    refused: Callable[[str, str], None]  # Hears of which provider, and why.

    async def begin(self, name: str, errand: SignInRequest, arrival: SignInBrowser) -> str:
        """Return the address of the provider where the sign-in goes on."""
        provider = self._provider(name)
        self._check_errand(errand)
        fresh = Freshness.ANY if errand.purpose is SignInPurpose.ENTER else Freshness.NEW
        begun = await provider.begin(self._callback(name), fresh)
        now_ms = self.clock.now_ms()
        pending = SignInAttempt(
            provider=name,
            flow=begun.flow,
            browser=hash_secret(arrival.browser),
            purpose=errand.purpose,
            to=errand.to,
            account=errand.by.id,
            session=errand.by.credential.removeprefix(SESSION_CREDENTIAL),
            begun_ms=now_ms,
        )
        expires_ms = now_ms + STATE_LIFETIME // _MS
        kept = pending.model_dump_json()
        await self.work.put(_KIND, hash_secret(begun.state), kept, expires_ms)
        return begun.address

    async def finish(self, name: str, answer: Mapping[str, str], arrival: SignInBrowser) -> str:
        """Return the page to go to, once the answer is checked and acted on."""
        provider = self._provider(name)
        pending = await self._pending(name, answer.get("state", ""), arrival)
        who = await self._vouched(provider, pending.flow, answer)
        match pending.purpose:
            case SignInPurpose.ENTER:
                await self._enter(who, name, arrival)
            case SignInPurpose.AGAIN:
                _check_age(who, pending, provider.label)
                await self._renew(who, pending, arrival)
            case _:
                await self._link(who, pending, arrival)
        return pending.to

    async def finish_link(self, code: str, arrival: SignInBrowser) -> None:
        """Sign in by a link, which is used up; raise `LinkExpired` or `AccountLocked`."""
        account_id = await self.links.redeem(code)
        account = await self.directory.get(Account, Place(account_id))
        if account is None:
            raise LinkExpired
        if account.is_locked:
            raise AccountLocked(account.name)
        proof = _Proof(LINK_PROVIDER, self.clock.now_ms(), strong=False)
        await self._start(account_id, proof, arrival)

    async def issue_link(self, account: Account, *, by: Principal) -> Secret:
        """Return a link that signs somebody else in."""
        await self.require_link_issuer(by=by)
        change = EntityChange("sign-in-link.issued", account.id, account=account.id)
        await self.record_writer.events.append([self.record_writer.event(change, by)])
        return await self.links.create(account.id)

    async def require_link_issuer(self, *, by: Principal) -> None:
        """Raise unless `by` may issue links: administrators alone, who just signed in."""
        if by.is_anonymous:
            raise CredentialsMissing
        issuer = await self.directory.get(Account, Place(by.id))
        if not by.is_operator and (issuer is None or not issuer.administrator):
            reason = "it takes being administrator of the registry"
            raise NotPermitted("issue", "sign-in links", reason)
        if not by.is_operator and not by.signed_in_recently(self.clock.now_ms()):
            raise SignInAgain("issue", "a sign-in link")

    def _provider(self, name: str) -> IdentityProvider:
        if name not in self.providers:
            raise ProviderNotFound(name)
        return self.providers[name]

    def _callback(self, name: str) -> str:
        return f"{self.base_url}/sign-in/callback/{name}"

    def _check_errand(self, errand: SignInRequest) -> None:
        if errand.purpose is SignInPurpose.ENTER:
            return
        if not errand.by.credential.startswith(SESSION_CREDENTIAL):
            raise SignInExpired
        if errand.purpose is SignInPurpose.LINK and not errand.by.signed_in_recently(
            self.clock.now_ms()
        ):
            raise SignInAgain("link", "an identity")

    async def _pending(self, name: str, state: str, arrival: SignInBrowser) -> SignInAttempt:
        # Taken before it is looked at: whatever is wrong with an answer, there is no second one.
        text = await self.work.take(_KIND, hash_secret(state), self.clock.now_ms())
        if text is None:
            raise SignInExpired
        pending = SignInAttempt.model_validate_json(text)
        here = hmac.compare_digest(pending.browser, hash_secret(arrival.browser))
        if not here or pending.provider != name:
            raise SignInExpired
        return pending

    async def _vouched(
        self, provider: IdentityProvider, flow: str, answer: Mapping[str, str]
    ) -> VerifiedIdentity:
        try:
            return await provider.finish(flow, answer)
        except SignedTokenRefused as refusal:
            # What is wrong with a token is for the operator; the person can only try again.
            self.refused(provider.label, str(refusal))
            raise SignInFailed(provider.label, "its answer proves nothing") from None

    async def _enter(self, who: VerifiedIdentity, provider: str, arrival: SignInBrowser) -> None:
        account_id = await self.identities.unlocked_account_id_of(who)
        if account_id is None:
            if self.sign_up is SignUp.NOBODY:
                raise SignUpClosed(who.label or who.display_name)
            by = Principal(address=arrival.address, agent=arrival.agent)
            account_id = await self.identities.register(who, provider, by=by)
        proof = _Proof(provider, who.authenticated_ms, who.strong)
        await self._start(account_id, proof, arrival)

    async def _renew(
        self, who: VerifiedIdentity, pending: SignInAttempt, arrival: SignInBrowser
    ) -> None:
        if await self.identities.account_id_of(who) != pending.account:
            label = self._provider(pending.provider).label
            raise SignInFailed(label, "you showed that you are somebody else")
        secret = self.sessions.new_secret()
        session = await retry_when_stale(lambda: self._renewed(who, pending, secret, arrival))
        self.sessions.invalidate(session)
        send_cookie(self.sessions.session_cookie(session, secret))

    async def _renewed(
        self, who: VerifiedIdentity, pending: SignInAttempt, secret: Secret, arrival: SignInBrowser
    ) -> Session:
        session = await self._session(pending)
        changed = session.with_new_secret(
            hash_secret(secret.reveal()), session.secrets[0], self.clock.now_ms()
        ).model_copy(update={"signed_in_ms": who.authenticated_ms, "strong": who.strong})
        change = EntityChange("session.renewed", session.id, account=session.account)
        return await self.record_writer.replace(changed, change=change, by=_owner(session, arrival))

    async def _link(
        self, who: VerifiedIdentity, pending: SignInAttempt, arrival: SignInBrowser
    ) -> None:
        session = await self._session(pending)
        await self.identities.link(who, pending.provider, by=_owner(session, arrival))

    async def _session(self, pending: SignInAttempt) -> Session:
        """Return the session that a sign-in began in; raise if it has ended meanwhile."""
        session = await self.directory.get(Session, Place(pending.account, pending.session))
        if session is None or session.ends_ms <= self.clock.now_ms():
            raise SignInExpired
        return session

    async def _start(self, account_id: str, proof: _Proof, arrival: SignInBrowser) -> None:
        """Sign the browser in: always with a session of its own, whatever it was before."""
        secret = self.sessions.new_secret()
        session = self._new_session(account_id, proof, arrival, secret)
        cookie = self.sessions.session_cookie(
            session, secret
        )  # Refuses plain http before it is stored.
        await self.known_browsers.ready()
        known = self.known_browsers.is_known(account_id, arrival.device)
        details = {
            "provider": proof.provider,
            "agent": arrival.agent,
            "device": "known" if known else "new",
        }
        change = EntityChange("session.started", session.id, account=account_id, details=details)
        await self.record_writer.add(session, change=change, by=_owner(session, arrival))
        send_cookie(cookie)
        self.known_browsers.remember(account_id)
        if not known:
            told = partial(new_device_mail, agent=arrival.agent, address=arrival.address)
            self.account_mail.send(account_id, told)

    def _new_session(
        self, account_id: str, proof: _Proof, arrival: SignInBrowser, secret: Secret
    ) -> Session:
        now_ms = self.clock.now_ms()
        return Session(
            id=random_text(self.randomness, SESSION_ID_LENGTH),
            account=account_id,
            provider=proof.provider,
            created_ms=now_ms,
            seen_ms=now_ms,
            expires_ms=now_ms + self.lifetimes.whole // _MS,
            idle_ms=self.lifetimes.idle // _MS,
            signed_in_ms=proof.signed_in_ms,
            strong=proof.strong,
            agent=arrival.agent,
            address=arrival.address,
            secrets=(hash_secret(secret.reveal()),),
        )


def _check_age(who: VerifiedIdentity, pending: SignInAttempt, label: str) -> None:
    if who.authenticated_ms < pending.begun_ms - CLOCK_LEEWAY // _MS:
        raise SignInFailed(label, "it did not ask you again who you are")


def _owner(session: Session, arrival: SignInBrowser) -> Principal:
    return Principal(
        id=session.account,
        credential=f"{SESSION_CREDENTIAL}{session.id}",
        grants=(Grant(),),
        address=arrival.address,
        agent=arrival.agent,
    )


ACCOUNT_NAME_LENGTH = 30  # Ten below the limit, for a number that tells two of the same name apart.
ACCOUNT_NAME_ATTEMPTS = 5

_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def suggested_account_name(who: VerifiedIdentity) -> str:
    """Return a name of an account that is close to what the person calls themselves."""
    for text in (who.label.partition("@")[0], who.display_name, who.email.partition("@")[0]):
        name = _NO_NAME.sub("-", text).strip("._-")[:ACCOUNT_NAME_LENGTH].strip("._-").lower()
        free = f"{name}-1" if is_id(name) else name
        if _may_be_taken(free):
            return free
    return "someone"


def _may_be_taken(name: str) -> bool:
    try:
        return not is_administrator_name(parse_account_name(name))
    except InvalidRequest:
        return False
