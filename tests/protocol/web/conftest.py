"""What the tests of public pages share."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.protocol.web.sample_packages import fill
from tests.support.world import World


class Html(SingleFileSnapshotExtension):
    """Keeps a golden as a file that a browser opens."""

    _write_mode = WriteMode.TEXT
    file_extension = "html"


@pytest.fixture
def page(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compare with a golden of what is particular to a page."""
    return snapshot.use_extension(Html)


@pytest.fixture
async def shelf(world: World) -> World:
    """Return a registry that has packages to look at."""
    await fill(world)
    return world
