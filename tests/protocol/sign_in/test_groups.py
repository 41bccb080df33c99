"""Roles by groups: what a sign-in gives, when it ends, and what hostile or missing groups do."""

import asyncio
import dataclasses
from typing import Any

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.base import Conflict, Invalid
from shared.domain.group_rules import MAX_GROUP_RULES, GroupRules
from shared.domain.identities import MAX_GROUPS, Identity
from shared.domain.memberships import Membership
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.staff import Staff, parse_staff_sources
from shared.services.record_batches import all_entities
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.bal.okhttp import multipart
from tests.security.package_probes import READING, secret, seen
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.sign_in import SignInWorld, open_sign_in
from tests.support.world import URL, OpenWorld, Person, World, token_of

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
    changes = world.registry.administration.group_rules
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
    await browser.open("/account")
    assert company.issuer.calls[-1] == "groups of object-of-kim"
    assert await push(company, person, "1.0.0")
    company.issuer.graph_groups = None
    company.wait(minutes=10)
    await browser.open("/account")
    company.wait(seconds=5)
    sent = await company.world.upload(multipart("x.bala", bala("acme/tools:1.1.0")), by=person)
    assert sent.status_code == 401
    assert await member(company) is None
    assert (await company.events(person.account.id))[-1] == "member.removed"


async def test_while_the_directory_is_away_roles_hold_for_a_time_and_then_end(
    company: SignInWorld,
) -> None:
    await rule(company, MAINTAINERS, f"entra:{GROUP} -> administrator")
    await company.world.push(bala("acme/secret:1.0.0", visibility="private"))
    browser = await sign_in(company, groups=[GROUP])
    person = Person(await kim(company), await token_of(company.world.registry, await kim(company)))
    company.issuer.graph_status = 503
    for _ in range(7):
        company.wait(hours=20)
        await browser.open("/account")
    assert await push(company, person, "1.0.0")
    assert (await company.world.get(f"{URL}/api/v1/groups", by=person)).status_code == 200
    company.wait(hours=20)
    await browser.open("/account")
    company.wait(hours=8)
    assert not await push(company, person, "1.1.0")
    assert (await company.world.get(f"{URL}/api/v1/groups", by=person)).status_code == 403
    assert (await browser.open("/manage/accounts")).status_code == 404
    assert await role(company) is None
    pulled = await company.world.get("/packages/acme/secret/1.0.0", by=person)
    assert pulled.status_code == 404
    company.issuer.graph_status = 200
    company.issuer.graph_groups = [GROUP]
    await sign_in(company, groups=[GROUP])
    assert await push(company, person, "1.1.0")


async def test_a_removed_identity_takes_its_groups_with_it(company: SignInWorld) -> None:
    await rule(company, "oidc:dev -> acme, member")
    browser = await sign_in(company, "entra", teams=["dev"])
    assert await role(company) is None
    await browser.choose("/sign-in?for=link", "oidc")
    assert await role(company) == "member"
    account = await kim(company)
    world = company.world
    by = world.fresh(Person(account, ""))
    identities = world.registry.identity.identities
    [linked] = [each for each in await identities.of(by=by) if each.provider == "oidc"]
    await identities.remove(linked.id, by=by)
    assert await role(company) is None


async def test_staff_is_who_a_group_makes_staff(company: SignInWorld) -> None:
    by_groups = Staff(parse_staff_sources("groups"), reads_groups=False)
    by_provider = Staff(parse_staff_sources("@example.com, ENTRA"), reads_groups=False)
    await rule(company, f"entra:{GROUP} -> staff")
    await sign_in(company, groups=[GROUP])
    now_ms = company.world.clock.now_ms()
    assert by_groups.includes(await kim(company), now_ms)
    assert not (await kim(company)).administrator
    await sign_in(company, groups=[])
    assert not by_groups.includes(await kim(company), now_ms)
    assert by_provider.includes(await kim(company), now_ms)
    assert not Staff(parse_staff_sources("github, @test.example"), reads_groups=False).includes(
        await kim(company), now_ms
    )


