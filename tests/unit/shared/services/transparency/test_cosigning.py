"""Witnesses are asked for cosignatures, and believed only what verifies."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.domain.transparency.add_checkpoint import AddCheckpoint
from shared.domain.transparency.log_policies import KnownWitness
from shared.domain.transparency.notes import Cosigner, SignedNote
from shared.ports.http_client import HttpResponse, Unanswered
from shared.services.transparency.cosigning import Cosigning
from tests.support.small_logs import OTHER_SEED, SEED, SmallLog

NOW_S = 1_790_000_000
WITNESS = Cosigner("witness.example.org/w", OTHER_SEED)
KNOWN = KnownWitness("w", WITNESS.verifier, "https://witness.example.org/")
INSTANTLY = timedelta(milliseconds=20)


@dataclass
class ScriptedWitness:
    """Gives answers in their order, or none in time; the last one is given again."""

    answers: list[HttpResponse | Exception | None]
    asked: list[AddCheckpoint] = field(default_factory=list[AddCheckpoint])
    urls: list[str] = field(default_factory=list[str])

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Fail: a log sends."""
        raise NotImplementedError

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Note the request, and answer."""
        self.urls.append(url)
        self.asked.append(AddCheckpoint.parse(body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            await asyncio.sleep(60)
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer


@dataclass
class Asked:
    """What became of the question."""

    names: list[str]
    failed: list[tuple[str, str]]
    disagreed: list[tuple[str, str]]


def signed(note: SignedNote, by: Cosigner = WITNESS, seconds: int = NOW_S) -> HttpResponse:
    return HttpResponse(200, {}, by.cosign(note.text, seconds).line.encode())


def size(text: str) -> HttpResponse:
    return HttpResponse(409, {"content-type": "text/x.tlog.size"}, text.encode())


@pytest.fixture
def log() -> SmallLog:
    filled = SmallLog(seed=SEED)
    filled.add(*(b"entry %d" % each for each in range(7)))
    return filled


async def ask(witness: ScriptedWitness, log: SmallLog, *, times: int = 1) -> Asked:
    failed = list[tuple[str, str]]()
    disagreed = list[tuple[str, str]]()
    cosigning = Cosigning(
        fetcher=witness,
        witnesses=(KNOWN,),
        on_failure=lambda *values: failed.append(values),
        on_disagreement=lambda *values: disagreed.append(values),
        within=INSTANTLY,
    )
    found = [await cosigning.cosign(log.checkpoint(), log.prove) for _ in range(times)]
    return Asked([each.name for each in found[-1]], failed, disagreed)


async def test_the_first_question_begins_at_nothing(log: SmallLog) -> None:
    witness = ScriptedWitness([signed(log.checkpoint())])
    asked = await ask(witness, log)
    assert asked == Asked(["witness.example.org/w"], [], [])
    assert witness.urls == ["https://witness.example.org/add-checkpoint"]
    assert witness.asked == [AddCheckpoint(0, (), log.checkpoint().content)]


async def test_the_proof_begins_where_the_witness_says(log: SmallLog) -> None:
    witness = ScriptedWitness([size("3\n"), signed(log.checkpoint())])
    assert (await ask(witness, log)).names == ["witness.example.org/w"]
    assert witness.asked[1] == AddCheckpoint(3, log.consistency(3, 7), log.checkpoint().content)


async def test_what_it_cosigned_last_is_where_the_next_question_begins(log: SmallLog) -> None:
    witness = ScriptedWitness([signed(log.checkpoint())])
    await ask(witness, log, times=2)
    assert [each.old_size for each in witness.asked] == [0, 7]


@pytest.mark.parametrize("second", [size("7\n"), HttpResponse(422, {}, b"")])
async def test_another_tree_of_the_same_size_is_a_disagreement_in_both_forms(
    log: SmallLog, second: HttpResponse
) -> None:
    asked = await ask(ScriptedWitness([size("7\n"), second]), log)
    assert asked == Asked([], [], [("w", "it knows another tree of 7 entries")])


async def test_a_witness_that_knows_more_entries_is_a_disagreement(log: SmallLog) -> None:
    asked = await ask(ScriptedWitness([size("9\n")]), log)
    assert asked == Asked([], [], [("w", "it knows 9 entries, and there are 7")])


async def test_a_witness_that_does_not_answer_is_not_waited_for(log: SmallLog) -> None:
    assert await ask(ScriptedWitness([None]), log) == Asked([], [("w", "late")], [])


OTHER = SmallLog(entries=[b"other"])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (signed(OTHER.checkpoint()), "its answer is no valid cosignature"),
        (signed(OTHER.checkpoint(), by=Cosigner("w", SEED)), "has no cosignature by its key"),
        (HttpResponse(200, {}, b"\xff"), "its answer is no valid cosignature"),
        (HttpResponse(200, {}, b""), "its answer has no cosignature by its key"),
        (HttpResponse(200, {}, b"x" * 100_000), "its answer is too large"),
        (HttpResponse(403, {}, b"no"), "status 403"),
        (HttpResponse(302, {"location": "https://elsewhere.example.org"}, b""), "status 302"),
        (Unanswered("the connection ended"), "the connection ended"),
    ],
)
async def test_what_does_not_verify_is_no_cosignature(
    log: SmallLog, answer: HttpResponse | Exception, reason: str
) -> None:
    asked = await ask(ScriptedWitness([answer]), log)
    assert asked.names == []
    assert asked.disagreed == []
    [(_, told)] = asked.failed
    assert told.endswith(reason)


async def test_a_cosignature_without_a_time_is_none(log: SmallLog) -> None:
    asked = await ask(ScriptedWitness([signed(log.checkpoint(), seconds=0)]), log)
    assert asked.names == []


async def test_a_witness_that_names_another_size_each_time_is_asked_three_times(
    log: SmallLog,
) -> None:
    witness = ScriptedWitness([size("1\n"), size("2\n"), size("1\n")])
    asked = await ask(witness, log)
    assert len(witness.asked) == 3
    assert asked.failed == [("w", "another size in each answer")]


async def test_one_witness_that_fails_takes_nothing_from_another(log: SmallLog) -> None:
    good = Cosigner("good.example.org", SEED)

    class Both(ScriptedWitness):
        async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
            if "good" in url:
                return signed(log.checkpoint(), by=good)
            return await super().post(url, headers, body)

    cosigning = Cosigning(
        fetcher=Both([None]),
        witnesses=(KNOWN, KnownWitness("g", good.verifier, "https://good.example.org")),
        on_failure=lambda *_: None,
        on_disagreement=lambda *_: None,
        within=INSTANTLY,
    )
    found = await cosigning.cosign(log.checkpoint(), log.prove)
    assert [each.name for each in found] == ["good.example.org"]
