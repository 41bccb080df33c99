"""Forms leave the bounds of their fields to the services, which refuse what the API refuses."""

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from functions.api.openapi import OPERATIONS
from shared.domain.advisories.advisories import AdvisoryState
from shared.domain.coordinates import Package
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Action, Role
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.webhooks import Topic
from shared.services.organizations.invitations import InvitationRequest
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from shared.services.tokens.trusted_publishers import PublisherRequest
from shared.use_cases import (
    accounts,
    advisories,
    approved_packages,
    freezes,
    groups,
    invitations,
    members,
    moderation,
    organizations,
    own_releases,
    packages,
    reports,
    rules,
    scim,
    staged_releases,
    tokens,
    trusted_publishers,
    webhooks,
)
from shared.use_cases.inputs import shown_fields
from shared.use_cases.use_case import UseCase
from tests.support.advisories import advisory, affected
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.reporters import report
from tests.support.trusted_publishing import SETTINGS
from tests.support.world import OpenWorld, World

ACME = parse_org("acme")
SIGN_IN = {
    "oidc_issuer": "https://login.test",
    "oidc_client_id": "ballroom",
    "oidc_client_secret": "a secret of a test",
}
PAGE = "/account/organizations/acme"
PACKAGE = f"{PAGE}/packages/greet"
RELEASE = "/manage/releases/acme/greet/1.0.0"
WHY = {"reason": "A case."}
REPORT = "/account/reports/acme/greet/1.0.0"
FREEZE = "/manage/organizations/acme/freeze"
RECEIVER = "https://hooks.example.org/ballroom"
PUBLISHER = {
    "package": "greet",
    "provider": "github",
    "repository_id": "74",
    "repository_owner_id": "65",
    "workflow": "release.yml",
    "refs": "refs/heads/main",
}
# Pages erase a release of others where they confirm the proposal of a token;
# tests/protocol/api/test_assessments.py sends the form of an assessment, and
# tests/protocol/rules/test_staged_releases.py that of a refusal. Those of approvals and of rules
# are in tests/protocol/mirror/test_approvals.py and tests/protocol/rules/test_retention.py.
WITHOUT_A_FORM = {
    moderation.erase,
    advisories.assess,
    staged_releases.refuse,
    approved_packages.approve,
    approved_packages.refuse,
    approved_packages.withdraw,
    rules.change_organization_rules,
    rules.dry_run_organization_rules,
}
# A form cannot choose more than there are, and has so many rows.
OF_ENUMS = {"scopes", "events", "affected", "accounts"}
ADVISORY = {"summary": "It greets strangers", "introduced-0": "0"}


