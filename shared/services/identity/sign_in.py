"""Sign-in with an identity provider or a link."""

import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from msgspec import Struct

from shared.auth.browsers import KnownBrowsers, SignInBrowser
from shared.auth.encryption import Undecryptable, decrypt, encrypt, key_of
from shared.auth.identity_providers import Freshness, IdentityProvider, VerifiedIdentity
from shared.auth.secrets import Secret, random_text
from shared.auth.sessions import (
    SESSION_CREDENTIAL,
    SESSION_ID_LENGTH,
    GroupRights,
    SessionAuthentication,
    SessionLifetimes,
)
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.base import Forbidden, NotFound, Unavailable
from shared.domain.errors.identity import (
    NotPermitted,
    SignedTokenRefused,
    account_locked,
    credentials_missing,
    link_expired,
    second_administrator_needed,
    sign_in_expired,
    sign_in_failed,
)
from shared.domain.grants import UNLIMITED
from shared.domain.mail import mail_line
from shared.domain.principals import Principal
from shared.domain.recent_sign_in import require_recent_sign_in
from shared.domain.sessions import Session
from shared.domain.sign_in import SignInAttempt, SignInPurpose
from shared.domain.times import DAY_MS, MS
from shared.domain.tokens import hash_secret
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.ports.work import WorkStore
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.mail import AccountMail
from shared.services.identity.sessions import Identities
from shared.services.identity.sign_in_links import SignInLinks

STATE_LIFETIME = timedelta(minutes=10)  # Time for a password and a second factor.
CLOCK_LEEWAY = timedelta(minutes=1)  # Tolerated difference of the provider's clock.
LINK_PROVIDER = "link"  # The provider of a session that was started by a sign-in link.

_ATTEMPT_KIND = "sign-in-state"


class SignInRequest(Struct, frozen=True):
    """The purpose of a sign-in, and the page to open afterwards."""

    purpose: SignInPurpose
    to: str
    by: Principal


Cookies = tuple[Secret, ...]  # Values of `Set-Cookie` to answer the browser with.


class FinishedSignIn(Struct, frozen=True):
    """The page to open after a sign-in, and the cookies to set."""

    to: str
    cookies: Cookies


class _Authentication(Struct, frozen=True):
    """How and when somebody authenticated."""

    provider: str
    signed_in_ms: int
    strong: bool


