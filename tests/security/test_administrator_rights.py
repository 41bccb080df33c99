"""What is for administrators is there for nobody else, and takes a fresh sign-in to change."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from shared.domain.accounts import ADMINISTRATORS, Account
from shared.domain.coordinates import Coordinate
from shared.domain.events import Event
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.recent_sign_in import RECENT_SIGN_IN
from shared.domain.reserved_names import RESERVED_NAMES_OWNER, ReservedName
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import OpenWorld, Template, World

ACCOUNTS = "/manage/accounts"
ORGANIZATIONS = "/manage/organizations"
NAMES = "/manage/names"
RELEASES = "/manage/releases"
SECRET = "acme/secret/1.0.0"
HARMFUL = "acme/harmful/1.0.0"
DECISIONS = ("hold", "quarantine", "release", "remove")
REASON = "It steals tokens."
LOOKING = (
    ACCOUNTS,
    f"{ACCOUNTS}?q=ann",
    f"{ACCOUNTS}/ID-OF-ann",
    ORGANIZATIONS,
    f"{ORGANIZATIONS}/acme",
    NAMES,
    RELEASES,
    f"{RELEASES}?q=acme/harmful",
    f"{RELEASES}?q=acme/secret:1.0.0",
    f"{RELEASES}/{SECRET}",
    f"{RELEASES}/{HARMFUL}",
    f"{RELEASES}?after=acme/a:1.0.0",
)
CHANGING: tuple[tuple[str, dict[str, str]], ...] = (
    (f"{ACCOUNTS}/ID-OF-bob/link", {}),
    (f"{ACCOUNTS}/ID-OF-bob/sessions", {"reason": "Old."}),
    (f"{ACCOUNTS}/ID-OF-bob/revoke", {"token": "any", "reason": "Old."}),
    (f"{ACCOUNTS}/ID-OF-bob/revoke-all", {"name": "bob", "reason": "Old."}),
    (f"{ACCOUNTS}/ID-OF-bob/lock", {"reason": "Why not."}),
    (f"{ACCOUNTS}/ID-OF-bob/unlock", {}),
    (f"{ACCOUNTS}/ID-OF-bob/appoint", {"name": "bob"}),
    (f"{ACCOUNTS}/ID-OF-admin/dismiss", {"name": "admin", "reason": "Old."}),
    (ORGANIZATIONS, {"name": "globex", "owner": "ann"}),
    (f"{ORGANIZATIONS}/other/delete", {"name": "other"}),
    (f"{ORGANIZATIONS}/other/keep", {}),
    (f"{NAMES}/new", {"pattern": "globex", "reason": "Why not."}),
    (f"{NAMES}/remove", {"pattern": "kept"}),
    *(
        (f"{RELEASES}/{at}/{verb}", {"reason": "Because.", "name": at.replace("/1", ":1")})
        for at in (SECRET, HARMFUL)
        for verb in DECISIONS
    ),
)
FORMS = pytest.mark.parametrize(("path", "fields"), CHANGING, ids=[path for path, _ in CHANGING])


@pytest.fixture(scope="module")
async def filled(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return a data folder with a private package, and a release that is withheld."""

    async def fill(world: World) -> None:
        await world.push(bala("acme/secret:1.0.0", visibility="private"))
        await world.push(bala("acme/harmful:1.0.0"))
        harmful = Coordinate.parse("acme", "harmful", "1.0.0")
        await world.registry.publishing.moderation.quarantine(harmful, REASON, by=OPERATOR)

    return await template.filled(tmp_path_factory.mktemp("filled") / "data", fill)


@pytest.fixture
async def world(filled: Template, scratch: Path) -> AsyncGenerator[World]:
    async with filled.world(scratch / "data") as opened:
        yield opened


def unlike(answer: httpx.Response, path: str) -> bytes:
    """Return a page of a refusal without what is new each time, and without what was asked."""
    content = answer.content.replace(answer.headers["x-request-id"].encode(), b"ID")
    return content.replace(path.partition("?")[0].encode(), b"PATH")


async def picture(world: World) -> list[tuple[int, Event]]:
    """Return all that ever happened but sign-ins."""
    events = await world.stores.events.since(0, 1000)
    return [(n, event) for n, event in events if not event.kind.startswith("session.")]


@pytest.mark.parametrize("person", ["ann", "mia", "bob"])
async def test_pages_of_administrators_do_not_exist_for_others(world: World, person: str) -> None:
    browser = await signed_in(world, getattr(world.people, person))
    nowhere = f"{RELEASES}/acme/missing/1.0.0"
    missing = unlike(await browser.open(nowhere), nowhere)
    for path in map(world.with_ids, LOOKING):
        answer = await browser.open(path)
        assert (answer.status_code, unlike(answer, path)) == (404, missing), path
        for shown in (REASON, "ballerina*", "revoke"):
            assert shown not in answer.text


