"""API2, guessing: after ten credentials that are not valid, an address has to wait."""

from datetime import timedelta

import httpx
import pytest

from shared.auth.token import AccessToken
from tests.fakes.randomness import FakeRandomness
from tests.world import MAVEN, URL, OpenWorld, World

GUESSES = 10
FACES = [
    f"{URL}/2.0/registry/packages/acme/greet",
    f"{MAVEN}/acme/greet/maven-metadata.xml",
    f"{URL}/index/acme/greet/index.json",
    f"{URL}/api/v1/whoami",
]


async def guess(world: World, number: int, url: str = FACES[0], **headers: str) -> httpx.Response:
    """Send a token of the right form that nobody has."""
    token = AccessToken.mint("local", "0123456789", FakeRandomness(f"guess {number}"))
    sent = {"Authorization": f"Bearer {token.text.reveal()}", **headers}
    return await world.get(url, headers=sent)


@pytest.mark.parametrize("url", FACES)
async def test_the_eleventh_guess_is_not_looked_at(world: World, url: str) -> None:
    answers = [await guess(world, number, url) for number in range(GUESSES + 1)]
    assert [each.status_code for each in answers] == [401] * GUESSES + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_not_even_a_valid_token_is_looked_at_then(world: World) -> None:
    for number in range(GUESSES):
        await guess(world, number)
    answer = await world.get(FACES[-1], by=world.people.ann)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "too-many-failures"


async def test_who_sends_no_credentials_reads_on(world: World) -> None:
    for number in range(GUESSES):
        await guess(world, number)
    assert (await world.get("/packages")).status_code == 200


async def test_after_the_wait_a_valid_token_is_taken(world: World) -> None:
    for number in range(GUESSES):
        await guess(world, number)
    answer = await world.get(FACES[-1], by=world.people.ann)
    world.clock.advance(timedelta(seconds=int(answer.headers["retry-after"])))
    assert (await world.get(FACES[-1], by=world.people.ann)).status_code == 200


async def test_all_kinds_of_credentials_are_guesses(world: World) -> None:
    for sent in ("Bearer nonsense", "Basic !!!", "Basic bWU6Z3Vlc3M=", "Negotiate x", "Bearer "):
        for _ in range(2):
            headers = {"Authorization": sent}
            assert (await world.get(FACES[0], headers=headers)).status_code == 401
    assert (await guess(world, 1)).status_code == 429


async def test_guesses_at_sign_in_links_and_id_tokens_count_as_well(world: World) -> None:
    for number in range(5):
        assert (await world.get(f"{URL}/sign-in/link/guess{number}")).status_code == 401
        url = f"{URL}/api/v1/trusted-publishing/token"
        answer = await world.send("POST", url, content=b'{"token": "a.b.c"}')
        assert answer.status_code == 401
    assert (await guess(world, 1)).status_code == 429
    link = await world.registry.sign_in_links.create(world.people.ann.account.id)
    assert (await world.get(link.reveal())).status_code == 429


async def test_another_address_is_not_shut_out(worlds: OpenWorld) -> None:
    world = await worlds(trusted_proxies="127.0.0.1")
    for number in range(GUESSES):
        await guess(world, number, **{"X-Forwarded-For": "203.0.113.7"})
    token = {"Authorization": f"Bearer {world.people.ann.token}"}
    for address, status in (("203.0.113.7", 429), ("203.0.113.8", 200)):
        headers = {**token, "X-Forwarded-For": address}
        assert (await world.get(FACES[-1], headers=headers)).status_code == status


async def test_a_spoofed_address_brings_no_more_guesses(world: World) -> None:
    for number in range(GUESSES):
        await guess(world, number, **{"X-Forwarded-For": f"203.0.113.{number}"})
    assert (await guess(world, 11, **{"X-Forwarded-For": "203.0.113.99"})).status_code == 429


async def test_an_expired_token_is_no_guess(world: World) -> None:
    world.clock.advance(timedelta(days=91))
    for _ in range(2 * GUESSES):
        assert (await world.get(FACES[-1], by=world.people.ann)).status_code == 401
