"""The gate to the upstream."""

from datetime import timedelta

import pytest

from shared.ports import AnswerTooLarge, Unanswered, UpstreamBusy
from shared.services.mirroring.circuit_breaker import CLOSED_FOR, FAILURES_TO_CLOSE, UpstreamGate
from tests.fakes.system import FakeClock


async def answered() -> str:
    return "yes"


async def failed() -> str:
    message = "no"
    raise Unanswered(message)


class Asked:
    """A gate, its clock, and the reasons that were logged."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.reasons: list[str] = []
        self.gate = UpstreamGate(self.clock, self.reasons.append)

    async def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(Unanswered):
                await self.gate.ask(failed)


async def test_one_failure_closes_nothing() -> None:
    asked = Asked()
    await asked.fail(FAILURES_TO_CLOSE - 1)
    assert await asked.gate.ask(answered) == "yes"
    await asked.fail(FAILURES_TO_CLOSE - 1)
    assert asked.gate.health.is_open
    assert asked.reasons == ["no"] * 8


async def test_several_failures_close_the_gate_for_a_time() -> None:
    asked = Asked()
    await asked.fail(FAILURES_TO_CLOSE)
    with pytest.raises(Unanswered, match="it is left alone for a time: no"):
        await asked.gate.ask(answered)
    health = asked.gate.health
    assert (health.is_open, health.asked, health.failed, health.reason) == (False, 5, 5, "no")


async def test_one_request_is_tried_when_the_time_is_over() -> None:
    asked = Asked()
    await asked.fail(FAILURES_TO_CLOSE)
    asked.clock.advance(CLOSED_FOR)

    async def trial() -> str:
        with pytest.raises(Unanswered, match="left alone"):
            await asked.gate.ask(answered)  # Another one, meanwhile.
        return "tried"

    assert await asked.gate.ask(trial) == "tried"
    assert await asked.gate.ask(answered) == "yes"


async def test_a_trial_that_fails_closes_the_gate_again() -> None:
    asked = Asked()
    await asked.fail(FAILURES_TO_CLOSE)
    asked.clock.advance(CLOSED_FOR)
    await asked.fail()
    with pytest.raises(Unanswered, match="left alone"):
        await asked.gate.ask(answered)


async def test_a_busy_upstream_is_left_alone_at_once() -> None:
    asked = Asked()

    async def busy() -> str:
        raise UpstreamBusy(429, timedelta(minutes=2))

    with pytest.raises(UpstreamBusy):
        await asked.gate.ask(busy)
    asked.clock.advance(timedelta(seconds=119))
    with pytest.raises(Unanswered, match="left alone"):
        await asked.gate.ask(answered)
    asked.clock.advance(timedelta(seconds=1))
    assert await asked.gate.ask(answered) == "yes"


async def test_an_archive_that_is_too_large_is_no_failure() -> None:
    asked = Asked()

    async def large() -> str:
        raise AnswerTooLarge

    for _ in range(FAILURES_TO_CLOSE):
        with pytest.raises(AnswerTooLarge):
            await asked.gate.ask(large)
    assert asked.gate.health.is_open


async def test_an_answer_to_an_earlier_request_does_not_end_a_pause() -> None:
    asked = Asked()

    async def answered_late() -> str:
        await asked.fail(FAILURES_TO_CLOSE)
        return "yes"

    assert await asked.gate.ask(answered_late) == "yes"
    assert not asked.gate.health.is_open
    assert asked.gate.opens_in == CLOSED_FOR
    asked.clock.advance(CLOSED_FOR)
    assert asked.gate.opens_in == timedelta(0)
    assert await asked.gate.ask(answered) == "yes"
    assert asked.gate.health.is_open
