"""Organizations: how they begin, what they say of themselves, and who belongs to them."""

import asyncio

import pytest

from shared.domain.access import NO_ACCESS
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    NotPermitted,
    OrganizationExists,
    TokenUnknown,
    organization_not_found,
)
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.names import OrgName
from shared.domain.organizations import NameSkeleton, Organization
from shared.domain.packages import Visibility
from shared.domain.rights import Action, Grant, Role, Scope
from shared.services.organizations.organizations import OrganizationCreators, OrganizationProfile
from tests.support.refusals import raises_refusal
from tests.support.services import ACME, ADA, EVE, KIM, LEE, MAX, OrganizationServices, acme_of_kim

OTHER = OrgName("other")
READ_ALONE = Grant(scopes=frozenset({Scope.READ}))


@pytest.fixture
def world() -> OrganizationServices:
    return OrganizationServices()


@pytest.fixture
async def acme() -> OrganizationServices:
    return await acme_of_kim()


# --- founding ----------------------------------------------------------------------------------


async def test_the_organization_and_its_owner_come_in_one_write(
    world: OrganizationServices,
) -> None:
    await world.organizations.create(ACME, KIM, by=OPERATOR)
    assert world.directory.calls.count("add") == 1


async def test_exactly_one_of_two_concurrent_creators_owns_the_organization(
    world: OrganizationServices,
) -> None:
    first, second = await asyncio.gather(
        world.organizations.create(ACME, KIM, by=OPERATOR),
        world.organizations.create(ACME, LEE, by=OPERATOR),
        return_exceptions=True,
    )
    assert isinstance(first, Organization)
    assert isinstance(second, OrganizationExists)
    assert world.roles() == {"kim": Role.OWNER}


async def test_packages_are_not_internal_by_default(acme: OrganizationServices) -> None:
    internal = OrganizationProfile(default_visibility=Visibility.INTERNAL)
    with raises_refusal("not-made-internal"):
        await acme.organizations.change(ACME, internal, by=OPERATOR)


async def test_a_token_creates_organizations_that_it_may_manage(
    world: OrganizationServices,
) -> None:
    await world.organizations.create(ACME, KIM, by=world.token_of(KIM, Grant(org="acme")))
    for grant in (Grant(org="acme"), READ_ALONE, Grant(package="greet")):
        with pytest.raises(NotPermitted, match="scope manage"):
            await world.organizations.create(OTHER, KIM, by=world.token_of(KIM, grant))


async def test_only_the_operator_and_administrators_create_organizations_for_others(
    world: OrganizationServices,
) -> None:
    with pytest.raises(NotPermitted, match="create Acme for lee: only they themselves may"):
        await world.organizations.create(ACME, LEE, by=world.signed_in(KIM))
    await world.organizations.create(ACME, LEE, by=world.signed_in(ADA))
    assert world.roles() == {"lee": Role.OWNER}


async def test_creating_an_organization_takes_an_account(world: OrganizationServices) -> None:
    with raises_refusal("credentials-missing"):
        await world.organizations.create(ACME, KIM, by=ANONYMOUS)
    with pytest.raises(TokenUnknown):
        await world.organizations.create(ACME, KIM, by=Principal("gone000000", "t", (Grant(),)))


@pytest.mark.parametrize("name", ["acrne", "ac_me", "accme"])
async def test_people_create_no_organization_with_a_name_like_an_existing_one(
    acme: OrganizationServices, name: str
) -> None:
    with raises_refusal("looks-alike") as refused:
        await acme.organizations.create(OrgName(name), LEE, by=acme.signed_in(LEE))
    assert "Acme" not in str(refused.value)  # It may be nobody's business that it is there.
    assert {each.org for each in acme.directory.every(NameSkeleton)} == {"Acme"}
    await acme.organizations.create(OrgName(name), LEE, by=OPERATOR)


async def test_both_of_two_first_pushes_succeed(world: OrganizationServices) -> None:
    by = world.signed_in(ADA)
    access = await world.authorization.require(by, Action.PUSH_NEW, ACME)
    for _ in range(2):
        await world.organizations.create_by_push(ACME, access, by=by)
    assert world.events.kinds() == ["organization.founded"]


async def test_only_administrators_create_an_organization_by_a_push(
    world: OrganizationServices,
) -> None:
    lee = await world.directory.access_context(LEE.id, ACME, 0)
    for access in (NO_ACCESS, lee):
        with raises_refusal("organization-not-found") as refused:
            await world.organizations.create_by_push(ACME, access, by=world.signed_in(LEE))
        assert str(refused.value) == str(organization_not_found(ACME))


# --- what it says of itself --------------------------------------------------------------------


async def test_an_empty_change_changes_nothing(acme: OrganizationServices) -> None:
    await acme.organizations.change(ACME, OrganizationProfile(), by=acme.signed_in(KIM))
    await acme.organizations.change(
        ACME, OrganizationProfile(description=""), by=acme.signed_in(KIM)
    )
    assert acme.events.feed == []


