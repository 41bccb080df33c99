"""The files of imported advisories are stored once, whole, and deleted."""

from tests.contract.stores import Stores


async def test_a_file_comes_back_whole_and_never_changes(stores: Stores, others: Stores) -> None:
    assert await stores.advisory_files.get("maven.a") is None
    large = bytes(range(256)) * 20_000
    await stores.advisory_files.put("maven.a", large)
    await stores.advisory_files.put("maven.a", b"another")
    assert await others.advisory_files.get("maven.a") == large


async def test_files_are_listed_and_deleted_by_their_names(stores: Stores, others: Stores) -> None:
    for name in ("maven.b", "maven.a", "malware.a"):
        await stores.advisory_files.put(name, b"{}")
    for _ in range(2):
        await others.advisory_files.delete("maven.a")
    assert await stores.advisory_files.names() == ["malware.a", "maven.b"]
