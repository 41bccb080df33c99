"""/account/sessions: list and end browser sessions."""

import re

import pytest

from functions.html.browser_labels import browser_label
from shared.domain.sessions import Session
from tests.support.browsers import Browser, signed_in
from tests.support.world import World

PAGE = "/account/sessions"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Safari/604.1"


@pytest.fixture
async def ann(world: World) -> Browser:
    return await signed_in(world, world.people.ann)


def rows(browser: Browser) -> list[str]:
    return re.findall(r"<tr>.*?</tr>", browser.page.text, re.DOTALL)[1:]


def ids(browser: Browser) -> list[str]:
    return re.findall(r'name="session" value="(\w+)"', browser.page.text)


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.open("/account")).status_code == 200


async def test_another_session_is_ended_and_this_one_goes_on(world: World, ann: Browser) -> None:
    phone = await signed_in(world, world.people.ann, agent=PHONE)
    await ann.open(PAGE)
    await ann.submit(f"{PAGE}/end", session=ids(ann)[1])
    assert "Session ended." in ann.page.text
    assert len(rows(ann)) == 1
    assert not await is_signed_in(phone)
    assert await is_signed_in(ann)


async def test_one_button_ends_all_other_sessions_of_the_account(
    world: World, ann: Browser
) -> None:
    others = [await signed_in(world, world.people.ann) for _ in range(3)]
    bob = await signed_in(world, world.people.bob)
    await ann.open(PAGE)
    assert "End all other sessions" in ann.page.text
    await ann.submit(f"{PAGE}/end-others")
    assert "All other sessions ended." in ann.page.text
    assert len(rows(ann)) == 1
    assert "End all other sessions" not in ann.page.text
    assert [await is_signed_in(each) for each in others] == [False] * 3
    assert await is_signed_in(ann)
    assert await is_signed_in(bob)


async def test_ending_this_one_signs_out(ann: Browser) -> None:
    await ann.open(PAGE)
    await ann.submit(f"{PAGE}/end", session=ids(ann)[0])
    assert ann.session == ""
    assert ann.page.status_code == 401


async def test_a_session_of_somebody_else_is_not_there(world: World, ann: Browser) -> None:
    bob = await signed_in(world, world.people.bob)
    await bob.open(PAGE)
    await ann.open(PAGE)
    await ann.post(f"{PAGE}/end", session=ids(bob)[0])
    assert ann.page.status_code == 404
    assert 'role="alert"' in ann.page.text
    assert await is_signed_in(bob)


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15", "Safari on macOS"),
        (PHONE, "Safari on iPhone"),
        ("curl/8.9", "curl/8.9"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_called_what_people_call_it(agent: str, shown: str) -> None:
    assert browser_label(Session.model_construct(agent=agent)) == shown