WANTED = PublisherRequest(
    package=Package.parse("acme", "greet"),
    provider=Provider.GITHUB,
    ids={"repository_id": "74", "repository_owner_id": "65"},
    rules={"workflow": "publish.yml", "refs": ["refs/heads/main"]},
)


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that takes jobs of every CI system, and whose people sign in with OpenID
    Connect."""
    return await worlds(**SETTINGS, **SIGN_IN)


class FilledForm(Struct, frozen=True):
    """The form of a use case, filled in so that it is accepted; braces stand for ids."""

    case: UseCase[Any, Any, Any]
    path: str
    values: Mapping[str, str]


def of_registry(case: UseCase[Any, Any, Any]) -> UseCase[Any, Any, Any]:
    """Return the use case as administrators have it."""
    return replace(case, right=Action.OPERATE)


FORMS = (
    FilledForm(advisories.draft, f"{PAGE}/advisories/draft", {"package": "acme/greet", **ADVISORY}),
    FilledForm(advisories.change, f"{PAGE}/advisories/{{draft}}/change", ADVISORY),
    FilledForm(advisories.withdraw, f"{PAGE}/advisories/{{published}}/withdraw", {}),
    FilledForm(
        of_registry(advisories.draft),
        "/manage/advisories/draft",
        {"package": "acme/greet", **ADVISORY},
    ),
    FilledForm(
        of_registry(advisories.change), "/manage/advisories/{draft_of_registry}/change", ADVISORY
    ),
    FilledForm(
        of_registry(advisories.withdraw),
        "/manage/advisories/{published_of_registry}/withdraw",
        WHY,
    ),
    FilledForm(tokens.issue, "/account/tokens", {"name": "laptop", "scope": "read"}),
    FilledForm(tokens.issue_for_organization, f"{PAGE}/tokens", {"name": "robot", "scope": "read"}),
    FilledForm(tokens.rename, f"{PAGE}/tokens/rename", {"token": "{token}", "name": "nightly"}),
    FilledForm(tokens.rotate, f"{PAGE}/tokens/rotate", {"token": "{token}"}),
    FilledForm(tokens.revoke, f"{PAGE}/tokens/revoke", {"token": "{token}"}),
    FilledForm(webhooks.add, f"{PAGE}/webhooks/add", {"url": RECEIVER, "events": "release"}),
    FilledForm(webhooks.rotate, f"{PAGE}/webhooks/{{webhook}}/rotate", {}),
    FilledForm(webhooks.remove, f"{PAGE}/webhooks/{{webhook}}/remove", {}),
    FilledForm(invitations.invite, f"{PAGE}/invite", {"role": "member"}),
    FilledForm(invitations.revoke, f"{PAGE}/withdraw", {"invitation": "{invitation}"}),
    FilledForm(members.change_role, f"{PAGE}/role", {"account": "{mia}", "role": "maintainer"}),
    FilledForm(members.remove, f"{PAGE}/remove", {"account": "{mia}"}),
    FilledForm(members.cancel_role_change, f"{PAGE}/undo", {"account": "{bob}"}),
    FilledForm(
        organizations.change,
        f"{PAGE}/describe",
        {"display_name": "Acme", "description": "Anvils", "links": "https://acme.example.org"},
    ),
    FilledForm(organizations.continue_as, f"{PAGE}/continue", {"continued_as": ""}),
    FilledForm(organizations.delete, f"{PAGE}/delete", {}),
    FilledForm(
        packages.change_visibility,
        f"{PACKAGE}/visibility",
        {"visibility": "private", "confirm": "greet"},
    ),
    FilledForm(packages.set_successor, f"{PACKAGE}/successor", {"successor": ""}),
    FilledForm(freezes.freeze_organization, FREEZE, {"reason": "A case."}),
    FilledForm(freezes.freeze_package, FREEZE, {"package": "greet", "reason": "A case."}),
    FilledForm(trusted_publishers.add, f"{PAGE}/publishers/add", PUBLISHER),
    FilledForm(
        trusted_publishers.remove, f"{PAGE}/publishers/remove", {"publisher": "{publisher}"}
    ),
    FilledForm(
        trusted_publishers.restrict_pushers, f"{PACKAGE}/pushers", {"pushers": "publishers"}
    ),
    FilledForm(moderation.hold, f"{RELEASE}/hold", WHY),
    FilledForm(moderation.quarantine, f"{RELEASE}/quarantine", WHY),
    FilledForm(moderation.remove, f"{RELEASE}/remove", WHY | {"name": "acme/greet:1.0.0"}),
    FilledForm(moderation.hold_package, "/manage/packages/acme/greet/hold", WHY),
    FilledForm(moderation.reject, "/manage/proposals/reject", WHY | {"id": "{proposal}"}),
    FilledForm(own_releases.hold, f"{PACKAGE}/versions/hold", WHY | {"version": "1.0.0"}),
    FilledForm(
        own_releases.erase,
        f"{PACKAGE}/versions/erase",
        WHY | {"version": "1.0.0", "confirm": "1.0.0"},
    ),
    FilledForm(reports.make, REPORT, {"why": "malware", "text": "It reads keys."}),
    FilledForm(
        reports.decide,
        "/manage/reports/acme/greet/1.0.0/decision",
        WHY | {"outcome": "confirmed"},
    ),
    FilledForm(accounts.lock, "/manage/accounts/{mia}/lock", WHY),
    FilledForm(accounts.revoke_tokens, "/manage/accounts/{mia}/revoke-all", WHY | {"name": "mia"}),
    FilledForm(groups.dry_run, "/manage/groups/preview", {}),
    FilledForm(groups.replace, "/manage/groups", {}),
    FilledForm(scim.issue, "/manage/scim/tokens", {"directory": "oidc"}),
)


def bounded_fields(case: UseCase[Any, Any, Any]) -> dict[str, int]:
    """Return how long the fields of a form may be, by their names in the inputs."""
    return {
        name: field.max_length
        for name, field in shown_fields(case.inputs).items()
        if field.max_length is not None and name not in OF_ENUMS
    }


def too_long(name: str, max_length: int) -> str:
    """Return a value of the field that is right but for its length."""
    numbers = range(max_length + 1)
    long = "x" * max_length
    by_name = {
        "addresses": " ".join(f"192.0.2.{each}" for each in numbers),
        "claims": "\n".join(f"claim{each}=1" for each in numbers),
        "email": f"{long}@example.org",
        "links": "\n".join(f"https://acme.example.org/{each}" for each in numbers),
        "references": "\n".join(f"https://acme.example.org/{each}" for each in numbers),
        "refs": " ".join(f"refs/heads/{each}" for each in numbers),
        "rules": "\n".join(f"oidc:{each} -> acme, member" for each in numbers),
        "url": f"{RECEIVER}/{long}",
    }
    return by_name.get(name, f"{long}x")


async def ids_of(world: World) -> dict[str, str]:
    """Make what the forms are about, and return the ids."""
    registry = world.registry
    people = world.people
    ann = world.fresh(people.ann)
    request = TokenRequest.parse("robot", ["read"], org="acme", package="*", days=None)
    issued = await registry.tokens.access_tokens.issue(OfOrganization(ACME), request, by=ann)
    added = await registry.organizations.webhooks.add(ACME, RECEIVER, [Topic.RELEASE], by=ann)
    invitation = InvitationRequest.parse(Role.MEMBER, None, "new")
    invited = await registry.organizations.invitations.invite(ACME, invitation, by=ann)
    publishers = registry.tokens.trusted_publishers
    publisher = await publishers.add(WANTED, by=ann)
    memberships = registry.organizations.memberships
    await memberships.set_member(ACME, people.bob.account, Role.MEMBER, by=OPERATOR)
    await memberships.set_member(ACME, people.bob.account, Role.OWNER, by=ann)
    proposals = registry.publishing.proposals
    proposal = await proposals.reserve_name("evil*", "A case.", by=OPERATOR)
    return {
        **await advisories_of(world),
        "proposal": proposal.id,
        "token": issued.token.id,
        "webhook": added.webhook.id,
        "publisher": publisher.id,
        "invitation": invited.invitation.id,
        "mia": people.mia.account.id,
        "bob": people.bob.account.id,
    }


async def advisories_of(world: World) -> dict[str, str]:
    """Store advisories of an organization and of the registry, and return their ids."""
    store = world.registry.advisories.advisories.store
    about = affected("acme/greet", "introduced 0")
    states = {"draft": AdvisoryState.DRAFT, "published": AdvisoryState.PUBLISHED}
    found = dict[str, str]()
    for name, state in states.items():
        found[name] = (await store(advisory(about, org="acme", state=state), OPERATOR)).id
        of_operator = await store(advisory(about, state=state), OPERATOR)
        found[f"{name}_of_registry"] = of_operator.id
    return found


@pytest.mark.parametrize(
    ("form", "name"),
    [
        pytest.param(form, name, id=f"{form.path} {form.case.rule.__name__} {name}")
        for form in FORMS
        for name in bounded_fields(form.case)
    ],
)
async def test_what_is_too_long_for_the_api_is_refused_by_the_form(
    world: World, form: FilledForm, name: str
) -> None:
    ids = await ids_of(world)
    named = form.path + form.values.get("package", "")
    if "greet" in named or "advisories" in named:
        await world.push(bala("acme/greet:1.0.0"))
    if form.case is reports.decide:
        await report(world, world.fresh(world.people.bob))
    who = world.people.admin if form.path.startswith("/manage/") else world.people.ann
    path = form.path.format_map(ids)
    values = {each: value.format_map(ids) for each, value in form.values.items()}
    browser = await signed_in(world, who, "/account")
    long = too_long(name, bounded_fields(form.case)[name])
    field = shown_fields(form.case.inputs)[name].name
    assert (await browser.post(path, **values | {field: long})).status_code == 400
    assert (await browser.post(path, **values)).status_code in (200, 303)


def test_each_use_case_with_a_form_and_bounds_is_tried() -> None:
    declared = {case for each in OPERATIONS if (case := each.openapi.case) is not None}
    bounded = {each for each in declared if bounded_fields(each)}
    assert {each.case for each in FORMS} == bounded - WITHOUT_A_FORM
