"""HTTP requests to other servers: a name is resolved once, checked, and the checked address is
called.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from shared.ports import HttpResponse, Unanswered

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 1024 * 1024  # A key set has about ten KiB, a discovery document two.
TIME_LIMIT = timedelta(seconds=5)  # A person waits for it while signing in.

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Connect = Callable[[], "httpx.AsyncBaseTransport"]

# The unicast space of IPv6. Outside of it are the forms that hide an IPv4 address (mapped, NAT64),
# and what is local; inside, 6to4 hides one too.
_UNICAST = IPv6Network("2000::/3")
_SIX_TO_FOUR = IPv6Network("2002::/16")
# Looks public, and is the platform below every virtual machine of Azure.
_PLATFORM = frozenset({IPv4Address("168.63.129.16")})
_PORTS = {"https": 443, "http": 80}

_NO_ADDRESS = "the address is not one to ask"
_NOT_PUBLIC = "the address is not public, or not https"
_LATE = "there was no answer in time"
_COMPRESSED = "the answer is compressed, though that was not asked for"
_TOO_LARGE = "the answer is too large"


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses that the system has for a name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def is_public(address: Address) -> bool:
    """Say whether everybody reaches the same server at this address."""
    if isinstance(address, IPv6Address) and (address not in _UNICAST or address in _SIX_TO_FOUR):
        return False
    return address.is_global and not address.is_multicast and address not in _PLATFORM


def is_inside(address: Address) -> bool:
    """Say whether a server of one's own network may have it; machines' metadata is elsewhere."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return False
    return address.is_loopback or (address.is_private and not _is_special(address))


def _is_special(address: Address) -> bool:
    return any(
        (address.is_link_local, address.is_multicast, address.is_unspecified, address.is_reserved)
    )


class GuardedFetcher:
    """A `HttpClient` that calls public addresses alone, and those of `inside` hosts.

    `inside` are names of the operator's own network, as `host` or `host:port`. Plain http is for
    such names on this machine.
    """

    def __init__(
        self,
        inside: Iterable[str] = (),
        *,
        resolving: Resolve = resolve,
        connecting: Connect | None = None,
        time_limit: timedelta = TIME_LIMIT,
    ) -> None:
        self._inside = frozenset(host.lower() for host in inside)
        self._resolve = resolving
        self._connect = connecting or _Connecting()
        self._seconds = time_limit.total_seconds()

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        return await self._send("GET", url, headers, b"")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        return await self._send("POST", url, headers, body)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        import httpx  # noqa: PLC0415 - the same.

        try:
            async with asyncio.timeout(self._seconds):
                target = httpx.URL(url)
                address = await self._checked(target)
                sent = {**headers, "Accept-Encoding": "identity"}
                request = httpx.Request(method, target, headers=sent, content=body)
                # The name stays in Host and in the TLS handshake; the connection goes to the
                # address that was checked, so a name that changes its mind changes nothing.
                request.extensions = {"sni_hostname": target.raw_host.decode("ascii")}
                request.url = target.copy_with(host=address)
                return await self._answer(request)
        except TimeoutError:
            raise Unanswered(_LATE) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise Unanswered(type(error).__name__) from None

    async def _checked(self, url: "httpx.URL") -> str:
        if url.scheme not in _PORTS or not url.host or url.userinfo:
            raise Unanswered(_NO_ADDRESS)
        port = url.port or _PORTS[url.scheme]
        found = [ip_address(text) for text in await self._resolve(url.host, port)]
        # All of them: a name with one public address and one of ours is made to be mistaken.
        if not found or not all(self._may_call(url, each) for each in found):
            raise Unanswered(_NOT_PUBLIC)
        return str(found[0])

    def _may_call(self, url: "httpx.URL", address: Address) -> bool:
        host = url.host.lower()
        named = host in self._inside or f"{host}:{url.port}" in self._inside
        if url.scheme == "http":
            return named and address.is_loopback
        return is_public(address) or (named and is_inside(address))

    async def _answer(self, request: "httpx.Request") -> HttpResponse:
        # A transport of its own for each request: a connection that is kept belongs to an address,
        # and would serve another name of that address without looking at its certificate.
        async with self._connect() as transport:
            response = await transport.handle_async_request(request)
            names = {name.lower(): value for name, value in response.headers.items()}
            if names.get("content-encoding", "identity") != "identity":
                raise Unanswered(_COMPRESSED)
            return HttpResponse(response.status_code, names, await _limited(response))


class _Connecting:
    """Makes transports that trust the same certificates."""

    def __init__(self) -> None:
        self._trust: ssl.SSLContext | None = None

    def __call__(self) -> "httpx.AsyncBaseTransport":
        import httpx  # noqa: PLC0415 - the same.

        if self._trust is None:
            self._trust = httpx.create_ssl_context()
        return trusted_tls_context(self._trust)


def trusted_tls_context(certificates: ssl.SSLContext) -> "httpx.AsyncBaseTransport":
    """Return a transport that trusts these certificates, and goes by no variable's proxy."""
    import httpx  # noqa: PLC0415 - the same.

    return httpx.AsyncHTTPTransport(verify=certificates, trust_env=False)


async def _limited(response: "httpx.Response") -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Unanswered(_TOO_LARGE)
    return bytes(body)
