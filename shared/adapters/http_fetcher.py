"""HTTP requests to other servers: the host name is resolved once, the addresses are checked, and
the request goes to a checked address.
"""

import asyncio
import io
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec.structs import replace

from shared.domain.server_addresses import Address, is_inside, is_public
from shared.log import log
from shared.ports import AnswerTooLarge, AnswerUnusable, HttpResponse, ServerUnreachable, Unanswered

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 1024 * 1024  # A key set has about ten KiB, a discovery document two.
TIME_LIMIT = timedelta(seconds=5)  # A person waits for it while signing in.

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Connect = Callable[[], "httpx.AsyncBaseTransport"]
Write = Callable[[bytes], object]  # Called with each piece of a body when it arrives.

_PORTS = {"https": 443, "http": 80}

_NO_ADDRESS = "the address is not one to ask"
_NOT_PUBLIC = "the address is not public, or not https"
_LATE = "there was no answer in time"
_COMPRESSED = "the answer is compressed, though that was not asked for"


async def resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class GuardedFetcher:
    """A `HttpClient` that calls only public addresses, and private ones of `inside` hosts.

    `inside` are hosts of the operator's network, as `host` or `host:port`. Plain http is allowed
    only for such hosts on this machine.
    """

    def __init__(
        self,
        inside: Iterable[str] = (),
        *,
        resolving: Resolve = resolve,
        connecting: Connect | None = None,
        time_limit: timedelta = TIME_LIMIT,
        max_bytes: int = MAX_BYTES,
        count: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`count` is called with the bytes of a body that arrived, before they are kept, and then
        with all of them as a negative number; it may raise."""
        self._inside = frozenset(host.lower() for host in inside)
        self._resolve = resolving
        self._connect = connecting or _TransportFactory()
        self._seconds = time_limit.total_seconds()
        self._max_bytes = max_bytes
        self._count = count

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        return await self._read("GET", url, headers, b"")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        return await self._read("POST", url, headers, body)

    async def download(self, url: str, headers: Mapping[str, str], write: Write) -> HttpResponse:
        return await self._send("GET", url, headers, b"", write)

    async def _read(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        read = io.BytesIO()  # Returns its buffer without a copy.

        def keep(piece: bytes) -> None:
            self._count(len(piece))
            read.write(piece)

        try:
            answer = await self._send(method, url, headers, body, keep)
            return replace(answer, body=read.getvalue())
        finally:
            self._count(-read.tell())

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, write: Write
    ) -> HttpResponse:
        import httpx  # noqa: PLC0415 - imported with the first request.

        try:
            async with asyncio.timeout(self._seconds):
                target = httpx.URL(url)
                address = await self._resolve_checked(target)
                sent = {**headers, "Accept-Encoding": "identity"}
                request = httpx.Request(method, target, headers=sent, content=body)
                # The name stays in Host and in the TLS handshake; the connection goes to the
                # checked address, so a name that resolves differently now has no effect.
                request.extensions = {"sni_hostname": target.raw_host.decode("ascii")}
                request.url = target.copy_with(host=address)
                return await self._answer(request, write)
        except TimeoutError:
            raise Unanswered(_LATE) from None
        except (httpx.ConnectError, OSError) as error:
            raise ServerUnreachable(type(error).__name__) from None
        except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError) as error:
            log.exception("request.invalid", host=urlsplit(url).hostname)
            raise AnswerUnusable(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise Unanswered(type(error).__name__) from None

    async def _resolve_checked(self, url: "httpx.URL") -> str:
        if url.scheme not in _PORTS or not url.host or url.userinfo:
            raise AnswerUnusable(_NO_ADDRESS)
        port = url.port or _PORTS[url.scheme]
        found = [ip_address(text) for text in await self._resolve(url.host, port)]
        # All must be allowed: a name with a public and a private address is an attack.
        if not found or not all(self._may_call(url, each) for each in found):
            raise AnswerUnusable(_NOT_PUBLIC)
        return str(found[0])

    def _may_call(self, url: "httpx.URL", address: Address) -> bool:
        host = url.host.lower()
        named = host in self._inside or f"{host}:{url.port}" in self._inside
        if url.scheme == "http":
            return named and address.is_loopback
        return is_public(address) or (named and is_inside(address))

    async def _answer(self, request: "httpx.Request", write: Write) -> HttpResponse:
        # A new transport for each request: a kept connection belongs to an address, and would be
        # used for another name of that address without a check of its certificate.
        async with self._connect() as transport:
            response = await transport.handle_async_request(request)
            names = {name.lower(): value for name, value in response.headers.items()}
            if names.get("content-encoding", "identity") != "identity":
                raise AnswerUnusable(_COMPRESSED)
            left = self._max_bytes
            async for piece in response.aiter_raw():
                left -= len(piece)
                if left < 0:
                    raise AnswerTooLarge
                write(piece)
            return HttpResponse(response.status_code, names, b"")


class _TransportFactory:
    """Creates transports that trust the same certificates."""

    def __init__(self) -> None:
        self._trust: ssl.SSLContext | None = None

    def __call__(self) -> "httpx.AsyncBaseTransport":
        import httpx  # noqa: PLC0415 - imported with the first request.

        if self._trust is None:
            self._trust = httpx.create_ssl_context()
        return trusted_tls_context(self._trust)


def trusted_tls_context(certificates: ssl.SSLContext) -> "httpx.AsyncBaseTransport":
    """Return a transport that trusts these certificates and ignores proxies of the environment."""
    import httpx  # noqa: PLC0415 - imported with the first request.

    return httpx.AsyncHTTPTransport(verify=certificates, trust_env=False)
