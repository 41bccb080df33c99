"""What the tests of the pages of accounts share."""

import pytest

from tests.support.page_client import PageClient
from tests.support.world import World


@pytest.fixture
async def ann(world: World, request: pytest.FixtureRequest) -> PageClient:
    """Return a browser in which Ann has just signed in; it shows the page of the module."""
    return await PageClient.at(world, world.people.ann, request.module.PAGE)
