"""A log that stopped goes on from what is published, or a new one follows it."""

import json

import pytest

from shared.domain.errors.transparency import LogStopped
from shared.domain.transparency.checkpoints import checkpoint_of
from shared.domain.transparency.merkle_tree import leaf_hash, require_consistency
from shared.services.transparency.log_mending import LogMending, MendingPlan, MendingWay
from shared.services.transparency.log_reader import LogReader
from shared.services.transparency.tile_reader import TileReader
from tests.support.killable_log import LogOfTest
from tests.support.log_checker import ORIGIN

SECOND = "packages.example.org/logs/log2"


@pytest.fixture
def log() -> LogOfTest:
    return LogOfTest()


def mending(log: LogOfTest) -> LogMending:
    return LogMending(
        files=log.files,
        leaves=log.leaves,
        directory=log.directory,
        seeds=log.seeds,
        clock=log.clock,
    )


async def restored(log: LogOfTest, before: int, lost: int) -> bytes:
    """Let the log stop, since a backup was restored that lacks events which the public has seen.
    Return the checkpoint that was published last."""
    log.happens(before)
    await log.writer().write()
    backup = dict(log.directory.entities)
    kept = list(log.leaves.entries)
    log.happens(lost)
    await log.writer().write()
    log.directory.entities = backup
    log.leaves.entries = [*kept, b"first after the restore", b"second"]
    with pytest.raises(LogStopped):
        await log.writer().write()
    return log.files.published["log/checkpoint"]


async def planned(log: LogOfTest) -> MendingPlan:
    plan = await mending(log).plan()
    assert plan is not None
    return plan


async def test_a_log_that_is_written_needs_no_mending(log: LogOfTest) -> None:
    assert await mending(log).plan() is None
    log.happens(3)
    await log.writer().write()
    assert await mending(log).plan() is None


@pytest.mark.parametrize(("before", "lost"), [(5, 4), (255, 300), (300, 1)])
async def test_a_log_goes_on_from_what_is_published(log: LogOfTest, before: int, lost: int) -> None:
    last = checkpoint_of(await restored(log, before, lost))
    plan = await planned(log)
    assert plan.way is MendingWay.CONTINUE
    assert plan.lost == lost
    assert f"Entries {before} to {before + lost - 1} are of events" in plan.sentences[1]
    published = await log.entries()
    await mending(log).mend(plan)
    log.happens(300)
    await log.writer().write()
    assert await log.entries() == [*published, *log.leaves.entries[before:]]
    now = checkpoint_of(log.files.published["log/checkpoint"])
    proof = await TileReader(log.files).consistency_proof("log", last.size, now.size)
    require_consistency(last.head, now.head, proof)


async def test_after_mending_each_event_is_found_at_its_entry(log: LogOfTest) -> None:
    await restored(log, 5, 4)
    await mending(log).mend(await planned(log))
    log.happens(2)
    await log.writer().write()
    reader = LogReader(log.files, TileReader(log.files), log.directory)
    state = await log.state()
    published = await log.entries()
    for number, leaf in enumerate(log.leaves.entries, start=1):
        proof = await reader.proof(state, state.index_of(number), leaf)
        assert proof is not None
        assert proof.index == (number - 1 if number <= 5 else number + 3)
        assert state.number_of(proof.index) == number
        assert published[proof.index] == leaf


async def test_a_second_restore_is_mended_as_well(log: LogOfTest) -> None:
    await restored(log, 5, 4)
    await mending(log).mend(await planned(log))
    await restored(log, 6, 3)
    plan = await planned(log)
    assert (plan.way, plan.lost) == (MendingWay.CONTINUE, 3)
    published = await log.entries()
    await mending(log).mend(plan)
    await log.writer().write()
    assert await log.entries() == [*published, b"first after the restore", b"second"]


