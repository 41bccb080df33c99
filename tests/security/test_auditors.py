"""An auditor reads what administrators read, sees no form, and changes nothing."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions.faces import operations
from functions.html.signed_in_pages import AdministratorPages
from shared.domain.coordinates import Coordinate
from shared.domain.event_queries import EventQuery
from shared.domain.principals import OPERATOR
from shared.services.tokens.tokens import TokenRequest
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.refusals import raises_refusal
from tests.support.world import Person, World, limited

pytestmark = pytest.mark.measured

_POSTED_FORM = re.compile(r'<form method="post" action="(?!/sign-out)[^"]*"')
_BUTTON = '<button class="danger'
_ADVISORY = {
    "summary": "Greetings run commands",
    "introduced-0": "1.0.0",
    "fixed-0": "",
    "introduced-1": "",
    "fixed-1": "",
    "details": "It runs what it is sent.",
    "severity": "high",
    "aliases": "",
    "references": "",
    "credits": "",
}
GREET = Coordinate.parse("acme", "greet", "1.0.0")


async def auditor(world: World) -> tuple[Person, Browser]:
    """Return Bob as an auditor, with a browser in which he just signed in."""
    bob = world.people.bob
    await world.registry.administration.auditors.appoint(bob.account, by=OPERATOR)
    return bob, await signed_in(world, bob)


def _routes(method: str, world: World) -> Iterator[str]:
    for each in operations(world.registry.settings):
        if isinstance(each.face, AdministratorPages) and method in each.methods:
            yield each.route


def _path(route: str, world: World) -> str:
    named = {
        "account": world.people.ann.account.id,
        "org": "acme",
        "name": "greet",
        "version": "1.0.0",
    }
    return f"/{route.format_map(named)}" if "{id}" not in route and "{dispute" not in route else ""


async def test_an_auditor_reads_every_page_and_is_shown_no_form(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/other:1.0.0"))
    other = Coordinate.parse("acme", "other", "1.0.0")
    await world.registry.publishing.moderation.hold(other, "A review.", by=OPERATOR)
    _, browser = await auditor(world)
    administrator = await signed_in(world, world.people.admin)
    wrong = list[str]()
    for route in _routes("GET", world):
        path = _path(route, world)
        if not path:
            continue
        if path.endswith("/revoke"):
            used = await world.registry.tokens.access_tokens.list(
                world.people.ann.account.id, by=OPERATOR
            )
            path += f"?token={used[0].token.id}"
        page = await browser.open(path)
        # Some have nothing to show here: no registry is mirrored, and nobody reported anything.
        shown = page if page.status_code == 200 else await administrator.open(path)
        if page.status_code != shown.status_code:
            wrong.append(f"{path}: {page.status_code}")
        wrong += [f"{path}: {form}" for form in _POSTED_FORM.findall(page.text)]
        wrong += [f"{path}: a button" for _ in re.findall('<button class="danger', page.text)]
    assert not wrong, "\n".join(wrong)


async def test_an_auditor_reads_pages_of_one_advisory_and_one_dispute_and_is_shown_no_form(
    world: World,
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    administrator = await signed_in(world, world.people.admin)
    await administrator.open("/manage/advisories?package=acme/greet")
    await administrator.submit("/manage/advisories/draft", package="acme/greet", **_ADVISORY)
    written = await world.registry.advisories.authoring.written_by(None, by=OPERATOR)
    mia = world.people.mia.account
    disputes = world.registry.administration.name_disputes
    opened = await disputes.open("acme", "It is our name.", mia, by=OPERATOR)
    ids = {"id": written[0].id, "dispute": opened.dispute.id}
    world.clock.advance(timedelta(days=8))  # The notice is over, so it can be decided.
    administrator = await signed_in(world, world.people.admin)
    _, browser = await auditor(world)
    left = [each for each in _routes("GET", world) if not _path(each, world)]
    assert len(left) == len(ids)
    wrong = list[str]()
    for route in left:
        path = f"/{route.format_map(ids)}"
        assert _POSTED_FORM.search((await administrator.open(path)).text), path
        page = await browser.open(path)
        if page.status_code != 200 or _POSTED_FORM.search(page.text) or _BUTTON in page.text:
            wrong.append(f"{path}: {page.status_code}")
    assert not wrong, "\n".join(wrong)


async def test_every_form_of_an_auditor_is_refused_and_changes_nothing(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    _, browser = await auditor(world)
    await browser.open("/account")
    before = await world.stores.events.since(0, 1_000)
    wrong = list[str]()
    for route in _routes("POST", world):
        named = {"id": "ADV", "dispute": "acme-x"}
        path = _path(route, world) or f"/{route.format_map(named)}"
        await browser.post(path, reason="It is so.", name="ann")
        page = browser.page
        if page.status_code != 403 or "Nothing was changed" not in page.text:
            wrong.append(f"{path}: {page.status_code}")
        await browser.open("/account")
    assert not wrong, "\n".join(wrong)
    assert await world.stores.events.since(0, 1_000) == before


async def test_an_auditor_has_no_role_by_it(world: World) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    bob, browser = await auditor(world)
    assert (await world.get("/packages/acme/secret/1.0.0", by=bob)).status_code == 404
    assert (await browser.open("/packages/acme/secret")).status_code == 404
    assert (await browser.open("/account/organizations/acme")).status_code == 404


async def test_a_token_with_the_scope_audit_reads_the_log_and_no_private_package(
    world: World,
) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    audit = await limited(world, world.people.admin, "audit")
    log = await world.get("https://registry.test/api/v1/audit.jsonl?after=0", by=audit)
    assert (log.status_code, "acme/secret:1.0.0" in log.text) == (200, True)
    rights = await world.get("https://registry.test/api/v1/rights", by=audit)
    assert rights.status_code == 200
    assert (await world.get("/packages/acme/secret/1.0.0", by=audit)).status_code == 404


async def test_who_is_dismissed_reads_nothing_any_more(world: World) -> None:
    bob, browser = await auditor(world)
    auditors = world.registry.administration.auditors
    assert (await browser.open("/manage")).status_code == 200
    await auditors.dismiss(bob.account, "The audit ended.", by=OPERATOR)
    assert (await browser.open("/manage")).status_code == 404
    show = world.registry.administration.accounts.show
    said = await show(bob.account.id, EventQuery(), by=OPERATOR)
    kinds = [event.kind for _, event in said.log.events]
    assert kinds.count("auditor.appointed") == kinds.count("auditor.dismissed") == 1


async def test_only_administrators_issue_a_token_that_audits(world: World) -> None:
    bob, _ = await auditor(world)
    admin = world.people.admin
    issue = world.registry.tokens.access_tokens.issue
    wanted = _request()
    for person in (world.people.ann, bob):
        with raises_refusal("not-permitted"):
            await issue(person.account.id, wanted, by=world.fresh(person))
    with raises_refusal("not-permitted"):
        await issue(world.people.ann.account.id, wanted, by=OPERATOR)
    await issue(bob.account.id, wanted, by=OPERATOR)  # The operator hands one to an auditor.
    await issue(admin.account.id, wanted, by=world.fresh(admin))
    stale = world.fresh(admin)
    world.clock.advance(timedelta(minutes=11))
    with raises_refusal("sign-in-again"):
        await issue(admin.account.id, wanted, by=stale)


@pytest.mark.parametrize(
    ("scopes", "org", "days"),
    [(["audit", "manage"], "*", 30), (["audit"], "acme", 30), (["audit"], "*", 91)],
)
def test_a_token_that_audits_does_nothing_else_and_ends(
    scopes: list[str], org: str, days: int
) -> None:
    with raises_refusal("invalid-request"):
        TokenRequest.parse("siem", scopes, org=org, package="*", days=days)


def _request() -> TokenRequest:
    return TokenRequest.parse("siem", ["audit"], org="*", package="*", days=None)