# --- The end of what nobody confirms -------------------------------------------------------------


async def until_the_end(company: SignInWorld) -> None:
    """Wait until a second before the role of Kim in acme ends."""
    members = await all_entities(company.world.stores.directory, Membership)
    [ends_ms] = [each.group.until_ms for each in members if each.group]
    company.wait(milliseconds=ends_ms - company.world.clock.now_ms() - 1_000)


async def pulls(company: SignInWorld, *names: str, by: Person) -> list[int]:
    headers = dict(ACCEPT_ARCHIVE)
    paths = [f"/packages/{name}/1.0.0" for name in names]
    return [(await company.world.get(path, headers=headers, by=by)).status_code for path in paths]


@pytest.fixture
async def left(worlds: OpenWorld) -> tuple[SignInWorld, Person]:
    """Return a registry and Kim, who is maintainer of acme and staff by a group, and uses a token
    from now on."""
    company = await open_sign_in(worlds, **ON, staff="groups")
    world = company.world
    await rule(company, MAINTAINERS, f"entra:{GROUP} -> staff")
    await world.push(secret("secret"))
    await world.push(bala("other/inside:1.0.0", visibility="internal"), by=world.people.bob)
    await sign_in(company, groups=[GROUP])
    return company, Person(await kim(company), await token_of(world.registry, await kim(company)))


async def test_five_seconds_after_the_end_a_token_reads_nothing_by_groups(
    left: tuple[SignInWorld, Person],
) -> None:
    company, person = left
    await until_the_end(company)
    assert await pulls(company, "acme/secret", "other/inside", by=person) == [302, 302]
    company.wait(seconds=5)
    assert await pulls(company, "acme/secret", "other/inside", by=person) == [404, 404]
    await sign_in(company, groups=[GROUP])
    company.wait(seconds=5)
    assert await pulls(company, "acme/secret", "other/inside", by=person) == [302, 302]


async def test_what_memory_knows_of_staff_ends_with_the_token_it_was_read_for(
    left: tuple[SignInWorld, Person],
) -> None:
    company, person = left
    await until_the_end(company)
    await pulls(company, "other/inside", by=person)  # The token is read, and the answer kept.
    company.wait(seconds=2.9)
    await pulls(company, "other/none", by=person)  # Rights are read for the token in memory.
    company.wait(seconds=2.9)
    # The second one asks memory, which knows by the first one that the token is one of a guest.
    assert await pulls(company, "other/inside", "other/inside", by=person) == [404, 404]


@pytest.mark.parametrize("function", sorted(READING))
async def test_on_every_face_somebody_whose_roles_ended_sees_what_a_stranger_does(
    ended: tuple[World, Person, Person], function: str
) -> None:
    world, person, stranger = ended
    for probe in READING[function]:
        one, other = [await seen(world, probe.about("secret"), by) for by in (person, stranger)]
        assert one == other, probe


@pytest.fixture(scope="module")
async def ended(shared_worlds: OpenWorld) -> tuple[World, Person, Person]:
    """Return a registry, Kim after the end of her roles by groups, and an account without roles."""
    company = await open_sign_in(shared_worlds, **ON, staff="groups")
    world = company.world
    await rule(company, MAINTAINERS, f"entra:{GROUP} -> staff", f"entra:{GROUP} -> administrator")
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(secret("secret"))
    await sign_in(company, groups=[GROUP])
    sam = await world.registry.identity.accounts.create("sam", by=OPERATOR)
    person = Person(await kim(company), await token_of(world.registry, await kim(company)))
    stranger = Person(sam, await token_of(world.registry, sam))
    company.wait(days=8)
    return world, person, stranger


async def test_a_refused_push_says_when_the_role_ended_and_how_to_renew_it(
    left: tuple[SignInWorld, Person],
) -> None:
    company, person = left
    await until_the_end(company)
    company.wait(seconds=5)
    sent = await company.world.upload(multipart("x.bala", bala("acme/tools:1.0.0")), by=person)
    assert "your role maintainer of acme was by a group and ended on" in sent.text
    assert "Sign in to the registry in a browser to renew it." in sent.text


