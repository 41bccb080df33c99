"""A registry that takes jobs of all four providers, and a person who governs `acme`."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx

from shared.auth.secret import Secret
from shared.domain.identity import ANONYMOUS, Principal
from shared.domain.names import Package
from shared.domain.package import Event, org_stream
from shared.domain.publishers import Publisher
from shared.domain.rights import Grant
from shared.domain.workloads import Provider
from shared.services.token_records import IssuedToken
from shared.services.trusted_publishers import PublisherRequest
from tests.fakes.clock import FakeClock
from tests.jobs import IDS, SETTINGS, CiSystems
from tests.world import URL, OpenWorld, Person, Stores, World

EXCHANGE = f"{URL}/api/v1/trusted-publishing/token"

# Rules that the jobs of `tests.jobs` follow.
RULES: dict[Provider, dict[str, object]] = {
    Provider.GITHUB: {
        "workflow": "release.yml",
        "refs": ["refs/tags/v*"],
        "environment": "release",
        "protected": True,
    },
    Provider.GITLAB: {"refs": ["refs/heads/main"], "environment": "release", "protected": True},
    Provider.AZURE_DEVOPS: {"refs": ["refs/heads/main"]},
    Provider.ENTRA: {},
}


@dataclass
class Trust:
    """A world with its CI systems."""

    world: World
    ci: CiSystems

    def person(self, person: Person, **changes: Any) -> Principal:
        """Return somebody who just signed in."""
        now_ms = self.world.clock.now_ms()
        account = person.account
        fresh = Principal(account.id, "session", (Grant(),), signed_in_ms=now_ms)
        return replace(fresh, **changes)

    @property
    def owner(self) -> Principal:
        """Return Ann, who owns `acme` and just signed in."""
        return self.person(self.world.people.ann)

    async def add(
        self,
        package: str = "acme/greet",
        provider: Provider = Provider.GITHUB,
        *,
        by: Principal | None = None,
        **changes: Any,
    ) -> Publisher:
        """Let the provider's job of `tests.jobs` publish a package."""
        wanted = PublisherRequest(
            Package.parse(*package.split("/")),
            provider,
            IDS[provider],
            repository="octo/greet",
            rules=RULES[provider],
        )
        publishers = self.world.registry.trusted_publishers
        return await publishers.add(replace(wanted, **changes), by=by or self.owner)

    async def exchange(self, token: str, **options: Any) -> IssuedToken:
        """Exchange an id token, in process."""
        publishing = self.world.registry.trusted_publishing
        return await publishing.exchange(Secret(token), by=ANONYMOUS, **options)

    async def mint(self, provider: Provider = Provider.GITHUB, **changes: object) -> IssuedToken:
        """Let a job of the provider get its token."""
        return await self.exchange(self.ci.token(provider, **changes))

    async def post(self, token: str, **fields: object) -> httpx.Response:
        """Exchange an id token over HTTP."""
        body = json.dumps({"token": token, **fields}).encode()
        return await self.world.send("POST", EXCHANGE, content=body)

    async def job(self, provider: Provider = Provider.GITHUB, **changes: object) -> Person:
        """Return a job that has its token, as somebody who can push."""
        issued = await self.mint(provider, **changes)
        return Person(self.world.people.ann.account, issued.text.reveal())

    async def log(self, org: str = "acme") -> list[Event]:
        """Return what the log of an organization says, newest first."""
        found = await self.world.stores.events.stream(org_stream(org), None, 100)
        return [event for _, event in found]


async def trusting(
    worlds: OpenWorld, wrap: Callable[[Stores], Stores] = lambda stores: stores, **settings: Any
) -> Trust:
    """Open a registry that trusts the issuers of `tests.jobs`; `wrap` goes around its stores."""
    made: list[CiSystems] = []

    def connect(stores: Stores) -> Stores:
        made.append(CiSystems(cast(FakeClock, stores.clock), URL))
        return wrap(replace(stores, fetcher=made[0].internet))

    world = await worlds(wrap=connect, **{**SETTINGS, **settings})
    return Trust(world, made[0])
