"""A registry in the cloud in this process, and one whose stores record what each request used.

The clock begins now: the emulator of blobs checks signed links by the real one.
"""

import dataclasses
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import CosmosClient
from azure.storage.blob.aio import BlobServiceClient
from msgspec.structs import replace

from infra.cost.usage import Usage
from shared.adapters.blob.client import BLOB_CLIENT_OPTIONS
from shared.adapters.system import SystemClock
from shared.bootstrap.adapters import cloud_adapters
from shared.bootstrap.build import build_registry
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.ports.archive_delivery import EdgeCache
from shared.ports.search import SearchIndex
from shared.registry import Registry
from tests.fakes.blob_storage import FailingBlobs, Outage
from tests.fakes.cosmos.protocol import CosmosDouble, Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.fakes.mail import FakeMailer
from tests.fakes.system import FakeClock, FakeRandomness
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.wire import Wire
from tests.support.archives import bala
from tests.support.cloud_stores import CloudDouble, double_of, emulator, forget, make_containers
from tests.support.world import BASE, asking, settings_of, token_of

SCOPES = ("read", "push-new", "push-version", "deprecate")


@dataclass
class CloudRegistry:
    """A registry, its clients, and the outage that its blobs suffer from."""

    registry: Registry
    http: httpx.AsyncClient
    token: str  # Of Ann, who owns `acme`.
    clock: FakeClock
    outage: Outage
    place: CloudDouble

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
async def clouded(
    folder: Path, edge: EdgeCache | None = None, **settings: Any
) -> AsyncGenerator[CloudRegistry]:
    """Serve an empty registry over stores of its own, whose copies `edge` has."""
    clock = FakeClock(SystemClock().now_ms())
    outage = Outage()
    plain = CloudDouble(folder, clock)
    place = FailingBlobs(folder, clock, outage=outage)
    await make_containers(plain)
    chosen = settings_of(
        folder,
        cosmos_endpoint="https://cosmos.test",
        blob_endpoint="https://blobs.test",
        blob_connection=emulator(),
        link_key="of tests: nobody outside will ever see what this one signs",
        **settings,
    )
    adapters = replace(
        cloud_adapters(chosen, clock, place),
        randomness=FakeRandomness("clouded"),
        mailer=FakeMailer(),
        edge=edge,
        writes_log=False,  # Else the costs would depend on how fast a test is.
    )
    registry = build_registry(chosen, adapters)
    token = await _publisher(registry, "acme")
    beyond = {"http://127.0.0.1": httpx.AsyncHTTPTransport(verify=False)}
    app = httpx.ASGITransport(asking(registry), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=app, mounts=beyond) as http:
        yield CloudRegistry(registry, http, token, clock, outage, plain)
    await registry.close()
    forget(folder)


async def _publisher(registry: Registry, *orgs: str) -> str:
    """Return the token of Ann, who owns these organizations."""
    account = await registry.identity.accounts.create_administrator("ann", by=OPERATOR)
    for org in orgs:
        await registry.organizations.organizations.create(parse_org(org), account, by=OPERATOR)
    return await token_of(registry, account, *SCOPES)


UNLIMITED = "token=999999999 account=999999999 address=999999999"
OWNED = ("acme", "ballerina", "ballerinax")


@dataclass
class Meter:
    """What was taken of the stores since it was asked last."""

    place: CloudDouble
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
        double = double_of(self.place.folder, self.place.clock)
        records = sum("/docs" in each.path for each in double.requests)
        units = double.charged - self._before[0]
        before = self._before[1]
        usage = Usage(units, records - before, self.blob_reads, self.blob_writes, answer_bytes)
        self._before = (double.charged, records)
        self.blob_reads = self.blob_writes = 0
        return usage


@dataclass(frozen=True)
class Metered:
    """Connects to a place, and counts what is asked there."""

    place: CloudDouble
    meter: Meter

    @property
    def database(self) -> str:
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
        return BlobServiceClient.from_connection_string(
            emulator(), **BLOB_CLIENT_OPTIONS, transport=transport
        )

    async def close(self) -> None:
        """Do nothing: the clients shared nothing."""


class CountingTransport(AioHttpTransport):
    """Counts every request that it sends."""

    def __init__(self, meter: Meter) -> None:
        """Count in `meter`."""
        super().__init__()
        self._meter = meter

    async def send(self, request: Any, **options: Any) -> Any:
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
    search: SearchIndex

    async def send(self, coordinate: str, **spec: Any) -> httpx.Response:
        """Send an archive, and return the answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        files = {"bala-file": ("any.bala", bala(coordinate, **spec))}
        return await self.http.post(f"{BASE}/packages", headers=headers, files=files)

    async def push(self, coordinate: str) -> None:
        """Publish."""
        answer = await self.send(coordinate)
        assert answer.status_code == 204, answer.text


Transports = Callable[[CosmosDouble], DoubleTransport]


@dataclass
class ObservedChangeFeed:
    """The change feed as instances read it: how reads of it fail, and all requests of them."""

    trouble: Trouble | None = None
    requests: list[Request] = field(default_factory=list[Request])

    def transport(self, double: CosmosDouble) -> DoubleTransport:
        return DoubleTransport(double, self._troubles)

    def _troubles(self, request: Request) -> Trouble | None:
        self.requests.append(request)
        return self.trouble if "a-im" in request.headers else None


@asynccontextmanager
async def metered(
    folder: Path, transport: Transports = DoubleTransport
) -> AsyncGenerator[MeteredRegistry]:
    """Serve an empty registry over metered stores, to which a transport may look closer."""
    clock = FakeClock()
    place = CloudDouble(folder, clock, transport=transport)
    await make_containers(Metered(place, Meter(place)))
    async with _instance(place, clock, "") as first:
        first.token = await _publisher(first.registry, *OWNED)
        yield first


@asynccontextmanager
async def other_instance(
    first: MeteredRegistry, transport: Transports = DoubleTransport
) -> AsyncGenerator[MeteredRegistry]:
    """Serve the registry of an instance by another one, which has its own client and memory."""
    place = dataclasses.replace(first.meter.place, transport=transport)
    async with _instance(place, first.clock, first.token) as other:
        yield other


@asynccontextmanager
async def _instance(
    place: CloudDouble, clock: FakeClock, token: str
) -> AsyncGenerator[MeteredRegistry]:
    meter = Meter(place)
    connections = Metered(place, meter)
    limits: dict[str, Any] = {f"limit_{each}": UNLIMITED for each in ("read", "push", "write")}
    settings = settings_of(
        place.folder,
        brake_packages=1_000_000,
        brake_releases=1_000_000,
        trusted_proxies="127.0.0.0/8",
        **limits,
    )
    adapters = replace(
        cloud_adapters(settings, clock, connections),
        randomness=FakeRandomness("metered"),
        mailer=FakeMailer(),
        writes_log=False,  # As above.
    )
    registry = build_registry(settings, adapters)
    app = httpx.ASGITransport(asking(registry), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=app) as http:
        yield MeteredRegistry(registry, http, token, clock, meter, adapters.search)
    await registry.close()
