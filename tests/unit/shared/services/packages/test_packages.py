"""Deprecation of releases, and the packages of an organization."""

import pytest

from shared.domain.errors.packages import PackageNotFound
from shared.domain.identity import OPERATOR, Grant, Principal
from shared.domain.names import Coordinate, Package, parse_org
from shared.services.packages.packages import PACKAGES_ON_A_PAGE, ManagedPackagePage
from tests.support.archives import bala
from tests.support.world import Person, World

FIRST = Coordinate.parse("acme", "greet", "1.0.0")


async def test_the_event_of_a_deprecation_says_of_what_and_whether_it_ended(world: World) -> None:
    await world.push(bala(str(FIRST)))
    deprecation = world.registry.packages.deprecation
    await deprecation.deprecate(FIRST, "Use 2.0.0.", by=OPERATOR)
    await deprecation.undeprecate(FIRST, by=OPERATOR)
    await deprecation.deprecate_package(FIRST.package, "Use acme/other.", by=OPERATOR)
    await deprecation.undeprecate_package(FIRST.package, by=OPERATOR)
    events = await world.stores.events.since(0, 20)
    assert [(each.kind, each.subject) for _, each in events if "deprecated" in each.kind] == [
        ("release.deprecated", "acme/greet:1.0.0"),
        ("release.undeprecated", "acme/greet:1.0.0"),
        ("package.deprecated", "acme/greet"),
        ("package.undeprecated", "acme/greet"),
    ]


ACME = parse_org("acme")
GREET = Package.parse("acme", "greet")


def by(person: Person) -> Principal:
    return Principal(person.account.id, "session", (Grant(),))


def names(page: ManagedPackagePage) -> list[str]:
    return [each.head.name for each in page.packages]


async def test_a_page_ends_where_the_next_one_begins(world: World) -> None:
    admin = world.people.admin
    for number in range(PACKAGES_ON_A_PAGE + 2):
        await world.push(bala(f"acme/p{number:02}:1.0.0"), by=admin)
    service, mia = world.registry.packages.of_organization, by(world.people.mia)
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


async def test_a_held_release_is_counted_and_not_the_newest(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    held = Coordinate.parse("acme", "greet", "1.1.0")
    await world.registry.publishing.moderation.hold(held, "Looked at.", by=OPERATOR)
    managed = await world.registry.packages.of_organization.package(GREET, by=by(world.people.ann))
    assert managed.latest
    assert (managed.latest.version, managed.held_count) == ("1.0.0", 1)
    assert [each.version for each in managed.survey.entries] == ["1.1.0", "1.0.0"]


async def test_owners_read_that_a_package_is_missing(world: World) -> None:
    with pytest.raises(PackageNotFound):
        await world.registry.packages.of_organization.package(GREET, by=by(world.people.ann))
