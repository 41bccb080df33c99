"""The gate to the upstream."""

import pytest

from shared.ports import AnswerTooLarge, ServerUnreachable, Unanswered
from shared.runtime.circuit_breaker import CLOSED_FOR, FAILURES_TO_CLOSE, CircuitBreaker
from tests.fakes.system import FakeClock


async def answered() -> str:
    return "yes"


class Asked:
    """A gate, its clock, and the reasons that were logged."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.reasons: list[str] = []
        self.gate = CircuitBreaker(self.clock, self.reasons.append)

    async def fail(self, *subjects: str, kind: type[Unanswered] = Unanswered) -> None:
        async def failed() -> str:
            if kind is AnswerTooLarge:
                raise AnswerTooLarge
            message = "no"
            raise kind(message)

        for subject in subjects:
            with pytest.raises(kind):
                await self.gate.ask(subject, failed)

    async def close(self) -> None:
        await self.fail(*PACKAGES)
        assert not self.gate.health.is_open


PACKAGES = [f"acme:p{number}" for number in range(FAILURES_TO_CLOSE)]


async def test_failures_of_several_packages_close_the_gate_for_a_time() -> None:
    asked = Asked()
    await asked.close()
    with pytest.raises(ServerUnreachable, match="it is left alone for a time: no"):
        await asked.gate.ask("acme:greet", answered)
    health = asked.gate.health
    assert (health.is_open, health.asked, health.reason) == (False, True, "no")


async def test_a_trial_that_fails_closes_the_gate_again() -> None:
    asked = Asked()
    await asked.close()
    asked.clock.advance(CLOSED_FOR)
    await asked.fail("acme:greet")
    with pytest.raises(ServerUnreachable, match="left alone"):
        await asked.gate.ask("acme:greet", answered)


async def test_a_package_that_failed_before_does_not_close_the_gate_again() -> None:
    asked = Asked()
    await asked.close()
    asked.clock.advance(CLOSED_FOR)
    await asked.fail(PACKAGES[0])
    assert await asked.gate.ask("acme:greet", answered) == "yes"


async def test_an_answer_to_an_earlier_request_does_not_end_a_pause() -> None:
    asked = Asked()

    async def answered_late() -> str:
        await asked.close()
        return "yes"

    assert await asked.gate.ask("acme:greet", answered_late) == "yes"
    assert not asked.gate.health.is_open
    with pytest.raises(ServerUnreachable):
        await asked.gate.ask("acme:other", answered)
    asked.clock.advance(CLOSED_FOR)
    assert await asked.gate.ask("acme:greet", answered) == "yes"
    assert asked.gate.health.is_open
