"""What the tests of public pages share."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.protocol.web.sample_packages import fill
from tests.support.storage import IN_THE_CLOUD
from tests.support.world import Template, World


class Html(SingleFileSnapshotExtension):
    """Keeps a golden as a file that a browser opens."""

    _write_mode = WriteMode.TEXT
    file_extension = "html"


@pytest.fixture
def page(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compare with a golden of what is particular to a page."""
    return snapshot.use_extension(Html)


@pytest.fixture(scope="session")
def filled(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template | None:
    """Return a data folder with packages to look at; in the cloud there is none."""
    folder = tmp_path_factory.mktemp("filled") / "data"
    return None if IN_THE_CLOUD else asyncio.run(template.filled(folder, fill))


@pytest.fixture
async def shelf(
    template: Template, filled: Template | None, scratch: Path
) -> AsyncGenerator[World]:
    """Return a registry that has packages to look at."""
    async with (filled or template).world(scratch / "data") as world:
        if filled is None:
            await fill(world)
        yield world
