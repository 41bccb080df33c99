"""HTTP requests to other servers: the host name is resolved once, the addresses are checked, and
the request goes to a checked address, or with its name to a proxy. Each is a span of the trace of
the current activity, with the host and without the path, which may be a secret.
"""

import asyncio
import io
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from shared.adapters.network import DIRECT, Network, proxy_refusal, unreachable
from shared.domain.outbound_addresses import DEFAULT_PORTS, Address, is_inside, is_public
from shared.domain.proxies import Proxy, is_local_name
from shared.ports.http_client import (
    AnswerTooLarge,
    AnswerUnusable,
    HttpResponse,
    ProxyFailed,
    ServerUnreachable,
    Unanswered,
)
from shared.runtime.abandonable import run_abandonable
from shared.runtime.lru_cache import LruCache
from shared.telemetry.activities import current_activity
from shared.telemetry.log import log
from shared.telemetry.metrics import ANSWERED, BROKEN, FIRST_FAILURE_STATUS

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 1024 * 1024  # A key set has about ten KiB, a discovery document two.
TIME_LIMIT = timedelta(seconds=5)  # A person waits for it while signing in.

# Where there is a proxy, a name server that drops questions about the outside is not waited for.
RESOLVING_LIMIT = timedelta(seconds=1)
UNRESOLVED_FOR = timedelta(minutes=1)  # After that a name that did not resolve is looked up again.

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Connect = Callable[[], "httpx.AsyncBaseTransport"]
Write = Callable[[bytes], object]  # Called with each piece of a body when it arrives.
Watch = Callable[[str, Mapping[str, Any]], Awaitable[None]]  # Called with each step of httpcore.

MAX_UNRESOLVED = 1_000  # Names that are remembered.

# Steps of httpcore: the proxy has connected, and the next is TLS; a request is sent.
_PASSED_PROXY = "proxy.start_tls.started"
_SENDS_REQUEST = "http11.send_request_headers.started"


_NO_ADDRESS = "the address is not one to ask"
_NOT_PUBLIC = "the address is not public, or not https"
_LATE = "there was no answer in time"
_COMPRESSED = "the answer is compressed, though that was not asked for"


