"""A registry in the cloud whose stores say what each request took of them."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import CosmosClient
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.connecting import OPTIONS
from shared.bootstrap import build_registry, cloud_world
from shared.domain.identity import OPERATOR
from shared.domain.names import parse_org
from shared.domain.usage import Usage
from shared.registry import Registry
from shared.services.token_requests import TokenRequest
from tests.cloud import AtPlace, double_of, emulator, make_containers
from tests.fakes.clock import FakeClock
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.transport import DoubleTransport
from tests.fakes.domain_records import FakeDomainRecords
from tests.fakes.mailer import FakeMailer
from tests.fakes.randomness import FakeRandomness
from tests.world import asking, settings_of

UNLIMITED = "token=999999999 account=999999999 address=999999999"
OWNED = ("acme", "ballerina", "ballerinax")


@dataclass
class Meter:
    """What was taken of the stores since it was asked last."""

    place: AtPlace
    blob_reads: int = 0
    blob_writes: int = 0
    _before: tuple[float, int] = (0.0, 0)

    def count(self, method: str, url: str) -> None:
        """Count a request to Blob Storage; reads and all others have one price, writes another."""
        is_write = (method == "PUT" and "comp=tags" not in url) or "comp=list" in url
        if is_write:
            self.blob_writes += 1
        elif method != "DELETE":  # Those are free.
            self.blob_reads += 1

    def taken(self, answer_bytes: int = 0) -> Usage:
        """Return what was taken since the last call."""
        double = double_of(self.place.place, self.place.clock)
        records = sum("/docs" in each.path for each in double.requests)
        units, before = double.charged - self._before[0], self._before[1]
        usage = Usage(units, records - before, self.blob_reads, self.blob_writes, answer_bytes)
        self._before = (double.charged, records)
        self.blob_reads = self.blob_writes = 0
        return usage


@dataclass(frozen=True)
class Metered:
    """Connects to a place, and counts what is asked there."""

    place: AtPlace
    meter: Meter

    @property
    def database(self) -> str:
        """Return the name of the database."""
        return self.place.database

    @property
    def prefix(self) -> str:
        """Return what the name of every container of blobs begins with."""
        return self.place.prefix

    def cosmos(self) -> CosmosClient:
        """Return a client of the double, which counts by itself."""
        return self.place.cosmos()

    def blobs(self) -> BlobServiceClient:
        """Return a client of the emulator."""
        transport = CountingTransport(self.meter)
        return BlobServiceClient.from_connection_string(emulator(), **OPTIONS, transport=transport)

    async def close(self) -> None:
        """Do nothing: the clients shared nothing."""


class CountingTransport(AioHttpTransport):
    """Counts every request that it sends."""

    def __init__(self, meter: Meter) -> None:
        """Count in `meter`."""
        super().__init__()
        self._meter = meter

    async def send(self, request: Any, **options: Any) -> Any:
        """Count a request, and send it."""
        self._meter.count(request.method, request.url)
        return await super().send(request, **options)


@dataclass
class MeteredRegistry:
    """A registry in the cloud, somebody who may publish, and the meter of its stores."""

    registry: Registry
    http: httpx.AsyncClient
    token: str
    clock: FakeClock
    meter: Meter


@asynccontextmanager
async def metered(
    folder: Path, transport: Callable[[CosmosDouble], DoubleTransport] = DoubleTransport
) -> AsyncGenerator[MeteredRegistry]:
    """Serve an empty registry over metered stores, to which a transport may look closer."""
    clock = FakeClock()
    place = AtPlace(folder, clock, transport=transport)
    meter = Meter(place)
    connections = Metered(place, meter)
    await make_containers(connections)
    limits: dict[str, Any] = {f"limit_{each}": UNLIMITED for each in ("read", "push", "write")}
    settings = settings_of(
        folder,
        brake_packages=1_000_000,
        brake_releases=1_000_000,
        trusted_proxies="127.0.0.0/8",
        **limits,
    )
    world = replace(
        cloud_world(settings, clock, connections),
        randomness=FakeRandomness("metered"),
        mailer=FakeMailer(),
        domain_records=FakeDomainRecords(),
    )
    registry = build_registry(settings, world)
    token = await _publisher(registry)
    app = httpx.ASGITransport(asking(registry), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=app) as http:
        yield MeteredRegistry(registry, http, token, clock, meter)
    await registry.close()


async def _publisher(registry: Registry) -> str:
    account = await registry.accounts.create_administrator("ann", by=OPERATOR)
    for org in OWNED:
        await registry.organizations.found(parse_org(org), account, by=OPERATOR)
    wanted = TokenRequest.parse(
        "test", ("read", "push-new", "push-version"), org="*", package="*", days=None
    )
    issued = await registry.tokens.issue(account.id, wanted, by=OPERATOR)
    return issued.text.reveal()
