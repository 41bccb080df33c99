"""Requests to other servers by HTTP, and the ways in which they fail."""

import json
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from msgspec import Struct

_OK = 200


class Unanswered(Exception):
    """Another server gave no usable response; the text is the reason, for the log.

    `trouble` and `way_out` say it to people, without names of the network inside.
    """

    trouble: str = "does not answer"
    way_out: str = ""


class ServerUnreachable(Unanswered):
    """No connection could be made, or none is tried for a time: it concerns every request."""


class CertificateUntrusted(ServerUnreachable):
    """The server shows a certificate that is not trusted, or is for another name."""

    trouble = "has a certificate that this registry does not trust"
    way_out = (
        "If an authority of your own issued it, or that of a proxy that opens TLS, add the "
        "authority's certificate to the file that BALLROOM_CA_FILE names, and restart."
    )


class ProxyFailed(ServerUnreachable):
    """The proxy refuses the connection, or is not reached itself.

    `is_name_public` if the name of the server resolves here to public addresses. Others may be
    names of the network inside, so people who chose the name are not told what the proxy says.
    """

    is_name_public: bool = False

    trouble = "is not reached through the proxy of this registry"
    way_out = (
        "See that HTTPS_PROXY names the proxy, with user and password if it asks for them, and "
        "that the proxy lets this machine through; NO_PROXY names hosts that are called directly."
    )


def as_earlier_failure(failure: Unanswered, reason: str) -> Unanswered:
    """Return a failure of an earlier request as that of another one, of the same kind if no
    connection was made."""
    kind = type(failure) if isinstance(failure, ServerUnreachable) else Unanswered
    return kind(reason)


class AnswerUnusable(Unanswered):
    """The server answered this request in a way that cannot be used, which says nothing about its
    other answers."""


class TokenNeeded(AnswerUnusable):
    """The registry answers nobody without an access token, and none is set for it."""


class AnswerTooLarge(AnswerUnusable):
    """The answer has more bytes than its reader takes."""

    def __init__(self) -> None:
        super().__init__("the answer is too large")


class NoRoomToFetch(Unanswered):
    """This registry fetches as much as it has room for; the other server is not to blame."""

    def __init__(self) -> None:
        super().__init__("there is no room for more answers at the same time")


class HttpResponse(Struct, frozen=True):
    """The response of another server; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json_object(self) -> Mapping[str, object]:
        """Return the JSON object of a response with status 200; raise `Unanswered` otherwise."""
        if self.status != _OK:
            message = f"the answer was {self.status}"
            raise Unanswered(message)
        try:
            value: object = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            message = "the answer was no JSON object"
            raise Unanswered(message)
        return cast(Mapping[str, object], value)


class HttpClient(Protocol):
    """Requests small documents from other servers by https, and never from our own network.

    Responses have at most 1 MiB and are complete within five seconds. Redirects are not followed.
    Both methods raise `Unanswered` if there is no such response or if the address is not allowed.
    """

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Return the response of the server."""
        ...

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Send the body, and return what the server answers."""
        ...


class HttpDownloader(HttpClient, Protocol):
    """Requests large files as well, which are not held in memory."""

    async def download(
        self, url: str, headers: Mapping[str, str], write: Callable[[bytes], object]
    ) -> HttpResponse:
        """Return the response without its body, which is passed to `write` as it arrives."""
        ...
