"""A client of other services that gets one answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.ports.http_client import HttpResponse, Unanswered

Request = tuple[str, Mapping[str, str], bytes]


@dataclass
class OneAnswer:
    """A `HttpClient` that notes its requests; all have the same answer, or none."""

    answer: HttpResponse | None
    requests: list[Request] = field(default_factory=list[Request])

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Note the request, and answer."""
        return await self.post(url, headers, b"")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Note the request, and answer."""
        self.requests.append((url, headers, body))
        if self.answer is None:
            raise Unanswered
        return self.answer


def answering(status: int, body: bytes = b"") -> OneAnswer:
    """Return a client whose requests are answered so."""
    return OneAnswer(HttpResponse(status, {}, body))
