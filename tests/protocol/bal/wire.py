"""Sending requests as a client writes them: nothing added, and repeated at once on a 5xx."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Exchange:
    """One request and the status of its answer."""

    method: str
    url: str
    status: int


@dataclass
class Wire:
    """What lies between a client and the registry."""

    http: httpx.AsyncClient
    retries: int = 1  # `maxRetries` of Settings.toml.
    exchanges: list[Exchange] = field(default_factory=list[Exchange])

    async def send(
        self, method: str, url: str, headers: Headers, content: bytes | None = None
    ) -> httpx.Response:
        """Send exactly these headers, beside Host and Content-Length, and return the answer."""
        response = await self._once(method, url, headers, content)
        for _ in range(self.retries):
            if response.status_code < 500:
                break
            response = await self._once(method, url, headers, content)
        return response

    async def _once(
        self, method: str, url: str, headers: Headers, content: bytes | None
    ) -> httpx.Response:
        request = httpx.Request(method, url, headers=list(headers), content=content)
        response = await self.http.send(request, follow_redirects=False)
        self.exchanges.append(Exchange(method, url, response.status_code))
        return response


def is_json(response: httpx.Response) -> bool:
    """Say whether the clients read the body: both compare the beginning, in lower case."""
    return response.headers.get("content-type", "").startswith("application/json")


def json_of(response: httpx.Response) -> Any:
    """Return the body as JSON; a body that is none kills a client."""
    return json.loads(response.content)


def message_of(response: httpx.Response) -> str:
    """Return the registry's message, or nothing where the client would not read it."""
    return str(json_of(response).get("message") or "") if is_json(response) else ""
