"""An organization sees all of its packages, page by page, and whoever is outside sees none."""

import pytest

from shared.domain.errors.identity import NotPermitted
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.errors.packages import PackageNotFound
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.names import Coordinate, Package, parse_org
from shared.domain.rights import Grant, Role
from shared.services.packages import PACKAGES_ON_A_PAGE, ManagedPackagePage
from tests.support.archives import bala
from tests.support.world import Person, World

ACME = parse_org("acme")
GREET = Package.parse("acme", "greet")


def by(person: Person) -> Principal:
    return Principal(person.account.id, "session", (Grant(),))


def names(page: ManagedPackagePage) -> list[str]:
    return [each.head.name for each in page.packages]


async def test_members_see_private_packages_and_no_others(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    await world.push(bala("other/thing:1.0.0"), by=world.people.bob)
    page = await world.registry.organization_packages.page(ACME, by=by(world.people.mia))
    assert (names(page), page.next) == (["greet", "secret"], "")


async def test_a_page_ends_where_the_next_one_begins(world: World) -> None:
    admin = world.people.admin
    for number in range(PACKAGES_ON_A_PAGE + 2):
        await world.push(bala(f"acme/p{number:02}:1.0.0"), by=admin)
    service, mia = world.registry.organization_packages, by(world.people.mia)
    first = await service.page(ACME, by=mia)
    assert (len(first.packages), first.next) == (
        PACKAGES_ON_A_PAGE,
        f"p{PACKAGES_ON_A_PAGE - 1:02}",
    )
    rest = await service.page(ACME, first.next.upper(), by=mia)
    assert (names(rest), rest.next) == (
        [f"p{PACKAGES_ON_A_PAGE}", f"p{PACKAGES_ON_A_PAGE + 1}"],
        "",
    )


@pytest.mark.parametrize("org", ["acme", "nobodys"])
async def test_outside_of_it_there_is_no_such_organization(world: World, org: str) -> None:
    asks = by(world.people.bob)
    with pytest.raises(OrganizationNotFound):
        await world.registry.organization_packages.page(parse_org(org), by=asks)


async def test_what_is_held_is_counted_and_not_the_newest(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    held = Coordinate.parse("acme", "greet", "1.1.0")
    await world.registry.moderation.hold(held, "Looked at.", by=OPERATOR)
    managed = await world.registry.organization_packages.package(GREET, by=by(world.people.ann))
    assert managed.latest
    assert (managed.latest.version, managed.held_count) == ("1.0.0", 1)
    assert [each.version for each in managed.survey.entries] == ["1.1.0", "1.0.0"]


async def test_a_package_is_looked_after_by_owners_and_maintainers(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    mia = world.people.mia
    service, organizations = world.registry.organization_packages, world.registry.organizations
    with pytest.raises(NotPermitted):
        await service.package(GREET, by=by(mia))
    assert not await service.may_manage(GREET, by=by(mia))
    await organizations.set_member(ACME, mia.account, Role.MAINTAINER, by=OPERATOR)
    assert (await service.package(GREET, by=by(mia))).head.name == "greet"
    assert await service.may_manage(GREET, by=by(mia))


async def test_outsiders_and_strangers_manage_nothing(world: World) -> None:
    service = world.registry.organization_packages
    for asks in (by(world.people.bob), ANONYMOUS):
        assert not await service.may_manage(GREET, by=asks)
    with pytest.raises(OrganizationNotFound):
        await service.package(GREET, by=by(world.people.bob))


async def test_what_is_not_there_is_said_to_its_owners(world: World) -> None:
    with pytest.raises(PackageNotFound):
        await world.registry.organization_packages.package(GREET, by=by(world.people.ann))
