"""Organizations: how they begin, what they say of themselves, and who belongs to them."""

import asyncio
from datetime import timedelta

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    CredentialsMissing,
    NotPermitted,
    SignInAgain,
    TokenUnknown,
)
from shared.domain.errors.organizations import (
    LooksAlike,
    MemberNotFound,
    NameKeptBack,
    OrganizationExists,
    OrganizationNotFound,
)
from shared.domain.identity import ANONYMOUS, NO_ACCESS, OPERATOR, Principal
from shared.domain.members import OWNER_CHANGE_DELAY
from shared.domain.names import OrgName
from shared.domain.organizations import NameSkeleton, Organization
from shared.domain.packages import Visibility
from shared.domain.rights import Action, Grant, Role, Scope
from shared.services.organizations.organizations import OrganizationCreators, OrganizationProfile
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


async def test_its_founder_owns_an_organization(world: OrganizationServices) -> None:
    organization = await world.organizations.create(ACME, KIM, by=world.signed_in(KIM))
    assert (organization.name, organization.founder) == ("Acme", KIM.id)
    assert len(organization.id) == 10
    assert world.roles() == {"kim": Role.OWNER}
    [event] = world.events.feed
    assert (event.kind, event.actor, event.subject) == ("organization.founded", KIM.id, "Acme")
    assert event.streams == ("org:acme", f"account:{KIM.id}")


async def test_the_organization_and_its_owner_come_in_one_write(
    world: OrganizationServices,
) -> None:
    await world.organizations.create(ACME, KIM, by=OPERATOR)
    assert world.directory.calls.count("add") == 1


async def test_a_name_is_given_once_in_any_spelling(acme: OrganizationServices) -> None:
    for by in (OPERATOR, acme.signed_in(LEE), acme.signed_in(ADA)):
        with pytest.raises(OrganizationExists):
            await acme.organizations.create(OrgName("aCME"), LEE, by=by)
    assert acme.roles() == {"kim": Role.OWNER}
    assert acme.events.feed == []


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
    with pytest.raises(CredentialsMissing):
        await world.organizations.create(ACME, KIM, by=ANONYMOUS)
    with pytest.raises(TokenUnknown):
        await world.organizations.create(ACME, KIM, by=Principal("gone000000", "t", (Grant(),)))


async def test_only_administrators_create_organizations_if_the_operator_says_so(
    world: OrganizationServices,
) -> None:
    world.creators = OrganizationCreators.ADMINISTRATORS
    with pytest.raises(NotPermitted, match="administrators of the registry"):
        await world.organizations.create(ACME, KIM, by=world.signed_in(KIM))
    await world.organizations.create(ACME, KIM, by=world.signed_in(ADA))


async def test_a_name_of_the_operator_is_given_to_administrators_alone(
    world: OrganizationServices,
) -> None:
    reserved = OrgName("Ballerinax")
    with pytest.raises(NotPermitted, match="give Ballerinax to kim"):
        await world.organizations.create(reserved, KIM, by=OPERATOR)
    with pytest.raises(NotPermitted, match="give Ballerinax to kim"):
        await world.organizations.create(reserved, KIM, by=world.signed_in(ADA))
    await world.organizations.create(reserved, ADA, by=OPERATOR)


@pytest.mark.parametrize(
    "name", ["ballerinax", "Ba11erina", "bal_lerina_http", "wso2", "vvso2labs"]
)
async def test_people_create_no_organization_with_a_name_like_the_operators(
    world: OrganizationServices, name: str
) -> None:
    world.reserved_patterns = ("wso2*",)
    with pytest.raises(NameKeptBack, match=f"{name} is, or looks like"):
        await world.organizations.create(OrgName(name), KIM, by=world.signed_in(KIM))


