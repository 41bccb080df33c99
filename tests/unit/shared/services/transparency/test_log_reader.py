"""Reading the log: files by their paths, and proofs by few reads."""

import pytest

from shared.domain.errors.transparency import LogStopped
from shared.domain.transparency.log_policies import KnownLog, LogPolicy
from shared.domain.transparency.log_proofs import LogProof
from shared.domain.transparency.log_states import LogState
from shared.domain.transparency.notes import NoteSigner, SignedNote
from shared.services.transparency.log_reader import LogReader
from shared.services.transparency.tile_reader import TileReader
from tests.support.killable_log import SEED, LogOfTest
from tests.support.log_checker import ORIGIN

POLICY = LogPolicy(logs=(KnownLog(NoteSigner(ORIGIN, SEED).verifier),))


@pytest.fixture
def log() -> LogOfTest:
    return LogOfTest()


def reader(log: LogOfTest) -> LogReader:
    return LogReader(log.files, TileReader(log.files), log.directory)


async def proven(log: LogOfTest, index: int, against: SignedNote | None = None) -> LogProof | None:
    entry = log.leaves.entries[index]
    return await reader(log).proof(await log.state(), index, entry, against)


async def test_before_the_first_entry_there_is_nothing(log: LogOfTest) -> None:
    assert await reader(log).state() is None
    assert await reader(log).checkpoint(LogState(origin=ORIGIN)) is None
    assert await reader(log).proof(LogState(origin=ORIGIN), 0, b"leaf 0") is None
    assert await reader(log).file("log/checkpoint") is None


async def test_every_entry_is_proven(log: LogOfTest) -> None:
    log.happens(520)
    await log.writer().write()
    published = await log.entries()
    for index in (0, 1, 255, 256, 511, 512, 519):
        proof = await proven(log, index)
        assert proof is not None
        entry = published[index]
        assert entry == log.leaves.entries[index]
        assert LogProof.parse(proof.text).require(entry, POLICY).size == 520


async def test_an_entry_is_proven_only_at_its_index(log: LogOfTest) -> None:
    log.happens(3)
    await log.writer().write()
    with pytest.raises(LogStopped, match="does not lead to the root"):
        await reader(log).proof(await log.state(), 1, log.leaves.entries[2])


async def test_an_entry_that_is_not_published_has_no_proof(log: LogOfTest) -> None:
    log.happens(3)
    await log.writer().write()
    log.happens(1)
    for index in (-1, 3, 10**9):
        assert await reader(log).proof(await log.state(), index, b"leaf 3") is None


async def test_an_old_proof_is_made_again_after_the_partial_tiles_are_gone(log: LogOfTest) -> None:
    log.happens(3)
    await log.writer().write()
    first = SignedNote.parse(log.files.published["log/checkpoint"])
    before = await proven(log, 2, first)
    log.happens(600)
    await log.writer().write()
    assert "log/tile/0/000.p/3" not in log.files.published
    assert await proven(log, 2, first) == before


async def test_a_proof_reads_few_files(log: LogOfTest) -> None:
    log.happens(70_000)
    while await log.writer().write():
        pass
    for index in (0, 35_000, 69_999):
        log.files.reads.clear()
        assert await proven(log, index) is not None
        # The checkpoint, and at most two tiles of each of three levels.
        assert len(log.files.reads) <= 7


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "log",
        "log/",
        "log/checkpoint/",
        "log//checkpoint",
        "log/../log/checkpoint",
        "log/tile/0/000.p/3/..",
        "log/tile/0/../0/000.p/3",
        "logs/checkpoint",
        "log0/checkpoint",
        "staged/log-3",
        "log/staged/log-3",
        "log/tile/0/000.p/03",
        "log/lock",
    ],
)
async def test_no_other_file_is_read(log: LogOfTest, path: str) -> None:
    log.happens(3)
    await log.writer().write()
    log.files.reads.clear()
    assert await reader(log).file(path) is None
    assert log.files.reads == []


async def test_published_files_are_read_by_their_paths(log: LogOfTest) -> None:
    log.happens(3)
    await log.writer().write()
    for path, content in log.files.published.items():
        assert await reader(log).file(path) == content
    assert await reader(log).checkpoint(await log.state()) == log.files.published["log/checkpoint"]


async def test_a_proof_that_would_not_verify_is_not_served(log: LogOfTest) -> None:
    log.happens(3)
    await log.writer().write()
    log.files.published["log/tile/0/000.p/3"] = bytes(96)
    with pytest.raises(LogStopped, match="does not lead to the root"):
        await proven(log, 1)
    del log.files.published["log/tile/0/000.p/3"]
    with pytest.raises(LogStopped, match="is missing"):
        await proven(log, 1)
