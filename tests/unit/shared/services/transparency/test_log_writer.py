"""The writer of the log: whatever happens to it, the public sees one history with all its files."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from shared.domain.errors.base import Unavailable
from shared.domain.errors.requests import StorageFull
from shared.domain.errors.transparency import LogStopped
from shared.domain.transparency.checkpoints import checkpoint_of
from shared.domain.transparency.merkle_tree import TreeHead, require_consistency
from shared.domain.transparency.notes import Cosigner, NoteSignature, NoteSigner, SignedNote
from shared.domain.transparency.tree_edge import Extension
from shared.ports.transparency import ConsistencyProver
from shared.services.transparency.log_writer import ENTRIES_AT_ONCE
from tests.fakes.transparency import Killed
from tests.support.killable_log import SEED, LaggingDirectory, LogOfTest
from tests.support.log_checker import ORIGIN

WITNESS = Cosigner("witness.example.org/w", b"w" * 32)


@pytest.fixture
def log() -> LogOfTest:
    return LogOfTest()


async def test_the_log_has_the_leaves_of_all_events(log: LogOfTest) -> None:
    writer = log.writer()
    for count in (0, 1, 2, 252, 1, 300, 0, ENTRIES_AT_ONCE * 2 + 5):
        log.happens(count)
        assert await writer.write() == count
        assert await log.entries() == log.leaves.entries


async def test_a_new_process_goes_on(log: LogOfTest) -> None:
    for count in (3, 253, 1):
        log.happens(count)
        await log.writer().write()
    assert await log.entries() == log.leaves.entries


async def test_nothing_is_published_before_old_events_have_their_leaves(log: LogOfTest) -> None:
    log.happens(3)
    log.leaves.complete = False
    assert await log.writer().write() == 0
    assert log.files.published == {}
    log.leaves.complete = True
    assert await log.writer().write() == 3


async def test_the_log_keeps_its_name_when_the_address_changes(log: LogOfTest) -> None:
    log.happens(1)
    await log.writer().write()
    log.happens(1)
    await log.writer("moved.example.org/log").write()
    assert await log.entries() == log.leaves.entries


async def test_partial_tiles_are_deleted_once_they_are_full(log: LogOfTest) -> None:
    writer = log.writer()
    for _ in range(260):
        log.happens(1)
        await writer.write()
    partial = sorted(path for path in log.files.published if ".p/" in path)
    # Those of the second tiles, and the first one of the level above, which is not full.
    assert partial == [
        *(f"log/tile/0/001.p/{width}" for width in range(1, 5)),
        "log/tile/1/000.p/1",
        *(f"log/tile/entries/001.p/{width}" for width in range(1, 5)),
    ]
    assert log.files.staged_files == {}


async def test_a_run_that_has_nothing_to_do_changes_nothing(log: LogOfTest) -> None:
    log.happens(5)
    writer = log.writer()
    await writer.write()
    before = dict(log.files.published)
    log.kill_at(1)
    assert await writer.write() == 0
    assert log.files.published == before


@pytest.mark.parametrize("before", [0, 3, 255, 256, 600])
async def test_a_process_may_die_at_each_step(before: int) -> None:
    """Kill the writer at each change that it makes; what the public sees stays whole, and the next
    process finishes the work."""
    step = 1
    while True:
        log = LogOfTest()
        log.happens(before)
        await log.writer().write()
        log.happens(270)
        log.kill_at(step)
        try:
            await log.writer().write()
            died = False
        except Killed:
            died = True
        seen = await log.entries()
        assert seen in (log.leaves.entries[:before], log.leaves.entries)
        log.let_live()
        log.free_lease()
        log.happens(2)
        await log.writer().write()
        assert await log.entries() == log.leaves.entries
        assert log.files.staged_files == {}
        if not died:
            break
        step += 1
    assert step > 10


@pytest.mark.slow
async def test_a_thousand_deaths_leave_one_history(log: LogOfTest) -> None:
    """Kill one process after the other, each a step later than the one before, while events go
    on."""
    checkpoints = dict[int, bytes]()
    for death in range(1_000):
        log.happens(death % 7)
        log.kill_at(death % 23 + 1)
        log.free_lease()
        with suppress(Killed):
            await log.writer().write()
        log.let_live()
        seen = await log.entries()
        assert seen == log.leaves.entries[: len(seen)]
        note = log.files.published.get("log/checkpoint")
        if note is not None:
            checkpoint = checkpoint_of(note)
            assert checkpoints.setdefault(checkpoint.size, checkpoint.root) == checkpoint.root
    log.free_lease()
    await log.writer().write()
    assert await log.entries() == log.leaves.entries
    assert len(checkpoints) > 200


async def test_one_of_two_writers_has_the_lease(log: LogOfTest) -> None:
    log.happens(700)
    outcomes = await asyncio.gather(log.writer().write(), log.writer().write())
    assert sorted(outcomes, key=str) == [700, None]
    assert await log.entries() == log.leaves.entries


@pytest.mark.parametrize("seed", range(20))
async def test_writers_without_a_lease_write_one_history(seed: int) -> None:
    log = LogOfTest()

    def interrupted(_: str) -> None:
        log.free_lease()
        if len(log.leaves.entries) % (seed + 2) == 0:
            log.happens(1)

    log.happens(300 + seed)
    log.files.changed = log.directory.changed = interrupted
    writers = [log.writer() for _ in range(3)]
    for _ in range(4):
        log.happens(seed)
        await asyncio.gather(*(each.write() for each in writers))
        seen = await log.entries()
        assert seen == log.leaves.entries[: len(seen)]
    log.let_live()
    await log.writer().write()
    assert await log.entries() == log.leaves.entries
    assert not (await log.state()).stopped


async def test_a_restored_backup_stops_the_writer(log: LogOfTest) -> None:
    log.happens(5)
    await log.writer().write()
    backup = dict(log.directory.entities)
    log.happens(5)
    await log.writer().write()
    published = dict(log.files.published)
    log.directory.entities = backup
    log.leaves.entries = [*log.leaves.entries[:5], b"another event"]
    for _ in range(2):  # Also the process that comes later.
        with pytest.raises(
            LogStopped, match="has 10 entries, and the records of the registry have 5"
        ):
            await log.writer().write()
    assert log.files.published == published


async def test_records_without_a_state_beside_a_published_log_stop_the_writer(
    log: LogOfTest,
) -> None:
    log.happens(5)
    await log.writer().write()
    log.directory.entities.clear()
    with pytest.raises(LogStopped, match="has 5 entries, and the records of the registry have 0"):
        await log.writer().write()
    assert (await log.state()).stopped


async def test_a_writer_that_lags_behind_stops_nothing(log: LogOfTest) -> None:
    """A process may read a state that is older than what another one has published."""
    log.happens(5)
    await log.writer().write()
    old = await log.state()
    log.happens(5)
    await log.writer().write()

    lagging = LaggingDirectory(log.directory.entities, old=old)
    assert await log.writer(directory=lagging).write() is None
    assert not (await log.state()).stopped


async def test_another_root_of_the_same_size_stops_the_writer(log: LogOfTest) -> None:
    log.happens(5)
    await log.writer().write()
    other = LogOfTest()
    other.leaves.entries = [b"other %d" % number for number in range(5)]
    await other.writer().write()
    log.files.published = other.files.published
    log.happens(1)
    with pytest.raises(LogStopped, match="has another root"):
        await log.writer().write()


async def test_a_differing_tile_stops_the_writer(log: LogOfTest) -> None:
    log.happens(5)
    await log.writer().write()
    log.files.published["log/tile/0/000.p/6"] = bytes(32 * 6)
    log.happens(1)
    assert await log.writer().write() is None  # It has committed the batch, and looks again.
    with pytest.raises(LogStopped, match=r"log/tile/0/000.p/6 has another content"):
        await log.writer().write()
    log.happens(1)
    with pytest.raises(LogStopped):
        await log.writer().write()
    assert len(await log.entries()) == 5


@pytest.mark.parametrize("change", ["cut", "swapped", "missing", "tampered"])
async def test_damaged_tiles_at_the_end_stop_the_writer(log: LogOfTest, change: str) -> None:
    log.happens(5)
    await log.writer().write()
    tile = "log/tile/0/000.p/5"
    content = log.files.published.pop(tile)
    changed = {
        "cut": content[:-1],
        "swapped": content[32:64] + content[:32] + content[64:],
        "tampered": bytes([content[0] ^ 1]) + content[1:],
    }
    if change in changed:
        log.files.published[tile] = changed[change]
    log.happens(1)
    with pytest.raises(LogStopped, match="its last tiles"):
        await log.writer().write()
    assert (await log.state()).head.size == 5


async def test_a_damaged_checkpoint_stops_the_writer(log: LogOfTest) -> None:
    log.happens(5)
    await log.writer().write()
    log.files.published["log/checkpoint"] = b"\xff"
    with pytest.raises(LogStopped, match="log/checkpoint is damaged"):
        await log.writer().write()


async def test_a_damaged_checkpoint_without_records_is_stored_as_the_reason(log: LogOfTest) -> None:
    """So that the log can be mended, which looks for the reason."""
    log.files.published["log/checkpoint"] = b"\xff"
    log.happens(5)
    for _ in range(2):
        with pytest.raises(LogStopped, match="log/checkpoint is damaged"):
            await log.writer().write()
    assert "log/checkpoint is damaged" in (await log.state()).stopped


async def test_lost_files_are_written_again_from_the_leaves(log: LogOfTest) -> None:
    log.happens(ENTRIES_AT_ONCE + 300)
    await log.writer().write()
    lost = dict(log.files.published)
    log.files.published.clear()
    log.happens(3)
    await log.writer().write()
    assert await log.entries() == log.leaves.entries
    assert {each for each in lost if ".p/" not in each} <= {*log.files.published}


async def test_files_of_an_older_backup_are_completed_from_the_leaves(log: LogOfTest) -> None:
    log.happens(300)
    await log.writer().write()
    old = dict(log.files.published)
    log.happens(800)
    await log.writer().write()
    log.happens(1)
    await log.writer().write()
    log.files.published = old
    await log.writer().write()
    assert await log.entries() == log.leaves.entries


async def test_lost_files_that_the_leaves_do_not_lead_to_stop_the_writer(log: LogOfTest) -> None:
    log.happens(300)
    await log.writer().write()
    log.files.published.clear()
    log.leaves.entries[7] = b"changed"
    with pytest.raises(LogStopped, match="do not lead to its last checkpoint"):
        await log.writer().write()
    assert log.files.published == {}


async def test_a_full_disk_is_told_and_the_next_run_goes_on(log: LogOfTest) -> None:
    log.happens(5)

    def full(_: str) -> None:
        raise StorageFull

    log.files.changed = full
    with pytest.raises(StorageFull):
        await log.writer().write()
    log.let_live()
    assert await log.writer().write() == 5
    assert await log.entries() == log.leaves.entries


@pytest.mark.parametrize("before", [0, 255])
async def test_a_disk_that_is_full_from_any_step_on_leaves_a_whole_log(before: int) -> None:
    step = 1
    while True:
        log = LogOfTest()
        log.happens(before)
        await log.writer().write()
        log.happens(270)
        left = step

        def changed(_: str) -> None:
            nonlocal left
            left -= 1
            if left <= 0:
                raise StorageFull

        log.files.changed = changed
        writer = log.writer()
        try:
            await writer.write()
            is_refused = False
        except StorageFull:
            is_refused = True
        seen = await log.entries()
        assert seen in (log.leaves.entries[:before], log.leaves.entries)
        assert not (await log.state()).stopped
        log.let_live()
        await writer.write()
        assert await log.entries() == log.leaves.entries
        if not is_refused:
            break
        step += 1
    assert step > 10


async def test_a_clock_that_is_set_back_changes_nothing(log: LogOfTest) -> None:
    writer = log.writer()
    for step in (timedelta(days=400), timedelta(days=-800), timedelta(0)):
        log.clock.step(step)
        log.free_lease()
        log.happens(3)
        assert await writer.write() == 3
    assert await log.entries() == log.leaves.entries


async def test_without_a_key_nothing_is_committed(log: LogOfTest) -> None:
    log.happens(5)
    log.seeds.keys = []
    with pytest.raises(Unavailable):
        await log.writer().write()
    assert (await log.state()).head.size == 0


async def test_a_key_that_was_replaced_signs_until_its_last_day(log: LogOfTest) -> None:
    """Until then it is one of the seeds, as the tests of `LogKeys` say."""
    log.seeds.keys = [b"n" * 32, SEED]
    names = [NoteSigner(ORIGIN, each).verifier for each in log.seeds.keys]
    for expected in ([True, True], [True, False]):
        log.happens(1)
        await log.writer().write()
        note = SignedNote.parse(log.files.published["log/checkpoint"])
        assert [note.verified_by(key) for key in names] == expected
        log.seeds.keys = [b"n" * 32]


class OneWitness:
    """Cosigns what continues the log that it has seen."""

    def __init__(self) -> None:
        self.seen = TreeHead(0, b"")

    async def cosign(
        self, checkpoint: SignedNote, prove: ConsistencyProver
    ) -> tuple[NoteSignature, ...]:
        head = checkpoint_of(checkpoint.content.encode()).head
        if self.seen.size:
            require_consistency(self.seen, head, await prove(self.seen.size))
        self.seen = head
        return (WITNESS.cosign(checkpoint.text, 7),)


async def test_a_checkpoint_is_published_with_its_cosignatures(log: LogOfTest) -> None:
    log.cosigners = OneWitness()
    for count in (3, 260, 1):
        log.happens(count)
        await log.writer().write()
        note = SignedNote.parse(log.files.published["log/checkpoint"])
        assert note.cosigned_at(WITNESS.verifier) == 7
    assert await log.entries() == log.leaves.entries


async def test_a_long_run_ends_and_the_next_one_goes_on(log: LogOfTest) -> None:
    log.happens(ENTRIES_AT_ONCE * 3)

    def slow(name: str) -> None:
        if name == "after checkpoint":
            log.clock.advance(timedelta(seconds=25))

    log.files.changed = slow
    log.clock.advance(timedelta(seconds=0))
    assert await log.writer().write() == ENTRIES_AT_ONCE * 2
    assert await log.writer().write() == ENTRIES_AT_ONCE
    assert await log.entries() == log.leaves.entries


class GivenEntries:
    """A `ProofKeeper` that notes the entries that it is given; it may have no room."""

    def __init__(self, log: LogOfTest) -> None:
        self.log = log
        self.given = list[bytes]()
        self.is_full = False

    async def add(self, note: SignedNote, extension: Extension) -> None:
        assert note.content.encode() == self.log.files.published["log/checkpoint"]
        assert checkpoint_of(note.content.encode()).head == extension.edge.head
        if self.is_full:
            raise StorageFull
        self.given += extension.entries.values()


async def test_proofs_are_made_of_new_entries_against_the_published_checkpoint(
    log: LogOfTest,
) -> None:
    log.cosigners = OneWitness()
    log.proofs = keeper = GivenEntries(log)
    for count in (3, 260):
        log.happens(count)
        await log.writer().write()
    assert keeper.given == log.leaves.entries


async def test_proofs_of_a_full_batch_are_left_to_those_who_ask(log: LogOfTest) -> None:
    log.proofs = keeper = GivenEntries(log)
    log.happens(ENTRIES_AT_ONCE * 2 + 5)
    assert await log.writer().write() == len(log.leaves.entries)
    assert keeper.given == log.leaves.entries[-5:]


async def test_the_log_is_written_where_no_proof_can_be_stored(log: LogOfTest) -> None:
    log.proofs = keeper = GivenEntries(log)
    keeper.is_full = True
    for count in (3, 260):
        log.happens(count)
        assert await log.writer().write() == count
    assert await log.entries() == log.leaves.entries