class SignInFlow(Struct, frozen=True):
    """Starts and finishes sign-ins; each is valid once, in the browser that started it."""

    providers: Mapping[str, IdentityProvider]
    links: SignInLinks
    two_administrators: bool  # An administrator makes no link of another one.
    session_authentication: SessionAuthentication
    identities: Identities
    known_browsers: KnownBrowsers
    work: WorkStore
    directory: DirectoryStore
    audited_writer: AuditedWriter
    clock: Clock
    randomness: Randomness
    account_mail: AccountMail
    rights: GroupRights
    base_url: str
    lifetimes: SessionLifetimes
    sign_up: str  # As in the settings.
    on_refusal: Callable[[str, str], None]  # Called with the provider and the reason.

    @property
    def provider_labels(self) -> dict[str, str]:
        """What people read for each provider, by its name."""
        return {name: provider.label for name, provider in self.providers.items()}

    async def begin(self, name: str, request: SignInRequest, browser: SignInBrowser) -> str:
        """Return the address of the provider where the sign-in continues."""
        provider = self._provider(name)
        self._check_request(request)
        fresh = Freshness.ANY if request.purpose is SignInPurpose.ENTER else Freshness.NEW
        started = await provider.begin(self._callback(name), fresh)
        now_ms = self.clock.now_ms()
        attempt = SignInAttempt(
            provider=name,
            flow=started.flow,
            browser=hash_secret(browser.name),
            purpose=request.purpose,
            to=request.to,
            account=request.by.id,
            session=request.by.credential.removeprefix(SESSION_CREDENTIAL),
            begun_ms=now_ms,
        )
        expires_ms = now_ms + STATE_LIFETIME // MS
        # Encrypted with the state, which only the browser and the provider have, because the flow
        # has secrets.
        content = attempt.model_dump_json().encode()
        key = key_of(started.state, _ATTEMPT_KIND)
        text = encrypt(key, content, _ATTEMPT_KIND, self.randomness)
        await self.work.put(_ATTEMPT_KIND, hash_secret(started.state), text, expires_ms)
        return started.address

    async def finish(
        self, name: str, response: Mapping[str, str], browser: SignInBrowser
    ) -> FinishedSignIn:
        """Verify the provider's response, and act on it."""
        provider = self._provider(name)
        attempt = await self._take_attempt(name, response.get("state", ""), browser)
        verified = await self._verify(provider, attempt.flow, response)
        match attempt.purpose:
            case SignInPurpose.ENTER:
                cookies = await self._sign_in(verified, name, browser)
            case SignInPurpose.AGAIN:
                _check_age(verified, attempt, provider.label)
                cookies = await self._sign_in_again(verified, attempt, browser)
            case _:
                cookies = await self._link(verified, attempt, browser)
        return FinishedSignIn(attempt.to, cookies)

    async def finish_link(self, code: str, browser: SignInBrowser) -> Cookies:
        """Sign in by a link, use it up, and return the cookies to set; raise `link-expired` or
        `account-locked`."""
        async with self.links.redeemed(code) as account_id:
            account = await self.directory.get(Account, Place(account_id))
            if account is None:
                raise link_expired()
            if account.is_locked:
                raise account_locked(account.name)
            authentication = _Authentication(LINK_PROVIDER, self.clock.now_ms(), strong=False)
            return await self._start(account_id, account, authentication, browser)

    async def issue_link(self, account: Account, *, by: Principal) -> Secret:
        """Return a sign-in link of another account; raise as `require_link_issuer` does.

        Raises `second-administrator-needed` for the account of an administrator, where two of them
        decide: whoever has the link could confirm in their name.
        """
        await self.require_link_issuer(by=by)
        if self.two_administrators and account.administrator and not by.is_operator:
            why = (
                f"{account.name} is an administrator, and whoever has the link could confirm in "
                "their name what waits for a second one. Let the operator create the link, by "
                f"`ballroom signin-link {account.name}` on the machine."
            )
            raise second_administrator_needed(why)
        change = EntityChange("sign-in-link.issued", account.id, account=account.id)
        await self.audited_writer.append(change, by=by)
        return await self.links.create(account.id, "" if by.is_operator else by.id)

    async def require_link_issuer(self, *, by: Principal) -> None:
        """Raise unless `by` is the operator, or an administrator who signed in recently."""
        if by.is_anonymous:
            raise credentials_missing()
        issuer = await self.directory.get(Account, Place(by.id))
        is_issuer = issuer is not None and issuer.administers_at(self.clock.now_ms())
        if not by.is_operator and not is_issuer:
            reason = "only administrators of the registry can do this"
            raise NotPermitted("issue", "sign-in links", reason)
        require_recent_sign_in(by, self.clock.now_ms(), "issue", "a sign-in link")

    def _provider(self, name: str) -> IdentityProvider:
        if name not in self.providers:
            raise NotFound(
                "provider-not-found",
                f"{name[:40]!r} is not a sign-in method of this registry. Start again from the "
                "page /sign-in.",
            )
        return self.providers[name]

    def _callback(self, name: str) -> str:
        return f"{self.base_url}/sign-in/callback/{name}"

    def _check_request(self, request: SignInRequest) -> None:
        if request.purpose is SignInPurpose.ENTER:
            return
        if not request.by.credential.startswith(SESSION_CREDENTIAL):
            raise sign_in_expired()
        if request.purpose is SignInPurpose.LINK:
            require_recent_sign_in(request.by, self.clock.now_ms(), "link", "an identity")

    async def _take_attempt(self, name: str, state: str, browser: SignInBrowser) -> SignInAttempt:
        # The attempt is removed before the response is checked, so that each attempt has one
        # response only, valid or not.
        text = await self.work.take(_ATTEMPT_KIND, hash_secret(state), self.clock.now_ms())
        if text is None:
            raise sign_in_expired()
        try:
            content = decrypt(key_of(state, _ATTEMPT_KIND), text, _ATTEMPT_KIND)
        except Undecryptable:  # An earlier version encrypted it; the user begins the sign-in again.
            raise sign_in_expired() from None
        attempt = SignInAttempt.model_validate_json(content)
        is_same_browser = hmac.compare_digest(attempt.browser, hash_secret(browser.name))
        if not is_same_browser or attempt.provider != name:
            raise sign_in_expired()
        return attempt

    async def _verify(
        self, provider: IdentityProvider, flow: str, response: Mapping[str, str]
    ) -> VerifiedIdentity:
        try:
            return await provider.finish(flow, response)
        except SignedTokenRefused as refusal:
            # The operator is told what was wrong with the response; the person can only try again.
            self.on_refusal(provider.label, str(refusal))
            raise sign_in_failed(provider.label, "its answer proves nothing") from None

    async def _sign_in(
        self, verified: VerifiedIdentity, provider: str, browser: SignInBrowser
    ) -> Cookies:
        found = await self.identities.unlocked_account_of(verified)
        account_id, account = found or ("", None)
        if not account_id:
            if self.sign_up == "nobody":
                raise Forbidden(
                    "sign-up-closed",
                    f"{verified.label or verified.display_name} has no account at this registry, "
                    "and only administrators create accounts. Ask for an account and a sign-in "
                    "link, then link this identity.",
                )
            by = Principal(address=browser.address, agent=browser.agent)
            account_id = await self.identities.register(verified, provider, by=by)
        await self.rights.signed_in(verified)
        authentication = _Authentication(provider, verified.authenticated_ms, verified.strong)
        return await self._start(account_id, account, authentication, browser)

    async def _sign_in_again(
        self, verified: VerifiedIdentity, attempt: SignInAttempt, browser: SignInBrowser
    ) -> Cookies:
        if await self.identities.account_id_of(verified) != attempt.account:
            label = self._provider(attempt.provider).label
            raise sign_in_failed(label, "you showed that you are somebody else")
        await self.rights.signed_in(verified)
        secret = self.session_authentication.new_secret()
        session = await self._renew_session(verified, attempt, secret, browser)
        self.session_authentication.invalidate(session)
        return (self.session_authentication.session_cookie(session, secret),)

    @retried_when_stale
    async def _renew_session(
        self,
        verified: VerifiedIdentity,
        attempt: SignInAttempt,
        secret: Secret,
        browser: SignInBrowser,
    ) -> Session:
        session = await self._session(attempt)
        changed = session.with_new_secret(
            hash_secret(secret.reveal()), session.secrets[0], self.clock.now_ms()
        ).model_copy(update={"signed_in_ms": verified.authenticated_ms, "strong": verified.strong})
        change = EntityChange("session.renewed", session.id, account=session.account)
        return await self.audited_writer.replace(
            changed, change=change, by=_owner(session, browser)
        )

    async def _link(
        self, verified: VerifiedIdentity, attempt: SignInAttempt, browser: SignInBrowser
    ) -> Cookies:
        session = await self._session(attempt)
        await self.identities.link(verified, attempt.provider, by=_owner(session, browser))
        await self.rights.signed_in(verified)
        return ()

    async def _session(self, attempt: SignInAttempt) -> Session:
        """Return the session in which the sign-in began; raise `sign-in-expired` if that session
        ended."""
        session = await self.directory.get(Session, Place(attempt.account, attempt.session))
        if session is None or session.ends_ms <= self.clock.now_ms():
            raise sign_in_expired()
        return session

    async def _start(
        self,
        account_id: str,
        account: Account | None,
        authentication: _Authentication,
        browser: SignInBrowser,
    ) -> Cookies:
        """Sign the browser in, always with a new session; `account` is as it was read before."""
        secret = self.session_authentication.new_secret()
        session = self._new_session(account_id, authentication, browser, secret)
        # Over plain HTTP this raises before the session is stored.
        cookie = self.session_authentication.session_cookie(session, secret)
        await self.known_browsers.ready()
        known = self.known_browsers.is_known(account_id, browser.known_browser_cookie)
        details = {
            "provider": authentication.provider,
            "agent": browser.agent,
            "device": "known" if known else "new",
        }
        change = EntityChange("session.started", session.id, account=account_id, details=details)
        await self.audited_writer.add(session, change=change, by=_owner(session, browser))
        now_ms = self.clock.now_ms()
        today_ms = now_ms - now_ms % DAY_MS
        if account is None or account.signed_in_ms != today_ms:
            # The sign-in succeeds without this; the next sign-in repeats it.
            with suppress(Unavailable):
                await self._note_day(account_id, today_ms)
        if not known:
            agent = mail_line(browser.agent) or "unknown browser"
            address = browser.address or "unknown"
            self.account_mail.send(account_id, "new-browser", agent=agent, address=address)
        return cookie, self.known_browsers.remember(account_id)

    @retried_when_stale
    async def _note_day(self, account_id: str, today_ms: int) -> None:
        """Note the day of the last sign-in of the account: a day is enough to see who does not use
        an account any more, and takes one write a day."""
        account = await self.directory.get(Account, Place(account_id))
        if account is not None:
            await self.directory.replace(account.model_copy(update={"signed_in_ms": today_ms}))

    def _new_session(
        self,
        account_id: str,
        authentication: _Authentication,
        browser: SignInBrowser,
        secret: Secret,
    ) -> Session:
        now_ms = self.clock.now_ms()
        return Session(
            id=random_text(self.randomness, SESSION_ID_LENGTH),
            account=account_id,
            provider=authentication.provider,
            created_ms=now_ms,
            seen_ms=now_ms,
            expires_ms=now_ms + self.lifetimes.whole // MS,
            idle_ms=self.lifetimes.idle // MS,
            signed_in_ms=authentication.signed_in_ms,
            strong=authentication.strong,
            agent=browser.agent,
            address=browser.address,
            secrets=(hash_secret(secret.reveal()),),
        )


def _check_age(verified: VerifiedIdentity, attempt: SignInAttempt, label: str) -> None:
    if verified.authenticated_ms < attempt.begun_ms - CLOCK_LEEWAY // MS:
        raise sign_in_failed(label, "it did not ask you again who you are")


def _owner(session: Session, browser: SignInBrowser) -> Principal:
    return Principal(
        id=session.account,
        credential=f"{SESSION_CREDENTIAL}{session.id}",
        grants=(UNLIMITED,),
        address=browser.address,
        agent=browser.agent,
    )