@pytest.mark.parametrize("name", ["acrne", "ac_me", "accme"])
async def test_people_create_no_organization_with_a_name_like_an_existing_one(
    acme: OrganizationServices, name: str
) -> None:
    with pytest.raises(LooksAlike) as refused:
        await acme.organizations.create(OrgName(name), LEE, by=acme.signed_in(LEE))
    assert "Acme" not in str(refused.value)  # It may be nobody's business that it is there.
    assert {each.org for each in acme.directory.every(NameSkeleton)} == {"Acme"}
    await acme.organizations.create(OrgName(name), LEE, by=OPERATOR)


async def test_the_push_of_an_administrator_creates_the_organization(
    world: OrganizationServices,
) -> None:
    by = world.signed_in(ADA)
    access = await world.authorization.require(by, Action.PUSH_NEW, ACME)
    await world.organizations.create_if_absent(ACME, access, by=by)
    assert world.roles() == {"ada": Role.OWNER}
    [event] = world.events.feed
    assert (event.kind, event.subject) == ("organization.founded", "Acme")
    assert (event.actor, event.details) == (ADA.id, {"founder": ADA.id})


async def test_an_organization_that_is_there_is_ensured_without_a_call(
    acme: OrganizationServices,
) -> None:
    access = await acme.authorization.require(acme.signed_in(KIM), Action.PUSH_NEW, ACME)
    acme.directory.calls.clear()
    await acme.organizations.create_if_absent(ACME, access, by=acme.signed_in(KIM))
    assert acme.directory.calls == []


async def test_both_of_two_first_pushes_succeed(world: OrganizationServices) -> None:
    by = world.signed_in(ADA)
    access = await world.authorization.require(by, Action.PUSH_NEW, ACME)
    for _ in range(2):
        await world.organizations.create_if_absent(ACME, access, by=by)
    assert world.events.kinds() == ["organization.founded"]


async def test_only_administrators_create_an_organization_by_a_push(
    world: OrganizationServices,
) -> None:
    lee = await world.directory.access_context(LEE.id, ACME, 0)
    for access in (NO_ACCESS, lee):
        with pytest.raises(OrganizationNotFound) as refused:
            await world.organizations.create_if_absent(ACME, access, by=world.signed_in(LEE))
        assert str(refused.value) == str(OrganizationNotFound(ACME))


# --- what it says of itself --------------------------------------------------------------------


async def test_an_organization_begins_with_what_it_says_of_itself(
    world: OrganizationServices,
) -> None:
    profile = OrganizationProfile.parse(" Acme\tCorp ", "Makes things.", Visibility.PRIVATE)
    made = await world.organizations.create(ACME, KIM, by=world.signed_in(KIM), profile=profile)
    assert (made.display_name, made.description) == ("Acme Corp", "Makes things.")
    assert made.default_visibility is Visibility.PRIVATE


async def test_an_owner_changes_what_it_says_and_the_rest_stays(acme: OrganizationServices) -> None:
    for profile in (
        OrganizationProfile.parse("Acme Corp", None, None),
        OrganizationProfile.parse(None, "Makes things.", None),
    ):
        await acme.organizations.change(ACME, profile, by=acme.token_of(KIM))
    now = await acme.acme()
    assert (now.name, now.display_name, now.description) == ("Acme", "Acme Corp", "Makes things.")
    assert [event.details for event in acme.events.feed] == [
        {"display_name_before": "", "display_name_after": "Acme Corp"},
        {"description_before": "", "description_after": "Makes things."},
    ]


async def test_an_empty_change_changes_nothing(acme: OrganizationServices) -> None:
    await acme.organizations.change(ACME, OrganizationProfile(), by=acme.signed_in(KIM))
    await acme.organizations.change(
        ACME, OrganizationProfile(description=""), by=acme.signed_in(KIM)
    )
    assert acme.events.feed == []


async def test_a_visibility_takes_a_person_who_signed_in_a_moment_ago(
    acme: OrganizationServices,
) -> None:
    profile = OrganizationProfile(default_visibility=Visibility.PRIVATE)
    with pytest.raises(SignInAgain):
        await acme.organizations.change(ACME, profile, by=acme.token_of(KIM))
    await acme.organizations.change(ACME, profile, by=acme.signed_in(KIM))
    assert (await acme.acme()).default_visibility is Visibility.PRIVATE
    [event] = acme.events.feed
    assert event.details["default_visibility_after"] == "private"


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
        with pytest.raises((LooksAlike, NameKeptBack)):
            await attempt
    assert (await acme.acme()).display_name == ""