@pytest.mark.parametrize("person", ["ann", "mia", "bob"])
@FORMS
async def test_a_form_of_somebody_else_changes_nothing(
    world: World, path: str, fields: dict[str, str], person: str
) -> None:
    browser = await signed_in(world, getattr(world.people, person))
    before = await picture(world)
    answer = await browser.post(world.with_ids(path), **fields)
    assert answer.status_code == 404
    assert await picture(world) == before


async def test_a_dismissed_administrator_sees_and_changes_nothing(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    await admin.open(f"{RELEASES}/{HARMFUL}")
    assert REASON in admin.text
    account = await world.registry.identity.accounts.by_id(world.people.admin.account.id)
    await world.stores.directory.replace(account.model_copy(update={"administrator": False}))
    before = await picture(world)
    for path, fields in CHANGING:
        await admin.open("/account/tokens")
        assert (await admin.post(world.with_ids(path), **fields)).status_code == 404
    assert (await admin.open(f"{RELEASES}/{HARMFUL}")).status_code == 404
    assert await picture(world) == before


async def test_forms_of_somebody_else_count_as_their_changes(worlds: OpenWorld) -> None:
    world = await worlds(limit_write="account=1")
    ann = await signed_in(world, world.people.ann)
    assert (await ann.post(NAMES + "/remove", pattern="kept")).status_code == 404
    assert (await ann.post("/account/organizations/leave", org="acme")).status_code == 429


@FORMS
async def test_an_administrator_who_signed_in_too_long_ago_changes_nothing(
    world: World, path: str, fields: dict[str, str]
) -> None:
    admin = await signed_in(world, world.people.admin)
    world.clock.advance(RECENT_SIGN_IN + timedelta(minutes=1))
    await admin.open(ACCOUNTS)
    before = await picture(world)
    answer = await admin.post(world.with_ids(path), **fields)
    assert answer.status_code == 403
    assert "sign in again" in admin.text.lower()
    assert await picture(world) == before


async def test_mail_addresses_are_for_administrators(world: World) -> None:
    bob = world.people.bob.account.model_copy(update={"email": "bob@example.org"})
    await world.stores.directory.replace(bob)
    admin = await signed_in(world, world.people.admin)
    for path in (ACCOUNTS, f"{ACCOUNTS}/ID-OF-bob"):
        await admin.open(world.with_ids(path))
        assert "bob@example.org" in admin.text
    await admin.open(f"{ACCOUNTS}?q=Bob@example.org")
    assert world.people.bob.account.id in admin.text
    ann = await signed_in(world, world.people.ann)
    for path in ("/orgs/other", f"{ACCOUNTS}/ID-OF-bob"):
        await ann.open(world.with_ids(path))
        assert "bob@example.org" not in ann.text


@pytest.mark.parametrize("decision", ["dismiss", "lock"])
async def test_one_of_two_administrators_who_dismiss_each_other_at_once_remains(
    world: World, decision: str
) -> None:
    await world.registry.administration.administrators.appoint(
        world.people.ann.account, by=OPERATOR
    )
    browsers = {
        name: await signed_in(world, person)
        for name, person in (("ann", world.people.admin), ("admin", world.people.ann))
    }
    for browser in browsers.values():
        await browser.open(ACCOUNTS)
    statuses = await asyncio.gather(
        *(
            browser.post(
                world.with_ids(f"{ACCOUNTS}/ID-OF-{other}/{decision}"),
                name=other,
                reason="It is they or me.",
            )
            for other, browser in browsers.items()
        )
    )
    running = await world.stores.directory.list_by_subject(Account, ADMINISTRATORS)
    assert len([each for each in running if not each.is_locked]) == 1
    assert sorted(each.status_code == 303 for each in statuses) == [False, True]


async def test_a_name_that_one_instance_reserves_is_reserved_in_the_others_at_once(
    world: World,
) -> None:
    bob = await signed_in(world, world.people.bob)
    await bob.open("/account/organizations")
    # Another instance writes it; nothing in this one hears of that.
    reserved = ReservedName(pattern="initech*", reason="Theirs.", by="admin", since_ms=0)
    await world.stores.directory.add(reserved)
    assert reserved.place.owner == RESERVED_NAMES_OWNER
    assert (await bob.submit("/account/organizations", name="initech2")).status_code == 403
    await world.registry.organizations.organizations.create(
        parse_org("initech2"), world.people.bob.account, by=OPERATOR
    )
