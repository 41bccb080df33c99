"""What doctor says of stores that the registry may not use."""

from pathlib import Path

from shared.adapters.cloud import check_cloud_stores, open_cloud
from tests.fakes.azurite import KEY
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.cloud_stores import BLOBS, CloudDouble, emulator, make_containers


async def test_an_identity_without_the_right_to_read_is_reported(tmp_path: Path) -> None:
    connections = CloudDouble(tmp_path, FakeClock())
    await make_containers(connections)
    with_another_key = emulator().replace(f"AccountKey={KEY}", "AccountKey=a2V5")
    (tmp_path / BLOBS).write_text(with_another_key)
    cloud = open_cloud(connections, FakeClock(), FakeRandomness("doctor"))
    found = {each.what: each async for each in check_cloud_stores(cloud)}["blobs"]
    await cloud.close()
    assert found.found == "The container archives of Blob Storage may not be read."
    assert found.way_out
