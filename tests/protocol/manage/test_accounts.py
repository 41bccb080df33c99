"""/manage/accounts: accounts, and the actions of administrators."""

import re
from datetime import timedelta

import pytest

from shared.domain.events import Event
from shared.domain.principals import GROUPS, MAINTENANCE, OPERATOR, REGISTRY_FILE_ID
from tests.support.browsers import Browser, signed_in
from tests.support.port_doubles import CallRecorder
from tests.support.world import URL, OpenWorld, World, token_of

pytestmark = pytest.mark.measured

PAGE = "/manage/accounts"
ANN = f"{PAGE}/ID-OF-ann"


async def decided(browser: Browser, account: str, decision: str, /, **fields: str) -> int:
    """Open the page of an account, send one of its forms, and return how that was answered."""
    page = browser.world.with_ids(f"{PAGE}/ID-OF-{account}")
    await browser.open(page)
    return (await browser.submit(f"{page}/{decision}", **fields)).status_code


# --- finding people ----------------------------------------------------------------------------


async def test_a_long_list_goes_on_where_it_stopped(world: World, admin: Browser) -> None:
    for number in range(30):
        await world.registry.identity.accounts.create(f"p{number:02}", by=OPERATOR)
    await admin.open(PAGE)
    assert "p20" in admin.text
    assert "p21" not in admin.text
    [further] = re.findall(r'rel="next" href="([^"]+)"', admin.text)
    await admin.open(further)
    assert "p20" not in admin.text
    assert "p29" in admin.text
    assert 'rel="next"' not in admin.text


@pytest.mark.parametrize("sought", ["ANN", "id"])
async def test_an_account_is_found_by_name_or_id(world: World, admin: Browser, sought: str) -> None:
    asked = world.people.ann.account.id if sought == "id" else sought
    await admin.open(f"{PAGE}?q={asked}")
    assert world.with_ids(f'href="{PAGE}/ID-OF-ann"') in admin.text


async def test_the_beginning_of_a_name_finds_all_that_begin_so(
    world: World, admin: Browser
) -> None:
    await world.registry.identity.accounts.create("annabel", by=OPERATOR)
    await admin.open(f"{PAGE}?q=an")
    assert "annabel" in admin.text
    assert ">bob<" not in admin.text


# --- one of them -------------------------------------------------------------------------------


async def test_the_log_of_an_account_names_actors_that_are_no_accounts(
    world: World, admin: Browser
) -> None:
    ann = world.people.ann.account.id
    actors = [REGISTRY_FILE_ID, GROUPS.id, MAINTENANCE.id]
    await world.stores.events.append(
        [
            Event(id=actor, kind="account.locked", at_ms=0, actor=actor, subject=ann, account=ann)
            for actor in actors
        ]
    )
    await admin.open(world.with_ids(ANN))
    for name in ("the registry file", "a rule about groups", "the registry"):
        assert f'<td data-label="Actor"><div>{name}</div></td>' in admin.text


async def test_a_link_is_shown_once_and_signs_its_owner_in(world: World, admin: Browser) -> None:
    await admin.open(world.with_ids(ANN))
    answer = await admin.submit(world.with_ids(f"{ANN}/link"))
    assert answer.status_code == 200
    [link] = re.findall(r'value="https://registry\.test(/sign-in/link#\w{32})"', admin.text)
    ann = Browser(world)
    await ann.open(link)
    await ann.submit(link)
    await ann.open("/account")
    assert "<strong>ann</strong>" in ann.text
    await admin.open(world.with_ids(ANN))
    assert link not in admin.text


async def test_an_administrator_creates_an_account_and_gets_its_link(
    world: World, admin: Browser
) -> None:
    await admin.open(PAGE)
    assert (await admin.submit(PAGE, name="zoe")).status_code == 200
    [link] = re.findall(rf'value="{URL}(/sign-in/link#[^"]+)"', admin.text)
    zoe = Browser(world)
    await zoe.open(link)
    await zoe.submit(link)
    assert "Signed in as <strong>zoe</strong>" in zoe.text


async def test_an_account_is_created_and_its_link_sent_by_mail(worlds: OpenWorld) -> None:
    world = await worlds(mail="smtp", smtp_host="mail.example.org", mail_from="r@example.org")
    admin = await signed_in(world, world.people.admin, PAGE)
    assert (await admin.submit(PAGE, name="zoe", email="zoe@example.org")).status_code == 303
    assert "A sign-in link was sent by email" in admin.text
    [mail] = world.mailer.sent
    assert mail.to == "zoe@example.org"
    [link] = re.findall(rf"{URL}(/sign-in/link#\S+)", mail.text)
    assert link not in admin.text
    assert (await Browser(world).open(link)).status_code == 200


