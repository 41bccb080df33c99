"""Behind nginx and Caddy, no request of a client gets into that of another.

Clients of a proxy share its connections to the registry. Some ask for another protocol, in each way
in which the real host was asked, with bodies that are requests themselves and come later.
"""

import asyncio
import itertools
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, suppress
from functools import cache

import pytest

from shared.hosting.host import Host
from shared.hosting.http_server.connection import ConnectionTimeouts
from shared.hosting.http_server.server import bind
from tests.support.authorities import CertificateAuthority
from tests.support.processes import free_port
from tests.support.recorded_connections import Connected, Recorded, recorded_upgrades, telling_app
from tests.support.reverse_proxies import PROXIES, ProxiedSite, running_proxy
from tests.support.server import served_app

NAME = "registry.example"  # As in the recorded requests.
PAUSE = 0.3  # Seconds between the head of a request and its body.
ATTACKERS_AT_ONCE = 25
VICTIMS = 8
PATIENT = ConnectionTimeouts(least_rate=0)


@pytest.fixture(scope="module", params=PROXIES)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[ProxiedSite]:
    folder = tmp_path_factory.mktemp(request.param)
    bound = bind("127.0.0.1", 0)
    at = (free_port(), free_port(), bound.getsockname()[1])
    site = ProxiedSite(
        folder, CertificateAuthority.create(folder).issue("127.0.0.1"), *at, name=NAME
    )
    with (
        served_app(Host(telling_app()), at=bound, timeouts=PATIENT),
        running_proxy(request.param, site),
    ):
        yield site


@cache
def trust() -> ssl.SSLContext:
    """Return what all connections share: to make it takes longer than most requests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


@asynccontextmanager
async def connected(site: ProxiedSite) -> AsyncGenerator[Connected]:
    """Open a connection to the proxy."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", site.port, ssl=trust(), server_hostname=NAME
    )
    try:
        yield Connected(reader, writer)
    finally:
        writer.transport.abort()  # `close` waits for what the proxy says to it.
        with suppress(OSError):
            await writer.wait_closed()


async def ask_as_victim(
    site: ProxiedSite, number: int, attackers: asyncio.Future[list[tuple[str, ...]]]
) -> str | None:
    """Ask until the attackers have finished; return an answer that was not for this client."""
    async with connected(site) as client:
        for path in (f"/victims/{number}/{count}" for count in itertools.count()):
            await client.send(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            answer = await client.answer()
            if answer != f"200 GET {path} 0":
                return f"{path}: {answer}"
            if attackers.done():
                break
    return None


async def attack(site: ProxiedSite, row: Recorded, gate: asyncio.Semaphore) -> tuple[str, ...]:
    """Send a recorded request, and its body later; return the answers."""
    async with gate, connected(site) as client:
        return await client.outcome(row, row.with_later_body(), PAUSE)


async def test_every_client_gets_its_own_answers(site: ProxiedSite) -> None:
    gate = asyncio.Semaphore(ATTACKERS_AT_ONCE)
    rows = recorded_upgrades()
    attackers = asyncio.gather(*(attack(site, row, gate) for row in rows))
    victims = [ask_as_victim(site, number, attackers) for number in range(VICTIMS)]
    assert [each for each in await asyncio.gather(*victims) if each is not None] == []
    outcomes = zip(rows, await attackers, strict=True)
    assert {row.name: ours for row, ours in outcomes if asked(ours) != asked(row.outcome)} == {}


def asked(outcome: tuple[str, ...]) -> list[list[str]]:
    """Return an outcome without lengths: nginx sends a chunked body with its length."""
    return [each.split()[:3] for each in outcome]
