"""The ways to the double of Blob Storage: of Microsoft's client library, and of links."""

from collections.abc import AsyncIterator, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import httpx
from azure.core.pipeline.transport import AsyncHttpResponse
from azure.core.utils import case_insensitive_dict

from tests.fakes.azure_transport import InProcessTransport
from tests.fakes.blob_double import BlobAnswer, BlobDouble, BlobRequest
from tests.fakes.doubles_usage import DOUBLES_USAGE


@dataclass
class BlobTransport(InProcessTransport):
    """Hands requests of the library to the double."""

    double: BlobDouble

    async def send(self, request: Any, **options: Any) -> Any:
        """Return the answer of the double."""
        with DOUBLES_USAGE.answering():
            return BlobResponse(request, self.double.answer(_read_request(request)))


def _read_request(request: Any) -> BlobRequest:
    """Return a request of the library as the double reads it."""
    body = request.content or b""
    content = body.encode() if isinstance(body, str) else bytes(body)
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    return BlobRequest(request.method, request.url, headers, content)


class BlobResponse(AsyncHttpResponse):
    """An answer as the library reads it."""

    def __init__(self, request: Any, answer: BlobAnswer) -> None:
        """Carry an answer of the double."""
        super().__init__(request, None)
        self.status_code = answer.status
        self.reason = str(answer.status)
        self.headers: MutableMapping[str, str] = case_insensitive_dict(dict(answer.headers))
        self.content_type = answer.headers.get("Content-Type", "")
        self._content = answer.content

    def body(self) -> bytes:
        return self._content

    async def read(self) -> bytes:
        return self._content

    async def load_body(self) -> None:
        """Do nothing: it is here."""

    def stream_download(self, *_pipeline: object, **_options: object) -> AsyncIterator[bytes]:
        return _Download(self)


class _Download(AsyncIterator[bytes]):
    """The body of an answer, in one piece."""

    def __init__(self, response: BlobResponse) -> None:
        self.response = response
        self.content_length = len(response.body())
        self._pieces = iter([response.body()])

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


@dataclass(frozen=True)
class LinkTransport(httpx.AsyncBaseTransport):
    """The way of other clients to the double, which links lead to."""

    double: Callable[[], BlobDouble]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = BlobRequest(request.method, str(request.url), headers, await request.aread())
        answer = self.double().answer(asked)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.content)
