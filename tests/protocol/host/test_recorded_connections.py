"""Our host against what the real Functions host did with the same bytes on one connection."""

import asyncio
import re
from collections.abc import Callable, Generator

import pytest

from shared.hosting.host import Host
from tests.support.recorded_connections import (
    Connected,
    Recorded,
    recorded,
    recorded_upgrades,
    telling_app,
)
from tests.support.server import Address, served_app
from tests.support.storage import one_machine

pytestmark = one_machine("it is about the host, over no store")

PAUSE = 0.3  # Seconds between the head of a request and its body.


@pytest.fixture(scope="module")
def host() -> Generator[Address]:
    with served_app(Host(telling_app())) as address:
        yield address


Cut = Callable[[Recorded], tuple[bytes, ...]]


async def outcomes(host: Address, rows: list[Recorded], cut: Cut) -> dict[str, object]:
    """Return what our host did otherwise than the real one."""

    async def outcome(row: Recorded) -> object:
        reader, writer = await asyncio.open_connection("127.0.0.1", host.port)
        try:
            return await Connected(reader, writer).outcome(row, cut(row), PAUSE)
        finally:
            writer.close()

    found = await asyncio.gather(*(outcome(row) for row in rows))
    return {
        row.name: (ours, "instead of", row.outcome)
        for row, ours in zip(rows, found, strict=True)
        if ours != row.outcome
    }


async def test_a_request_for_another_protocol_is_answered_as_any_other(host: Address) -> None:
    assert await outcomes(host, recorded_upgrades(), lambda row: row.pieces) == {}


async def test_the_body_of_a_request_for_another_protocol_may_come_later(host: Address) -> None:
    assert await outcomes(host, recorded_upgrades(), Recorded.with_later_body) == {}


async def test_a_connection_goes_as_recorded_but_for_listed_reasons(host: Address) -> None:
    found = await outcomes(host, recorded(), lambda row: row.pieces)
    assert {name: each for name, each in found.items() if not is_listed(name)} == {}
    missing = [each for each in listed() if not any(map(each.fullmatch, found))]
    assert [each for each in missing if each.pattern not in SOMETIMES] == []


@pytest.mark.slow
async def test_a_connection_goes_the_same_way_if_the_body_comes_later(host: Address) -> None:
    found = await outcomes(host, recorded(), Recorded.with_later_body)
    assert {name: each for name, each in found.items() if not is_listed(name)} == {}


# Begins a request that never becomes whole. If other connections are read first, its end is known
# before the Function is called, as it is to the real host.
SOMETIMES = {"short chunked, then closed"}

# --- Differences -------------------------------------------------------------------------------

# Where our host differs on purpose: the reason, and patterns of the names of the connections.
DIFFERENCES: dict[str, tuple[str, ...]] = {
    "two lengths that say different things are how requests are smuggled": (
        "length and chunked: .*",
        "chunked and length: .*",
        "length longer and chunked: .*",
        "chunked trailer: .*",  # The trailer is a length.
    ),
    "proxies read a coding that is named twice, or after a tab, in different ways": (
        "chunked twice: .*",
        "chunked, chunked: .*",
        "chunked with tab: .*",
    ),
    "chunks are read, and broken ones refused, where the real host never looks at them": (
        "chunked bad size: .*",
        "chunked size with 0x: .*",
        "chunked size negative: .*",
        "chunked size spaces: .*",
        "chunked LF lines: .*",
        "chunked LF after size: .*",
        "chunked data longer than size: .*",
        "chunked missing last: .*",
        "short chunked, then closed",
    ),
    "zeros before the size of a chunk change nothing": ("chunked leading zeros: (POST|GET).*",),
    "a length is digits alone": ("length [+]5: .*",),
    "the Function learns the length of a body over the limit, and says so": (
        "length 2\\^(31|63): .*",
        "expect 100-continue(, foo)?, over the limit",
        "expect 100-Continue, over the limit",
    ),
    "the Function finds an empty body and says so": (
        "no length: HTTP/1.0 POST",
        "1.0 (plain|keep-alive|close) POST /2.0/registry/packages ",
    ),
    "100 Continue is sent when the Function is called, whatever has come": (
        "expect 100-[cC]ontinue, length, body at once",
    ),
    "the parser takes the names that the standard allows, and no control character": (
        "head name with (@|paren)",
        "head 0x01 in value",
    ),
    "the parser obeys the old name of `Connection` too": ("head proxy-connection",),
    "a line that ends in LF alone is read differently by proxies": ("LF (request|empty) line",),
    "the parser refuses the version before a status for it can be chosen": (
        "line HTTP/1.2",
        "line HTTP/0.9",
        "line http/1.1",
        "line HTTP/11",
    ),
    "the real host fails where the request is wrong": (
        "host (none|empty|empty no space|port 99999|long) HTTP/1.[01]",
    ),
    "no Function is asked for the options of the server": ("target options [*] with body",),
    "an answer of success would open a tunnel": ("target connect path",),
    "an escape is the same in every form of a target": ("target absolute (fragment|%2F|%00)",),
    "a target names no user": ("target absolute user",),
    "a target that is no path is refused before a status can be chosen": ("target authority GET",),
}


def listed() -> list[re.Pattern[str]]:
    """Return the patterns of the connections that go another way."""
    return [re.compile(each) for patterns in DIFFERENCES.values() for each in patterns]


def is_listed(name: str) -> bool:
    """Say whether a connection goes another way on purpose."""
    return any(each.fullmatch(name) for each in listed())