async def resolve(host: str, port: int) -> list[str]:
    found = await run_abandonable(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return [str(entry[4][0]) for entry in found]


class GuardedFetcher:
    """A `HttpClient` that calls only public addresses, and private ones of `inside` hosts.

    `inside` are hosts of the operator's network, as `host` or `host:port`. Plain http is allowed
    only for such hosts on this machine.

    A proxy gets the name of a host whose addresses are allowed, and of one that does not resolve
    here, whose addresses the proxy knows alone. This machine is never called through a proxy.
    """

    def __init__(
        self,
        inside: Iterable[str] = (),
        *,
        network: Network = DIRECT,
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
        self._network = network
        self._connect = connecting or network.transport
        self._unresolved = LruCache[str, float](MAX_UNRESOLVED)
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

    async def connect(self, url: str) -> None:
        """Connect to the server of an address as a request does, and send none; raise
        `Unanswered`."""

        async def stop(event: str, details: Mapping[str, Any]) -> None:
            # A proxy is asked to connect by a request of its own.
            if event == _SENDS_REQUEST and details["request"].method != b"CONNECT":
                raise _Connected

        with suppress(_Connected):
            await self._ask("GET", url, {}, b"", lambda _: None, watch=stop)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, write: Write
    ) -> HttpResponse:
        activity = current_activity()
        if activity is None or activity.spans is None:
            return await self._ask(method, url, headers, body, write)
        began = time.perf_counter()
        status = 0
        outcome = BROKEN
        try:
            answer = await self._ask(method, url, headers, body, write)
            status = answer.status
            outcome = ANSWERED
        except Unanswered as failure:
            outcome = type(failure).__name__
            raise
        else:
            return answer
        finally:
            asked = {"method": method, **_server(url), "status": status, "outcome": outcome}
            is_failed = not 0 < status < FIRST_FAILURE_STATUS
            activity.add_span(method, began, asked, is_failed=is_failed)

    async def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        write: Write,
        *,
        watch: Watch | None = None,
    ) -> HttpResponse:
        import httpx  # noqa: PLC0415 - imported with the first request.

        way = _Way(watch)
        try:
            async with asyncio.timeout(self._seconds):
                target = httpx.URL(url)
                address = await self._find_way(target, way)
                sent = {**headers, "Accept-Encoding": "identity"}
                request = httpx.Request(method, target, headers=sent, content=body)
                request.extensions = dict[str, Any](trace=way.note)
                if address:
                    # The name stays in Host and in the TLS handshake; the connection goes to the
                    # checked address, so a name that resolves differently now has no effect.
                    request.extensions["sni_hostname"] = target.raw_host.decode("ascii")
                    request.url = target.copy_with(host=address)
                return await self._answer(request, write, way.proxy)
        except TimeoutError:
            raise way.late() from None
        except httpx.ProxyError as error:
            raise way.refused(str(error)) from None
        except (httpx.ConnectError, OSError) as error:
            raise way.failed(error) from None
        except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError) as error:
            log.exception("request.invalid", host=_server(url)["host"])
            raise AnswerUnusable(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise Unanswered(type(error).__name__) from None

    async def _find_way(self, url: "httpx.URL", way: "_Way") -> str:
        """Return the checked address to connect to; an empty text if a proxy gets the name."""
        if url.scheme not in DEFAULT_PORTS or not url.host or url.userinfo:
            raise AnswerUnusable(_NO_ADDRESS)
        port = url.port or DEFAULT_PORTS[url.scheme]
        proxies = self._network.proxies
        way.proxy = proxies.proxy_for(url.scheme, url.host, port)
        if way.proxy is None:
            found = _parsed(await self._resolve(url.host, port))
        else:
            found = await self._resolve_beside_proxy(url.host, port)
        if not found and way.proxy is not None and _is_left_to_proxy(url):
            return ""
        # All must be allowed: a name with a public and a private address is an attack.
        if not found or not all(self._may_call(url, each) for each in found):
            raise AnswerUnusable(_NOT_PUBLIC)
        way.is_name_public = all(map(is_public, found))
        way.proxy = proxies.proxy_for(url.scheme, url.host, port, found)
        return "" if way.proxy else str(found[0])

    async def _resolve_beside_proxy(self, host: str, port: int) -> list[Address]:
        """Return the addresses of a host; none if its name does not resolve here, or not soon."""
        now = asyncio.get_running_loop().time()
        if now < (self._unresolved.get(host) or 0):
            return []
        limit = min(RESOLVING_LIMIT.total_seconds(), self._seconds / 2)
        try:
            async with asyncio.timeout(limit):
                return _parsed(await self._resolve(host, port))
        except OSError:  # A time limit as well.
            self._unresolved.put(host, now + UNRESOLVED_FOR.total_seconds())
            return []

    def _may_call(self, url: "httpx.URL", address: Address) -> bool:
        host = url.host.lower()
        named = host in self._inside or f"{host}:{url.port}" in self._inside
        if url.scheme == "http":
            return named and address.is_loopback
        return is_public(address) or (named and is_inside(address))

    async def _answer(
        self, request: "httpx.Request", write: Write, proxy: Proxy | None
    ) -> HttpResponse:
        # A new transport for each request: a kept connection belongs to an address, and would be
        # used for another name of that address without a check of its certificate.
        async with self._network.transport(proxy) if proxy else self._connect() as transport:
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


class _Connected(Exception):
    """Raised when a connection is made, in place of a request."""


class _Way:
    """How one request leaves this machine, and how far it came."""

    def __init__(self, watch: Watch | None) -> None:
        self.proxy: Proxy | None = None
        self.is_name_public = False  # Whether it resolves here to public addresses.
        self._watch = watch
        self._is_beyond_proxy = False

    async def note(self, event: str, details: Mapping[str, Any]) -> None:
        """Note what the connection does; httpcore calls it."""
        if event == _PASSED_PROXY:
            self._is_beyond_proxy = True
        if self._watch is not None:
            await self._watch(event, details)

    def late(self) -> Unanswered:
        if self.proxy is not None and not self._is_beyond_proxy:
            return self._told(ProxyFailed(f"the proxy {self.proxy} gave no answer in time"))
        return Unanswered(_LATE)

    def refused(self, answer: str) -> ServerUnreachable:
        """Return the refusal of the proxy, whose answer is a status with its phrase."""
        status, _, phrase = answer.partition(" ")
        if self.proxy is None or not status.isdecimal():
            return ServerUnreachable(answer)
        return self._told(proxy_refusal(self.proxy, int(status), phrase))

    def failed(self, error: Exception) -> ServerUnreachable:
        return self._told(unreachable(error, self.proxy, is_beyond_proxy=self._is_beyond_proxy))

    def _told(self, failure: ServerUnreachable) -> ServerUnreachable:
        if isinstance(failure, ProxyFailed):
            failure.is_name_public = self.is_name_public
        return failure


def _is_left_to_proxy(url: "httpx.URL") -> bool:
    """Check whether a proxy may resolve a name that does not resolve here.

    Never the name of this machine, nor an address in a spelling that this system does not read.
    """
    name = url.host.lower().rstrip(".")
    last = name.rpartition(".")[2]
    is_number = last.isdecimal() or last.startswith("0x")
    return url.scheme == "https" and not (is_local_name(name) or is_number or ":" in name)


def _server(url: str) -> dict[str, str | int]:
    """Return the scheme, the host and the port of a URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return {"scheme": "", "host": "", "port": 0}
    return {"scheme": parts.scheme, "host": parts.hostname or "", "port": port}


def _parsed(addresses: Sequence[str]) -> list[Address]:
    return [ip_address(text) for text in addresses]
