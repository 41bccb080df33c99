"""Pages whose lists continue at a cursor show the first page and a sentence for an invalid one."""

import pytest

from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import OpenWorld, World

pytestmark = [pytest.mark.measured, pytest.mark.each_row]

ACME = "/account/organizations/acme"
ORDINARY = [
    ("/account/security", "before"),
    (f"{ACME}/log", "before"),
    (f"{ACME}/pulls", "before"),
    (f"{ACME}/packages", "after"),
    (f"{ACME}/staged", "after"),
    (f"{ACME}/held", "after"),
    (f"{ACME}/reports", "after"),
    ("/packages/acme/greet/history", "before"),
]
ADMINISTRATORS = [
    ("/manage/accounts/{ann}", "before"),
    ("/manage/releases/acme/greet/1.0.0", "before"),
    ("/manage/releases", "after"),
]


@pytest.fixture(scope="module")
async def published(shared_worlds: OpenWorld) -> World:
    world = await shared_worlds()
    await world.push(bala("acme/greet:1.0.0"))
    return world


@pytest.mark.parametrize(("path", "name"), [*ORDINARY, *ADMINISTRATORS])
async def test_an_invalid_cursor_shows_the_first_page_and_says_so(
    published: World, path: str, name: str
) -> None:
    people = published.people
    person = people.admin if (path, name) in ADMINISTRATORS else people.ann
    path = path.format(ann=people.ann.account.id)
    browser = await signed_in(published, person, path)
    assert browser.page.status_code == 200
    heading = browser.text.partition("<h1")[2].partition("</h1>")[0]
    answer = await browser.open(f"{path}?{name}=-no-cursor-")
    assert answer.status_code == 400
    assert 'role="alert"' in browser.text
    assert "no-cursor" in browser.text.partition('role="alert"')[2].partition("</div>")[0]
    assert heading == browser.text.partition("<h1")[2].partition("</h1>")[0]
    assert ">Newest<" not in browser.text
    token = people.ann.token
    await browser.open(f"{path}?{name}={token}")
    assert token[:20] not in browser.text
