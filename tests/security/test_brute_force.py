"""API2, guessing: a credential that is not valid waits, and one that is valid is always served."""

from datetime import timedelta

import httpx
import pytest

from shared.auth.access_tokens import AccessToken
from shared.domain.client_settings import TOKEN_PLACEHOLDER
from shared.hosting.request_bodies import BodySender
from shared.localhost import sender_identifier
from tests.fakes.system import FakeRandomness
from tests.support.browsers import Browser
from tests.support.port_doubles import CallRecorder
from tests.support.world import MAVEN, URL, OpenWorld, World

GUESSES = 10
FACES = [
    f"{URL}/2.0/registry/packages/acme/greet",
    f"{MAVEN}/acme/greet/maven-metadata.xml",
    f"{URL}/index/acme/greet/index.json",
    f"{URL}/api/v1/whoami",
]


def guessed(number: int, environment: str = "local") -> str:
    """Return a token of the right form that nobody has."""
    randomness = FakeRandomness(f"guess {number}")
    return AccessToken.mint(environment, "0123456789", randomness).text.reveal()


async def guess(world: World, number: int, url: str = FACES[0], **headers: str) -> httpx.Response:
    return await world.get(url, headers={"Authorization": f"Bearer {guessed(number)}", **headers})


@pytest.mark.parametrize("url", FACES)
async def test_the_eleventh_guess_waits(world: World, url: str) -> None:
    answers = [await guess(world, number, url) for number in range(GUESSES + 1)]
    assert [each.status_code for each in answers] == [401] * GUESSES + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize("url", FACES)
async def test_ten_invalid_tokens_do_not_lock_a_valid_one(world: World, url: str) -> None:
    """An office behind one address, or a CI system with one stale Settings.toml."""
    served = (await world.get(url, by=world.people.ann)).status_code
    for number in range(2 * GUESSES):
        await guess(world, number)
    assert (await world.get(url, by=world.people.ann)).status_code == served
    assert served in (200, 404)
    assert (await world.get("/packages")).status_code == 200


async def test_after_the_wait_a_guess_is_answered_as_one(world: World) -> None:
    for number in range(GUESSES):
        await guess(world, number)
    answer = await guess(world, GUESSES)
    assert answer.json()["message"].startswith("These credentials are not valid")
    world.clock.advance(timedelta(seconds=int(answer.headers["retry-after"])))
    assert (await guess(world, GUESSES)).status_code == 401


async def test_a_stale_token_is_one_guess_however_often_it_is_sent(world: World) -> None:
    answers = [await guess(world, 1) for _ in range(5 * GUESSES)]
    assert {each.status_code for each in answers} == {401}
    assert "it was revoked, has expired" in answers[0].json()["message"]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("Bearer nonsense", "Copy the whole token, which begins with blr_"),
        ("Basic !!!", "Copy the whole token, which begins with blr_"),
        ("Negotiate x", "Copy the whole token, which begins with blr_"),
        (f"Bearer {TOKEN_PLACEHOLDER}", "Settings.toml has the placeholder"),
        ("Bearer OF-STAGING", "is of another registry, staging."),
    ],
)
async def test_what_is_no_token_of_this_registry_is_refused_with_its_reason_and_no_guess(
    world: World, sent: str, reason: str
) -> None:
    for number in range(2 * GUESSES):
        text = sent.replace("OF-STAGING", guessed(number, "staging"))
        answer = await world.get(FACES[0], headers={"Authorization": text})
        assert answer.status_code == 401
        assert reason in answer.json()["message"]
    assert (await guess(world, 1)).status_code == 401


async def test_a_token_with_a_wrong_checksum_costs_no_call_of_a_store(worlds: OpenWorld) -> None:
    port_calls = CallRecorder()
    world = await worlds(wrap=port_calls.wrap)
    port_calls.taken()
    for number in range(2 * GUESSES):
        sent = f"Bearer {guessed(number)[:-1]}!"
        assert (await world.get(FACES[0], headers={"Authorization": sent})).status_code == 401
    assert port_calls.taken() == []


async def test_bad_tokens_count_as_reads_of_their_address(worlds: OpenWorld) -> None:
    port_calls = CallRecorder()
    world = await worlds(wrap=port_calls.wrap, limit_read="address=5")
    answers = [await guess(world, number) for number in range(5)]
    assert [each.status_code for each in answers] == [401] * 5
    port_calls.taken()
    answer = await guess(world, 6)
    assert (answer.status_code, port_calls.taken()) == (429, [])
    assert "too many requests by this address" in answer.json()["message"]


async def test_bad_tokens_before_bodies_that_never_come_count_as_reads(worlds: OpenWorld) -> None:
    port_calls = CallRecorder()
    world = await worlds(wrap=port_calls.wrap, limit_read="address=5")
    identify = sender_identifier(world.registry)

    async def begin(number: int) -> list[str]:
        """Send the head of a request with a large body; return the calls of the stores."""
        port_calls.taken()
        sent = {"authorization": f"Bearer {guessed(number)}", "x-forwarded-for": "203.0.113.7"}
        assert await identify(sent, "/2.0/registry/packages") == BodySender("203.0.113.7")
        return port_calls.taken()

    looked_up = [bool(await begin(number)) for number in range(8)]
    assert looked_up == [True] * 5 + [False] * 3


async def test_guesses_at_sign_in_links_and_id_tokens_count_as_well(world: World) -> None:
    browser = Browser(world)
    for number in range(5):
        assert (await browser.open(f"/sign-in/link#guess{number}")).status_code == 401
        url = f"{URL}/api/v1/trusted-publishing/token"
        content = f'{{"token": "a.b.{number}"}}'.encode()
        assert (await world.send("POST", url, content=content)).status_code == 401
    assert (await guess(world, 1)).status_code == 429
    assert (await browser.open("/sign-in/link#another")).status_code == 429
    link = await world.registry.identity.sign_in_links.create(world.people.ann.account.id)
    assert (await browser.open(link.reveal().removeprefix(URL))).status_code == 200


async def test_another_address_need_not_wait(worlds: OpenWorld) -> None:
    world = await worlds(trusted_proxies="127.0.0.1")
    for number in range(GUESSES):
        await guess(world, number, **{"X-Forwarded-For": "203.0.113.7"})
    for address, status in (("203.0.113.7", 429), ("203.0.113.8", 401)):
        answer = await guess(world, GUESSES, **{"X-Forwarded-For": address})
        assert answer.status_code == status


async def test_an_expired_token_is_no_guess(world: World) -> None:
    world.clock.advance(timedelta(days=91))
    for _ in range(2 * GUESSES):
        answer = await world.get(FACES[-1], by=world.people.ann)
        assert answer.status_code == 401
        assert "has expired" in answer.json()["error"]["message"]
    assert (await guess(world, 1)).status_code == 401
