"""The stores that each suite runs against."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.contract.stores import STORES, OpenStores, Stores
from tests.fakes.system import FakeClock
from tests.support.real_stores import delete_all


@pytest.fixture(scope="session", autouse=True)
def nothing_left() -> Generator[None]:
    """Delete what was made in real stores."""
    yield
    delete_all()


@pytest.fixture(params=sorted(STORES))
def open_stores(request: pytest.FixtureRequest) -> OpenStores:
    """Return how to open the stores of one machine or of the cloud, or those of a module."""
    return getattr(request.module, "STORES", STORES)[request.param]


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock that dates what is stored."""
    return FakeClock()


@pytest.fixture
async def stores(
    open_stores: OpenStores, tmp_path: Path, clock: FakeClock
) -> AsyncGenerator[Stores]:
    """Return empty stores."""
    async with open_stores(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def others(
    open_stores: OpenStores, tmp_path: Path, clock: FakeClock
) -> AsyncGenerator[Stores]:
    """Return the same stores as another process has them open."""
    async with open_stores(tmp_path, clock) as opened:
        yield opened
