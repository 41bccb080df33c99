"""Nobody makes the registry ask a server for them that they cannot reach themselves (API7).

Machines in a cloud answer at 169.254.169.254 with credentials, and services behind a firewall trust
whoever is inside. What fetches keys of identity providers must reach neither.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.adapters.http_fetcher import MAX_BYTES, GuardedFetcher, resolve
from shared.adapters.network import Network
from shared.ports.http_client import AnswerUnusable, Unanswered
from tests.support.authorities import CertificateAuthority

pytestmark = pytest.mark.measured

PUBLIC = "93.184.215.14"
URL = "https://login.test/keys"

# The first two: the metadata of machines in every large cloud, the platform below those of Azure.
FORBIDDEN = (
    "169.254.169.254",
    "168.63.129.16",
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "0.0.0.0",  # noqa: S104 - asked for, not listened on.
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:93.184.215.14",  # Public, in a form that only attackers use.
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
)


@dataclass
class Names:
    """A name server that answers as the test says, one list after the other."""

    answers: list[Sequence[str]]
    asked: list[str] = field(default_factory=list[str])

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the next answer; the last one again and again."""
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class Servers:
    """All servers of the world, which answer alike and remember who was called."""

    answer: Callable[[httpx.Request], httpx.Response] = lambda _: answered(200)
    called: list[httpx.Request] = field(default_factory=list[httpx.Request])

    def __call__(self) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.called.append(request)
        return self.answer(request)


def answered(status: int, **headers: str) -> httpx.Response:
    """Return an answer as it comes from the wire, unread."""
    return httpx.Response(status, headers=headers, stream=_Bytes())


def fetcher(
    *addresses: str, servers: Servers | None = None, inside: Sequence[str] = ()
) -> GuardedFetcher:
    """Return what is tested, in a world where every name has these addresses."""
    servers = servers or Servers()
    return GuardedFetcher(inside, resolving=Names([addresses]), connecting=servers)


@pytest.mark.parametrize("url", ["https://[zz]/", "https://[::1", "https://a\u2100b/"])
async def test_an_address_that_cannot_be_read_is_an_answer_that_cannot_be_used(url: str) -> None:
    servers = Servers()
    with pytest.raises(AnswerUnusable):
        await fetcher(PUBLIC, servers=servers).get(url, {})
    assert servers.called == []


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_a_name_of_a_forbidden_address_is_not_called(address: str) -> None:
    servers = Servers()
    with pytest.raises(Unanswered, match="not public"):
        await fetcher(address, servers=servers).get(URL, {})
    assert servers.called == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]"],
)
async def test_an_address_in_any_spelling_is_an_address(host: str) -> None:
    servers = Servers()
    guarded = GuardedFetcher(resolving=resolve, connecting=servers)
    with pytest.raises(Unanswered):
        await guarded.get(f"https://{host}/keys", {})
    assert servers.called == []


async def test_one_forbidden_address_among_public_ones_is_enough() -> None:
    with pytest.raises(Unanswered, match="not public"):
        await fetcher(PUBLIC, "169.254.169.254").get(URL, {})


async def test_a_name_that_changes_its_mind_is_called_at_the_address_that_was_checked() -> None:
    names = Names([[PUBLIC], ["127.0.0.1"]])
    servers = Servers()
    await GuardedFetcher(resolving=names, connecting=servers).get(URL, {})
    [request] = servers.called
    assert names.asked == ["login.test"]
    assert request.url.host == PUBLIC
    assert request.headers["host"] == "login.test"
    assert request.extensions["sni_hostname"] == "login.test"


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest", "https://other.test/", "/b"])
async def test_redirects_are_not_followed(target: str) -> None:
    servers = Servers(lambda _: answered(302, Location=target))
    fetched = await fetcher(PUBLIC, servers=servers).get(URL, {})
    assert fetched.status == 302
    assert len(servers.called) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://login.test/keys",
        "file:///etc/passwd",
        "gopher://login.test/",
        "",
        "login.test/keys",
        "https:///keys",
        "https://login.test:port/",
        "https://login.test@127.0.0.1/keys",
        "https://user:password@login.test/keys",
        "https://\N{FULLWIDTH DIGIT ONE}\N{NULL}/",
    ],
)
async def test_only_https_addresses_are_asked(url: str) -> None:
    servers = Servers()
    with pytest.raises(Unanswered):
        await fetcher(PUBLIC, servers=servers).get(url, {})
    assert servers.called == []


