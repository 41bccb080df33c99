"""The double in the process of the client: what azure-core sends, it answers, or fails to."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import IncompleteReadError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AsyncHttpResponse
from azure.core.utils import case_insensitive_dict

from tests.fakes.azure_transport import InProcessTransport
from tests.fakes.cosmos.protocol import Answer, CosmosDouble, Request
from tests.fakes.doubles_usage import DOUBLES_USAGE


class Trouble(Enum):
    """How a call of the service fails."""

    TIMED_OUT = 408
    GONE = 410
    THROTTLED = 429
    RETRY_WITH = 449
    UNAVAILABLE = 503
    LOST_BEFORE = "time-out before the write"
    LOST_AFTER = "time-out after the write"
    CLOSED = "connection closed after the write, before the answer"
    RESET = "connection reset"


Troubles = Callable[[Request], Trouble | None]

# Is awaited between a call that failed and its repeat, to write what another process writes then.
Rival = Callable[[Request], Awaitable[None]]

_CODES = {
    Trouble.TIMED_OUT: "RequestTimeout",
    Trouble.GONE: "Gone",
    Trouble.THROTTLED: "TooManyRequests",
    Trouble.RETRY_WITH: "RetryWith",
    Trouble.UNAVAILABLE: "ServiceUnavailable",
}


@dataclass
class DoubleTransport(InProcessTransport):
    """Hands requests to the double; `troubles` says which of them fail, and how."""

    double: CosmosDouble
    troubles: Troubles | None = None
    rival: Rival | None = None

    async def send(self, request: Any, **options: Any) -> Any:
        """Return the answer of the double, or fail as the network does."""
        asked = read_request(request)
        trouble = self.troubles(asked) if self.troubles else None
        try:
            with DOUBLES_USAGE.answering():
                return self._answered(request, asked, trouble)
        finally:
            if trouble is not None and self.rival is not None:
                await self.rival(asked)

    def _answered(self, request: Any, asked: Request, trouble: Trouble | None) -> Any:
        if trouble is Trouble.LOST_BEFORE:
            raise ServiceRequestError(message="timed out before the request was sent")
        if trouble in _CODES:
            return DoubleResponse(request, refusal(trouble))
        answer = self.double.answer(asked)
        if trouble is Trouble.LOST_AFTER:
            raise ServiceResponseError(message="the connection was lost before the answer came")
        if trouble is Trouble.CLOSED:
            # The transport says the same as where nothing was sent, and the library sends it again.
            raise ServiceRequestError(message="the connection was closed before the answer came")
        if trouble is Trouble.RESET:
            raise IncompleteReadError(
                message="the connection was reset in the middle of the answer"
            )
        return DoubleResponse(request, answer)


def refusal(trouble: Trouble) -> Answer:
    """Return the answer of a service that refuses a call without effect."""
    body = {"code": _CODES[trouble], "message": "The double was told to fail."}
    return Answer(int(trouble.value), body, {"x-ms-retry-after-ms": "1"})


def read_request(request: Any) -> Request:
    """Return a request of azure-core as the double reads it."""
    body = getattr(request, "content", None) or getattr(request, "data", None) or b""
    content = body.encode() if isinstance(body, str) else bytes(body)
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    return Request(request.method, urlsplit(request.url).path, headers, content)


class DoubleResponse(AsyncHttpResponse):
    """An answer as azure-core's pipeline reads it."""

    def __init__(self, request: Any, answer: Answer) -> None:
        """Carry an answer of the double."""
        super().__init__(request, None)
        self.status_code = answer.status
        self.reason = str(answer.status)
        self.headers: MutableMapping[str, str] = case_insensitive_dict(dict(answer.headers))
        self.content_type = "application/json"
        self._content = answer.content

    def body(self) -> bytes:
        return self._content

    async def load_body(self) -> None:
        """Do nothing: it is here."""
