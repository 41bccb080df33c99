"""What the tests with real clients share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.aether import Aether
from tests.clients.recorded_registry import Served, served
from tests.support.world import Template


@pytest.fixture(scope="session")
def aether(tmp_path_factory: pytest.TempPathFactory) -> Aether:
    """Return the compiled driver; one virtual machine runs per use."""
    return Aether.build(tmp_path_factory.mktemp("aether"))


@pytest.fixture
def registry(template: Template, scratch: Path) -> Iterator[Served]:
    """Return a registry that listens."""
    with served(template, scratch / "data") as serving:
        yield serving