@pytest.mark.parametrize(
    "text", ["Wso2", "w\u0455\u043e2", "WSO 2", "Ballerina", "B\u0430llerina X"]
)
async def test_an_organization_calls_itself_by_nobody_else_s_name(
    acme: OrganizationServices, text: str
) -> None:
    await acme.organizations.create(OrgName("wso2"), LEE, by=OPERATOR)
    for attempt in (
        acme.organizations.change(
            ACME, OrganizationProfile(display_name=text), by=acme.signed_in(KIM)
        ),
        acme.organizations.create(
            OTHER, MAX, by=acme.signed_in(MAX), profile=OrganizationProfile(display_name=text)
        ),
    ):
        with raises_refusal("looks-alike", "name-kept-back"):
            await attempt
    assert (await acme.acme()).display_name == ""


@pytest.mark.parametrize(
    "text",
    ["a\u202eb", "a\u200bb", "a\u0007b", "\ue000", "x" * 81],
    ids=["direction", "zero width", "bell", "private", "long"],
)
def test_an_invisible_display_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="display name"):
        OrganizationProfile.parse(text, None, None)


async def test_a_hidden_release_costs_what_a_missing_one_costs(acme: OrganizationServices) -> None:
    profile = OrganizationProfile(default_visibility=Visibility.PRIVATE)
    await acme.organizations.change(ACME, profile, by=acme.signed_in(KIM))
    costs: list[list[str]] = []
    for org in (ACME, OTHER):
        acme.directory.calls.clear()
        with raises_refusal("organization-not-found"):
            await acme.organizations.show(org, by=acme.signed_in(MAX))
        costs.append(list(acme.directory.calls))
    assert costs[0] == costs[1]


# --- members -----------------------------------------------------------------------------------


async def test_setting_the_current_role_changes_nothing(
    acme: OrganizationServices,
) -> None:
    await acme.add_members(LEE, role=Role.MEMBER)
    await acme.memberships.set_member(ACME, LEE, Role.MEMBER, by=acme.signed_in(KIM))
    await acme.memberships.remove_member(ACME, MAX, by=acme.signed_in(KIM))
    assert acme.events.feed == []


# --- who is seen -------------------------------------------------------------------------------


async def shown(acme: OrganizationServices) -> list[str]:
    """Return the members whom everybody sees."""
    shown = await acme.memberships.public_members(await acme.acme())
    return [each.name for each in await acme.memberships.with_names(shown)]


async def test_an_account_that_is_not_a_member_is_not_shown_as_one(
    acme: OrganizationServices,
) -> None:
    with raises_refusal("organization-not-found"):
        await acme.memberships.show_membership(ACME, by=acme.signed_in(EVE))
    with raises_refusal("member-not-found"):
        await acme.memberships.show_membership(ACME, by=acme.signed_in(ADA))
    with pytest.raises(NotPermitted):
        await acme.memberships.show_membership(ACME, by=acme.token_of(KIM, READ_ALONE))


async def test_a_refused_creation_names_the_organization_and_the_reason(
    acme: OrganizationServices,
) -> None:
    reading = acme.token_of(LEE, READ_ALONE)
    with pytest.raises(NotPermitted) as refused:
        await acme.organizations.create(OTHER, LEE, by=reading)
    lacking = "the token lacks the scope manage here"
    assert str(refused.value) == f"You may not create other: {lacking}."
    with pytest.raises(NotPermitted) as refused:
        await acme.organizations.create(OrgName("ballerinax"), LEE, by=OPERATOR)
    assert str(refused.value) == (
        "You may not give ballerinax to lee: organizations that begin with ballerina are for "
        "administrators."
    )
    with pytest.raises(OrganizationExists, match=r"^The organization ACME exists already\. "):
        await acme.organizations.create(OrgName("ACME"), LEE, by=acme.signed_in(LEE))
    with raises_refusal("looks-alike", match=r"^acrne looks like the name of another "):
        await acme.organizations.create(OrgName("acrne"), LEE, by=acme.signed_in(LEE))
    acme.creators = OrganizationCreators.ADMINISTRATORS
    with pytest.raises(NotPermitted) as refused:
        await acme.organizations.create(OTHER, LEE, by=acme.signed_in(LEE))
    assert str(refused.value) == (
        "You may not create other: only administrators of the registry can do this."
    )


async def test_the_event_of_a_creation_names_the_creator(world: OrganizationServices) -> None:
    await world.organizations.create(ACME, KIM, by=OPERATOR)
    [event] = world.events.feed
    assert (event.kind, event.subject, event.org) == ("organization.founded", "Acme", "acme")
    assert (event.actor, event.account, event.details) == ("operator", KIM.id, {"founder": KIM.id})


async def test_a_membership_that_is_hidden_again_is_stored_and_recorded(
    acme: OrganizationServices,
) -> None:
    by = acme.signed_in(KIM)
    acme.clear_calls()
    for change in (acme.memberships.show_membership, acme.memberships.hide_membership) * 2:
        await change(ACME, by=by)
        await change(ACME, by=by)
    [membership] = await acme.memberships.of_account(KIM.id)
    assert membership.is_shown is False
    assert acme.events.kinds() == ["member.shown", "member.hidden"] * 2
    assert {(e.subject, e.org, e.account) for e in acme.events.feed} == {("Acme", "acme", KIM.id)}
