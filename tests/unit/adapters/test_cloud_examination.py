"""The doctor of the stores in the cloud."""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.cloud import Connections, open_cloud
from shared.adapters.cloud_examination import examine_cloud
from shared.adapters.cosmos.connecting import DATABASE
from shared.adapters.examination import Finding
from tests.cloud import AtPlace, double_of, emulator, make_containers
from tests.fakes.azurite import KEY
from tests.fakes.clock import FakeClock
from tests.fakes.randomness import FakeRandomness


async def findings(connections: Connections) -> dict[str, Finding]:
    """Return what was found, by what was looked at."""
    cloud = open_cloud(connections, FakeClock(), FakeRandomness("doctor"))
    try:
        return {each.what: each async for each in examine_cloud(cloud)}
    finally:
        await cloud.close()


@pytest.fixture
async def connections(tmp_path: Path) -> AtPlace:
    """Return stores in which nothing is missing."""
    connections = AtPlace(tmp_path, FakeClock())
    await make_containers(connections)
    return connections


async def test_nothing_is_wrong_where_nothing_is_missing(connections: AtPlace) -> None:
    found = await findings(connections)
    assert [each.way_out for each in found.values()] == ["", ""]
    assert found["blobs"].found == "Blob Storage has its 5 containers."


async def test_a_container_that_was_not_deployed_is_named(
    connections: AtPlace, tmp_path: Path
) -> None:
    del double_of(tmp_path, FakeClock()).containers[DATABASE, "stats"]
    found = (await findings(connections))["records"]
    assert found.found == "The container stats of Cosmos DB does not exist."
    assert found.way_out == "The templates make it: run azd up."


async def test_a_store_that_does_not_answer_in_time_is_found(connections: AtPlace) -> None:
    cloud = open_cloud(connections, FakeClock(), FakeRandomness("doctor"))
    found = [each async for each in examine_cloud(cloud, patience=timedelta(0))]
    await cloud.close()
    assert [each.found for each in found] == [
        "The container packages of Cosmos DB does not answer (TimeoutError).",
        "The container archives of Blob Storage does not answer (TimeoutError).",
    ]


async def test_who_may_not_read_is_told_so(connections: AtPlace, tmp_path: Path) -> None:
    known = tmp_path / "blobs.connection"
    known.write_text(_with_another_key())
    found = (await findings(connections))["blobs"]
    assert found.found == "The container archives of Blob Storage may not be read."
    assert found.way_out


def _with_another_key() -> str:
    return emulator().replace(f"AccountKey={KEY}", "AccountKey=a2V5")
