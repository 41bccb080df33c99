"""Blob Storage that fails, or issues delegation keys, for the real client."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from xml.etree import ElementTree

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.client import BLOB_CLIENT_OPTIONS
from tests.fakes.azure_identity import Identity
from tests.fakes.azure_transport import InProcessTransport
from tests.fakes.blob_double import CONNECTION, BlobAnswer
from tests.fakes.blob_transport import BlobResponse, BlobTransport
from tests.support.cloud_stores import CloudDouble, CloudInMemory, blob_double_of, emulator

NO_WAITING: Mapping[str, Any] = {
    **BLOB_CLIENT_OPTIONS,
    "increment_base": 0,
    "random_jitter_range": 0,
}


FOR_GOOD = 10**6  # Requests that fail: all of a test.


class Failure(Enum):
    """How requests fail."""

    ERROR = "500"
    LOST_BEFORE = "time-out before the write"
    LOST_AFTER = "time-out after the write"


@dataclass
class Outage:
    """Requests fail from the `first` on, as many as `count`; others are only written down."""

    failure: Failure = Failure.ERROR
    first: int = 0
    count: int = 0
    asked: list[str] = field(default_factory=list[str])
    ranges: list[str] = field(default_factory=list[str])

    def strikes(self, request: Any) -> bool:
        """Note a request, and say whether it fails."""
        self.asked.append(f"{request.method} {request.url.partition('?')[2]}")
        if asked := request.headers.get("x-ms-range"):
            self.ranges.append(asked)
        return self.first <= len(self.asked) - 1 < self.first + self.count

    def begin(
        self, failure: Failure = Failure.ERROR, first: int = 0, count: int = FOR_GOOD
    ) -> None:
        """Let requests fail from now on: from the `first` of those that follow, as many as
        `count`."""
        self.asked.clear()
        self.failure = failure
        self.first = first
        self.count = count

    def end(self) -> None:
        """Let everything succeed from now on."""
        self.count = 0


@dataclass(frozen=True)
class FailingBlobs(CloudDouble):
    """Connects to the stores of a place; blobs suffer from an outage."""

    outage: Outage = field(kw_only=True)

    def blobs(self) -> BlobServiceClient:
        """Return a client of the emulator that asks again at once."""
        transport = _Transport(self.outage)
        return BlobServiceClient.from_connection_string(
            emulator(), transport=transport, **NO_WAITING
        )


@dataclass(frozen=True)
class FailingBlobsInMemory(CloudInMemory):
    """Connects to the stores of a place in this process; blobs suffer from an outage."""

    outage: Outage = field(kw_only=True)

    def blobs(self) -> BlobServiceClient:
        """Return a client of the double that asks again at once."""
        transport = _TransportInMemory(blob_double_of(self.folder, self.clock), self.outage)
        return BlobServiceClient.from_connection_string(
            CONNECTION, transport=transport, **NO_WAITING
        )


class _Transport(AioHttpTransport):
    def __init__(self, outage: Outage) -> None:
        super().__init__()
        self._outage = outage

    async def send(self, request: Any, **options: Any) -> Any:
        return await _send(super().send, self._outage, request, **options)


@dataclass
class _TransportInMemory(BlobTransport):
    outage: Outage

    async def send(self, request: Any, **options: Any) -> Any:
        return await _send(super().send, self.outage, request, **options)


async def _send(
    send: Callable[..., Awaitable[Any]], outage: Outage, request: Any, **options: Any
) -> Any:
    if not outage.strikes(request):
        return await send(request, **options)
    if outage.failure is Failure.LOST_BEFORE:
        raise ServiceRequestError(message="timed out before the request was sent")
    if outage.failure is Failure.ERROR:
        return BlobResponse(request, BlobAnswer(500))
    await send(request, **options)
    raise ServiceResponseError(message="the connection was lost before the answer came")


ACCOUNT = "https://ballroom.blob.core.windows.net"
OBJECT = "11111111-1111-1111-1111-111111111111"
TENANT = "22222222-2222-2222-2222-222222222222"
KEY = "dGhlIGtleSB0aGF0IHRoZSBzZXJ2aWNlIGxlbmRzIHVz"

_DELEGATION_KEY = """<?xml version="1.0" encoding="utf-8"?>
<UserDelegationKey><SignedOid>{object}</SignedOid><SignedTid>{tenant}</SignedTid>
<SignedStart>{start}</SignedStart><SignedExpiry>{expiry}</SignedExpiry>
<SignedService>b</SignedService><SignedVersion>2026-02-06</SignedVersion>
<Value>{key}</Value></UserDelegationKey>"""


@dataclass
class DelegationKeyService(InProcessTransport):
    """Answers requests for a key, or refuses them with `status`; 0 is a lost connection."""

    status: int = 200
    asked: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])

    def client(self) -> BlobServiceClient:
        """Return a client that signs in as an identity and sends its requests here."""
        return BlobServiceClient(ACCOUNT, Identity(), transport=self, retry_total=0)

    async def send(self, request: Any, **options: Any) -> Any:
        """Lend a key for the asked time."""
        assert request.query == {"restype": "service", "comp": "userdelegationkey"}
        times = [str(each.text) for each in ElementTree.fromstring(request.data)]
        start, expiry = times
        self.asked.append((datetime.fromisoformat(start), datetime.fromisoformat(expiry)))
        if not self.status:
            raise ServiceRequestError(message="the connection was refused")
        issued = _DELEGATION_KEY.format(
            object=OBJECT, tenant=TENANT, start=start, expiry=expiry, key=KEY
        )
        content = issued.encode() if self.status == 200 else b""
        answer = BlobAnswer(self.status, {"Content-Type": "application/xml"}, content)
        return BlobResponse(request, answer)
