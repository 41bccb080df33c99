"""Blob Storage that goes down, for the real client and a real emulator behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.connecting import OPTIONS
from tests.cloud import AtPlace, emulator
from tests.fakes.cosmos.protocol import Answer
from tests.fakes.cosmos.transport import DoubleResponse

NO_WAITING: Mapping[str, Any] = {**OPTIONS, "increment_base": 0, "random_jitter_range": 0}


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

    def end(self) -> None:
        """Let everything succeed from now on."""
        self.count = 0


@dataclass(frozen=True)
class Failing(AtPlace):
    """Connects to the stores of a place; blobs suffer from an outage."""

    outage: Outage = field(kw_only=True)

    def blobs(self) -> BlobServiceClient:
        """Return a client of the emulator that asks again at once."""
        transport = _Transport(self.outage)
        return BlobServiceClient.from_connection_string(
            emulator(), transport=transport, **NO_WAITING
        )


class _Transport(AioHttpTransport):
    def __init__(self, outage: Outage) -> None:
        super().__init__()
        self._outage = outage

    async def send(self, request: Any, **options: Any) -> Any:
        if not self._outage.strikes(request):
            return await super().send(request, **options)
        if self._outage.failure is Failure.LOST_BEFORE:
            raise ServiceRequestError(message="timed out before the request was sent")
        if self._outage.failure is Failure.ERROR:
            return BlobRefusal(request, Answer(500))
        await super().send(request, **options)
        raise ServiceResponseError(message="the connection was lost before the answer came")


class BlobRefusal(DoubleResponse):
    """A refusal as the client of blobs reads it."""

    async def read(self) -> bytes:
        """Return no body."""
        return self.body()