async def test_a_taken_name_and_a_reserved_display_name_are_named(
    acme: OrganizationServices,
) -> None:
    with pytest.raises(OrganizationExists) as taken:
        await acme.organizations.create(OrgName("ACME"), LEE, by=OPERATOR)
    assert str(taken.value) == str(OrganizationExists(OrgName("ACME")))
    profile = OrganizationProfile(display_name="Ballerina Inc.")
    with pytest.raises(NameKeptBack) as reserved:
        await acme.organizations.change(ACME, profile, by=acme.signed_in(KIM))
    assert str(reserved.value) == str(NameKeptBack("Ballerina Inc."))


async def test_an_organization_calls_itself_by_its_own_name(acme: OrganizationServices) -> None:
    await acme.organizations.create(OrgName("ballerinax"), ADA, by=OPERATOR)
    for org, name, by in ((ACME, "A.C.M.E.", KIM), (OrgName("ballerinax"), "Ballerina X", ADA)):
        profile = OrganizationProfile(display_name=name)
        changed = await acme.organizations.change(org, profile, by=acme.signed_in(by))
        assert changed.display_name == name


@pytest.mark.parametrize(
    "text",
    ["a\u202eb", "a\u200bb", "a\u0007b", "\ue000", "x" * 81],
    ids=["direction", "zero width", "bell", "private", "long"],
)
def test_an_invisible_display_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="display name"):
        OrganizationProfile.parse(text, None, None)


@pytest.mark.parametrize("role", [Role.MAINTAINER, Role.MEMBER])
async def test_nobody_but_owners_changes_what_it_says(
    acme: OrganizationServices, role: Role
) -> None:
    await acme.add_members(LEE, role=role)
    with pytest.raises(NotPermitted):
        await acme.organizations.change(
            ACME, OrganizationProfile(description="x"), by=acme.signed_in(LEE)
        )
    with pytest.raises(OrganizationNotFound):
        await acme.organizations.change(
            ACME, OrganizationProfile(description="x"), by=acme.signed_in(MAX)
        )


async def test_everybody_sees_a_public_organization_and_members_a_private_one(
    acme: OrganizationServices,
) -> None:
    await acme.add_members(LEE, role=Role.MEMBER)
    for by in (ANONYMOUS, acme.signed_in(MAX)):
        assert (await acme.organizations.show(ACME, by=by)).name == "Acme"
    profile = OrganizationProfile(default_visibility=Visibility.PRIVATE)
    await acme.organizations.change(ACME, profile, by=acme.signed_in(KIM))
    for by in (acme.signed_in(LEE), acme.signed_in(ADA), OPERATOR):
        assert (await acme.organizations.show(ACME, by=by)).name == "Acme"
    manager = acme.token_of(LEE, Grant(scopes=frozenset({Scope.MANAGE})))
    for by in (ANONYMOUS, acme.signed_in(MAX), manager):
        with pytest.raises(OrganizationNotFound):
            await acme.organizations.show(ACME, by=by)


async def test_a_hidden_release_costs_what_a_missing_one_costs(acme: OrganizationServices) -> None:
    profile = OrganizationProfile(default_visibility=Visibility.PRIVATE)
    await acme.organizations.change(ACME, profile, by=acme.signed_in(KIM))
    costs: list[list[str]] = []
    for org in (ACME, OTHER):
        acme.directory.calls.clear()
        with pytest.raises(OrganizationNotFound):
            await acme.organizations.show(org, by=acme.signed_in(MAX))
        costs.append(list(acme.directory.calls))
    assert costs[0] == costs[1]


# --- members -----------------------------------------------------------------------------------


