"""Every organization, as administrators see them, and founding one for somebody."""

from datetime import timedelta

import pytest

from shared.domain.errors.identity import CredentialsMissing, NotPermitted, SignInAgain
from shared.domain.errors.organizations import OrganizationExists, OrganizationNotFound
from shared.domain.identity import ANONYMOUS, OPERATOR
from shared.domain.names import OrgName
from shared.services.administration.administration import OrganizationWithFounder
from shared.services.records import ListPage
from tests.support.services import ACME, ADA, EVE, KIM, LEE, AdministrationServices


@pytest.fixture
async def world() -> AdministrationServices:
    """Return a registry with three organizations."""
    world = AdministrationServices.with_names()
    for name, founder in ((ACME, KIM), (OrgName("acid"), LEE), (OrgName("globex"), EVE)):
        await world.organizations.create(name, founder, by=OPERATOR)
    world.clear_calls()
    return world


def shown(creations: ListPage[OrganizationWithFounder]) -> list[tuple[str, str]]:
    """Return the names of organizations and of who founded them."""
    return [
        (each.organization.name, each.founder.name if each.founder else "")
        for each in creations.rows
    ]


async def test_they_are_listed_a_page_at_a_time(world: AdministrationServices) -> None:
    first = await world.organization_administration.page("", 2, by=world.ada)
    assert (shown(first), first.next) == ([("acid", "lee"), ("Acme", "kim")], "acme")
    second = await world.organization_administration.page(first.next, 2, by=world.ada)
    assert (shown(second), second.next) == ([("globex", "eve")], "")


async def test_an_organization_outlives_the_account_that_created_it(
    world: AdministrationServices,
) -> None:
    await world.delete_account(EVE)
    found = await world.organization_administration.search("globex", by=OPERATOR)
    assert shown(found) == [("globex", "")]


async def test_they_are_found_by_how_their_names_begin(world: AdministrationServices) -> None:
    names = [
        name for name, _ in shown(await world.organization_administration.search("AC", by=OPERATOR))
    ]
    assert names == ["acid", "Acme"]
    assert shown(await world.organization_administration.search("acme", by=OPERATOR)) == [
        ("Acme", "kim")
    ]
    assert shown(await world.organization_administration.search("zoo", by=OPERATOR)) == []


async def test_one_that_was_deleted_is_shown(world: AdministrationServices) -> None:
    await world.organization_deletion.delete(ACME, by=world.ada)
    world.clock.advance(timedelta(days=1))
    found = await world.organization_administration.show(ACME, by=world.ada)
    assert found.organization.is_deleted_at(world.clock.now_ms())
    with pytest.raises(OrganizationNotFound) as refused:
        await world.organization_administration.show(OrgName("zoo"), by=world.ada)
    assert str(refused.value) == str(OrganizationNotFound(OrgName("zoo")))


async def test_an_organization_is_created_for_somebody_even_with_a_reserved_name(
    world: AdministrationServices,
) -> None:
    await world.reserved_names.add("init*", "Theirs.", by=OPERATOR)
    made = await world.organization_administration.create(OrgName("initech"), KIM, by=world.ada)
    assert made.founder == KIM.id
    assert world.name_of(made.founder) == "kim"
    with pytest.raises(OrganizationExists):
        await world.organization_administration.create(OrgName("Initech"), LEE, by=world.ada)


async def test_it_takes_an_administrator(world: AdministrationServices) -> None:
    for by, refusal in ((ANONYMOUS, CredentialsMissing), (world.signed_in(KIM), NotPermitted)):
        for attempt in (
            world.organization_administration.page("", 1, by=by),
            world.organization_administration.search("a", by=by),
            world.organization_administration.show(ACME, by=by),
            world.organization_administration.create(OrgName("zoo"), KIM, by=by),
        ):
            with pytest.raises(refusal):
                await attempt
    with pytest.raises(SignInAgain):
        await world.organization_administration.create(OrgName("zoo"), KIM, by=world.token_of(ADA))
