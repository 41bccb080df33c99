"""The transports of the libraries of Azure, with the certificates and proxies of the operator.

Left to themselves, they look for a proxy in the environment before each request, in another thread,
twice: where there is none, that is a third of the processor time of a read.
"""

# The transports of azure-core are untyped in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import MutableMapping
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport, RequestsTransport
from requests import Session
from requests.adapters import HTTPAdapter

from shared.adapters.network import Network
from shared.domain.outbound_addresses import DEFAULT_PORTS


def http_transport(network: Network) -> AioHttpTransport:
    """Return the transport of a client of Blob Storage, whose writes may be sent twice."""
    if network.is_plain:
        return AioHttpTransport(use_env_settings=False)
    return _AsyncTransport(network)


def record_transport(network: Network) -> AioHttpTransport:
    """Return the transport of a client of Cosmos DB, which sends each request once.

    aiohttp sends a PUT or DELETE again whose connection was closed before the response. If the
    first one took effect, the conflict of the second would be taken for one with somebody else.
    """
    if network.is_plain:
        return _SingleAttempts(use_env_settings=False)
    return _SingleAttemptsThroughNetwork(network)


def identity_transport(network: Network) -> AioHttpTransport | None:
    """Return the transport for the app's managed identity; None for the default of the library."""
    return None if network.is_plain else _AsyncTransport(network)


def telemetry_transport(network: Network) -> RequestsTransport:
    """Return the transport of the exporter of telemetry."""
    if network.is_plain:
        return RequestsTransport()
    return _BlockingTransport(network)


class _AsyncTransport(AioHttpTransport):
    def __init__(self, network: Network) -> None:
        super().__init__(use_env_settings=False)
        self._network = network

    async def open(self) -> None:
        """Open connections that trust the certificates of the operator."""
        if cast("object", self.session) is None:
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._network.trust),
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        await super().open()

    async def send(self, request: Any, *, proxies: Any = None, **config: Any) -> Any:
        """Send the request, through the proxy for its server if there is one."""
        return await super().send(
            request, proxies=proxies or _proxies(self._network, request.url), **config
        )


class _SingleAttempts(AioHttpTransport):
    async def open(self) -> None:
        """Open connections that repeat no request."""
        await super().open()
        # There is no public option; aiohttp's own client for tests sets this as well.
        self.session._retry_connection = False


class _SingleAttemptsThroughNetwork(_SingleAttempts, _AsyncTransport):
    """Sends each request once, and connects as the operator says."""


class _BlockingTransport(RequestsTransport):
    def __init__(self, network: Network) -> None:
        super().__init__(use_env_settings=False)
        self._network = network

    def open(self) -> None:
        """Open connections that trust the certificates of the operator."""
        super().open()
        cast("Session", self.session).mount("https://", _TrustingAdapter(self._network))

    def send(self, request: Any, *, proxies: Any = None, **kwargs: Any) -> Any:
        """Send the request, through the proxy for its server if there is one."""
        return super().send(
            request, proxies=proxies or _proxies(self._network, request.url), **kwargs
        )


class _TrustingAdapter(HTTPAdapter):
    def __init__(self, network: Network) -> None:
        self._network = network
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._network.trust)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=self._network.trust)


def _proxies(network: Network, url: str) -> MutableMapping[str, str] | None:
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    proxy = network.proxies.proxy_for(parts.scheme, parts.hostname or "", port)
    return {parts.scheme: proxy.url_with_credentials} if proxy else None
