"""Organizations: how they begin, what they say of themselves, and who belongs to them."""

import asyncio

import pytest

from shared.domain.access_rights import NO_CONTEXT
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import OrganizationExists, organization_not_found
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Action, Role
from shared.services.organizations.organizations import OrganizationProfile
from tests.support.refusals import raises_refusal
from tests.support.services import ACME, ADA, KIM, LEE, MAX, OrganizationServices, acme_of_kim

OTHER = OrgName("other")


@pytest.fixture
def world() -> OrganizationServices:
    return OrganizationServices()


@pytest.fixture
async def acme() -> OrganizationServices:
    return await acme_of_kim()


# --- founding ----------------------------------------------------------------------------------


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
    for access in (NO_CONTEXT, lee):
        with raises_refusal("organization-not-found") as refused:
            await world.organizations.create_by_push(ACME, access, by=world.signed_in(LEE))
        assert str(refused.value) == str(organization_not_found(ACME))


# --- what it says of itself --------------------------------------------------------------------


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
        with raises_refusal("looks-alike", "name-reserved"):
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
