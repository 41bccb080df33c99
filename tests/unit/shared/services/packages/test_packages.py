"""Deprecation of releases, and the packages of an organization."""

import pytest

from shared.domain.errors.identity import NotPermitted
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.errors.packages import (
    MessageTooLong,
    PackageIsDeprecated,
    PackageNotFound,
    ReleaseNotFound,
)
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.names import Coordinate, Package, parse_org
from shared.domain.rights import Grant, Role
from shared.services.packages.packages import (
    MAX_MESSAGE_LENGTH,
    PACKAGES_ON_A_PAGE,
    ManagedPackagePage,
)
from tests.support.archives import bala
from tests.support.world import Person, World

FIRST = Coordinate.parse("acme", "greet", "1.0.0")


async def test_deprecating_a_version_twice_with_the_same_message_changes_it_once(
    world: World,
) -> None:
    await world.push(bala(str(FIRST)))
    deprecation = world.registry.packages.deprecation
    first = await deprecation.deprecate(FIRST, "Use 2.0.0.", by=OPERATOR)
    again = await deprecation.deprecate(FIRST, "Use 2.0.0.", by=OPERATOR)
    assert again.revision == first.revision


async def test_deprecating_a_package_twice_with_the_same_message_changes_it_once(
    world: World,
) -> None:
    await world.push(bala(str(FIRST)))
    deprecation = world.registry.packages.deprecation
    first = await deprecation.deprecate_package(FIRST.package, "Use acme/other.", by=OPERATOR)
    again = await deprecation.deprecate_package(FIRST.package, "Use acme/other.", by=OPERATOR)
    assert again.revision == first.revision


async def test_a_missing_or_withheld_release_is_not_deprecated(world: World) -> None:
    await world.push(bala(str(FIRST)))
    deprecation = world.registry.packages.deprecation
    newer = Coordinate.parse("acme", "greet", "2.0.0")
    absent = Coordinate.parse("acme", "absent", "1.0.0")
    for each in (newer, absent):
        with pytest.raises(ReleaseNotFound) as refused:
            await deprecation.deprecate(each, "Use another.", by=OPERATOR)
        assert str(refused.value) == f"package not found for: {each.package}:{each.version}"
    with pytest.raises(ReleaseNotFound) as refused:
        await deprecation.deprecate_package(absent.package, "Use another.", by=OPERATOR)
    assert str(refused.value) == "package not found for: acme/absent:*"
    await world.registry.publishing.moderation.quarantine(FIRST, "looked at", by=OPERATOR)
    with pytest.raises(ReleaseNotFound, match=r"acme/greet:1\.0\.0$"):
        await deprecation.deprecate(FIRST, "Use another.", by=OPERATOR)


async def test_a_version_is_not_undeprecated_alone_where_its_package_is_deprecated(
    world: World,
) -> None:
    await world.push(bala(str(FIRST)))
    deprecation = world.registry.packages.deprecation
    await deprecation.deprecate(FIRST, "Use 2.0.0.", by=OPERATOR)
    await deprecation.deprecate_package(FIRST.package, "Use acme/other.", by=OPERATOR)
    assert (await deprecation.undeprecate(FIRST, by=OPERATOR)).deprecation is None
    with pytest.raises(PackageIsDeprecated) as refused:
        await deprecation.undeprecate(FIRST, by=OPERATOR)
    assert str(refused.value) == (
        "acme/greet is deprecated as a whole, and acme/greet:1.0.0 with it. Undo that first: "
        "bal deprecate --undo acme/greet."
    )


async def test_a_message_is_one_line_of_a_length_that_fits(world: World) -> None:
    await world.push(bala(str(FIRST)))
    deprecation = world.registry.packages.deprecation
    longest = await deprecation.deprecate(FIRST, "x" * MAX_MESSAGE_LENGTH, by=OPERATOR)
    assert longest.deprecation == "x" * 500
    with pytest.raises(MessageTooLong, match="has 501 characters, and 500 fit"):
        await deprecation.deprecate(FIRST, "x" * 501, by=OPERATOR)
    shown = await deprecation.deprecate(FIRST, " Use\r\n2.0.0\x00 now. ", by=OPERATOR)
    assert shown.deprecation == "Use 2.0.0 now."


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


async def test_members_see_private_packages_and_no_others(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    await world.push(bala("other/thing:1.0.0"), by=world.people.bob)
    page = await world.registry.packages.of_organization.page(ACME, by=by(world.people.mia))
    assert (names(page), page.next) == (["greet", "secret"], "")


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


@pytest.mark.parametrize("org", ["acme", "nobodys"])
async def test_outside_of_it_there_is_no_such_organization(world: World, org: str) -> None:
    asks = by(world.people.bob)
    with pytest.raises(OrganizationNotFound):
        await world.registry.packages.of_organization.page(parse_org(org), by=asks)


async def test_a_held_release_is_counted_and_not_the_newest(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    held = Coordinate.parse("acme", "greet", "1.1.0")
    await world.registry.publishing.moderation.hold(held, "Looked at.", by=OPERATOR)
    managed = await world.registry.packages.of_organization.package(GREET, by=by(world.people.ann))
    assert managed.latest
    assert (managed.latest.version, managed.held_count) == ("1.0.0", 1)
    assert [each.version for each in managed.survey.entries] == ["1.1.0", "1.0.0"]


async def test_a_package_is_looked_after_by_owners_and_maintainers(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    mia = world.people.mia
    service, organizations = (
        world.registry.packages.of_organization,
        world.registry.organizations.organizations,
    )
    with pytest.raises(NotPermitted):
        await service.package(GREET, by=by(mia))
    assert not await service.may_manage(GREET, by=by(mia))
    await organizations.set_member(ACME, mia.account, Role.MAINTAINER, by=OPERATOR)
    assert (await service.package(GREET, by=by(mia))).head.name == "greet"
    assert await service.may_manage(GREET, by=by(mia))


async def test_outsiders_and_anonymous_callers_manage_nothing(world: World) -> None:
    service = world.registry.packages.of_organization
    for asks in (by(world.people.bob), ANONYMOUS):
        assert not await service.may_manage(GREET, by=asks)
    with pytest.raises(OrganizationNotFound):
        await service.package(GREET, by=by(world.people.bob))


async def test_owners_read_that_a_package_is_missing(world: World) -> None:
    with pytest.raises(PackageNotFound):
        await world.registry.packages.of_organization.package(GREET, by=by(world.people.ann))
