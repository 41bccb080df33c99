"""What is packed is unpacked as it was, in bounded pieces."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from random import Random

import pytest

from shared.domain.snapshots import SnapshotUnusable
from shared.services.snapshots import LINES_AT_ONCE, PIECE_BYTES, CompressedFile


async def each(items: list[bytes]) -> AsyncGenerator[bytes]:
    for item in items:
        yield item


async def gathered(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in pieces]


async def test_much_is_handed_over_piece_by_piece() -> None:
    random = Random("packing")  # noqa: S311 - it does not pack, that is all.
    lines = [random.randbytes(20_000).hex().encode() + b"\n" for _ in range(50)]
    packing = CompressedFile("a")
    pieces = await gathered(packing.pack(each(lines)))
    assert len(pieces) > 3
    assert all(len(piece) < 2 * PIECE_BYTES for piece in pieces)
    assert gzip.decompress(b"".join(pieces)) == b"".join(lines)
    again = CompressedFile("a")
    assert await gathered(again.unpack(each(pieces))) == [line[:-1] for line in lines]
    assert again.part() == packing.part()
    assert (packing.part().lines, packing.part().bytes) == (50, len(b"".join(pieces)))


async def test_a_file_of_nothing_has_no_lines() -> None:
    pieces = await gathered(CompressedFile("a").pack(each([])))
    assert await gathered(CompressedFile("a").unpack(each(pieces))) == []


async def test_what_was_not_packed_is_refused() -> None:
    with pytest.raises(SnapshotUnusable, match=r"^a of the snapshot is damaged"):
        await gathered(CompressedFile("a").unpack(each([b"not packed"])))


async def test_a_part_says_what_its_file_is() -> None:
    packing = CompressedFile("a")
    content = b"".join(await gathered(packing.pack(each([b"one\n", b"two\n"]))))
    part = packing.part()
    assert (part.name, part.lines, part.bytes) == ("a", 2, len(content))
    assert part.sha256 == hashlib.sha256(content).hexdigest()


async def test_lines_are_put_together_over_the_borders_of_pieces() -> None:
    content = gzip.compress(b"one\ntwo\n\nthree\n")
    pieces = [content[place : place + 1] for place in range(len(content))]
    lines = await gathered(CompressedFile("a").unpack(each(pieces)))
    assert lines == [b"one", b"two", b"", b"three"]


async def test_others_have_their_turn_every_hundred_lines() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(others())
    await gathered(CompressedFile("a").pack(each([b"a\n"] * 5 * LINES_AT_ONCE)))
    running.cancel()
    assert turns == 5
