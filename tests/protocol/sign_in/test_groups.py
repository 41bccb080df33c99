"""Roles by groups: what a sign-in gives, when it ends, and what hostile or missing groups do."""

import dataclasses
from typing import Any

import pytest

from shared.domain.access import Membership
from shared.domain.accounts import MAX_GROUPS, Account, Identity, Staff
from shared.domain.errors.base import Conflict, Invalid
from shared.domain.group_rules import MAX_GROUP_RULES, GroupRules
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Role
from shared.services.records import all_entities
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.sign_in import SignInWorld, open_sign_in
from tests.support.world import URL, OpenWorld, Person, token_of

pytestmark = pytest.mark.measured

GROUP = "8f7c2f0e-5d0b-4c0a-9a56-0f5c2b7d9e11"
OTHER = "00000000-0000-0000-0000-000000000001"
MAINTAINERS = f"entra:{GROUP} -> acme, maintainer"
OVERAGE: dict[str, Any] = {
    "_claim_names": {"groups": "src1"},
    "_claim_sources": {"src1": {"endpoint": "https://graph.windows.net/t/users/u/x"}},
}
ON: dict[str, Any] = {"entra_groups": True, "oidc_groups_claim": "teams"}


@pytest.fixture
async def company(worlds: OpenWorld) -> SignInWorld:
    """Return a registry that reads groups."""
    return await open_sign_in(worlds, **ON)


async def rule(company: SignInWorld, *rules: str) -> None:
    """Store the rules, as the administrator."""
    world = company.world
    changes = world.registry.identity.group_rules
    await changes.replace(GroupRules.parse(rules), by=world.fresh(world.people.admin))


async def sign_in(company: SignInWorld, kind: str = "entra", **claims: Any) -> Browser:
    """Sign the person at the issuer in with these claims alone beside their names."""
    person = company.issuer.person
    kept = ("oid", "tid", "preferred_username", "email_verified")
    person.claims = {name: person.claims[name] for name in kept} | claims
    return await company.signed_in(kind)


async def kim(company: SignInWorld) -> Account:
    accounts = await all_entities(company.world.stores.directory, Account)
    return next(each for each in accounts if each.name == "kim")


async def member(company: SignInWorld, name: str = "kim") -> dict[str, Any] | None:
    """Return a member of acme as its owner reads it."""
    answer = await company.world.get(f"{URL}/api/v1/orgs/acme/members", by=company.world.people.ann)
    found = [each for each in answer.json()["members"] if each["name"] == name]
    return found[0] if found else None


async def role(company: SignInWorld) -> str | None:
    found = await member(company)
    return found["role"] if found else None


async def push(company: SignInWorld, person: Person, version: str) -> bool:
    """Say whether a push to acme succeeds; otherwise it is refused for the missing role."""
    form = multipart("x.bala", bala(f"acme/tools:{version}"))
    sent = await company.world.upload(form, by=person)
    assert sent.status_code == 204 or "You may not publish" in sent.text, sent.text
    return sent.status_code == 204


# --- Getting and losing roles -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "claims", "source"),
    [
        ("entra", {"groups": [OTHER, GROUP]}, f"entra:{GROUP}"),
        ("entra", {"roles": ["Packages"]}, "entra:role:Packages"),
        ("oidc", {"teams": ["/team/dev"]}, "oidc:/team/dev"),
        ("oidc", {"teams": "/team/dev"}, "oidc:/team/dev"),  # A text in place of a list.
    ],
)
async def test_a_role_by_a_group_comes_with_a_sign_in_and_ends_with_one(
    company: SignInWorld, kind: str, claims: dict[str, Any], source: str
) -> None:
    await rule(company, f"{source} -> acme, maintainer")
    await sign_in(company, kind, **claims)
    person = Person(await kim(company), await token_of(company.world.registry, await kim(company)))
    assert await member(company) is not None
    assert await push(company, person, "1.0.0")
    await sign_in(company, kind)
    assert await member(company) is None
    assert not await push(company, person, "1.1.0")


