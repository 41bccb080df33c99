"""Signing in: with a provider of identities, or by a link; and showing again who one is."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import partial

from shared.auth.base62 import random_text
from shared.auth.browsers import Arrival, Devices
from shared.auth.cookies import leave
from shared.auth.providers import Freshness, Provider, SignedIn
from shared.auth.secret import Secret
from shared.auth.session import CREDENTIAL, ID_LENGTH, Lifetimes, Sessions
from shared.auth.sign_in_links import SignInLinks
from shared.domain.accounts import Account
from shared.domain.entity import Place
from shared.domain.errors import (
    CredentialsMissing,
    LinkExpired,
    NotPermitted,
    SignedTokenRefused,
    SignInAgain,
)
from shared.domain.identity import Principal
from shared.domain.rights import Grant
from shared.domain.sessions import Session
from shared.domain.sign_in_errors import (
    AccountLocked,
    ProviderNotFound,
    SignInExpired,
    SignInFailed,
    SignUpClosed,
)
from shared.domain.sign_in_letters import new_device
from shared.domain.sign_ins import PendingSignIn, Purpose
from shared.domain.stored_hash import stored_hash
from shared.ports import Clock, DirectoryStore, Randomness, WorkStore
from shared.services.changing import until_fresh
from shared.services.identities import Identities
from shared.services.noticing import Noticing
from shared.services.recording import Change, Recording

STATE_LIFETIME = timedelta(minutes=10)  # To find a password and a second factor.
CLOCK_LEEWAY = timedelta(minutes=1)  # Between a provider's clock and ours.
LINK = "link"  # What a session that began with a sign-in link says of its provider.

_KIND = "sign-in-state"
_MS = timedelta(milliseconds=1)


class SignUp(Enum):
    """Who gets an account by signing in."""

    ANYONE = "anyone"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Errand:
    """What somebody wants to sign in for, and where to go afterwards."""

    purpose: Purpose
    to: str
    by: Principal


@dataclass(frozen=True, slots=True)
class _Proof:
    """How and when somebody showed who they are."""

    provider: str
    signed_in_ms: int
    strong: bool


@dataclass(frozen=True, slots=True)
class SigningIn:
    """Begins and finishes sign-ins; each counts once, and in the browser that began it."""

    providers: Mapping[str, Provider]
    links: SignInLinks
    sessions: Sessions
    identities: Identities
    devices: Devices
    work: WorkStore
    directory: DirectoryStore
    recording: Recording
    clock: Clock
    randomness: Randomness
    noticing: Noticing
    base_url: str
    lifetimes: Lifetimes
    sign_up: SignUp
    refused: Callable[[str, str], None]  # Hears of which provider, and why.

    async def begin(self, name: str, errand: Errand, arrival: Arrival) -> str:
        """Return the address of the provider where the sign-in goes on."""
        provider = self._provider(name)
        self._check_errand(errand)
        fresh = Freshness.ANY if errand.purpose is Purpose.ENTER else Freshness.NEW
        begun = await provider.begin(self._callback(name), fresh)
        now_ms = self.clock.now_ms()
        pending = PendingSignIn(
            provider=name,
            flow=begun.flow,
            browser=stored_hash(arrival.browser),
            purpose=errand.purpose,
            to=errand.to,
            account=errand.by.id,
            session=errand.by.credential.removeprefix(CREDENTIAL),
            begun_ms=now_ms,
        )
        expires_ms = now_ms + STATE_LIFETIME // _MS
        kept = pending.model_dump_json()
        await self.work.put(_KIND, stored_hash(begun.state), kept, expires_ms)
        return begun.address

    async def finish(self, name: str, answer: Mapping[str, str], arrival: Arrival) -> str:
        """Return the page to go to, once the answer is checked and acted on."""
        provider = self._provider(name)
        pending = await self._pending(name, answer.get("state", ""), arrival)
        who = await self._vouched(provider, pending.flow, answer)
        match pending.purpose:
            case Purpose.ENTER:
                await self._enter(who, name, arrival)
            case Purpose.AGAIN:
                _check_age(who, pending, provider.label)
                await self._renew(who, pending, arrival)
            case _:
                await self._link(who, pending, arrival)
        return pending.to

    async def by_link(self, code: str, arrival: Arrival) -> None:
        """Sign in by a link, which is used up; raise `LinkExpired` or `AccountLocked`."""
        account_id = await self.links.redeem(code)
        account = await self.directory.get(Account, Place(account_id))
        if account is None:
            raise LinkExpired
        if account.is_locked:
            raise AccountLocked(account.name)
        proof = _Proof(LINK, self.clock.now_ms(), strong=False)
        await self._start(account_id, proof, arrival)

    async def issue_link(self, account: Account, *, by: Principal) -> Secret:
        """Return a link that signs somebody else in."""
        await self.require_issuer(by=by)
        change = Change("sign-in-link.issued", account.id, account=account.id)
        await self.recording.events.append([self.recording.event(change, by)])
        return await self.links.create(account.id)

    async def require_issuer(self, *, by: Principal) -> None:
        """Raise unless `by` may issue links: administrators alone, who just signed in."""
        if by.is_anonymous:
            raise CredentialsMissing
        issuer = await self.directory.get(Account, Place(by.id))
        if not by.is_operator and (issuer is None or not issuer.administrator):
            reason = "it takes being administrator of the registry"
            raise NotPermitted("issue", "sign-in links", reason)
        if not by.is_operator and not by.is_fresh(self.clock.now_ms()):
            raise SignInAgain("issue", "a sign-in link")

    def _provider(self, name: str) -> Provider:
        if name not in self.providers:
            raise ProviderNotFound(name)
        return self.providers[name]

    def _callback(self, name: str) -> str:
        return f"{self.base_url}/sign-in/callback/{name}"

    def _check_errand(self, errand: Errand) -> None:
        if errand.purpose is Purpose.ENTER:
            return
        if not errand.by.credential.startswith(CREDENTIAL):
            raise SignInExpired
        if errand.purpose is Purpose.LINK and not errand.by.is_fresh(self.clock.now_ms()):
            raise SignInAgain("link", "an identity")

    async def _pending(self, name: str, state: str, arrival: Arrival) -> PendingSignIn:
        # Taken before it is looked at: whatever is wrong with an answer, there is no second one.
        text = await self.work.take(_KIND, stored_hash(state), self.clock.now_ms())
        if text is None:
            raise SignInExpired
        pending = PendingSignIn.model_validate_json(text)
        here = hmac.compare_digest(pending.browser, stored_hash(arrival.browser))
        if not here or pending.provider != name:
            raise SignInExpired
        return pending

    async def _vouched(self, provider: Provider, flow: str, answer: Mapping[str, str]) -> SignedIn:
        try:
            return await provider.finish(flow, answer)
        except SignedTokenRefused as refusal:
            # What is wrong with a token is for the operator; the person can only try again.
            self.refused(provider.label, str(refusal))
            raise SignInFailed(provider.label, "its answer proves nothing") from None

    async def _enter(self, who: SignedIn, provider: str, arrival: Arrival) -> None:
        account_id = await self.identities.open_account_of(who)
        if account_id is None:
            if self.sign_up is SignUp.NOBODY:
                raise SignUpClosed(who.label or who.display_name)
            by = Principal(address=arrival.address, agent=arrival.agent)
            account_id = await self.identities.enrol(who, provider, by=by)
        proof = _Proof(provider, who.authenticated_ms, who.strong)
        await self._start(account_id, proof, arrival)

    async def _renew(self, who: SignedIn, pending: PendingSignIn, arrival: Arrival) -> None:
        if await self.identities.account_of(who) != pending.account:
            label = self._provider(pending.provider).label
            raise SignInFailed(label, "you showed that you are somebody else")
        secret = self.sessions.new_secret()
        session = await until_fresh(lambda: self._renewed(who, pending, secret, arrival))
        self.sessions.forget(session)
        leave(self.sessions.welcome(session, secret))

    async def _renewed(
        self, who: SignedIn, pending: PendingSignIn, secret: Secret, arrival: Arrival
    ) -> Session:
        session = await self._session(pending)
        changed = session.with_secret(
            stored_hash(secret.reveal()), session.secrets[0], self.clock.now_ms()
        ).model_copy(update={"signed_in_ms": who.authenticated_ms, "strong": who.strong})
        change = Change("session.renewed", session.id, account=session.account)
        return await self.recording.replace(changed, change=change, by=_owner(session, arrival))

    async def _link(self, who: SignedIn, pending: PendingSignIn, arrival: Arrival) -> None:
        session = await self._session(pending)
        await self.identities.link(who, pending.provider, by=_owner(session, arrival))

    async def _session(self, pending: PendingSignIn) -> Session:
        """Return the session that a sign-in began in; raise if it has ended meanwhile."""
        session = await self.directory.get(Session, Place(pending.account, pending.session))
        if session is None or session.ends_ms <= self.clock.now_ms():
            raise SignInExpired
        return session

    async def _start(self, account_id: str, proof: _Proof, arrival: Arrival) -> None:
        """Sign the browser in: always with a session of its own, whatever it was before."""
        secret = self.sessions.new_secret()
        session = self._new_session(account_id, proof, arrival, secret)
        cookie = self.sessions.welcome(session, secret)  # Refuses plain http before it is stored.
        await self.devices.ready()
        known = self.devices.knows(account_id, arrival.device)
        details = {
            "provider": proof.provider,
            "agent": arrival.agent,
            "device": "known" if known else "new",
        }
        change = Change("session.started", session.id, account=account_id, details=details)
        await self.recording.add(session, change=change, by=_owner(session, arrival))
        leave(cookie)
        self.devices.remember(account_id)
        if not known:
            told = partial(new_device, agent=arrival.agent, address=arrival.address)
            self.noticing.tell(account_id, told)

    def _new_session(
        self, account_id: str, proof: _Proof, arrival: Arrival, secret: Secret
    ) -> Session:
        now_ms = self.clock.now_ms()
        return Session(
            id=random_text(self.randomness, ID_LENGTH),
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
            secrets=(stored_hash(secret.reveal()),),
        )


def _check_age(who: SignedIn, pending: PendingSignIn, label: str) -> None:
    if who.authenticated_ms < pending.begun_ms - CLOCK_LEEWAY // _MS:
        raise SignInFailed(label, "it did not ask you again who you are")


def _owner(session: Session, arrival: Arrival) -> Principal:
    return Principal(
        id=session.account,
        credential=f"{CREDENTIAL}{session.id}",
        grants=(Grant(),),
        address=arrival.address,
        agent=arrival.agent,
    )
