"""What several tests of attacks share."""

import pytest

from tests.support.trusted_publishing import JOBS, TrustedPublishingWorld, trusting
from tests.support.world import OpenWorld


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    """Return a registry whose package is published by a job of every provider."""
    trust = await trusting(worlds)
    for provider in JOBS:
        await trust.add(provider=provider)
    return trust