async def test_a_renewal_asks_the_directory_and_ends_the_role_of_somebody_who_left(
    company: SignInWorld,
) -> None:
    await rule(company, MAINTAINERS)
    browser = await sign_in(company, groups=[GROUP])
    person = Person(await kim(company), await token_of(company.world.registry, await kim(company)))
    company.issuer.graph_groups = [GROUP]
    company.wait(minutes=10)
    await browser.get("/account")
    assert company.issuer.calls[-1] == "groups of object-of-kim"
    assert await push(company, person, "1.0.0")
    company.issuer.graph_groups = None
    company.wait(minutes=10)
    await browser.get("/account")
    company.wait(seconds=5)
    assert not await push(company, person, "1.1.0")
    assert await member(company) is None
    assert (await company.events(person.account.id))[-1] == "member.removed"


async def test_while_the_directory_is_away_roles_hold_for_a_time_and_then_only_read(
    company: SignInWorld,
) -> None:
    await rule(company, MAINTAINERS, f"entra:{GROUP} -> administrator")
    await company.world.push(bala("acme/secret:1.0.0", visibility="private"))
    browser = await sign_in(company, groups=[GROUP])
    person = Person(await kim(company), await token_of(company.world.registry, await kim(company)))
    company.issuer.graph_status = 503
    for _ in range(7):
        company.wait(hours=20)
        await browser.get("/account")
    assert await push(company, person, "1.0.0")
    assert (await company.world.get(f"{URL}/api/v1/groups", by=person)).status_code == 200
    company.wait(hours=20)
    await browser.get("/account")
    company.wait(hours=8)
    assert not await push(company, person, "1.1.0")
    assert (await company.world.get(f"{URL}/api/v1/groups", by=person)).status_code == 403
    assert (await browser.get("/manage/accounts")).status_code == 404
    assert await role(company) == "member"
    page = await signed_in(company.world, company.world.people.ann)
    await page.get("/account/organizations/acme")
    assert "maintainer by a group, which allows reading alone" in page.page.text
    pulled = await company.world.get("/packages/acme/secret/1.0.0", by=person)
    assert pulled.status_code in (200, 302)
    company.issuer.graph_status, company.issuer.graph_groups = 200, [GROUP]
    await sign_in(company, groups=[GROUP])
    assert await push(company, person, "1.1.0")


async def test_a_removed_identity_takes_its_groups_with_it(company: SignInWorld) -> None:
    await rule(company, "oidc:dev -> acme, member")
    browser = await sign_in(company, "entra", teams=["dev"])
    assert await role(company) is None
    await browser.choose("/sign-in?for=link", "oidc")
    assert await role(company) == "member"
    account, world = await kim(company), company.world
    by = world.fresh(Person(account, ""))
    identities = world.registry.identity.identities
    [linked] = [each for each in await identities.of(by=by) if each.provider == "oidc"]
    await identities.remove(linked.id, by=by)
    assert await role(company) is None


async def test_staff_is_who_a_group_makes_staff(company: SignInWorld) -> None:
    by_groups, by_provider = Staff.parse("groups"), Staff.parse("@example.com, ENTRA")
    await rule(company, f"entra:{GROUP} -> staff")
    await sign_in(company, groups=[GROUP])
    assert by_groups.includes(await kim(company))
    assert not (await kim(company)).administrator
    await sign_in(company, groups=[])
    assert not by_groups.includes(await kim(company))
    assert by_provider.includes(await kim(company))
    assert not Staff.parse("github, @test.example").includes(await kim(company))


# --- By hand and by groups ----------------------------------------------------------------------


