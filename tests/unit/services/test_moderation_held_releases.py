"""Owners read what waits for them, with what there is to decide on, and no page is without end."""

import pytest

from shared.domain.errors.identity import NotPermitted
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.identity import OPERATOR, Principal
from shared.domain.names import Coordinate, parse_org
from shared.domain.packages import Release
from shared.domain.rights import Grant
from shared.services.moderation import MAX_HELD_RELEASES, PACKAGES_READ, HeldReleasePage
from shared.services.publishing import Upload
from tests.support.archives import bala
from tests.support.world import OpenWorld, Person, World

ACME = parse_org("acme")


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that holds the second package of a burst already."""
    return await worlds(brake_packages=1)


def by(person: Person) -> Principal:
    return Principal(person.account.id, "session", (Grant(),))


async def waiting(world: World, after: str = "") -> HeldReleasePage:
    return await world.registry.held_releases.page(ACME, after, by=by(world.people.ann))


def shown(review: HeldReleasePage) -> list[str]:
    return [str(each.release.coordinate) for each in review.releases]


async def push(world: World, coordinate: str, **spec: object) -> Release:
    """Publish as Ann, whom the brake stops."""
    ann = Principal(world.people.ann.account.id, "token", (Grant(),))
    return await world.registry.publishing.push(Upload(bala(coordinate, **spec)), ann)


async def test_nothing_waits_where_nothing_was_held(world: World) -> None:
    await push(world, "acme/greet:1.0.0")
    review = await waiting(world)
    assert (review.releases, review.next) == ((), "")


async def test_what_waits_is_compared_with_what_is_live(world: World) -> None:
    await push(world, "acme/greet:1.0.0")
    await push(world, "acme/base:1.0.0")
    await push(world, "acme/greet:1.1.0", platform="java21")
    review = await waiting(world)
    assert shown(review) == ["acme/base:1.0.0", "acme/greet:1.1.0"]
    first, second = (each.comparison for each in review.releases)
    assert first is None
    assert second
    assert (second.version, second.platform, second.has_other_publisher) == ("1.0.0", "any", False)
    assert review.names == {world.people.ann.account.id: "ann"}


async def test_the_token_that_published_it_is_there_to_be_ended(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/base:1.0.0"))
    [each] = (review := await waiting(world)).releases
    assert review.tokens[each.release.origin.credential].name == "test"


async def test_what_the_operator_holds_waits_for_nobody(world: World) -> None:
    await push(world, "acme/greet:1.0.0")
    held = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.moderation.hold(held, "Looked at.", by=OPERATOR)
    assert shown(await waiting(world)) == []


async def test_owners_alone_read_it(world: World) -> None:
    with pytest.raises(NotPermitted):
        await world.registry.held_releases.page(ACME, by=by(world.people.mia))
    with pytest.raises(OrganizationNotFound):
        await world.registry.held_releases.page(ACME, by=by(world.people.bob))


async def test_a_page_looks_through_so_many_packages(world: World) -> None:
    for number in range(PACKAGES_READ + 1):
        await world.push(bala(f"acme/p{number:02}:1.0.0"), by=world.people.admin)
    await push(world, "acme/a:1.0.0")
    await push(world, "acme/z:1.0.0")
    first = await waiting(world)
    assert (shown(first), first.next) == ([], f"p{PACKAGES_READ - 2:02}")
    assert shown(await waiting(world, first.next)) == ["acme/z:1.0.0"]


async def test_a_page_ends_after_so_many_releases(world: World) -> None:
    await push(world, "acme/a:1.0.0")
    for number in range(MAX_HELD_RELEASES + 1):
        await push(world, f"acme/p:1.0.{number}")
    await push(world, "acme/z:1.0.0")
    first = await waiting(world)
    assert (len(first.releases), first.next) == (MAX_HELD_RELEASES, "p")
    assert shown(await waiting(world, first.next)) == ["acme/z:1.0.0"]