async def test_a_role_by_hand_stays_when_the_one_by_groups_ends(
    left: tuple[SignInWorld, Person],
) -> None:
    company, person = left
    memberships = company.world.registry.organizations.memberships
    await memberships.set_member(parse_org("acme"), person.account, Role.MEMBER, by=OPERATOR)
    await until_the_end(company)
    company.wait(seconds=5)
    assert await role(company) == "member"
    assert await pulls(company, "acme/secret", by=person) == [302]
    assert not await push(company, person, "1.0.0")


async def test_somebody_whose_role_ended_can_be_invited_again(
    left: tuple[SignInWorld, Person],
) -> None:
    company, person = left
    await until_the_end(company)
    company.wait(seconds=5)
    memberships = company.world.registry.organizations.memberships
    await memberships.set_member(parse_org("acme"), person.account, Role.MEMBER, by=OPERATOR)
    found = await member(company)
    assert found is not None
    assert (found["role"], found["roleByHand"]) == ("member", "member")
    await sign_in(company, groups=[GROUP])
    assert await role(company) == "maintainer"


@pytest.mark.parametrize("days", [0, 8])
async def test_a_deleted_account_leaves_no_role_by_groups_behind(
    left: tuple[SignInWorld, Person], days: int
) -> None:
    company, person = left
    company.wait(days=days)
    deletion = company.world.registry.administration.account_deletion
    await deletion.delete(by=company.world.fresh(person))
    members = await all_entities(company.world.stores.directory, Membership)
    assert person.account.id not in {each.account for each in members}


async def test_the_last_owner_by_hand_with_a_role_by_groups_cannot_delete_the_account(
    left: tuple[SignInWorld, Person],
) -> None:
    company, person = left
    world = company.world
    memberships = company.world.registry.organizations.memberships
    acme = parse_org("acme")
    await memberships.set_member(
        acme, person.account, Role.OWNER, by=OPERATOR, reason="It was decided."
    )
    await memberships.remove_member(
        acme, world.people.ann.account, by=OPERATOR, reason="It was decided."
    )
    deletion = world.registry.administration.account_deletion
    with pytest.raises(Conflict) as refusal:
        await deletion.delete(by=world.fresh(person))
    assert refusal.value.code == "last-owner"


@pytest.mark.parametrize("staff", ["", "entra"])
async def test_nobody_is_staff_whose_provider_says_groups_and_did_not_for_too_long(
    worlds: OpenWorld, staff: str
) -> None:
    company = await open_sign_in(worlds, **ON, staff=staff)
    world = company.world
    await world.push(bala("other/inside:1.0.0", visibility="internal"), by=world.people.bob)
    await sign_in(company, groups=[])
    person = Person(await kim(company), await token_of(world.registry, await kim(company)))
    assert await pulls(company, "other/inside", by=person) == [302]
    company.wait(days=8)
    assert await pulls(company, "other/inside", by=person) == [404]
    assert await pulls(company, "other/inside", by=world.people.admin) == [302]


@pytest.mark.parametrize(("settings", "status"), [({}, 302), (ON, 404)], ids=["off", "on"])
async def test_without_groups_of_a_provider_staff_has_no_end(
    worlds: OpenWorld, settings: dict[str, Any], status: int
) -> None:
    company = await open_sign_in(worlds, **settings)
    world = company.world
    await world.push(bala("other/inside:1.0.0", visibility="internal"), by=world.people.bob)
    await sign_in(company, groups=[GROUP])
    person = Person(await kim(company), await token_of(world.registry, await kim(company)))
    company.wait(days=80)
    assert await pulls(company, "other/inside", by=person) == [status]


# --- Notice of the end ---------------------------------------------------------------------------


async def apply_rules(company: SignInWorld) -> None:
    await company.world.registry.maintenance.task_runner.run("apply-group-rules")