async def test_roles_by_hand_and_by_groups_stand_apart(company: SignInWorld) -> None:
    world = company.world
    await rule(company, MAINTAINERS)
    browser = await sign_in(company, groups=[GROUP])
    found = await member(company)
    assert found is not None
    assert (found["role"], found["roleByHand"], found["roleByGroups"], found["groups"]) == (
        "maintainer",
        None,
        "maintainer",
        [f"entra:{GROUP}"],
    )
    page = await signed_in(world, world.people.ann)
    await page.get("/account/organizations/acme")
    assert "maintainer by a group" in page.page.text
    memberships, account = world.registry.organizations.memberships, await kim(company)
    with pytest.raises(Conflict) as refusal:
        await memberships.remove_member(
            parse_org("acme"), account, by=world.fresh(world.people.ann)
        )
    assert refusal.value.code == "member-by-group"
    await memberships.set_member(parse_org("acme"), account, Role.MEMBER, by=OPERATOR)
    found = await member(company)
    assert found is not None
    assert (found["role"], found["roleByHand"]) == ("maintainer", "member")
    await browser.get("/account")
    await sign_in(company)
    found = await member(company)
    assert found is not None
    assert (found["role"], found["roleByHand"], found["roleByGroups"]) == ("member", "member", None)
    await memberships.remove_member(parse_org("acme"), account, by=OPERATOR)
    assert await member(company) is None


async def test_an_owner_by_a_group_is_not_the_owner_that_an_organization_keeps(
    company: SignInWorld,
) -> None:
    await rule(company, f"entra:{GROUP} -> acme, owner")
    await sign_in(company, groups=[GROUP])
    memberships = company.world.registry.organizations.memberships
    with pytest.raises(Conflict) as refusal:
        await memberships.remove_member(
            parse_org("acme"), company.world.people.ann.account, by=OPERATOR
        )
    assert refusal.value.code == "last-owner"


async def test_no_rule_takes_the_last_administrator(company: SignInWorld) -> None:
    world, administrators = company.world, company.world.registry.administration.administrators
    await rule(company, f"entra:{GROUP} -> administrator")
    await sign_in(company, groups=[GROUP])
    assert (await kim(company)).administrator
    for account, code in (
        (world.people.admin.account, "last-administrator"),
        (await kim(company), "administrator-by-group"),
    ):
        with pytest.raises(Conflict) as refusal:
            await administrators.dismiss(account, by=OPERATOR)
        assert refusal.value.code == code
    await administrators.appoint(await kim(company), by=OPERATOR)
    await administrators.dismiss(world.people.admin.account, by=OPERATOR)
    await sign_in(company)
    assert [each.name for each in await administrators.all()] == ["kim"]


# --- Bad input ----------------------------------------------------------------------------------

MANY = [f"{number:08x}-0000-0000-0000-000000000000" for number in range(5_000)]


@pytest.mark.parametrize(
    ("kind", "claims", "graph", "expected"),
    [
        ("entra", OVERAGE, [*MANY[:200], GROUP], "maintainer"),
        ("entra", {"hasgroups": True}, [GROUP], "maintainer"),
        ("entra", OVERAGE, 503, None),  # 201 groups, and Graph is away: nothing is known yet.
        ("entra", OVERAGE, 403, None),
        ("entra", OVERAGE, "no list", None),
        ("entra", {"groups": GROUP}, [], "maintainer"),
        ("entra", {"groups": [GROUP, 7, None, {"x": 1}, "", "a" * 500]}, [], "maintainer"),
        ("entra", {"groups": {"x": GROUP}}, [], None),
        ("entra", {"groups": ["role:Packages"]}, [], None),  # Called like an app role.
        ("entra", {"teams": [GROUP]}, [], None),
        ("oidc", {"teams": [GROUP]}, [], None),  # The same subject elsewhere.
        ("oidc", {**OVERAGE, "teams": ["dev"]}, [], "member"),
        ("oidc", {"teams": ["dev\u202e", "dev ", "DEV"]}, [], None),
        ("github", {"teams": ["dev"]}, [], None),
    ],
)
async def test_what_providers_say_gives_no_role_that_no_rule_gives(
    company: SignInWorld, kind: str, claims: dict[str, Any], graph: Any, expected: str | None
) -> None:
    await rule(
        company, MAINTAINERS, "entra:role:Packages -> acme, owner", "oidc:dev -> acme, member"
    )
    is_status = isinstance(graph, int)
    company.issuer.graph_status = graph if is_status else 200
    company.issuer.graph_groups = [] if is_status else graph
    await sign_in(company, kind, **claims)
    assert await role(company) == expected
    assert not any("graph.windows.net" in each for each in company.internet.asked)


