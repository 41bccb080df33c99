"""What the tests with real clients share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.aether import Aether, running_aether
from tests.clients.recorded_registry import Served, served
from tests.support.go_programs import GoPrograms, build_go_programs
from tests.support.world import Template


@pytest.fixture(scope="session")
def aether(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aether]:
    """Return the driver, one virtual machine for all tests."""
    with running_aether(tmp_path_factory.mktemp("aether")) as running:
        yield running


@pytest.fixture(scope="session")
def go_programs(tmp_path_factory: pytest.TempPathFactory) -> GoPrograms:
    """Return the programs in Go, which read a log."""
    return build_go_programs(tmp_path_factory.mktemp("go-programs"))


@pytest.fixture
def registry(template: Template, scratch: Path) -> Iterator[Served]:
    """Return a registry that listens."""
    with served(template, scratch / "data") as serving:
        yield serving
