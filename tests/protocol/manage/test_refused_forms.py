"""A refused form says why beside what was sent, and keeps what was typed."""

import re

import pytest

from shared.domain.advisories.advisories import AdvisoryState
from shared.domain.coordinates import Coordinate
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from tests.protocol.rules.rule_world import set_rules
from tests.support.advisories import advisory, affected
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.reporters import report, reporter
from tests.support.world import World, limited

pytestmark = pytest.mark.measured

GREET = Coordinate.parse("acme", "greet", "1.0.0")
MANY = "/manage/releases/many"
PROPOSALS = "/manage/proposals"
REPORTED = "/manage/reports/acme/greet/1.0.0"
MEMBERS = "/account/organizations/acme"


@pytest.fixture
async def admin(world: World) -> Browser:
    """Return the browser of an administrator where a package is published."""
    await world.push(bala("acme/greet:1.0.0"))
    return await signed_in(world, world.people.admin)


def opened(page: str) -> list[str]:
    """Return the parts of a page that can be opened, and are open."""
    return re.findall(r"<details[^>]* open>(.*?)</details>", page, re.DOTALL)


@pytest.mark.parametrize(
    ("act", "typed", "sentence"),
    [
        ("quarantine", {"reason": " ", "note": "Do not use it."}, "Enter a reason"),
        ("remove", {"reason": "A court order.", "name": "remove 2"}, "To confirm, type the name"),
        ("remove", {"reason": " ", "name": "remove 1"}, "Enter a reason"),
    ],
)
async def test_a_refused_decision_about_many_releases_says_why_beside_its_list(
    admin: Browser, act: str, typed: dict[str, str], sentence: str
) -> None:
    await admin.open(f"{MANY}?of=acme")
    sent = {"act": act, "of": "acme", **typed}
    assert (await admin.submit(MANY, **sent)).status_code == 400
    assert admin.text.count(sentence) == 1
    [form] = opened(admin.text)
    assert sentence in form
    assert all(f'value="{each}"' in form for each in typed.values() if each.strip())
    mended = typed | {"reason": "A court order."}
    if act == "remove":
        mended["name"] = "remove 1"
    assert (await admin.submit(MANY, act=act, **mended)).status_code == 303


async def test_a_refused_rejection_of_a_proposal_says_why_at_its_form(
    world: World, admin: Browser
) -> None:
    scanner = await limited(world, world.people.admin, "moderate")
    await world.push(bala("acme/greet:1.1.0"))
    for version in ("1.0.0", "1.1.0"):
        url = f"https://registry.test/api/v1/moderation/releases/acme/greet/{version}/remove"
        await world.send("POST", url, by=scanner, json={"reason": "It mines coins."})
    await admin.open(PROPOSALS)
    first = re.findall(r'name="id" value="([^"]*)"', admin.text)[0]
    assert (await admin.submit(f"{PROPOSALS}/reject", id=first, reason=" ")).status_code == 400
    [form] = opened(admin.text)
    assert "Enter a reason" in form
    assert f'value="{first}"' in form


async def test_a_refused_decision_about_some_reports_keeps_the_choice(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    chosen = await report(world, await reporter(world, "kim"))
    other = await report(world, world.fresh(world.people.bob))
    admin = await signed_in(world, world.people.admin, REPORTED)
    decision = f"{REPORTED}/decision"
    answer = await admin.submit(decision, "Decide", outcome="false", report=[chosen.id])
    assert answer.status_code == 400
    await admin.submit(decision, "Decide", reason="It is a joke.")
    reports = (await world.registry.publishing.reports.show(GREET, by=OPERATOR)).reports
    states = {each.report.id: each.report.state.value for each in reports}
    assert states == {chosen.id: "false", other.id: "waiting"}


async def test_an_advisory_that_is_not_withdrawn_says_why(world: World, admin: Browser) -> None:
    about = affected("acme/greet", "introduced 0")
    published = advisory(about, state=AdvisoryState.PUBLISHED)
    stored = await world.registry.advisories.advisories.store(published, OPERATOR)
    page = f"/manage/advisories/{stored.id}"
    await admin.open(page)
    assert (await admin.submit(f"{page}/withdraw", reason=" ")).status_code == 400
    assert "Enter a reason" in admin.text


async def test_the_reason_that_a_member_is_removed_for_is_asked_at_their_row(
    world: World, admin: Browser
) -> None:
    bob = world.people.bob.account
    memberships = world.registry.organizations.memberships
    await memberships.set_member(parse_org("acme"), bob, Role.MEMBER, by=OPERATOR)
    await admin.open(MEMBERS)
    answer = await admin.submit(f"{MEMBERS}/remove", account=bob.id, reason=" ")
    assert (answer.status_code, "Enter a reason" in admin.text) == (400, True)


async def test_a_refusal_on_the_page_of_a_package_is_shown_at_one_form(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    page = f"{MEMBERS}/packages/greet"
    ann = await signed_in(world, world.people.ann, page)
    sent = {"version": "1.0.0", "reason": "A secret.", "confirm": "2.0.0"}
    assert (await ann.submit(f"{page}/versions/erase", **sent)).status_code == 400
    [form] = [each for each in ann.text.split("<form") if 'role="alert"' in each]
    assert f'action="{page}/versions/erase"' in form
    assert opened(ann.text) == []


async def test_a_refused_refusal_of_a_staged_release_is_shown_where_it_was_sent(
    world: World,
) -> None:
    await set_rules(world, staged=True)
    await world.push_held(bala("acme/greet:1.0.0"))
    page = f"{MEMBERS}/staged/greet/1.0.0"
    ann = await signed_in(world, world.people.ann, page)
    assert (await ann.submit(f"{page}/refuse", reason=" ")).status_code == 400
    [form] = opened(ann.text)
    assert "Enter a reason" in form


async def test_a_refused_lock_still_freezes_what_only_the_account_owns(
    world: World, admin: Browser
) -> None:
    page = f"/manage/accounts/{world.people.ann.account.id}"
    await admin.open(page)
    assert (await admin.submit(f"{page}/lock", reason=" ", freeze="yes")).status_code == 400
    await admin.submit(f"{page}/lock", reason="A stolen laptop.")
    await admin.open("/manage/organizations/acme")
    assert "A stolen laptop." in admin.text


async def test_a_mistyped_name_leaves_the_reason(world: World, admin: Browser) -> None:
    page = f"/manage/accounts/{world.people.ann.account.id}"
    await admin.open(page)
    revoke = f"{page}/revoke-all"
    answer = await admin.submit(revoke, name="Anne", reason="A stolen laptop.")
    assert answer.status_code == 400
    assert (await admin.submit(revoke, name="ann")).status_code == 303
