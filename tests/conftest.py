"""What every suite shares."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio alone, which is what the host runs."""
    return "asyncio"
