"""A proxy to the internet is no way to the network inside (API7).

The rules of test_server_side_requests.py hold with a proxy, which gets names and connects by
itself: here is checked what resolves here, and the proxy decides about what it alone knows.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from shared.adapters.http_fetcher import GuardedFetcher, resolve
from shared.adapters.network import Network
from shared.domain.proxies import ProxyRules
from shared.ports.http_client import (
    CertificateUntrusted,
    ProxyFailed,
    ServerUnreachable,
    Unanswered,
)
from tests.security.test_server_side_requests import FORBIDDEN, PUBLIC, Names, never
from tests.support.authorities import CertificateAuthority
from tests.support.forward_proxies import ForwardProxy, forwarding

pytestmark = pytest.mark.measured

HOST = "login.test"
URL = f"https://{HOST}/keys"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def proxy() -> Generator[ForwardProxy]:
    with forwarding(ForwardProxy()) as running:
        yield running


async def unknown(host: str, _port: int) -> Sequence[str]:
    """A name server that knows no name, as inside many companies."""
    raise socket.gaierror(socket.EAI_NONAME, host)


def fetcher(
    proxy: ForwardProxy,
    *addresses: str,
    authority: CertificateAuthority | None = None,
    inside: Sequence[str] = (),
    no_proxy: str = "",
) -> GuardedFetcher:
    """Return what is tested where every name has these addresses, or none."""
    rules = ProxyRules.parse(proxy.url, proxy.url, no_proxy)
    network = Network(rules, authority.file if authority else None)
    resolving = Names([addresses]) if addresses else unknown
    return GuardedFetcher(inside, network=network, resolving=resolving)


@asynccontextmanager
async def server(context: ssl.SSLContext, heard: list[bytes] | None = None) -> AsyncGenerator[int]:
    connections = set[asyncio.StreamWriter]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        head = b""
        with suppress(ConnectionError):
            head = await reader.read(65_536)
        if heard is not None:
            heard.append(head)
        if head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
    for each in connections:
        # A handshake that failed, or a peer that went away, has no orderly end.
        with suppress(AttributeError):  # Early releases of 3.11 do not abort what is closed.
            each.transport.abort()
    await asyncio.sleep(0)


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_a_name_of_a_forbidden_address_is_not_given_to_the_proxy(
    proxy: ForwardProxy, address: str
) -> None:
    with pytest.raises(Unanswered, match="not public"):
        await fetcher(proxy, address).get(URL, {})
    assert proxy.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "10.0.0.1",
        "169.254.169.254",
        "localhost",
        "[::ffff:7f00:1]",
        "[fd00::1]",
    ],
)
@pytest.mark.parametrize("resolving", [resolve, unknown])
async def test_an_address_in_any_spelling_is_not_given_to_the_proxy(
    proxy: ForwardProxy, host: str, resolving: object
) -> None:
    network = Network(ProxyRules.parse(proxy.url))
    guarded = GuardedFetcher(network=network, resolving=resolving)  # type: ignore[arg-type]
    with pytest.raises(Unanswered):
        await guarded.get(f"https://{host}/keys", {})
    assert proxy.asked == []


@pytest.mark.parametrize("url", ["https://a.localhost/", "https://localhost./", f"http://{HOST}/"])
async def test_neither_this_machine_nor_plain_http_is_left_to_the_proxy(
    proxy: ForwardProxy, url: str
) -> None:
    with pytest.raises(Unanswered, match=r"not public|does not resolve"):
        await fetcher(proxy).get(url, {})
    assert proxy.asked == []


async def test_one_forbidden_address_among_public_ones_is_enough(proxy: ForwardProxy) -> None:
    with pytest.raises(Unanswered, match="not public"):
        await fetcher(proxy, PUBLIC, "10.0.0.1").get(URL, {})
    assert proxy.asked == []


@pytest.mark.parametrize("addresses", [[PUBLIC], []], ids=["resolves here", "for the proxy alone"])
async def test_a_name_goes_to_the_proxy_and_its_certificate_is_checked_here(
    proxy: ForwardProxy, authority: CertificateAuthority, addresses: list[str]
) -> None:
    async with server(authority.server_context(HOST)) as port:
        proxy.hosts = {HOST: port}
        fetched = await fetcher(proxy, *addresses, authority=authority).get(URL, {})
    assert (fetched.status, fetched.body) == (200, b"{}")
    assert proxy.asked == [f"{HOST}:443"]


async def test_a_proxy_that_connects_to_another_server_gets_no_request(
    proxy: ForwardProxy, authority: CertificateAuthority
) -> None:
    heard: list[bytes] = []
    async with server(authority.server_context("other.test"), heard) as port:
        proxy.hosts = {HOST: port}
        with pytest.raises(CertificateUntrusted, match="Hostname mismatch"):
            await fetcher(proxy, PUBLIC, authority=authority).get(URL, {"Authorization": "secret"})
    assert b"secret" not in b"".join(heard)


async def test_a_certificate_of_an_unknown_authority_is_named_as_the_reason(
    proxy: ForwardProxy, authority: CertificateAuthority
) -> None:
    async with server(authority.server_context(HOST)) as port:
        proxy.hosts = {HOST: port}
        with pytest.raises(CertificateUntrusted, match="unable to get local issuer certificate"):
            await fetcher(proxy, PUBLIC).get(URL, {})


async def test_a_host_inside_goes_through_the_proxy_if_the_operator_names_it(
    proxy: ForwardProxy, authority: CertificateAuthority
) -> None:
    async with server(authority.server_context(HOST)) as port:
        proxy.hosts = {HOST: port}
        guarded = fetcher(proxy, "10.1.2.3", authority=authority, inside=[HOST])
        assert (await guarded.get(URL, {})).status == 200
        with pytest.raises(Unanswered, match="not public"):
            await guarded.get("https://other.test/keys", {})
    assert proxy.asked == [f"{HOST}:443"]


@pytest.mark.parametrize("no_proxy", [HOST, ".test", "*"])
async def test_no_proxy_goes_directly(
    proxy: ForwardProxy, authority: CertificateAuthority, no_proxy: str
) -> None:
    async with server(authority.server_context(HOST)) as port:
        inside = [f"{HOST}:{port}"]
        url = f"https://{HOST}:{port}/keys"
        guarded = fetcher(proxy, "127.0.0.1", authority=authority, inside=inside, no_proxy=no_proxy)
        assert (await guarded.get(url, {})).status == 200
    assert proxy.asked == []


async def test_a_name_of_no_proxy_has_to_resolve_here(proxy: ForwardProxy) -> None:
    with pytest.raises(ServerUnreachable, match="does not resolve"):
        await fetcher(proxy, no_proxy=".test").get(URL, {})
    assert proxy.asked == []


async def test_this_machine_is_called_directly(
    proxy: ForwardProxy, authority: CertificateAuthority
) -> None:
    async with server(authority.server_context("127.0.0.1")) as port:
        guarded = fetcher(proxy, "127.0.0.1", authority=authority, inside=["127.0.0.1"])
        assert (await guarded.get(f"https://127.0.0.1:{port}/", {})).status == 200
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("user", "given", "status", "reason"),
    [
        ("", "", "403 Forbidden", "refuses the connection .403 Forbidden"),
        ("", "", "502 Bad Gateway", "does not reach the server .502 Bad Gateway"),
        ("", "", "", "does not reach the server .503"),
        ("kim:secret", "", "", "asks for a user .407"),
        ("kim:secret", "kim:wrong", "", "does not accept the user and password .407"),
    ],
)
async def test_a_refusal_of_the_proxy_is_the_reason(
    proxy: ForwardProxy, user: str, given: str, status: str, reason: str
) -> None:
    proxy.status = status
    proxy.user = user
    address = f"http://{given}@127.0.0.1:{proxy.port}" if given else f"127.0.0.1:{proxy.port}"
    network = Network(ProxyRules.parse(address))
    guarded = GuardedFetcher(network=network, resolving=Names([[PUBLIC]]))
    with pytest.raises(ProxyFailed, match=reason) as failed:
        await guarded.get(URL, {})
    assert f"the proxy 127.0.0.1:{proxy.port} " in str(failed.value)
    assert "wrong" not in str(failed.value)


async def test_a_proxy_gets_the_credentials_and_the_server_does_not(
    proxy: ForwardProxy, authority: CertificateAuthority
) -> None:
    proxy.user = "kim:secret"
    heard: list[bytes] = []
    async with server(authority.server_context(HOST), heard) as port:
        proxy.hosts = {HOST: port}
        assert (await fetcher(proxy, PUBLIC, authority=authority).get(URL, {})).status == 200
    assert b"proxy-authorization" not in b"".join(heard).lower()


async def test_a_proxy_behind_tls_is_trusted_by_the_same_authority(
    authority: CertificateAuthority,
) -> None:
    encryption = authority.server_context("127.0.0.1")
    with forwarding(ForwardProxy(encryption=encryption)) as proxy:
        async with server(authority.server_context(HOST)) as port:
            proxy.hosts = {HOST: port}
            assert (await fetcher(proxy, PUBLIC, authority=authority).get(URL, {})).status == 200


async def test_a_proxy_that_is_away_is_the_reason() -> None:
    with forwarding(ForwardProxy()) as proxy:
        pass
    with pytest.raises(ProxyFailed, match="is not reached: the connection was refused"):
        await fetcher(proxy, PUBLIC).get(URL, {})


async def test_people_are_not_told_what_the_proxy_knows_about_names(proxy: ForwardProxy) -> None:
    """A name that is missing here may be one of the network behind the proxy."""
    for addresses, is_public in (([PUBLIC], True), ([], False)):
        with pytest.raises(ProxyFailed) as failed:
            await fetcher(proxy, *addresses).get(URL, {})
        assert failed.value.is_name_public is is_public


async def test_a_name_server_that_drops_questions_holds_nothing_up(
    proxy: ForwardProxy, authority: CertificateAuthority
) -> None:
    async with server(authority.server_context(HOST)) as port:
        proxy.hosts = {HOST: port}
        network = Network(ProxyRules.parse(proxy.url), authority.file)
        limit = timedelta(seconds=2)
        guarded = GuardedFetcher(network=network, resolving=never, time_limit=limit)
        assert (await guarded.get(URL, {})).status == 200
        async with asyncio.timeout(0.5):  # The name is remembered.
            assert (await guarded.get(URL, {})).status == 200


async def test_connecting_sends_no_request(
    proxy: ForwardProxy, authority: CertificateAuthority
) -> None:
    heard: list[bytes] = []
    async with server(authority.server_context(HOST), heard) as port:
        proxy.hosts = {HOST: port}
        await fetcher(proxy, PUBLIC, authority=authority).connect(URL)
        direct = fetcher(proxy, "127.0.0.1", authority=authority, inside=[f"{HOST}:{port}"])
        await direct.connect(f"https://{HOST}:{port}/")
        with pytest.raises(CertificateUntrusted):
            await fetcher(proxy, PUBLIC).connect(URL)
        with pytest.raises(Unanswered, match="not public"):
            await fetcher(proxy, "10.0.0.1").connect(URL)
    assert b"".join(heard) == b""
