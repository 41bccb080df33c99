"""The HTTP session that sign-in libraries call on a thread, over the fetcher of the event loop."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from shared.ports import Fetched, Fetcher, Unanswered

_FORM = "application/x-www-form-urlencoded"
_FAILED = 400


class RequestAuth(Protocol):
    """What authlib adds to a request so that the provider knows the client."""

    def prepare(
        self, method: str, uri: str, headers: dict[str, str], body: str
    ) -> tuple[str, dict[str, str], str]:
        """Return address, headers and body with it."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in the shape that the libraries read."""

    fetched: Fetched

    @property
    def status_code(self) -> int:
        """Return the status."""
        return self.fetched.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers."""
        return self.fetched.headers

    @property
    def text(self) -> str:
        """Return the body."""
        return self.fetched.body.decode("utf-8", "replace")

    def json(self) -> object:
        """Return the body as JSON, or raise `ValueError`."""
        return json.loads(self.text)

    def raise_for_status(self) -> None:
        """Raise `Unanswered` for a failure."""
        if self.fetched.status >= _FAILED:
            message = f"the answer was {self.fetched.status}"
            raise Unanswered(message)


class FetchingSession:
    """The part of a `requests` session that msal and authlib use.

    Its methods wait for the loop that made it, so they are for other threads.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        """Ask through `fetcher`, on the loop that runs now."""
        self._fetcher = fetcher
        self._loop = asyncio.get_running_loop()

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: object,
    ) -> Answer:
        """Return what is at the address."""
        request = self._fetcher.get(_with(url, params), dict(headers or {}))
        return Answer(asyncio.run_coroutine_threadsafe(request, self._loop).result())

    def post(
        self,
        url: str,
        data: Mapping[str, object] | str | None = None,
        headers: Mapping[str, str] | None = None,
        auth: RequestAuth | None = None,
        *,
        params: Mapping[str, str] | None = None,
        **_options: object,
    ) -> Answer:
        """Send a form."""
        body = data if isinstance(data, str) else urlencode(data or {})
        sent = {"Content-Type": _FORM, "Accept": "application/json", **(headers or {})}
        if auth is not None:
            url, sent, body = auth.prepare("POST", url, sent, body)
        request = self._fetcher.post(_with(url, params), sent, body.encode())
        return Answer(asyncio.run_coroutine_threadsafe(request, self._loop).result())

    def close(self) -> None:
        """Keep nothing open."""


def _with(url: str, params: Mapping[str, str] | None) -> str:
    if not params:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"
