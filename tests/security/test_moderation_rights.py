"""Who may see and change what became of releases: administrators who signed in, and nobody else.

To all others the pages of releases are pages that are not there, whatever they name.
"""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from shared.domain.accounts import Account
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.domain.records import Place
from tests.support.archives import bala
from tests.support.page_client import PageClient
from tests.support.world import Template, World

DECISIONS = ("hold", "quarantine", "release", "remove")
SECRET = Coordinate.parse("acme", "secret", "1.0.0")
HARMFUL = Coordinate.parse("acme", "harmful", "1.0.0")
REASON = "It steals tokens."
LIST = "/manage/releases"
STATES = ("live", "held", "quarantined", "removed")
LATE = timedelta(minutes=11)


def page_of(coordinate: Coordinate) -> str:
    return f"{LIST}/{coordinate.package}/{coordinate.version}"


MISSING = page_of(Coordinate.parse("acme", "missing", "1.0.0"))
LOOKED_UP = [f"{LIST}?q={each}" for each in (SECRET, SECRET.package, HARMFUL, HARMFUL.package)]
PAGES = [LIST, page_of(SECRET), page_of(HARMFUL), *LOOKED_UP, f"{LIST}?after=acme/a:1.0.0"]


@pytest.fixture(scope="module")
async def filled(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return a data folder with a private package, and a release that is withheld."""

    async def fill(world: World) -> None:
        await world.push(bala(str(SECRET), visibility="private"))
        await world.push(bala(str(HARMFUL)))
        await world.registry.publishing.moderation.quarantine(HARMFUL, REASON, by=OPERATOR)

    return await template.filled(tmp_path_factory.mktemp("filled") / "data", fill)


@pytest.fixture
async def furnished(filled: Template, scratch: Path) -> AsyncGenerator[World]:
    """Return a registry with these packages."""
    async with filled.world(scratch / "data") as world:
        yield world


async def changes(world: World) -> int:
    """Return how much happened to packages."""
    events = await world.stores.events.since(0, 10_000)
    return sum(event.kind.startswith(("release.", "package.")) for _, event in events)


def unlike(answer: httpx.Response, path: str) -> bytes:
    """Return a page of a refusal without what is new each time, and without what was asked."""
    content = answer.content.replace(answer.headers["x-request-id"].encode(), b"ID")
    return content.replace(path.partition("?")[0].encode(), b"PATH")


async def decide(browser: PageClient, coordinate: Coordinate, verb: str) -> httpx.Response:
    """Send the form of a decision, with what it asks for."""
    path = f"{page_of(coordinate)}/{verb}"
    return await browser.send(path, reason="Because.", name=str(coordinate))


@pytest.mark.parametrize("person", ["ann", "mia", "bob"])
async def test_pages_of_administrators_do_not_exist_for_others(
    furnished: World, person: str
) -> None:
    browser = await PageClient.of(furnished, getattr(furnished.people, person))
    missing = unlike(await browser.open(MISSING), MISSING)
    for path in PAGES:
        answer = await browser.open(path)
        assert answer.status_code == 404, path
        assert unlike(answer, path) == missing, path
        assert REASON not in answer.text


async def test_anonymous_readers_are_sent_to_the_sign_in_and_read_nothing(furnished: World) -> None:
    stranger = PageClient(furnished)
    for path in PAGES:
        answer = await stranger.open(path)
        assert answer.status_code == 401, path
        assert REASON not in answer.text
    for person in (furnished.people.ann, furnished.people.admin):
        for path in PAGES:  # No token opens a page of administrators, not even their own.
            answer = await furnished.get(f"https://registry.test{path}", by=person)
            assert answer.status_code == 401, path
            assert REASON not in answer.text


@pytest.mark.parametrize("verb", DECISIONS)
@pytest.mark.parametrize("person", ["ann", "mia", "bob"])
async def test_only_administrators_change_a_release(
    furnished: World, person: str, verb: str
) -> None:
    browser = await PageClient.of(furnished, getattr(furnished.people, person))
    before = await changes(furnished)
    for coordinate in (SECRET, HARMFUL):
        await browser.open("/account/tokens")
        assert (await decide(browser, coordinate, verb)).status_code == 404
        assert REASON not in browser.text
    assert await changes(furnished) == before


@pytest.mark.parametrize("verb", DECISIONS)
async def test_a_sign_in_of_long_ago_changes_nothing(furnished: World, verb: str) -> None:
    admin = await PageClient.of(furnished, furnished.people.admin)
    furnished.clock.advance(LATE)
    await admin.open(LIST)
    before = await changes(furnished)
    for coordinate in (SECRET, HARMFUL):
        answer = await decide(admin, coordinate, verb)
        assert answer.status_code == 403
        assert "sign in again" in answer.text
    assert await changes(furnished) == before


async def test_a_dismissed_administrator_sees_and_changes_nothing(furnished: World) -> None:
    admin = await PageClient.of(furnished, furnished.people.admin)
    await admin.open(page_of(HARMFUL))
    assert REASON in admin.text
    directory, before = furnished.stores.directory, await changes(furnished)
    account = await directory.get(Account, Place(furnished.people.admin.account.id))
    assert account
    await directory.replace(account.model_copy(update={"administrator": False}))
    for verb in DECISIONS:
        await admin.open("/account/tokens")
        assert (await decide(admin, HARMFUL, verb)).status_code == 404
    assert (await admin.open(page_of(HARMFUL))).status_code == 404
    assert await changes(furnished) == before


@pytest.mark.parametrize("state", STATES)
async def test_pages_of_others_do_not_show_what_administrators_see(
    furnished: World, state: str
) -> None:
    verbs = {"live": "restore", "held": "hold", "quarantined": "quarantine", "removed": "remove"}
    moderation = furnished.registry.publishing.moderation
    reason = () if state == "live" else (f"Reason of {state}.",)
    await getattr(moderation, verbs[state])(SECRET, *reason, by=OPERATOR)
    admin = await PageClient.of(furnished, furnished.people.admin)
    answer = await admin.open(page_of(SECRET))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    bob = await PageClient.of(furnished, furnished.people.bob)
    for path in ("/", "/search?q=secret", "/packages/acme/secret", "/orgs/acme", "/about/status"):
        for text in ((await PageClient(furnished).open(path)).text, (await bob.open(path)).text):
            assert "Reason of" not in text
            assert "/manage" not in text
            assert "acme/secret:1.0.0" not in text
