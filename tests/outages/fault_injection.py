"""The calls of a registry to its stores in the cloud, one of which fails where a test says."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import IncompleteReadError, ServiceRequestError, ServiceResponseError
from azure.cosmos.aio import CosmosClient
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob.client import BLOB_CONTAINERS
from shared.adapters.cosmos.client import COSMOS_CLIENT_OPTIONS
from tests.fakes.blob_double import CONNECTION, BlobAnswer
from tests.fakes.blob_storage import NO_WAITING
from tests.fakes.blob_transport import BlobResponse, BlobTransport
from tests.fakes.cosmos.protocol import Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.support.cloud_stores import ANY_KEY, CloudInMemory, blob_double_of, double_of

_KINDS = {"GET": "read", "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}
_POSTS = {
    "x-ms-documentdb-isquery": "query",
    "x-ms-documentdb-is-upsert": "upsert",
    "x-ms-cosmos-is-batch-request": "batch",
}


class Died(BaseException):
    """The process is dead: nothing that it would still do reaches a store."""


class StoreFault(Enum):
    """What becomes of a call."""

    TIMED_OUT = "408"
    GONE = "410"
    THROTTLED = "429"
    RETRY_WITH = "449"
    UNAVAILABLE = "503"
    LOST_BEFORE = "time-out before"
    LOST_AFTER = "time-out after"
    RESET = "reset"
    DEATH = "process death"


# What takes no effect is as it was before, whether an answer is lost or whoever asks dies.
OF_READS = (StoreFault.THROTTLED, StoreFault.UNAVAILABLE, StoreFault.RESET)
READS = ("described", "read", "query", "get", "head")
OF_RECORDS = (
    StoreFault.TIMED_OUT,
    StoreFault.GONE,
    StoreFault.RETRY_WITH,
)  # Blob Storage has none of these.
BLOBS = tuple(BLOB_CONTAINERS)

_TROUBLES = {each: Trouble[each.name] for each in StoreFault if each is not StoreFault.DEATH}


@dataclass(frozen=True, order=True)
class Call:
    """One call of a store: the n-th of its kind, as calls side by side have no order."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def faults(self) -> Iterable[StoreFault]:
        """Return what may become of it that is not like another fault of it."""
        if self.kind.endswith(READS):
            return OF_READS
        return [
            each for each in StoreFault if each not in OF_RECORDS or not self.kind.startswith(BLOBS)
        ]


@dataclass
class FaultInjector:
    """Notes which calls there are, and lets one of them fail."""

    call: Call | None = None
    fault: StoreFault | None = None
    calls: list[Call] = field(default_factory=list[Call])
    struck: bool = False
    dead: bool = False
    _counts: Counter[str] = field(default_factory=Counter[str])

    def pass_by(self, kind: str) -> Trouble | None:
        """Note a call and return what becomes of it; raise `Died` where nobody makes it."""
        if self.dead:
            raise Died
        self._counts[kind] += 1
        call = Call(kind, self._counts[kind])
        self.calls.append(call)
        if self.fault is None or call != self.call:
            return None
        self.struck = True
        if self.fault is StoreFault.DEATH:
            self.dead = True
            raise Died
        return _TROUBLES[self.fault]


@dataclass(frozen=True)
class FaultyStores(CloudInMemory):
    """Connects to the stores of a place; the injector lets one of the calls fail."""

    injector: FaultInjector = field(kw_only=True)

    def cosmos(self) -> CosmosClient:
        double = double_of(self.folder, self.clock)
        transport = DoubleTransport(
            double, lambda asked: self.injector.pass_by(kind_of_record(asked))
        )
        return CosmosClient(double.address, ANY_KEY, transport=transport, **COSMOS_CLIENT_OPTIONS)

    def blobs(self) -> BlobServiceClient:
        transport = FaultyBlobs(blob_double_of(self.folder, self.clock), self.injector)
        return BlobServiceClient.from_connection_string(
            CONNECTION, transport=transport, **NO_WAITING
        )


@dataclass
class FaultyBlobs(BlobTransport):
    """Sends requests to the double; the injector lets one of them fail."""

    injector: FaultInjector

    async def send(self, request: Any, **options: Any) -> Any:
        """Return the answer of the double, or fail as the network does."""
        trouble = self.injector.pass_by(_kind_of_blob(request))
        if trouble is Trouble.LOST_BEFORE:
            raise ServiceRequestError(message="timed out before the request was sent")
        if trouble in (Trouble.THROTTLED, Trouble.UNAVAILABLE):
            return BlobResponse(request, BlobAnswer(int(trouble.value)))
        response = await super().send(request, **options)
        if trouble is Trouble.LOST_AFTER:
            raise ServiceResponseError(message="the connection was lost before the answer came")
        if trouble is Trouble.RESET:
            raise IncompleteReadError(
                message="the connection was reset in the middle of the answer"
            )
        return response


def kind_of_record(asked: Request) -> str:
    """Return what a request asks Cosmos DB for, such as `packages.create`."""
    _, _, path = asked.path.partition("/colls/")
    container, _, rest = path.partition("/")
    if rest.startswith("docs"):
        posted = next((kind for name, kind in _POSTS.items() if asked.says(name)), "create")
        return f"{container}.{posted if asked.method == 'POST' else _KINDS[asked.method]}"
    return f"{container or 'account'}.described"


def _kind_of_blob(request: Any) -> str:
    container = urlsplit(request.url).path.split("/")[1]
    return f"{container}.{request.method.lower()}"