async def test_the_operator_makes_members_and_an_owner_changes_what_they_are(
    acme: OrganizationServices,
) -> None:
    await acme.add_members(LEE, role=Role.MEMBER)
    await acme.organizations.set_member(ACME, LEE, Role.MAINTAINER, by=acme.signed_in(KIM))
    assert acme.roles() == {"kim": Role.OWNER, "lee": Role.MAINTAINER}
    [event] = acme.events.feed
    assert event.kind == "member.set"
    assert event.details == {"account": LEE.id, "before": "member", "after": "maintainer"}
    assert event.streams == ("org:acme", f"account:{LEE.id}")
    assert acme.mailer.sent == []  # What is not about owners is in the log, and in no mail.


async def test_nobody_becomes_a_member_without_their_own_decision(
    acme: OrganizationServices,
) -> None:
    with pytest.raises(MemberNotFound, match="lee is not a member of Acme"):
        await acme.organizations.set_member(ACME, LEE, Role.MEMBER, by=acme.signed_in(KIM))
    assert acme.roles() == {"kim": Role.OWNER}


async def test_setting_the_current_role_changes_nothing(
    acme: OrganizationServices,
) -> None:
    await acme.add_members(LEE, role=Role.MEMBER)
    await acme.organizations.set_member(ACME, LEE, Role.MEMBER, by=acme.signed_in(KIM))
    await acme.organizations.remove_member(ACME, MAX, by=acme.signed_in(KIM))
    assert acme.events.feed == []


async def test_members_are_stored_under_the_spelling_of_the_organization(
    acme: OrganizationServices,
) -> None:
    await acme.organizations.set_member(OrgName("ACME"), LEE, Role.MEMBER, by=OPERATOR)
    [membership] = await acme.organizations.memberships_of(LEE.id)
    assert (membership.org, membership.role) == ("Acme", Role.MEMBER)
    assert membership.since_ms == acme.clock.now_ms()


async def test_an_owner_takes_members_out_and_they_may_nothing_from_then_on(
    acme: OrganizationServices,
) -> None:
    await acme.add_members(LEE, role=Role.MAINTAINER)
    await acme.organizations.remove_member(ACME, LEE, by=acme.token_of(KIM))
    assert acme.roles() == {"kim": Role.OWNER}
    with pytest.raises(OrganizationNotFound):
        await acme.organizations.members(ACME, by=acme.signed_in(LEE))
    assert await acme.organizations.memberships_of(LEE.id) == []
    assert acme.events.kinds() == ["member.removed"]


@pytest.mark.parametrize("role", [Role.MAINTAINER, Role.MEMBER])
async def test_everybody_may_leave(acme: OrganizationServices, role: Role) -> None:
    await acme.add_members(LEE, role=role)
    with pytest.raises(NotPermitted, match="leave Acme: the token lacks the scope manage"):
        await acme.organizations.remove_member(ACME, LEE, by=acme.token_of(LEE, READ_ALONE))
    await acme.organizations.remove_member(ACME, LEE, by=acme.token_of(LEE))
    assert acme.roles() == {"kim": Role.OWNER}


async def test_a_member_who_returned_is_one_since_then(acme: OrganizationServices) -> None:
    await acme.add_members(LEE, role=Role.MAINTAINER)
    await acme.organizations.remove_member(ACME, LEE, by=acme.signed_in(LEE))
    acme.clock.advance(timedelta(days=1))
    await acme.add_members(LEE, role=Role.MEMBER)
    [membership] = await acme.organizations.memberships_of(LEE.id)
    assert membership.since_ms == acme.clock.now_ms()


async def test_a_token_for_one_package_does_not_manage_its_organization(
    acme: OrganizationServices,
) -> None:
    await acme.add_members(LEE, role=Role.MEMBER)
    by = acme.token_of(KIM, Grant(org="acme", package="greet"))
    for attempt in (
        acme.organizations.set_member(ACME, LEE, Role.MAINTAINER, by=by),
        acme.organizations.remove_member(ACME, LEE, by=by),
        acme.organizations.change(ACME, OrganizationProfile(description="x"), by=by),
    ):
        with pytest.raises(NotPermitted, match="scope manage"):
            await attempt


