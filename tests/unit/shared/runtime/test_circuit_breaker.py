"""The circuit breaker."""

import pytest

from shared.ports.http_client import AnswerTooLarge, ServerUnreachable, Unanswered
from shared.runtime.circuit_breaker import FAILURES_TO_OPEN, OPEN_FOR, CircuitBreaker
from tests.fakes.system import FakeClock


async def answered() -> str:
    return "yes"


class Asked:
    """A circuit breaker, its clock, and the reasons that were logged."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.reasons: list[str] = []
        self.breaker = CircuitBreaker(self.clock, self.reasons.append)

    async def fail(self, *subjects: str, kind: type[Unanswered] = Unanswered) -> None:
        async def failed() -> str:
            if kind is AnswerTooLarge:
                raise AnswerTooLarge
            message = "no"
            raise kind(message)

        for subject in subjects:
            with pytest.raises(kind):
                await self.breaker.ask(subject, failed)

    async def open(self) -> None:
        await self.fail(*PACKAGES)
        assert not self.breaker.health.is_answering


PACKAGES = [f"acme:p{number}" for number in range(FAILURES_TO_OPEN)]


async def test_failures_of_several_packages_open_it_for_a_time() -> None:
    asked = Asked()
    await asked.open()
    with pytest.raises(ServerUnreachable, match="it is left alone for a time: no"):
        await asked.breaker.ask("acme:greet", answered)
    health = asked.breaker.health
    assert (health.is_answering, health.asked, health.reason) == (False, True, "no")


async def test_a_trial_that_fails_opens_it_again() -> None:
    asked = Asked()
    await asked.open()
    asked.clock.advance(OPEN_FOR)
    await asked.fail("acme:greet")
    with pytest.raises(ServerUnreachable, match="left alone"):
        await asked.breaker.ask("acme:greet", answered)


async def test_a_package_that_failed_before_does_not_open_it_again() -> None:
    asked = Asked()
    await asked.open()
    asked.clock.advance(OPEN_FOR)
    await asked.fail(PACKAGES[0])
    assert await asked.breaker.ask("acme:greet", answered) == "yes"


async def test_an_answer_to_an_earlier_request_does_not_end_a_pause() -> None:
    asked = Asked()

    async def answered_late() -> str:
        await asked.open()
        return "yes"

    assert await asked.breaker.ask("acme:greet", answered_late) == "yes"
    assert not asked.breaker.health.is_answering
    with pytest.raises(ServerUnreachable):
        await asked.breaker.ask("acme:other", answered)
    asked.clock.advance(OPEN_FOR)
    assert await asked.breaker.ask("acme:greet", answered) == "yes"
    assert asked.breaker.health.is_answering
