"""TXT records, over a name server on this machine."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import dns.asyncresolver
import dns.message
import dns.rcode
import dns.rrset

from shared.adapters import system
from shared.adapters.system import DnsRecords
from tests.support.refusals import raises_refusal

LONG = "x" * 300
ZONE = {
    "_ballroom.example.org.": ["ballroom-verification=abc", LONG],
    "_many.example.org.": [f"text {number}" for number in range(120)],
    "_huge.example.org.": ["y" * 5_000],
    "_bytes.example.org.": ["a\\255b"],
    "example.org.": [],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers from the zone; names outside of it do not exist, and some are never answered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question."""
        question = dns.message.from_wire(data)
        response = dns.message.make_response(question)
        name = str(question.question[0].name)
        if name == "broken.example.org.":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name not in ZONE:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif ZONE[name]:
            texts = [" ".join(f'"{part}"' for part in pieces(text)) for text in ZONE[name]]
            response.answer = [dns.rrset.from_text(name, 60, "IN", "TXT", *texts)]
        self.transport.sendto(response.to_wire(max_size=65_000), addr)


def pieces(text: str) -> list[str]:
    """Return a text as a record holds it."""
    return [text[at : at + 250] for at in range(0, len(text), 250)]


@asynccontextmanager
async def served() -> AsyncGenerator[DnsRecords]:
    """Return what asks a name server on this machine."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    try:
        yield DnsRecords(resolver)
    finally:
        transport.close()


async def test_records_are_returned_as_complete_texts() -> None:
    async with served() as records:
        texts = await records.texts("_ballroom.example.org")
    assert sorted(texts) == ["ballroom-verification=abc", LONG]  # Records have no order.


async def test_a_name_without_records_and_one_that_is_not_there_say_nothing() -> None:
    async with served() as records:
        assert await records.texts("example.org") == []
        assert await records.texts("_ballroom.example.com") == []


async def test_a_name_server_that_fails_is_not_one_that_says_nothing() -> None:
    async with served() as records:
        with raises_refusal("domain-silent", match=r"broken\.example\.org"):
            await records.texts("broken.example.org")


async def test_no_more_is_read_than_a_proof_needs() -> None:
    async with served() as records:
        assert len(await records.texts("_many.example.org")) == system.MAX_TEXTS
        assert await records.texts("_huge.example.org") == ["y" * system.MAX_TEXT_BYTES]


async def test_bytes_that_are_no_text_do_no_harm() -> None:
    async with served() as records:
        assert await records.texts("_bytes.example.org") == ["a\N{REPLACEMENT CHARACTER}b"]
