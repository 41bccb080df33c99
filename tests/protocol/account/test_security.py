"""/account/security: security events of the account."""

import re

from functions.html.event_sentences import EVENTS_PER_PAGE
from tests.support.browsers import Browser, signed_in
from tests.support.world import World

PAGE = "/account/security"


def rows(browser: Browser) -> list[str]:
    return re.findall(r"<tr>.*?</tr>", browser.text, re.DOTALL)[1:]


async def test_the_events_of_others_are_not_there(world: World, ann: Browser) -> None:
    bob = await signed_in(world, world.people.bob, "/account/tokens")
    await bob.submit("/account/tokens", name="secret project", scope="read")
    await ann.open(PAGE)
    assert "secret project" not in ann.text


async def test_older_events_are_a_page_further(ann: Browser) -> None:
    await ann.open("/account/tokens")
    for number in range(EVENTS_PER_PAGE):
        await ann.submit("/account/tokens", name=f"token {number}", scope="read")
        await ann.open("/account/tokens")
    await ann.open(PAGE)
    assert len(rows(ann)) == EVENTS_PER_PAGE
    assert "Account created" not in ann.text
    [older] = re.findall(r'href="(/account/security\?before=\d+)"', ann.text)
    await ann.open(older)
    assert "Account created" in ann.text
    assert "Newest" in ann.text


async def test_one_kind_of_events_can_be_looked_for(ann: Browser) -> None:
    await ann.open("/account/tokens")
    await ann.submit("/account/tokens", name="nightly build", scope="read")
    await ann.open(f"{PAGE}?kind=token.")
    assert "Access token created" in rows(ann)[0]
    assert not [row for row in rows(ann) if "Access token" not in row]
    assert '<option value="token." selected>' in ann.text
    await ann.open(f"{PAGE}?kind=device.")
    assert "No events of this type" in ann.text
    await ann.open(f"{PAGE}?kind=nonsense")
    assert "Access token created" in rows(ann)[0]


async def test_a_page_that_is_no_number_is_refused(ann: Browser) -> None:
    assert (await ann.open(f"{PAGE}?before=x")).status_code == 400


async def test_the_page_shows_no_markup_of_names(ann: Browser) -> None:
    await ann.open("/account/tokens")
    await ann.submit("/account/tokens", name="<img src=x>", scope="read")
    answer = await ann.open(PAGE)
    assert "<img" not in answer.text
    assert "&lt;img src=x&gt;" in answer.text