async def test_an_entry_whose_event_was_lost_has_no_number(log: LogOfTest) -> None:
    await restored(log, 5, 4)
    await mending(log).mend(await planned(log))
    state = await log.state()
    assert [state.number_of(index) for index in range(12)] == [
        *range(1, 6),
        *[None] * 4,
        *range(6, 9),
    ]


async def test_a_state_that_was_lost_with_no_event_is_found_again(log: LogOfTest) -> None:
    log.happens(7)
    await log.writer().write()
    log.directory.entities.clear()
    log.happens(1)
    with pytest.raises(LogStopped):
        await log.writer("moved.example.org/log").write()
    plan = await planned(log)
    assert (plan.way, plan.lost) == (MendingWay.CONTINUE, 0)
    assert "none is lost" in plan.sentences[1]
    await mending(log).mend(plan)
    await log.writer().write()
    assert await log.entries() == log.leaves.entries


@pytest.mark.parametrize("damaged", ["tile/0/000", "tile/entries/000", "tile/1/000.p/1"])
@pytest.mark.parametrize("is_missing", [True, False])
async def test_a_damaged_log_is_followed_by_a_new_one(
    log: LogOfTest, damaged: str, is_missing: bool
) -> None:
    last = await restored(log, 300, 7)
    if is_missing:
        del log.files.published[f"log/{damaged}"]
    else:
        content = log.files.published[f"log/{damaged}"]
        log.files.published[f"log/{damaged}"] = content[:40] + b"x" + content[41:]
    old = dict(log.files.published)
    plan = await planned(log)
    assert plan.way is MendingWay.REPLACE
    assert plan.sentences[2].startswith(f"A new log {SECOND} begins")
    await mending(log).mend(plan)
    await log.writer().write()
    first, *entries = await log.entries("log2", SECOND)
    assert entries == log.leaves.entries
    said = json.loads(first)
    assert (said["kind"], said["log"], said["index"]) == ("log.replaced", ORIGIN, 0)
    assert said["checkpoint"].encode() == last
    assert {path: log.files.published[path] for path in old} == old
    reader = LogReader(log.files, TileReader(log.files), log.directory)
    assert (await log.state()).index_of(1) == 1
    assert [(await log.state()).number_of(index) for index in range(3)] == [None, 1, 2]
    assert await reader.proof(await log.state(), 1, log.leaves.entries[0])
    assert (await reader.checkpoint(await log.state()) or b"").startswith(f"{SECOND}\n".encode())
    assert await reader.file("log/checkpoint") == last


async def test_a_log_of_another_key_is_followed_by_a_new_one(log: LogOfTest) -> None:
    await restored(log, 5, 4)
    log.seeds.keys = [b"o" * 32]
    plan = await planned(log)
    assert plan.way is MendingWay.REPLACE
    assert plan.reason == "its checkpoint is not signed by a key of this registry."


async def test_a_checkpoint_behind_the_records_is_not_continued(log: LogOfTest) -> None:
    """The public may have seen the longer log: going on from the shorter one would be a fork."""
    log.happens(5)
    await log.writer().write()
    old = dict(log.files.published)
    log.happens(5)
    await log.writer().write()
    log.files.published = old
    log.leaves.entries[7] = b"changed"
    with pytest.raises(LogStopped):
        await log.writer().write()
    assert (await planned(log)).way is MendingWay.REPLACE


async def test_a_new_log_is_written_again_from_its_leaves(log: LogOfTest) -> None:
    await restored(log, 5, 4)
    del log.files.published["log/checkpoint"]
    await mending(log).mend(await planned(log))
    log.happens(400)
    await log.writer().write()
    entries = await log.entries("log2", SECOND)
    for path in [path for path in log.files.published if path.startswith("log2/")]:
        del log.files.published[path]
    await log.writer().write()
    assert await log.entries("log2", SECOND) == entries
    assert leaf_hash(entries[1]) == leaf_hash(log.leaves.entries[0])
