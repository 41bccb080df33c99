"""Registries that sign people in with the test issuer, by each kind of provider."""

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from shared.domain.mail import Mail
from shared.domain.memberships import Membership, PendingRole, member_place
from shared.domain.scopes import Role
from shared.domain.sessions import Session
from shared.domain.times import DAY_MS
from shared.services.adapters import Adapters
from tests.fakes.identity_provider import CLIENT_ID, CLIENT_SECRET, FakeInternet, Issuer
from tests.fakes.system import START_MS
from tests.support.browsers import Browser
from tests.support.port_doubles import Fault, count_calls, with_fault
from tests.support.world import OpenWorld, World

HOST = "https://login.test"
TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
KINDS = ("entra", "oidc", "github")

SETTINGS = {
    "entra_authority": HOST,
    "entra_tenant": TENANT,
    "entra_client_id": CLIENT_ID,
    "entra_client_secret": CLIENT_SECRET,
    "entra_graph": HOST,
    "oidc_issuer": f"{HOST}/{TENANT}/v2.0",
    "oidc_client_id": CLIENT_ID,
    "oidc_client_secret": CLIENT_SECRET,
    "oidc_name": "Company",
    "github_client_id": CLIENT_ID,
    "github_client_secret": CLIENT_SECRET,
    "github_url": HOST,
}


def issuer_of_kim(now_s: Callable[[], float]) -> Issuer:
    """Return the issuer of the tenant, where Kim is."""
    issuer = Issuer(f"{HOST}/{TENANT}/v2.0", now_s)
    issuer.person.claims = {
        "oid": "object-of-kim",
        "tid": TENANT,
        "preferred_username": "kim",
        "email_verified": True,
    }
    return issuer


@dataclass
class SignInWorld:
    """A registry, the issuer that it trusts, and the way between them."""

    world: World
    issuer: Issuer
    internet: FakeInternet

    def browser(self, **options: Any) -> Browser:
        """Return a new browser of the person who is at the issuer."""
        return Browser(self.world, self.issuer, **options)

    async def signed_in(self, kind: str = "oidc") -> Browser:
        """Return a browser in which the person at the issuer has just signed in."""
        browser = self.browser()
        await browser.open(f"/sign-in/{kind}")
        assert browser.page.status_code == 200, browser.page.text
        return browser

    def somebody_else(self, name: str = "sam") -> None:
        """Let another person sit at the issuer from now on."""
        self.issuer.person = dataclasses.replace(
            self.issuer.person,
            subject=f"subject-of-{name}",
            name=name.title(),
            email=f"{name}@example.org",
            github_id=sum(map(ord, name)),
            claims={**self.issuer.person.claims, "oid": f"object-of-{name}"}
            | {"preferred_username": name},
        )

    async def events(self, account_id: str) -> list[str]:
        """Return the kinds of events in the log of an account, oldest first."""
        found = await self.world.stores.events.stream(f"account:{account_id}", None, 100)
        return [event.kind for _, event in reversed(found)]

    async def mails(self) -> list[Mail]:
        """Return the letters that were sent, oldest first."""
        await self.world.registry.identity.account_mail.close()
        return self.world.mailer.sent

    def wait(self, **time: float) -> None:
        """Let time pass, for everybody."""
        self.world.clock.advance(timedelta(**time))


async def open_sign_in(
    worlds: OpenWorld,
    around: Callable[[Adapters], Adapters] = lambda stores: stores,
    **options: Any,
) -> SignInWorld:
    """Return a registry with every provider; `around` puts something around its stores."""
    issuer = issuer_of_kim(lambda: START_MS / 1000)
    internet = FakeInternet([issuer])

    def wrap(stores: Adapters) -> Adapters:
        return around(replace(stores, fetcher=internet))

    world = await worlds(wrap=wrap, **{**SETTINGS, **options})
    issuer.now_s = lambda: world.clock.now_ms() / 1000
    return SignInWorld(world, issuer, internet)


@dataclass(frozen=True)
class Lockable:
    """What a lock of an account stops: a session, and a change in acme that it scheduled."""

    world: World
    account: str

    async def start(self) -> None:
        """Add the session and the change."""
        now_ms = self.world.clock.now_ms()
        session = Session(
            id="laptop",
            account=self.account,
            provider="entra",
            created_ms=now_ms,
            seen_ms=now_ms,
            expires_ms=now_ms + DAY_MS,
            idle_ms=DAY_MS,
            signed_in_ms=now_ms,
            secrets=("hash",),
        )
        await self.world.stores.directory.add(session)
        membership = await self._membership()
        pending = PendingRole(role=Role.OWNER, at_ms=now_ms + DAY_MS, by=self.account)
        changed = membership.model_copy(update={"pending": pending})
        await self.world.stores.directory.replace(changed)

    async def is_stopped(self) -> bool:
        """Check that the session has ended, and that the change is on hold."""
        sessions = await self.world.stores.directory.list_by_owner(Session, self.account)
        return not sessions and await self.is_change_on_hold()

    async def is_change_on_hold(self) -> bool:
        pending = (await self._membership()).pending
        assert pending
        return pending.on_hold

    async def check_repeats(
        self,
        fault: Fault,
        lock: Callable[[], Awaitable[object]],
        unlock: Callable[[], Awaitable[object]],
        is_locked: Callable[[], Awaitable[bool]],
    ) -> None:
        """Check that a repeat completes a lock and an unlock of the account, whichever of their
        calls failed."""
        await lock()  # Ends the session of the sign-in, so that each lock makes the same calls.
        await unlock()
        await self.start()
        calls_of_lock = await count_calls(fault, lock)
        calls_of_unlock = await count_calls(fault, unlock)
        assert min(calls_of_lock, calls_of_unlock) > 1
        for nth in range(1, max(calls_of_lock, calls_of_unlock) + 1):
            self.world.clock.advance(timedelta(days=2))  # No more than five are locked in a day.
            await self.start()
            assert await with_fault(fault, min(nth, calls_of_lock), lock), nth
            await lock()
            assert await is_locked(), nth
            assert await self.is_stopped(), nth
            assert await with_fault(fault, min(nth, calls_of_unlock), unlock), nth
            await unlock()
            assert not await is_locked(), nth
            assert not await self.is_change_on_hold(), nth

    async def _membership(self) -> Membership:
        place = member_place("acme", self.world.people.mia.account.id)
        membership = await self.world.stores.directory.get(Membership, place)
        assert membership
        return membership
