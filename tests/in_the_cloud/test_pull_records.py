"""What the record of pulls costs in the cloud: builds that pull private packages, and a search."""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.names import parse_org
from shared.domain.principals import Principal
from shared.domain.pull_records import PullQuery
from shared.services.packages.pull_records import FLUSH_AFTER
from tests.support.cloud_registry import MeteredRegistry, metered
from tests.support.cloud_stores import double_of

pytestmark = pytest.mark.usefixtures("patience")

BUILDS = 40
PACKAGES = 100
# By the model of the double, which leaves out what an indexed term adds to a write.
UNITS_A_PULL = 0.2  # Measured: 0.12.
UNITS_A_QUESTION = 80  # Measured: 70, for the forty items that name the version.


async def built(cloud: MeteredRegistry, build: int) -> None:
    """Pull a hundred private packages as a build does, and write what was recorded."""
    recorder = cloud.registry.packages.pull_recorder
    by = Principal(
        id="0a1b2c3d4e", credential=f"token-{build:04}", organization="acme", address="192.0.2.7"
    )
    for number in range(PACKAGES):
        coordinate = Coordinate.parse("acme", f"queue.connector{number}", "1.12.0")
        recorder.add(coordinate, is_public=False, by=by)
    cloud.clock.advance(FLUSH_AFTER + timedelta(minutes=1))
    await recorder.flush()


async def test_a_recorded_pull_takes_a_fifth_of_a_unit_at_most(tmp_path: Path) -> None:
    async with metered(tmp_path) as cloud:
        double = double_of(cloud.meter.place.folder, cloud.clock)
        before = double.charged
        for build in range(BUILDS):
            await built(cloud, build)
        written = double.charged - before
        assert written / (BUILDS * PACKAGES) <= UNITS_A_PULL
        query = PullQuery(
            parse_org("acme"), package="queue.connector7", version="1.12.0", count=BUILDS
        )
        before = double.charged
        found = await cloud.registry.adapters.pull_records.find(query)
        assert len(found.pulls) == BUILDS
        assert double.charged - before <= UNITS_A_QUESTION
