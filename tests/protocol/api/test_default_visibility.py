"""An organization says who sees a new package whose archive does not."""

import pytest

from shared.domain.coordinates import Package
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.services.organizations.organizations import OrganizationProfile
from tests.support.archives import bala
from tests.support.world import World

ACME = parse_org("acme")


async def visibility_of(world: World, name: str) -> Visibility:
    """Return who sees the package."""
    head = await world.stores.metadata.head(Package.parse("acme", name))
    assert head
    return head.visibility


@pytest.fixture
async def private(world: World) -> World:
    """Return a world in which acme's packages are private unless they say otherwise."""
    profile = OrganizationProfile(default_visibility=Visibility.PRIVATE)
    await world.registry.organizations.organizations.change(ACME, profile, by=OPERATOR)
    return world


@pytest.mark.parametrize("layout", [2, 3, 4])
async def test_a_push_without_a_visibility_gets_that_of_the_organization(
    private: World, layout: int
) -> None:
    await private.push(bala("acme/silent:1.0.0", layout=layout))
    await private.push(bala("acme/open:1.0.0", layout=layout, visibility="public"))
    await private.push(bala("acme/shut:1.0.0", layout=layout, visibility="private"))
    assert await visibility_of(private, "silent") is Visibility.PRIVATE
    assert await visibility_of(private, "open") is Visibility.PUBLIC
    assert await visibility_of(private, "shut") is Visibility.PRIVATE
    path = "/packages/acme/silent/1.0.0"
    assert (await private.get(path, by=private.people.mia)).status_code == 200
    assert (await private.get(path, by=private.people.bob)).status_code == 404


async def test_a_package_that_is_there_stays_as_it_is(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    profile = OrganizationProfile(default_visibility=Visibility.PRIVATE)
    await world.registry.organizations.organizations.change(ACME, profile, by=OPERATOR)
    await world.push(bala("acme/greet:1.1.0"))
    assert await visibility_of(world, "greet") is Visibility.PUBLIC
    assert (await world.get("/packages/acme/greet/1.1.0")).status_code == 200
