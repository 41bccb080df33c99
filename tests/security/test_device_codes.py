"""Device codes: guessed, replayed, approved twice, fixed beforehand, or asked for by a phisher.

RFC 8628, section 5, names these attacks; codes of this kind were phished from 2020 on.
"""

import asyncio
from datetime import timedelta

import pytest

from shared.domain.device_login import USER_CODE_LENGTH, USER_CODE_LETTERS
from shared.domain.principals import OPERATOR
from tests.support.browsers import FORM, Browser, signed_in
from tests.support.device_login import ask, decide, error, poll
from tests.support.world import URL, OpenWorld, World

GUESSES = 20  # Of an account, in five minutes.
ASKED = 30  # By an address, in five minutes.
MOST_CODES_AT_ONCE = 100_000


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry behind a proxy, which passes on where requests come from."""
    return await worlds(trusted_proxies="127.0.0.1")


@pytest.fixture
async def ann(world: World) -> Browser:
    browser = await signed_in(world, world.people.ann)
    await browser.open("/device")
    return browser


async def approved(world: World, browser: Browser) -> dict[str, str]:
    """Return the codes of a machine that somebody has approved."""
    codes = await ask(world)
    await decide(browser, codes, "approve")
    return codes


async def statuses(browser: Browser, count: int) -> list[int]:
    """Guess so many codes, and return what the pages say."""
    found: list[int] = []
    for number in range(count):
        code = "".join(
            USER_CODE_LETTERS[number // 20**place % 20] for place in range(USER_CODE_LENGTH)
        )
        await browser.submit("/device", code=code)
        found.append(429 if "too many" in browser.text.lower() else 404)
        await browser.open("/device")
    return found


async def test_an_account_guesses_a_few_times_and_then_waits(ann: Browser) -> None:
    assert await statuses(ann, GUESSES + 2) == [404] * GUESSES + [429, 429]


async def test_after_too_many_guesses_a_correct_code_is_refused_too(
    world: World, ann: Browser
) -> None:
    codes = await ask(world)
    await statuses(ann, GUESSES)
    await ann.submit("/device", code=codes["user_code"])
    assert "kim's laptop" not in ann.text


async def test_another_session_or_address_of_the_account_has_no_more_guesses(world: World) -> None:
    first = await signed_in(world, world.people.ann)
    await first.open("/device")
    await statuses(first, GUESSES)
    second = await signed_in(world, world.people.ann, address="203.0.113.99")
    await second.open("/device")
    assert await statuses(second, 1) == [429]


async def test_requests_for_codes_from_the_same_address_do_not_prevent_others_from_typing_theirs(
    world: World, ann: Browser
) -> None:
    codes = await ask(world)
    form = {**FORM, "X-Forwarded-For": ann.address}
    where = f"{URL}/api/v1/device"
    asked = [
        (await world.send("POST", where, headers=form, content=b"client_id=x")).status_code
        for _ in range(ASKED + 1)
    ]
    assert asked == [200] * ASKED + [429]
    await decide(ann, codes, "approve")
    assert "is connected" in ann.text


def test_guessing_finds_one_of_a_hundred_thousand_codes_in_lifetimes() -> None:
    chance = MOST_CODES_AT_ONCE / len(USER_CODE_LETTERS) ** USER_CODE_LENGTH
    guesses_a_year = GUESSES * 12 * 24 * 365
    assert chance * guesses_a_year < 10  # With that many waiting at every moment, which nobody has.


async def test_a_code_can_be_answered_once(world: World, ann: Browser) -> None:
    codes = await approved(world, ann)
    assert "is connected" in ann.text
    for decision in ("approve", "refuse", ""):
        await ann.open("/device")
        await ann.post("/device", code=codes["user_code"], decision=decision)
        assert "No device is waiting with this code" in ann.text
    assert (await poll(world, codes)).status_code == 200


async def test_a_refusal_is_not_undone_by_approving_later(world: World, ann: Browser) -> None:
    codes = await ask(world)
    await decide(ann, codes, "refuse")
    await ann.open("/device")
    await ann.post("/device", code=codes["user_code"], decision="approve")
    assert error(await poll(world, codes)) == "access_denied"


async def test_a_token_is_given_to_one_of_many_at_once(world: World, ann: Browser) -> None:
    codes = await approved(world, ann)
    answers = await asyncio.gather(*[poll(world, codes) for _ in range(20)])
    assert [each.status_code for each in answers].count(200) == 1
    assert error(await poll(world, codes)) == "expired_token"


async def test_the_code_of_the_page_is_not_the_code_of_the_machine(
    world: World, ann: Browser
) -> None:
    codes = await approved(world, ann)
    answer = await poll(world, codes, device_code=codes["user_code"])
    assert error(answer) == "expired_token"
    await ann.open("/device")
    await ann.submit("/device", code=codes["device_code"])
    assert "No device is waiting" in ann.text


async def test_the_token_is_for_the_account_that_approved(world: World) -> None:
    codes = await ask(world)
    bob, ann = [await signed_in(world, each) for each in (world.people.bob, world.people.ann)]
    for browser in (bob, ann):
        await browser.open("/device")
        await browser.submit("/device", code=codes["user_code"])
        assert "Connect this device?" in browser.text
    await ann.submit("/device", code=codes["user_code"], decision="approve")
    assert (await poll(world, codes)).json()["account"] == "ann"


async def test_a_link_cannot_bring_the_code_along(world: World, ann: Browser) -> None:
    # Session fixation: a phisher sends a link that leaves nothing to do but to press a button.
    code = (await ask(world))["user_code"]
    for query in (f"?code={code}", f"?user_code={code}", f"#{code}"):
        await ann.open(f"/device{query}")
        assert code not in ann.text
        assert "Approve" not in ann.text
    answer = await world.send("POST", f"{URL}/device?code={code}&decision=approve")
    assert answer.status_code == 401


async def test_a_machine_that_asks_from_elsewhere_is_pointed_out(world: World) -> None:
    codes = await ask(world)
    far = await signed_in(world, world.people.ann)
    await far.open("/device")
    await far.submit("/device", code=codes["user_code"])
    assert "has a different IP address than your browser" in far.text
    near = await signed_in(world, world.people.ann, address="198.51.100.7")
    await near.open("/device")
    await near.submit("/device", code=codes["user_code"])
    assert "has a different IP address than your browser" not in near.text


async def test_a_machine_cannot_put_words_or_markup_into_the_page(
    world: World, ann: Browser
) -> None:
    codes = await ask(world, '<b>Approved</b>\n\n"by your operator"' + "x" * 100)
    answer = await ann.submit("/device", code=codes["user_code"])
    assert "<b>Approved" not in answer.text
    assert "&lt;b&gt;Approved&lt;/b&gt; &#34;by your operator&#34;xxx" in answer.text
    assert "as reported by the device" in answer.text
    assert "x" * 40 not in answer.text


async def test_no_code_is_stored_as_it_is(world: World, ann: Browser) -> None:
    codes = await approved(world, ann)
    stored = b"".join(file.read_bytes() for file in world.registry.settings.data.glob("*.db*"))
    assert b"kim's laptop" in stored
    for secret in (codes["device_code"], codes["user_code"], codes["user_code"].replace("-", "")):
        assert secret.encode() not in stored


async def test_an_approval_that_nobody_fetches_ends_with_its_code(
    world: World, ann: Browser
) -> None:
    codes = await approved(world, ann)
    world.clock.advance(timedelta(minutes=10))
    assert error(await poll(world, codes)) == "expired_token"


async def test_a_session_that_ended_gives_no_token_with_what_it_approved(world: World) -> None:
    thief = await signed_in(world, world.people.ann)
    codes = await approved(world, thief)
    sessions = world.registry.identity.sessions
    await sessions.end_all(world.people.ann.account.id, by=OPERATOR)
    await signed_in(world, world.people.ann)  # Another session of the account changes nothing.
    assert error(await poll(world, codes)) == "access_denied"
