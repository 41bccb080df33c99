"""The contract of LogFiles: files that never change, and checkpoints that only grow."""

import asyncio

import pytest

from shared.domain.errors.transparency import LogStopped
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.notes import NoteSigner, SignedNote
from tests.contract.stores import Stores
from tests.support.log_checker import ORIGIN

pytestmark = pytest.mark.measured


SIGNER = NoteSigner(ORIGIN, bytes(32))


def checkpoint(size: int, root: bytes = bytes(32), origin: str = ORIGIN) -> bytes:
    text = Checkpoint(origin, size, root).text
    return SignedNote(text, (SIGNER.sign(text),)).content.encode()


async def test_a_file_is_read_as_it_was_written(stores: Stores, others: Stores) -> None:
    assert await stores.log_files.read("log/tile/0/000") is None
    await stores.log_files.write_once("log/tile/0/000", b"hashes")
    await stores.log_files.write_once("log/tile/0/000.p/5", b"fewer")
    assert await others.log_files.read("log/tile/0/000") == b"hashes"
    assert await others.log_files.read("log/tile/0/000.p/5") == b"fewer"
    assert await others.log_files.read("log/tile/0/000/000") is None


async def test_a_file_never_changes(stores: Stores, others: Stores) -> None:
    await stores.log_files.write_once("log/tile/0/000", b"hashes")
    await others.log_files.write_once("log/tile/0/000", b"hashes")
    with pytest.raises(LogStopped, match="log/tile/0/000 has another content"):
        await others.log_files.write_once("log/tile/0/000", b"others")
    assert await stores.log_files.read("log/tile/0/000") == b"hashes"


async def test_of_concurrent_writers_of_a_file_one_wins(stores: Stores, others: Stores) -> None:
    contents = [b"%d" % number for number in range(6)]
    writes = [
        (stores, others)[number % 2].log_files.write_once("log/tile/0/000", content)
        for number, content in enumerate(contents)
    ]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(each) for each in outcomes].count(LogStopped) == len(contents) - 1
    assert await stores.log_files.read("log/tile/0/000") == contents[outcomes.index(None)]


async def test_a_checkpoint_is_replaced_by_a_longer_one(stores: Stores, others: Stores) -> None:
    for size in (1, 5, 5, 6):
        await stores.log_files.publish_checkpoint("log/checkpoint", checkpoint(size))
        assert await others.log_files.read("log/checkpoint") == checkpoint(size)


@pytest.mark.parametrize(
    "refused",
    [
        checkpoint(4),
        checkpoint(5, b"x" * 32),
        checkpoint(9, origin="other.example.org/log"),
    ],
    ids=["fewer entries", "another root", "another log"],
)
async def test_a_checkpoint_that_does_not_continue_it_is_refused(
    stores: Stores, others: Stores, refused: bytes
) -> None:
    await stores.log_files.publish_checkpoint("log/checkpoint", checkpoint(5))
    with pytest.raises(LogStopped, match="the published checkpoint has 5 entries"):
        await others.log_files.publish_checkpoint("log/checkpoint", refused)
    assert await stores.log_files.read("log/checkpoint") == checkpoint(5)


async def test_of_concurrent_checkpoints_the_longest_stays(stores: Stores, others: Stores) -> None:
    publish = [(stores, others)[size % 2].log_files.publish_checkpoint for size in range(8)]
    writes = [each("log/checkpoint", checkpoint(size)) for size, each in enumerate(publish)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert all(each is None or isinstance(each, LogStopped) for each in outcomes)
    assert await stores.log_files.read("log/checkpoint") == checkpoint(7)


async def test_partial_tiles_are_deleted_and_the_full_one_stays(stores: Stores) -> None:
    files = stores.log_files
    for path in ("tile/0/000", "tile/0/000.p/1", "tile/0/000.p/2", "tile/0/001.p/1"):
        await files.write_once(f"log/{path}", b"x")
    for _ in range(2):
        await files.delete_partials("log/tile/0/000")
    assert await files.read("log/tile/0/000.p/1") is None
    assert await files.read("log/tile/0/000.p/2") is None
    assert await files.read("log/tile/0/000") == b"x"
    assert await files.read("log/tile/0/001.p/1") == b"x"


async def test_staged_files_are_no_part_of_a_log(stores: Stores, others: Stores) -> None:
    assert await stores.log_files.list_staged() == []
    await stores.log_files.stage("one", b"first")
    await stores.log_files.stage("one", b"second")
    await stores.log_files.stage("two", b"x")
    assert await others.log_files.staged("one") == b"second"
    assert await others.log_files.list_staged() == ["one", "two"]
    assert await others.log_files.read("one") is None
    for _ in range(2):
        await others.log_files.discard("one")
    assert await stores.log_files.staged("one") is None
    assert await stores.log_files.list_staged() == ["two"]
