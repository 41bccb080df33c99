"""TOB-PYPI26-1 and -2, 2026: an identity token is sent again, late or many times at once.

The guard forgot a token before its leeway was over, and looked before it wrote.
"""

import asyncio
from datetime import timedelta

import pytest

from shared.auth.json_web_tokens import LEEWAY
from shared.domain.errors.identity import SignedTokenRefused
from shared.domain.trusted_publishing.jobs import Provider
from tests.support.refusals import raises_refusal
from tests.support.trusted_publishing import JOBS, LIFETIME_S, TrustedPublishingWorld

END = timedelta(seconds=LIFETIME_S)
REPLAYS = 100
TOO_LATE = timedelta(days=1)
A_SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("provider", JOBS)
@pytest.mark.parametrize(
    "late",
    [-END, -A_SECOND, timedelta(0), LEEWAY - A_SECOND, LEEWAY, LEEWAY + A_SECOND, TOO_LATE],
    ids=str,
)
async def test_a_replay_is_refused_whenever_it_comes(
    trust: TrustedPublishingWorld, provider: Provider, late: timedelta
) -> None:
    token = trust.ci.token(provider)
    await trust.exchange(token)
    trust.world.clock.advance(END + late)
    await trust.world.registry.maintenance.task_runner.run("delete-expired-records")
    with raises_refusal("id-token-used", "signed-token-refused"):
        await trust.exchange(token)


@pytest.mark.parametrize("late", [timedelta(seconds=29), LEEWAY - timedelta(seconds=1)], ids=str)
async def test_until_the_leeway_is_over_it_is_the_guard_that_refuses(
    trust: TrustedPublishingWorld, late: timedelta
) -> None:
    first = trust.ci.token(Provider.GITHUB)
    other = trust.ci.token(Provider.GITHUB)
    await trust.exchange(first)
    trust.world.clock.advance(END + late)
    await trust.world.registry.maintenance.task_runner.run("delete-expired-records")
    with raises_refusal("id-token-used"):
        await trust.exchange(first)
    assert await trust.exchange(other), "one that was not used before counts at this moment"


async def test_exactly_one_of_a_hundred_concurrent_replays_gets_a_token(
    trust: TrustedPublishingWorld,
) -> None:
    token = trust.ci.token(Provider.GITHUB)
    tries = (trust.exchange(token) for _ in range(REPLAYS))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    refused = [each for each in answers if getattr(each, "code", "") == "id-token-used"]
    issued = [event for event in await trust.log() if event.kind == "token.issued"]
    assert (len(refused), len(issued)) == (REPLAYS - 1, 1)


async def test_the_same_id_from_another_issuer_is_another_token(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.exchange(trust.ci.token(Provider.GITHUB, jti="the same"))
    assert await trust.exchange(trust.ci.token(Provider.GITLAB, jti="the same"))


async def test_ids_are_compared_completely(trust: TrustedPublishingWorld) -> None:
    await trust.exchange(trust.ci.token(Provider.GITHUB, jti="a"))
    for other in ("A", "a ", "a\n", "a" * 200):
        assert await trust.exchange(trust.ci.token(Provider.GITHUB, jti=other))


async def test_a_token_for_another_environment_of_the_registry_is_refused(
    trust: TrustedPublishingWorld,
) -> None:
    token = trust.ci.token(Provider.GITHUB, aud="https://staging.registry.test")
    with pytest.raises(SignedTokenRefused, match="another audience"):
        await trust.exchange(token)