async def test_the_subject_of_another_provider_is_another_person(worlds: OpenWorld) -> None:
    company = await open_sign_in(worlds, **ON, oidc_issuer="https://other.test")
    await rule(company, MAINTAINERS, "oidc:dev -> acme, owner")
    await sign_in(company, groups=["dev"])
    other = dataclasses.replace(company.issuer, url="https://other.test")
    company.internet.issuers.append(other)
    other.person = dataclasses.replace(
        company.issuer.person, subject="object-of-kim", claims={"teams": [GROUP]}
    )
    await Browser(company.world, other).get("/sign-in/oidc")
    identities = await all_entities(company.world.stores.directory, Identity)
    found = {(e.account, e.issuer) for e in identities if e.identifier == "object-of-kim"}
    assert len({account for account, _ in found}) == len(found) == 2
    members = await all_entities(company.world.stores.directory, Membership)
    assert [each for each in members if each.group] == []


async def test_two_hundred_and_one_groups_keep_the_known_role_while_graph_is_away(
    company: SignInWorld,
) -> None:
    await rule(company, MAINTAINERS)
    await sign_in(company, groups=[GROUP])
    company.issuer.graph_status = 503
    await sign_in(company, **OVERAGE)
    assert await role(company) == "maintainer"


async def test_somebody_in_five_thousand_groups_is_stored_within_a_limit(
    company: SignInWorld,
) -> None:
    await rule(company, f"entra:{MANY[0]} -> acme, member")
    company.issuer.graph_groups = MANY
    await sign_in(company, **OVERAGE)
    identities = await all_entities(company.world.stores.directory, Identity)
    [stored] = [each for each in identities if each.label == "kim"]
    assert len(stored.groups) == MAX_GROUPS
    assert await role(company) == "member"


async def test_a_group_of_five_thousand_members_is_tried_in_batches(company: SignInWorld) -> None:
    directory = company.world.stores.directory
    for number in range(5_000):
        await directory.add(
            Identity(
                issuer="i",
                identifier=str(number),
                account=f"{number:010}",
                label="",
                provider="entra",
                linked_ms=0,
                groups=(GROUP,),
                groups_ms=1,
            )
        )
    by = company.world.fresh(company.world.people.admin)
    wanted = GroupRules.parse([MAINTAINERS, f"entra:{OTHER} -> staff"])
    found = await company.world.registry.identity.group_rules.dry_run(wanted, by=by)
    assert (found.accounts_read, len(found.effects)) == (5_000, 5_000)
    assert found.effects[0].then == "maintainer"
    assert found.unknown_groups == (f"entra:{OTHER}",)
    assert not [e for e in await all_entities(directory, Membership) if e.group]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("entra:Developers -> acme, member", "is not the object id"),  # A name can be used again.
        (f"okta:{GROUP} -> acme, member", "its provider is none of entra, oidc"),
        (f"{GROUP} -> staff", "is no rule"),
        ("oidc:dev -> acme", "gives neither administrator nor staff"),
        ("oidc:dev -> acme, boss", "its role is none of owner"),
        ("oidc:dev", "is no rule"),
        ("oidc: -> staff", "is no rule"),
        ("oidc:dev -> ", "is no rule"),
        ("oidc:dev\u202e -> staff", "is no rule"),
        (f"oidc:{'x' * 201} -> staff", "more than 200 characters"),
        ("oidc:dev -> no org, member", "organization"),
        ("oidc:dev -> staff\noidc:dev -> Staff", "Keep one"),
        ("\n".join(f"oidc:{n} -> staff" for n in range(MAX_GROUP_RULES + 1)), "There can be 500"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(line: str, said: str) -> None:
    with pytest.raises(Invalid) as refusal:
        GroupRules.parse(line.split("\n"))
    assert said in str(refusal.value)