async def test_a_huge_answer_is_left_in_the_wire() -> None:
    sent: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            sent.append(1)
            yield bytes(64 * 1024)

    servers = Servers(lambda _: httpx.Response(200, content=endless()))
    with pytest.raises(Unanswered, match="too large"):
        await fetcher(PUBLIC, servers=servers).get(URL, {})
    assert len(sent) * 64 * 1024 <= MAX_BYTES + 64 * 1024


async def test_an_answer_that_would_unpack_to_more_is_not_unpacked() -> None:
    packed = {"Content-Encoding": "gzip"}
    servers = Servers(lambda _: httpx.Response(200, headers=packed, stream=_Bytes()))
    with pytest.raises(Unanswered, match="compressed"):
        await fetcher(PUBLIC, servers=servers).get(URL, {})


class _Bytes(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"\x1f\x8b"


async def never(*_: object) -> Any:
    await asyncio.Event().wait()


class _Silent(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await never()


class _Dripping(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b""


@pytest.mark.parametrize(
    ("resolve", "connect"),
    [
        (Names([[PUBLIC]]), _Silent),
        (Names([[PUBLIC]]), Servers(lambda _: httpx.Response(200, stream=_Dripping()))),
        (never, Servers()),
    ],
    ids=["silent", "dripping", "without a name"],
)
async def test_a_server_that_takes_its_time_is_not_waited_for(
    resolve: Callable[..., Any], connect: Callable[[], httpx.AsyncBaseTransport]
) -> None:
    guarded = GuardedFetcher(
        resolving=resolve, connecting=connect, time_limit=timedelta(milliseconds=20)
    )
    with pytest.raises(Unanswered, match="in time"):
        await guarded.get(URL, {})


@pytest.mark.parametrize(
    ("inside", "other"), [("login.test", "other.test"), ("login.test:8443", "login.test:9443")]
)
async def test_only_the_host_and_port_that_the_operator_names_may_be_inside(
    inside: str, other: str
) -> None:
    guarded = fetcher("10.1.2.3", inside=[inside])
    assert (await guarded.get(f"https://{inside}/keys", {})).status == 200
    with pytest.raises(Unanswered):
        await guarded.get(f"https://{other}/keys", {})


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:10.0.0.1", "fe80::1", "224.0.0.1"])
async def test_not_even_a_host_inside_is_the_metadata_of_a_machine(address: str) -> None:
    with pytest.raises(Unanswered, match="not public"):
        await fetcher(address, inside=["login.test"]).get(URL, {})


async def test_plain_http_is_for_named_hosts_of_this_machine() -> None:
    named = ["login.test"]
    plain = "http://login.test/keys"
    assert (await fetcher("127.0.0.1", inside=named).get(plain, {})).status == 200
    with pytest.raises(Unanswered):
        await fetcher("127.0.0.1").get(plain, {})
    with pytest.raises(Unanswered):
        await fetcher("10.1.2.3", inside=named).get(plain, {})
    with pytest.raises(Unanswered):
        await fetcher(PUBLIC, inside=named).get(plain, {})


@pytest.mark.parametrize(("name", "answers"), [("login.test", True), ("other.test", False)])
async def test_a_certificate_must_be_for_the_name_and_not_for_the_address(
    tmp_path: Path, name: str, answers: bool
) -> None:
    authority = CertificateAuthority.create(tmp_path)
    async with _tls_server(authority.server_context(name)) as port:
        guarded = GuardedFetcher(
            [f"login.test:{port}"],
            resolving=Names([["127.0.0.1"]]),
            network=Network(ca_file=authority.file),
        )
        with nullcontext() if answers else pytest.raises(Unanswered):
            fetched = await guarded.post(f"https://login.test:{port}/keys", {}, b"body")
            assert (fetched.status, fetched.body) == (200, b"{}")


@asynccontextmanager
async def _tls_server(context: ssl.SSLContext) -> AsyncGenerator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