@pytest.mark.parametrize("role", [Role.MAINTAINER, Role.MEMBER])
async def test_nobody_but_owners_changes_members(acme: OrganizationServices, role: Role) -> None:
    await acme.add_members(LEE, EVE, role=role)
    for attempt in (
        acme.organizations.set_member(ACME, EVE, Role.OWNER, by=acme.signed_in(LEE)),
        acme.organizations.set_member(ACME, LEE, Role.OWNER, by=acme.signed_in(LEE)),
        acme.organizations.remove_member(ACME, EVE, by=acme.signed_in(LEE)),
        acme.organizations.remove_member(ACME, KIM, by=acme.signed_in(LEE)),
    ):
        with pytest.raises(NotPermitted):
            await attempt
    assert acme.roles() == {"kim": Role.OWNER, "lee": role, "eve": role}


async def test_members_see_members_and_outsiders_see_nobody(
    acme: OrganizationServices,
) -> None:
    await acme.add_members(ADA, LEE, role=Role.MEMBER)
    seen = await acme.organizations.members(ACME, by=acme.token_of(LEE, READ_ALONE))
    assert [(each.name, each.membership.role.value) for each in seen] == [
        ("ada", "member"),
        ("kim", "owner"),
        ("lee", "member"),
    ]
    with pytest.raises(OrganizationNotFound):
        await acme.organizations.members(ACME, by=acme.signed_in(MAX))
    with pytest.raises(CredentialsMissing):
        await acme.organizations.members(ACME, by=ANONYMOUS)
    manager = acme.token_of(KIM, Grant(scopes=frozenset({Scope.MANAGE})))
    with pytest.raises(NotPermitted, match="scope read"):
        await acme.organizations.members(ACME, by=manager)


async def test_a_member_whose_account_was_deleted_is_shown_by_its_id(
    acme: OrganizationServices,
) -> None:
    await acme.add_members(LEE, role=Role.MEMBER)
    await acme.delete_account(LEE)
    seen = await acme.organizations.members(ACME, by=acme.signed_in(KIM))
    assert [each.name for each in seen] == ["kim", LEE.id]


async def test_somebody_is_found_among_the_members_alone(acme: OrganizationServices) -> None:
    assert await acme.organizations.member_account(ACME, KIM.id, by=acme.signed_in(KIM)) == KIM
    for other in (LEE.id, "0000000000", "kim"):
        with pytest.raises(MemberNotFound, match=f"{other} is not a member of Acme"):
            await acme.organizations.member_account(ACME, other, by=acme.signed_in(KIM))
    with pytest.raises(OrganizationNotFound):
        await acme.organizations.member_account(ACME, KIM.id, by=acme.signed_in(LEE))


async def test_members_see_what_one_of_them_is(acme: OrganizationServices) -> None:
    await acme.add_members(LEE, role=Role.MAINTAINER)
    seen = await acme.organizations.show_member(ACME, LEE.id, by=acme.token_of(KIM, READ_ALONE))
    assert (seen.name, seen.membership.role) == ("lee", Role.MAINTAINER)
    for by, refusal in ((MAX, OrganizationNotFound), (KIM, MemberNotFound)):
        with pytest.raises(refusal):
            await acme.organizations.show_member(ACME, MAX.id, by=acme.signed_in(by))
    await acme.delete_account(LEE)
    with pytest.raises(MemberNotFound):
        await acme.organizations.show_member(ACME, LEE.id, by=acme.signed_in(KIM))


async def test_it_is_known_when_somebody_last_became_owner(acme: OrganizationServices) -> None:
    founded_ms = acme.clock.now_ms()
    await acme.add_members(LEE, role=Role.MEMBER)
    await acme.organizations.set_member(ACME, LEE, Role.OWNER, by=acme.signed_in(KIM))
    assert (
        await acme.organizations.public_members(await acme.acme())
    ).newest_owner_ms == founded_ms
    acme.clock.advance(OWNER_CHANGE_DELAY)
    outside = await acme.organizations.public_members(await acme.acme())
    assert outside.newest_owner_ms == acme.clock.now_ms()


