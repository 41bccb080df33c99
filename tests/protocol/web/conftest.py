"""What the tests of public pages share."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.conftest import memory_folder
from tests.protocol.web.sample_packages import fill
from tests.support.world import Template, World


@pytest.fixture(scope="session")
def filled(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return a registry with packages to look at, to copy."""
    return asyncio.run(template.filled(tmp_path_factory.mktemp("filled") / "data", fill))


@pytest.fixture(scope="module")
async def shelf(filled: Template) -> AsyncGenerator[World]:
    """Return a registry with packages to look at, which no test changes. To read documentation is a
    change: the first request makes it."""
    with memory_folder() as folder:
        async with filled.world(folder / "data") as world:
            yield world


@pytest.fixture
async def own_shelf(filled: Template, scratch: Path) -> AsyncGenerator[World]:
    """Return such a registry for one test."""
    async with filled.world(scratch / "data") as world:
        yield world
