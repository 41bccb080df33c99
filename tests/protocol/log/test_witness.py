"""A registry that is the witness of other logs (c2sp.org/tlog-witness)."""

import asyncio
import hashlib

import httpx
import pytest

from shared.domain.transparency.add_checkpoint import AddCheckpoint
from shared.domain.transparency.merkle_tree import EMPTY_ROOT
from shared.domain.transparency.notes import Cosigner, NoteSignature, SignedNote, VerifierKey
from tests.support.log_checker import ORIGIN
from tests.support.small_logs import OTHER_SEED, WITNESS_KEYS, WITNESS_SEED, SmallLog
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

ID = hashlib.sha256(ORIGIN.encode()).hexdigest()
SIGNED_IN = "signed_in"


@pytest.fixture
def log() -> SmallLog:
    filled = SmallLog(ORIGIN)
    filled.add(*(b"entry %d" % each for each in range(7)))
    return filled


@pytest.fixture
async def witness(worlds: OpenWorld, log: SmallLog) -> World:
    other = SmallLog("other.example.org/log", OTHER_SEED).key.text
    return await worlds(witness_for=f"{log.key.text}, {other}", witness_keys=WITNESS_KEYS)


def key_of(world: World) -> VerifierKey:
    host = world.registry.settings.base_url.removeprefix("https://")
    return Cosigner(f"{host}/witness", WITNESS_SEED).verifier


async def send(world: World, body: bytes) -> httpx.Response:
    return await world.send("POST", f"{URL}/witness/add-checkpoint", content=body)


async def add(world: World, log: SmallLog, old: int, new: int) -> httpx.Response:
    proof = log.consistency(old, new)
    return await send(world, AddCheckpoint(old, proof, log.checkpoint(new).content).write())


async def test_a_checkpoint_that_continues_the_last_one_is_cosigned(
    witness: World, log: SmallLog
) -> None:
    for old, new in ((0, 3), (3, 3), (3, 7)):
        answer = await add(witness, log, old, new)
        assert answer.status_code == 200
        note = log.checkpoint(new)
        line = NoteSignature.parse(answer.text.removesuffix("\n"))
        cosigned = SignedNote(note.text, (line,)).cosigned_at(key_of(witness))
        assert cosigned == witness.clock.now_ms() // 1_000


async def test_its_last_checkpoint_is_served_with_both_signatures(
    witness: World, log: SmallLog
) -> None:
    address = f"{URL}/witness/{ID}/checkpoint"
    assert (await witness.get(address)).status_code == 404
    await add(witness, log, 0, 3)
    answer = await witness.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    note = SignedNote.parse(answer.text)
    assert note.text == log.checkpoint(3).text
    assert note.verified_by(log.key)
    assert note.verified_by(key_of(witness))


async def test_another_size_is_told_with_the_one_that_is_known(
    witness: World, log: SmallLog
) -> None:
    await add(witness, log, 0, 3)
    for old in (0, 2):
        answer = await add(witness, log, old, 7)
        assert answer.status_code == 409
        assert answer.headers["content-type"].startswith("text/x.tlog.size")
        assert answer.text == "3\n"


async def test_of_two_requests_at_once_one_is_cosigned(witness: World, log: SmallLog) -> None:
    await add(witness, log, 0, 3)
    answers = await asyncio.gather(*(add(witness, log, 3, new) for new in (5, 6, 7)))
    assert sorted(each.status_code for each in answers) == [200, 409, 409]


async def test_another_history_is_never_cosigned(witness: World, log: SmallLog) -> None:
    await add(witness, log, 0, 3)
    fork = SmallLog(ORIGIN, entries=[b"another", *log.entries[1:]])
    for old, new in ((3, 3), (3, 7)):
        answer = await add(witness, fork, old, new)
        assert answer.status_code == 422
        assert "does not cosign the checkpoint" in answer.text
    stored = await witness.get(f"{URL}/witness/{ID}/checkpoint")
    assert SignedNote.parse(stored.text).text == log.checkpoint(3).text