# --- who is seen -------------------------------------------------------------------------------


async def shown(acme: OrganizationServices) -> list[str]:
    """Return the members whom everybody sees."""
    outside = await acme.organizations.public_members(await acme.acme())
    return [each.name for each in await acme.organizations.with_names(outside.shown)]


async def test_members_are_seen_by_everybody_if_they_want_to(acme: OrganizationServices) -> None:
    await acme.add_members(LEE)
    assert await shown(acme) == []
    for each in (LEE, KIM, KIM):
        await acme.organizations.show_membership(ACME, by=acme.signed_in(each))
    assert await shown(acme) == ["kim", "lee"]
    assert acme.events.kinds()[-2:] == ["member.shown", "member.shown"]
    assert (acme.events.feed[-1].actor, acme.events.feed[-1].account) == (KIM.id, KIM.id)
    await acme.organizations.hide_membership(ACME, by=acme.signed_in(KIM))
    assert await shown(acme) == ["lee"]
    assert acme.events.kinds()[-1] == "member.hidden"
    [own] = await acme.organizations.list_own(by=acme.signed_in(LEE))
    assert own.is_shown


async def test_an_account_that_is_not_a_member_is_not_shown_as_one(
    acme: OrganizationServices,
) -> None:
    with pytest.raises(OrganizationNotFound):
        await acme.organizations.show_membership(ACME, by=acme.signed_in(EVE))
    with pytest.raises(MemberNotFound):
        await acme.organizations.show_membership(ACME, by=acme.signed_in(ADA))
    with pytest.raises(NotPermitted):
        await acme.organizations.show_membership(ACME, by=acme.token_of(KIM, READ_ALONE))


async def test_a_member_who_returns_is_hidden_again(acme: OrganizationServices) -> None:
    await acme.add_members(LEE, role=Role.MEMBER)
    await acme.organizations.show_membership(ACME, by=acme.signed_in(LEE))
    await acme.organizations.remove_member(ACME, LEE, by=acme.signed_in(KIM))
    await acme.add_members(LEE, role=Role.MEMBER)
    assert await shown(acme) == []


async def test_an_owner_who_was_taken_out_is_hidden_when_they_own_it_again(
    acme: OrganizationServices,
) -> None:
    await acme.add_members(LEE, role=Role.OWNER)
    await acme.organizations.show_membership(ACME, by=acme.signed_in(LEE))
    await acme.organizations.remove_member(ACME, LEE, by=acme.signed_in(KIM))
    acme.clock.advance(OWNER_CHANGE_DELAY)
    for role in (Role.OWNER, Role.MEMBER):
        await acme.organizations.set_member(ACME, LEE, role, by=OPERATOR)
    assert (await shown(acme), acme.roles()["lee"]) == ([], Role.MEMBER)


async def test_a_deleted_account_is_not_shown(acme: OrganizationServices) -> None:
    await acme.add_members(LEE)
    await acme.organizations.show_membership(ACME, by=acme.signed_in(LEE))
    await acme.delete_account(LEE)
    assert await shown(acme) == []


async def test_an_organization_that_is_not_there_has_no_members(acme: OrganizationServices) -> None:
    await acme.organization_deletion.delete(ACME, by=OPERATOR)
    for org in (OTHER, ACME):
        with pytest.raises(OrganizationNotFound):
            await acme.organizations.members(org, by=OPERATOR)
        with pytest.raises(OrganizationNotFound):
            await acme.organizations.set_member(org, LEE, Role.OWNER, by=OPERATOR)