async def test_a_link_that_the_registry_only_prints_is_shown_too(
    world: World, admin: Browser
) -> None:
    await admin.open(PAGE)
    await admin.submit(PAGE, name="zoe", email="zoe@example.org")
    assert "sent by email" not in admin.text
    [link] = re.findall(rf'value="{URL}(/sign-in/link#[^"]+)"', admin.text)
    [mail] = world.mailer.sent
    assert link in mail.text


async def test_a_link_that_cannot_be_sent_is_shown(world: World, admin: Browser) -> None:
    world.mailer.is_down = True
    await admin.open(PAGE)
    await admin.submit(PAGE, name="zoe", email="zoe@example.org")
    assert "/sign-in/link#" in admin.text


@pytest.mark.parametrize(
    ("form", "status", "reason"),
    [
        ({"name": ""}, 400, "is not a valid account name"),
        ({"name": "ann"}, 409, "exists already"),
        ({"name": "zoe", "email": "zoe"}, 400, "not a valid email address"),
    ],
)
async def test_an_account_that_cannot_be_created_is_refused_beside_the_form(
    admin: Browser, form: dict[str, str], status: int, reason: str
) -> None:
    await admin.open(PAGE)
    assert (await admin.submit(PAGE, **form)).status_code == status
    assert reason in admin.text
    assert f'value="{form["name"]}"' in admin.text


async def test_all_sessions_end_at_once(world: World, admin: Browser) -> None:
    ann = await signed_in(world, world.people.ann)
    assert await decided(admin, "ann", "sessions", reason="Old.") == 303
    assert "All sessions ended" in admin.text
    assert (await ann.open("/account")).status_code == 401


async def test_a_token_is_revoked(world: World, admin: Browser) -> None:
    await admin.open(world.with_ids(ANN))
    [token] = set(re.findall(r'revoke\?token=(\w+)"', admin.text))
    await admin.open(f"{world.with_ids(ANN)}/revoke?token={token}")
    assert "Everything that uses this token stops working" in admin.text
    answer = await admin.submit(f"{world.with_ids(ANN)}/revoke", reason="Old.")
    assert answer.status_code == 303
    world.clock.advance(timedelta(seconds=5))
    assert (await world.get("/packages", by=world.people.ann)).status_code == 401


async def test_all_tokens_are_revoked_after_typing_the_name(world: World, admin: Browser) -> None:
    assert await decided(admin, "ann", "revoke-all", name="an", reason="Old.") == 400
    assert (await world.get("/packages", by=world.people.ann)).status_code == 200
    assert await decided(admin, "ann", "revoke-all", name="ann", reason="Old.") == 303
    world.clock.advance(timedelta(seconds=5))
    assert (await world.get("/packages", by=world.people.ann)).status_code == 401


async def test_a_lock_takes_a_reason_and_is_undone(admin: Browser) -> None:
    assert await decided(admin, "ann", "lock", reason=" ") == 400
    assert await decided(admin, "ann", "lock", reason="Its laptop was stolen.") == 303
    assert await decided(admin, "ann", "unlock") == 303
    assert "Lock ann" in admin.text


# --- what it costs -----------------------------------------------------------------------------


async def calls_of(world: World, store_calls: CallRecorder, path: str) -> dict[str, int]:
    """Return the calls of one page, with a session that is remembered."""
    admin = await signed_in(world, world.people.admin, "/account/settings.toml")
    store_calls.forget()
    await admin.open(path)
    assert admin.page
    assert admin.page.status_code == 200
    return store_calls.counts()


async def test_a_page_costs_as_much_as_its_rows_whatever_the_total(
    worlds: OpenWorld, store_calls: CallRecorder
) -> None:
    world = await worlds(wrap=store_calls.wrap)
    costs: list[dict[str, int]] = []
    for letter in "pq":
        for number in range(30):
            await world.registry.identity.accounts.create(f"{letter}{number:02}", by=OPERATOR)
        costs.append(await calls_of(world, store_calls, PAGE))
    assert costs[0] == costs[1]
    assert costs[0]["directory.list_all"] == 1


async def test_the_page_of_an_account_costs_no_more_when_much_has_happened(
    worlds: OpenWorld, store_calls: CallRecorder
) -> None:
    world = await worlds(wrap=store_calls.wrap)
    costs: list[dict[str, int]] = []
    for _ in range(2):
        for _ in range(40):
            await token_of(world.registry, world.people.ann.account, "read")
        costs.append(await calls_of(world, store_calls, world.with_ids(ANN)))
    assert costs[0] == costs[1]
    assert costs[0]["events.stream"] == 1
