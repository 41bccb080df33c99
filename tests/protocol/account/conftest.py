"""What the tests of the pages of accounts share."""

import pytest

from tests.support.browsers import Browser, signed_in
from tests.support.world import World


@pytest.fixture
async def ann(world: World, request: pytest.FixtureRequest) -> Browser:
    """Return a browser in which Ann has just signed in; it shows the page of the module."""
    return await signed_in(world, world.people.ann, request.module.PAGE)