async def test_people_see_their_own_organizations(acme: OrganizationServices) -> None:
    await acme.add_members(LEE, role=Role.MEMBER)
    await acme.organizations.create(OTHER, LEE, by=OPERATOR)
    gone = OrgName("gone")
    await acme.organizations.create(gone, LEE, by=OPERATOR)
    await acme.organization_deletion.delete(gone, by=OPERATOR)
    for grant, expected in (
        (Grant(), [("Acme", Role.MEMBER), ("other", Role.OWNER)]),
        (Grant(org="other"), [("other", Role.OWNER)]),
        (Grant(scopes=frozenset({Scope.MANAGE})), []),
    ):
        mine = await acme.organizations.list_own(by=acme.token_of(LEE, grant))
        assert [(each.organization.name, each.role) for each in mine] == expected
    with pytest.raises(CredentialsMissing):
        await acme.organizations.list_own(by=ANONYMOUS)


async def test_a_membership_that_is_over_is_listed_nowhere(acme: OrganizationServices) -> None:
    await acme.add_members(LEE, MAX)
    await acme.organizations.remove_member(ACME, LEE, by=acme.signed_in(KIM))
    acme.clock.advance(OWNER_CHANGE_DELAY)
    assert await acme.organizations.memberships_of(LEE.id) == []
    assert await acme.organizations.list_own(by=acme.signed_in(LEE)) == []
    seen = await acme.organizations.members(ACME, by=acme.signed_in(KIM))
    assert [each.name for each in seen] == ["kim", "max"]
    with pytest.raises(MemberNotFound):
        await acme.organizations.member_account(ACME, LEE.id, by=acme.signed_in(KIM))


async def test_members_see_their_own_role_and_outsiders_see_nothing(
    acme: OrganizationServices,
) -> None:
    assert (await acme.organizations.access_context(ACME, by=acme.token_of(KIM))).role is Role.OWNER
    with pytest.raises(OrganizationNotFound):
        await acme.organizations.access_context(ACME, by=acme.token_of(EVE))


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
    with pytest.raises(LooksAlike, match=r"^acrne looks like the name of another "):
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


async def test_a_changed_visibility_is_described_in_words(acme: OrganizationServices) -> None:
    profile = OrganizationProfile(display_name="Acme Inc.", default_visibility=Visibility.PRIVATE)
    acme.clear_calls()
    await acme.organizations.change(ACME, profile, by=acme.signed_in(KIM))
    [event] = acme.events.feed
    assert (event.kind, event.subject, event.org) == ("organization.changed", "Acme", "acme")
    assert event.details == {
        "display_name_before": "",
        "display_name_after": "Acme Inc.",
        "default_visibility_before": "public",
        "default_visibility_after": "private",
    }
    assert {type(value) for value in event.details.values()} == {str}


async def test_a_membership_that_is_hidden_again_is_stored_and_recorded(
    acme: OrganizationServices,
) -> None:
    by = acme.signed_in(KIM)
    acme.clear_calls()
    for change in (acme.organizations.show_membership, acme.organizations.hide_membership) * 2:
        await change(ACME, by=by)
        await change(ACME, by=by)
    [membership] = await acme.organizations.memberships_of(KIM.id)
    assert membership.is_shown is False
    assert acme.events.kinds() == ["member.shown", "member.hidden"] * 2
    assert {(e.subject, e.org, e.account) for e in acme.events.feed} == {("Acme", "acme", KIM.id)}


async def test_a_refusal_for_an_account_that_is_not_a_member_names_the_organization(
    acme: OrganizationServices,
) -> None:
    by = acme.signed_in(KIM)
    with pytest.raises(MemberNotFound) as absent:
        await acme.organizations.set_member(ACME, LEE, Role.MEMBER, by=by)
    assert str(absent.value) == str(MemberNotFound("lee", "Acme"))
    for attempt in (acme.organizations.show_member, acme.organizations.member_account):
        for id_ in (LEE.id, "nobody0000"):
            with pytest.raises(MemberNotFound) as unknown:
                await attempt(ACME, id_, by=by)
            assert str(unknown.value) == str(MemberNotFound(id_, ACME))
