"""What every suite shares."""

import pytest
from hypothesis import settings

# A deadline measures the machine, not the law; and a red run must be red for everybody.
settings.register_profile("ballroom", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ballroom")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio alone, which is what the host runs."""
    return "asyncio"