async def test_a_proof_that_does_not_verify_is_refused(witness: World, log: SmallLog) -> None:
    await add(witness, log, 0, 3)
    note = log.checkpoint(7).content
    wrong = log.consistency(2, 7)
    for proof in ((), wrong, (*log.consistency(3, 7), bytes(32))):
        answer = await send(witness, AddCheckpoint(3, proof, note).write())
        assert answer.status_code == 422
    started = await send(witness, AddCheckpoint(0, (bytes(32),), note).write())
    assert started.status_code == 409


async def test_an_empty_tree_has_the_root_of_nothing(witness: World) -> None:
    log = SmallLog(ORIGIN)
    for root, status in ((bytes(32), 422), (EMPTY_ROOT, 200)):
        note = log.checkpoint(0, root).content
        assert (await send(witness, AddCheckpoint(0, (), note).write())).status_code == status


async def test_only_known_keys_of_known_logs_are_cosigned(witness: World, log: SmallLog) -> None:
    unknown = SmallLog("unknown.example.org/log", entries=log.entries)
    assert (await add(witness, unknown, 0, 7)).status_code == 404
    forged = SmallLog(ORIGIN, OTHER_SEED, log.entries)
    assert (await add(witness, forged, 0, 7)).status_code == 403
    # A line that says that it is by the key, and is not valid, refuses the note.
    good = log.checkpoint(7)
    bad = NoteSignature(ORIGIN, log.key.key_id, bytes(64))
    note = SignedNote(good.text, (bad,)).content
    assert (await send(witness, AddCheckpoint(0, (), note).write())).status_code == 403


async def test_signatures_of_unknown_keys_are_ignored_and_not_kept(
    witness: World, log: SmallLog
) -> None:
    other = SmallLog(ORIGIN, OTHER_SEED, log.entries).checkpoint(7).signatures
    note = log.checkpoint(7).with_signatures(other)
    answer = await send(witness, AddCheckpoint(0, (), note.content).write())
    assert answer.status_code == 200
    stored = await witness.get(f"{URL}/witness/{ID}/checkpoint")
    assert len(SignedNote.parse(stored.text).signatures) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0",
        b"old 00\n\nx",
        b"old -1\n\nx",
        b"old 0\nnot base64\n\nx",
        b"old 0\nAAAA\n\nx",
        b"old 0\n\nno note",
        b"old 0\n\n\xff\xff",
        b"old 0\n" + b"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n" * 64 + b"\nx",
    ],
)
async def test_what_is_no_request_is_refused_with_a_sentence(witness: World, body: bytes) -> None:
    answer = await send(witness, body)
    assert answer.status_code == 400
    assert answer.text.count("\n") == 1


async def test_an_old_size_above_the_checkpoint_is_no_request(
    witness: World, log: SmallLog
) -> None:
    answer = await send(witness, AddCheckpoint(9, (), log.checkpoint(7).content).write())
    assert answer.status_code == 400
    too_large = await send(witness, b"old 0\n\n" + b"x" * 70_000)
    assert too_large.status_code == 413


async def test_a_registry_without_keys_of_logs_is_no_witness(world: World, log: SmallLog) -> None:
    assert (await add(world, log, 0, 7)).status_code == 404
    assert "witness of" not in (await world.get(f"{URL}/about/log")).text


async def test_the_page_has_the_key_of_the_witness(witness: World) -> None:
    page = (await witness.get(f"{URL}/about/log")).text
    assert key_of(witness).text in page.replace("&#43;", "+")
    assert f"/witness/{ID}/checkpoint" in page


async def test_a_closed_registry_is_a_witness_for_everybody(
    worlds: OpenWorld, log: SmallLog
) -> None:
    closed = await worlds(witness_for=log.key.text, witness_keys=WITNESS_KEYS, readers=SIGNED_IN)
    assert (await add(closed, log, 0, 7)).status_code == 200