@pytest.mark.parametrize(("hours", "days_before"), [(24 * 7, 3.5), (24 * 30, 7)])
async def test_a_week_before_roles_by_groups_end_their_person_gets_one_mail(
    worlds: OpenWorld, hours: int, days_before: float
) -> None:
    company = await open_sign_in(worlds, **ON, staff="groups", group_roles_hours=hours)
    await rule(company, MAINTAINERS, f"entra:{GROUP} -> staff")
    company.issuer.person.email = "kim@example.org"
    await sign_in(company, groups=[GROUP], email="kim@example.org")
    account = await kim(company)
    await company.world.stores.directory.replace(
        account.model_copy(update={"email": "kim@example.org"})
    )
    members = await all_entities(company.world.stores.directory, Membership)
    [ends_ms] = [each.group.until_ms for each in members if each.group]
    sent: list[float] = []
    for _ in range(hours // 6):
        before = len(await company.mails())
        await apply_rules(company)
        left_ms = ends_ms - company.world.clock.now_ms()
        sent += [left_ms / 86_400_000] * (len(await company.mails()) - before)
        company.wait(hours=6)
    assert [days_before - 0.25 < each <= days_before for each in sent] == [True]
    mail = (await company.mails())[-1]
    assert "maintainer of acme\n  staff, who read internal packages" in mail.text
    assert f"sign in: {URL}/sign-in" in mail.text


async def test_nobody_who_signs_in_in_time_gets_mail(company: SignInWorld) -> None:
    await rule(company, MAINTAINERS)
    for _ in range(20):
        await sign_in(company, groups=[GROUP])
        await apply_rules(company)
        company.wait(days=2)
    assert not [each for each in await company.mails() if "roles by groups" in each.subject]


async def test_the_task_applies_rules_and_ends_what_older_versions_stored_without_an_end(
    worlds: OpenWorld,
) -> None:
    company = await open_sign_in(worlds, **ON, staff="groups")
    directory = company.world.stores.directory
    await rule(company, f"entra:{GROUP} -> staff")
    await sign_in(company, groups=[GROUP])
    account = await kim(company)
    assert account.by_groups
    older = account.by_groups.model_copy(update={"staff_until_ms": None})
    stored = account.model_copy(update={"by_groups": older, "groups_until_ms": None})
    await directory.replace(stored)
    company.wait(days=8)
    staff = Staff(parse_staff_sources("groups"), reads_groups=False)
    assert staff.includes(await kim(company), company.world.clock.now_ms())
    await apply_rules(company)
    assert not staff.includes(await kim(company), company.world.clock.now_ms())
    await rule(company)
    await apply_rules(company)
    assert (await kim(company)).by_groups is None


async def test_pages_say_when_roles_by_groups_end(company: SignInWorld) -> None:
    await rule(company, "oidc:dev -> acme, maintainer")
    browser = await sign_in(company, "oidc", teams=["dev"])
    owner = await signed_in(company.world, company.world.people.ann)
    await owner.open("/account/organizations/acme")
    assert "maintainer by a group, until" in owner.page.text
    await browser.open("/account")
    assert "by a group" not in browser.page.text
    for days, said in ((5, "ends"), (3, "ended")):
        company.wait(days=days)
        browser = await signed_in(company.world, Person(await kim(company), ""))
        await browser.open("/account")
        assert (
            f"Your role <strong>maintainer of acme</strong> by a group {said}" in browser.page.text
        )
        admin = await signed_in(company.world, company.world.people.admin)
        await admin.open(f"/manage/accounts/{(await kim(company)).id}")
        assert f"maintainer of acme by a group, {said}" in admin.page.text


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
    await page.open("/account/organizations/acme")
    assert "maintainer by a group" in page.page.text
    memberships = world.registry.organizations.memberships
    account = await kim(company)
    with pytest.raises(Conflict) as refusal:
        await memberships.remove_member(
            parse_org("acme"), account, by=world.fresh(world.people.ann)
        )
    assert refusal.value.code == "member-by-group"
    await memberships.set_member(parse_org("acme"), account, Role.MEMBER, by=OPERATOR)
    found = await member(company)
    assert found is not None
    assert (found["role"], found["roleByHand"]) == ("maintainer", "member")
    await browser.open("/account")
    await sign_in(company)
    found = await member(company)
    assert found is not None
    assert (found["role"], found["roleByHand"], found["roleByGroups"]) == ("member", "member", None)
    await memberships.remove_member(
        parse_org("acme"), account, by=OPERATOR, reason="It was decided."
    )
    assert await member(company) is None


async def test_an_owner_by_a_group_is_not_the_owner_that_an_organization_keeps(
    company: SignInWorld,
) -> None:
    await rule(company, f"entra:{GROUP} -> acme, owner")
    await sign_in(company, groups=[GROUP])
    memberships = company.world.registry.organizations.memberships
    with pytest.raises(Conflict) as refusal:
        await memberships.remove_member(
            parse_org("acme"),
            company.world.people.ann.account,
            by=OPERATOR,
            reason="It was decided.",
        )
    assert refusal.value.code == "last-owner"


async def test_a_group_makes_an_auditor_and_ends_it(company: SignInWorld) -> None:
    await rule(company, f"entra:{GROUP} -> auditor")
    browser = await sign_in(company, groups=[GROUP])
    account = await kim(company)
    assert not account.administrator
    assert (await browser.open("/manage")).status_code == 200
    browser = await sign_in(company, groups=[])
    assert (await browser.open("/manage")).status_code == 404
    kinds = [each for each in await company.events(account.id) if each.startswith("auditor.")]
    assert kinds == ["auditor.appointed", "auditor.dismissed"]


async def test_a_group_of_both_makes_an_administrator_and_an_auditor_with_an_event_of_each(
    company: SignInWorld,
) -> None:
    await rule(company, f"entra:{GROUP} -> auditor", f"entra:{GROUP} -> administrator")
    await sign_in(company, groups=[GROUP])
    account = await kim(company)
    kinds = [each for each in await company.events(account.id) if each.endswith(".appointed")]
    assert kinds == ["account.appointed", "auditor.appointed"]


@pytest.mark.parametrize("role", ["administrator", "auditor"])
async def test_the_mail_about_a_role_by_a_group_names_the_rule(
    company: SignInWorld, role: str
) -> None:
    await rule(company, f"entra:{GROUP} -> {role}")
    for groups, became in (([GROUP], f"an {role}"), ([], f"no longer an {role}")):
        await sign_in(company, groups=groups)
        mails = [each for each in await company.mails() if each.subject == f"kim is {became}"]
        assert mails
        for mail in mails:
            assert (
                f"A rule about groups made a change: kim is {became} of the registry" in mail.text
            )


async def test_no_rule_takes_the_last_administrator(company: SignInWorld) -> None:
    world = company.world
    administrators = company.world.registry.administration.administrators
    await rule(company, f"entra:{GROUP} -> administrator")
    await sign_in(company, groups=[GROUP])
    assert (await kim(company)).administrator
    for account, code in (
        (world.people.admin.account, "last-administrator"),
        (await kim(company), "administrator-by-group"),
    ):
        with pytest.raises(Conflict) as refusal:
            await administrators.dismiss(account, "It was decided.", by=OPERATOR)
        assert refusal.value.code == code
    await administrators.appoint(await kim(company), by=OPERATOR)
    await administrators.dismiss(world.people.admin.account, "It was decided.", by=OPERATOR)
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
    await Browser(company.world, other).open("/sign-in/oidc")
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
    identities = [
        Identity(
            issuer="i",
            identifier=str(number),
            account=f"{number:010}",
            label="",
            provider="entra",
            linked_ms=0,
            groups=(GROUP,),
            groups_ms=company.world.clock.now_ms(),
        )
        for number in range(5_000)
    ]
    for begin in range(0, len(identities), 50):
        await asyncio.gather(*map(directory.add, identities[begin : begin + 50]))
    by = company.world.fresh(company.world.people.admin)
    wanted = GroupRules.parse([MAINTAINERS, f"entra:{OTHER} -> staff"])
    found = await company.world.registry.administration.group_rules.dry_run(wanted, by=by)
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
        ("oidc:dev -> acme", "gives none of administrator, auditor, staff"),
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
