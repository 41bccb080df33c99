"""Stores of one machine, for the tests of their parts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.adapters.embedded import EmbeddedStores, open_embedded
from tests.contract.sample_records import head
from tests.fakes.system import FakeClock


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[EmbeddedStores]:
    """Return stores with the package acme/greet."""
    opened = open_embedded(tmp_path, FakeClock())
    opened.migrate()
    await opened.metadata.claim(head())
    yield opened
    opened.close()
