"""Frozen organizations and packages: nothing in them changes, and reading goes on."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from anyio.to_thread import run_sync

from functions.faces import operations
from shared.domain.coordinates import Package
from shared.domain.errors.identity import NotPermitted
from shared.domain.mail import parse_email
from shared.domain.memberships import OWNER_CHANGE_DELAY
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.visibility import Visibility
from shared.services.organizations.invitations import InvitationRequest
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import MAVEN, URL, Person, World, token_of

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
GREET = Package.parse("acme", "greet")
API = "/api/v1/orgs/acme/freeze"
REASON = "Its owner's account was stolen."


async def freeze(world: World, package: Package | None = None) -> None:
    """Freeze acme, or a package of it, as the operator does."""
    freezes = world.registry.organizations.freezes
    if package is None:
        await freezes.freeze_organization(ACME, REASON, by=OPERATOR)
    else:
        await freezes.freeze_package(package, REASON, by=OPERATOR)


@pytest.fixture
async def frozen(world: World) -> World:
    """Return a registry in which acme, which has published, is frozen."""
    await world.push(bala("acme/greet:1.0.0"))
    await freeze(world)
    return world


async def test_a_push_of_bal_into_a_frozen_organization_is_refused_with_400(frozen: World) -> None:
    archive = bala("acme/greet:1.1.0")
    with pytest.raises(ClientFailure, match="froze the organization acme on 21 September 2026"):
        await frozen.push(archive)
    answer = await frozen.upload(multipart("x.bala", archive), by=frozen.people.ann)
    assert answer.status_code == 400
    assert "froze the organization acme" in answer.text


@pytest.mark.parametrize("name", ["greet", "other"])
async def test_a_push_of_maven_into_a_frozen_organization_is_refused_with_403(
    frozen: World, name: str
) -> None:
    path = f"{MAVEN}/acme/{name}/1.1.0/{name}-1.1.0.bala"
    answer = await frozen.send(
        "PUT", path, by=frozen.people.ann, content=bala(f"acme/{name}:1.1.0")
    )
    assert answer.status_code == 403
    assert "froze the organization acme" in answer.text


async def test_an_administrator_publishes_nothing_into_it_either(frozen: World) -> None:
    with pytest.raises(ClientFailure, match="froze the organization acme"):
        await frozen.push(bala("acme/greet:1.1.0"), by=frozen.people.admin)


async def test_reading_goes_on(frozen: World) -> None:
    assert (await frozen.get("/packages/acme/greet")).status_code == 200
    for path in ("members", "tokens", "publishers", "webhooks", "invitations", "audit"):
        answer = await frozen.get(f"{URL}/api/v1/orgs/acme/{path}", by=frozen.people.ann)
        assert answer.status_code == 200, path
    for tab in ("", "/packages", "/packages/greet", "/held", "/tokens", "/log", "/settings"):
        page = await signed_in(frozen, frozen.people.ann, f"/account/organizations/acme{tab}")
        assert page.page
        assert page.page.status_code == 200, tab
        assert REASON in page.text


# Operations on an organization or a package that a freeze does not stop, and why.
NOT_STOPPED = {
    "api_orgs_freeze": "administrators freeze",
    "api_orgs_unfreeze": "administrators unfreeze",
    "api_packages_freeze": "administrators freeze",
    "api_packages_unfreeze": "administrators unfreeze",
    "api_orgs_allow_bursts": "administrators allow it",
    "api_ownership_decide": "administrators decide",
    "api_ownership_request": "who asks changes nothing, and administrators decide",
    "api_org_quota_change": "administrators change it",
    "api_org_approvals_dry_run": "it changes nothing",
    "api_org_retention_dry_run": "it changes nothing",
    "api_org_rules_dry_run": "it changes nothing",
    "api_reports_make": "who reports changes nothing, and administrators decide",
}
ADVISORY = {"summary": "It runs commands", "affected": ["1.0.0.."]}
BODIES: Mapping[str, object] = {
    "api_assessments_assess": {"state": "in_triage", "detail": "We look at it."},
    "api_org_advisories_draft": {"package": "greet", **ADVISORY},
    "api_org_advisories_change": ADVISORY,
    "api_invitations_send": {"role": "member"},
    "api_members_set": {"role": "maintainer"},
    "api_org_tokens_issue": {"name": "ci", "scopes": ["read"]},
    "api_org_tokens_rename": {"name": "ci"},
    "api_org_webhooks_add": {"url": "https://hooks.example.org/x", "events": ["release"]},
    "api_orgs_continue": {"continuedAs": None, "reason": ""},
    "api_orgs_require_provenance": {"requiresProvenance": "ci"},
    "api_staged_releases_refuse": {"reason": "x"},
    "api_org_rules_change": {"staged": True},
    "api_packages_succeed": {"successor": None},
    "api_packages_visibility": {"visibility": "private"},
    "api_publishers_add": {"package": "greet", "provider": "github", "ids": {}},
    "api_publishers_restrict": {"pushers": "members"},
    **{f"api_releases_{act}": {"reason": "x"} for act in ("erase", "hold")},
}


async def test_no_operation_of_the_api_changes_a_frozen_organization(frozen: World) -> None:
    values = {"org": "acme", "name": "greet", "account": frozen.people.mia.account.id}
    owner = await signed_in(frozen, frozen.people.ann)
    tried = list[str]()
    for each in operations(frozen.registry.settings):
        begins = ("api/v1/orgs/{org}", "api/v1/packages/{org}")
        if "GET" in each.methods or not each.route.startswith(begins) or each.name in NOT_STOPPED:
            continue
        path = each.route.format_map(
            {
                **values,
                "id": "0123456789",
                "advisory": "x_BLR-2026-1",
                "number": "1",
                "version": "1.0.0",
            }
        )
        body: Any = BODIES.get(each.name, {})
        answer = await owner.api(each.methods[0], f"/{path}", body)
        assert answer.status_code == 403, (each.name, answer.text)
        assert "froze the organization acme" in answer.text, each.name
        tried.append(each.name)
    assert {"api_members_remove", "api_org_tokens_revoke", "api_orgs_delete"} <= {*tried}
    assert len(tried) > 15


async def test_nobody_joins_or_leaves_a_frozen_organization(world: World) -> None:
    people = world.people
    invitations = world.registry.organizations.invitations
    offer = InvitationRequest.parse(Role.MEMBER, None, "")
    invited = await invitations.invite(ACME, offer, by=world.fresh(people.ann))
    assert invited.link
    await freeze(world)
    code = invited.link.reveal().partition("#")[2]
    with pytest.raises(NotPermitted, match="froze the organization acme"):
        await invitations.accept(code, by=world.fresh(people.bob))
    memberships = world.registry.organizations.memberships
    with pytest.raises(NotPermitted, match="You may not leave acme"):
        await memberships.remove_member(ACME, people.mia.account, by=world.fresh(people.mia))


async def test_a_change_of_owners_that_waits_is_canceled_and_not_applied(world: World) -> None:
    people = world.people
    memberships = world.registry.organizations.memberships
    await memberships.set_member(ACME, people.mia.account, Role.OWNER, by=world.fresh(people.ann))
    await freeze(world)
    world.clock.advance(OWNER_CHANGE_DELAY + timedelta(minutes=1))
    members = await memberships.members(ACME, by=OPERATOR)
    assert {each.name: each.membership.role for each in members} == {
        "ann": Role.OWNER,
        "mia": Role.MEMBER,
    }


async def test_a_deletion_that_waits_is_canceled(world: World) -> None:
    deletion = world.registry.organizations.deletion
    await deletion.delete(ACME, by=world.fresh(world.people.ann))
    await freeze(world)
    world.clock.advance(OWNER_CHANGE_DELAY + timedelta(minutes=1))
    assert (await world.get(f"{URL}/orgs/acme")).status_code == 200


async def test_an_administrator_changes_members_of_a_frozen_organization(frozen: World) -> None:
    memberships = frozen.registry.organizations.memberships
    mia = frozen.people.mia.account
    by = frozen.fresh(frozen.people.admin)
    await memberships.set_member(ACME, mia, Role.OWNER, by=by, reason="She takes over.")
    members = await memberships.members(ACME, by=OPERATOR)
    assert {each.name: each.membership.role for each in members}["mia"] is Role.OWNER


async def test_changes_are_possible_again_after_unfreezing(frozen: World) -> None:
    await frozen.registry.organizations.freezes.unfreeze_organization(ACME, by=OPERATOR)
    await frozen.push(bala("acme/greet:1.1.0"))
    assert await frozen.java().versions("acme/greet") == ["1.1.0", "1.0.0"]


async def test_a_frozen_package_is_not_changed_and_others_are(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await freeze(world, GREET)
    ann = world.people.ann
    with pytest.raises(ClientFailure, match="froze the package acme/greet"):
        await world.push(bala("acme/greet:1.1.0"))
    with pytest.raises(ClientFailure, match="froze the package acme/greet"):
        await world.java(ann).deprecate("acme/greet:1.0.0", "old")
    with pytest.raises(NotPermitted, match="froze the package acme/greet"):
        await world.registry.packages.visibility.change(
            GREET, Visibility.PRIVATE, by=world.fresh(ann)
        )
    await world.push(bala("acme/other:1.0.0"))
    await world.registry.organizations.freezes.unfreeze_package(GREET, by=OPERATOR)
    await world.push(bala("acme/greet:1.1.0"))


async def test_a_token_of_the_organization_publishes_nothing_in_a_frozen_one(world: World) -> None:
    ann = world.people.ann.account
    token = await token_of(world.registry, ann, "push-new", org="acme")
    await freeze(world)
    with pytest.raises(ClientFailure, match="froze the organization acme"):
        await world.push(bala("acme/greet:1.0.0"), by=Person(ann, token))


@pytest.fixture
async def admin(world: World) -> Browser:
    return await signed_in(world, world.people.admin)


async def test_the_api_freezes_shows_and_unfreezes(world: World, admin: Browser) -> None:
    assert (await admin.api("POST", API, {"reason": " "})).json()["error"]["code"] == (
        "reason-missing"
    )
    assert (await admin.api("POST", API, {"reason": REASON})).status_code == 200
    await world.push(bala("other/tool:1.0.0"), by=world.people.bob)
    at = "/api/v1/packages/other/tool/freeze"
    assert (await admin.api("POST", at, {"reason": "It is disputed."})).status_code == 200
    shown = await world.get(URL + API, by=world.people.mia)
    assert shown.json() == {
        "organization": {"frozenAt": "2026-09-21T14:13:20Z", "reason": REASON},
        "packages": [],
    }
    theirs = await world.get(f"{URL}/api/v1/orgs/other/freeze", by=world.people.bob)
    assert [each["name"] for each in theirs.json()["packages"]] == ["tool"]
    assert (await world.get(URL + API, by=world.people.bob)).status_code == 404
    assert (await admin.api("DELETE", API)).status_code == 204
    assert (await admin.api("DELETE", at)).status_code == 204
    await world.push(bala("other/tool:1.1.0"), by=world.people.bob)


async def test_an_owner_neither_freezes_nor_unfreezes(frozen: World) -> None:
    owner = await signed_in(frozen, frozen.people.ann)
    assert (await owner.api("DELETE", API)).status_code == 403
    assert (await owner.api("POST", API, {"reason": "Mine."})).status_code == 403


async def test_a_button_of_administrators_freezes_it_and_members_see_why(world: World) -> None:
    page = await signed_in(world, world.people.admin, "/manage/organizations/acme")
    path = "/manage/organizations/acme"
    assert (await page.submit(f"{path}/freeze", reason="")).status_code == 400
    await page.open(path)
    assert (await page.submit(f"{path}/freeze", reason=REASON)).status_code == 303
    assert "Unfreeze acme" in page.text
    mia = await signed_in(world, world.people.mia, "/account/organizations/acme")
    assert REASON in mia.text
    log = await signed_in(world, world.people.ann, "/account/organizations/acme/log")
    assert "admin froze acme" in log.text
    assert REASON in log.text
    await page.open(path)
    assert (await page.submit(f"{path}/unfreeze")).status_code == 303
    await world.push(bala("acme/greet:1.0.0"))


async def test_a_package_is_frozen_by_the_same_form(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    path = "/manage/organizations/acme"
    page = await signed_in(world, world.people.admin, path)
    assert (await page.submit(f"{path}/freeze", reason=REASON, package="greet")).status_code == 303
    assert "Unfreeze greet" in page.text
    with pytest.raises(ClientFailure, match="froze the package acme/greet"):
        await world.push(bala("acme/greet:1.1.0"))
    assert (await page.submit(f"{path}/unfreeze", package="greet")).status_code == 303
    await world.push(bala("acme/greet:1.1.0"))


async def with_address(world: World, name: str) -> str:
    """Give an account a mail address."""
    person = getattr(world.people, name)
    address = parse_email(f"{name}@example.org")
    await world.registry.identity.accounts.directory.replace(
        person.account.model_copy(update={"email": address})
    )
    return address


async def test_owners_are_told_by_mail(world: World) -> None:
    address = await with_address(world, "ann")
    await freeze(world)
    [mail] = world.mailer.to(address)
    assert mail.subject == "acme is frozen"
    assert f"Reason: {REASON}" in mail.text
    assert "appeal to the operator of the registry" in mail.text


async def test_a_locked_sole_owner_leaves_an_organization_that_the_page_offers_to_freeze(
    world: World,
) -> None:
    ann = world.people.ann.account
    page = await signed_in(world, world.people.admin, f"/manage/accounts/{ann.id}")
    assert "Freeze acme" in page.text
    path = f"/manage/accounts/{ann.id}/lock"
    assert (await page.submit(path, reason=REASON, freeze="yes")).status_code == 303
    shown = await world.registry.organizations.freezes.of(ACME, by=OPERATOR)
    assert shown.freeze
    assert shown.freeze.reason == REASON


@one_machine("its commands find a data folder")
async def test_commands_freeze_and_unfreeze(world: World) -> None:
    terminal = Terminal(world.registry.settings.data)

    async def run(*arguments: str) -> str:
        return await run_sync(partial(terminal.run, *arguments, BALLROOM_URL=URL))

    await world.push(bala("acme/greet:1.0.0"))
    said = await run("account", "lock", "ann", "--reason", REASON)
    assert "org freeze acme" in said
    assert "frozen" in await run("org", "freeze", "acme", "--reason", REASON)
    await run("package", "freeze", "acme/greet", "--reason", REASON)
    organization = await world.registry.organizations.freezes.of(ACME, by=OPERATOR)
    assert organization.freeze
    assert [each.name for each in organization.frozen_packages] == ["greet"]
    await run("org", "unfreeze", "acme")
    await run("package", "unfreeze", "acme/greet")
    organization = await world.registry.organizations.freezes.of(ACME, by=OPERATOR)
    assert (organization.freeze, organization.frozen_packages) == (None, ())
