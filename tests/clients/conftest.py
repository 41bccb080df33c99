"""What the tests with real clients share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.aether import Aether, running_aether
from tests.clients.recorded_registry import Served, served
from tests.support.world import Template


@pytest.fixture(scope="session")
def aether(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aether]:
    """Return the driver, one virtual machine for all tests."""
    with running_aether(tmp_path_factory.mktemp("aether")) as running:
        yield running


@pytest.fixture
def registry(template: Template, scratch: Path) -> Iterator[Served]:
    """Return a registry that listens."""
    with served(template, scratch / "data") as serving:
        yield serving
