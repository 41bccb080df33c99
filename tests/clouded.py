"""A registry in the cloud in this process, whichever world the other tests run in.

Its clock begins now: the emulator of blobs checks signed links by the real one.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from shared.adapters.system import SystemClock
from shared.bootstrap import build_registry, cloud_world
from shared.domain.identity import OPERATOR
from shared.domain.names import parse_org
from shared.registry import Registry
from shared.services.token_requests import TokenRequest
from tests.cloud import AtPlace, emulator, forget, make_containers
from tests.fakes.clock import FakeClock
from tests.fakes.domain_records import FakeDomainRecords
from tests.fakes.mailer import FakeMailer
from tests.fakes.outages import Failing, Outage
from tests.fakes.randomness import FakeRandomness
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.wire import Wire
from tests.world import BASE, asking, settings_of

SCOPES = ("read", "push-new", "push-version", "deprecate")


@dataclass
class Clouded:
    """A registry, its clients, and the outage that its blobs suffer from."""

    registry: Registry
    http: httpx.AsyncClient
    token: str  # Of Ann, who owns `acme`.
    clock: FakeClock
    outage: Outage
    place: AtPlace

    @property
    def ann(self) -> JavaBal:
        """Return the `bal` of Ann."""
        return JavaBal(Wire(self.http), BASE, self.token)

    @property
    def anyone(self) -> JavaBal:
        """Return the `bal` of somebody without a token."""
        return JavaBal(Wire(self.http), BASE, "")

    @property
    def as_ann(self) -> dict[str, str]:
        """Return the header that Ann's client sends everywhere."""
        return {"Authorization": f"Bearer {self.token}"}


@asynccontextmanager
async def clouded(folder: Path, **settings: Any) -> AsyncGenerator[Clouded]:
    """Serve an empty registry over stores of its own."""
    clock, outage = FakeClock(SystemClock().now_ms()), Outage()
    plain, place = AtPlace(folder, clock), Failing(folder, clock, outage=outage)
    await make_containers(plain)
    chosen = settings_of(
        folder,
        cosmos_endpoint="https://cosmos.test",
        blob_endpoint="https://blobs.test",
        blob_connection=emulator(),
        link_key="of tests: nobody outside will ever see what this one signs",
        **settings,
    )
    world = replace(
        cloud_world(chosen, clock, place),
        randomness=FakeRandomness("clouded"),
        mailer=FakeMailer(),
        domain_records=FakeDomainRecords(),
    )
    registry = build_registry(chosen, world)
    token = await _token_of_ann(registry)
    beyond = {"http://127.0.0.1": httpx.AsyncHTTPTransport(verify=False)}
    app = httpx.ASGITransport(asking(registry), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=app, mounts=beyond) as http:
        yield Clouded(registry, http, token, clock, outage, plain)
    await registry.close()
    forget(folder)


async def _token_of_ann(registry: Registry) -> str:
    account = await registry.accounts.create_administrator("ann", by=OPERATOR)
    await registry.organizations.found(parse_org("acme"), account, by=OPERATOR)
    wanted = TokenRequest.parse("test", SCOPES, org="*", package="*", days=None)
    issued = await registry.tokens.issue(account.id, wanted, by=OPERATOR)
    return issued.text.reveal()
