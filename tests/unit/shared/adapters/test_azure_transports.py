"""The libraries of Azure trust the operator's authority, and go through the proxy."""

import asyncio
import ssl
from collections.abc import Generator
from contextlib import suppress

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import HttpRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.adapters.azure_transports import (
    http_transport,
    identity_transport,
    record_transport,
    telemetry_transport,
)
from shared.adapters.network import DIRECT, Network
from shared.domain.proxies import ProxyRules
from shared.runtime.connection_problems import reason_of
from tests.support.authorities import CertificateAuthority
from tests.support.forward_proxies import ForwardProxy, forwarding
from tests.support.server import served_app

URL = "https://store.test/"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def proxy(authority: CertificateAuthority) -> Generator[ForwardProxy]:
    """Run a proxy that leads to a server of the name store.test."""

    async def answer(_request: Request) -> Response:
        return Response("here")

    app = Starlette(routes=[Route("/", answer)])
    certificate = authority.issue("store.test")
    asking = ForwardProxy(user="kim:secret")
    with served_app(app, certificate=certificate) as address, forwarding(asking) as served:
        served.hosts = {"store.test": address.port}
        yield served


async def status(network: Network) -> int:
    async with http_transport(network) as transport:
        return (await transport.send(HttpRequest("GET", URL))).status_code


async def test_stores_are_reached_through_the_proxy(
    proxy: ForwardProxy, authority: CertificateAuthority
) -> None:
    rules = ProxyRules.parse(proxy.url)
    assert await status(Network(rules, authority.file)) == 200
    assert proxy.asked == ["store.test:443"]
    with pytest.raises(ServiceRequestError) as refused:
        await status(Network(rules))
    assert "its certificate is not trusted" in reason_of(refused.value)


async def test_telemetry_goes_through_the_proxy(
    proxy: ForwardProxy, authority: CertificateAuthority
) -> None:
    def send() -> int:
        network = Network(ProxyRules.parse(proxy.url), authority.file)
        with telemetry_transport(network) as transport:
            return transport.send(HttpRequest("GET", URL)).status_code

    assert await asyncio.to_thread(send) == 200
    assert proxy.asked == ["store.test:443"]


class ClosingServer:
    """Reads requests, and closes the connection of each but the first one before it answers."""

    def __init__(self) -> None:
        self.methods = list[str]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.methods.append(head.partition(b" ")[0].decode())
                if len(self.methods) > 1:
                    break
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()


@pytest.mark.parametrize("network", [DIRECT, Network(ProxyRules.parse("http://proxy.test"))])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
async def test_a_write_of_a_record_is_sent_once_where_the_connection_is_closed(
    method: str, network: Network
) -> None:
    closing = ClosingServer()
    server = await asyncio.start_server(closing.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, record_transport(network) as transport:
        await transport.send(HttpRequest("GET", url))  # A connection that is used again.
        with pytest.raises(ServiceRequestError):
            await transport.send(HttpRequest(method, url))
    assert closing.methods == ["GET", method]


def test_without_settings_the_libraries_connect_by_themselves() -> None:
    assert identity_transport(DIRECT) is None
    assert isinstance(DIRECT.trust, ssl.SSLContext)
