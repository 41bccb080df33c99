"""Copies that a store keeps of deleted blobs are deleted for good, by who has the right to.

Azurite keeps none, so this runs over the double alone.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.blob.deleted_copies import RULES_RUN_WITHIN, UNDELETE_PERIOD
from shared.adapters.cloud import CloudStores
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.dependency_graphs import Graph
from shared.domain.packages import ModuleText, Texts
from shared.domain.times import MS
from tests.contract.sample_records import named
from tests.contract.stores import cloud_over
from tests.fakes.blob_double import BlobDouble
from tests.fakes.system import FakeClock
from tests.paths import ROOT
from tests.support.cloud_stores import CloudInMemory, blob_double_of

CONTENT = b"an archive"
DIGEST = Digest.of(CONTENT)
OTHER = Digest.of(b"a later archive")


async def _in_memory(folder: Path, clock: FakeClock) -> CloudInMemory:
    return CloudInMemory(folder, clock)


STORES = {"cloud": cloud_over(_in_memory)}  # pyright: ignore[reportArgumentType] - a fake clock.


@pytest.fixture
def double(stores: CloudStores, tmp_path: Path, clock: FakeClock) -> BlobDouble:
    """Return the account, which keeps versions."""
    assert stores.copies
    double = blob_double_of(tmp_path, clock)
    double.history = {}
    return double


@pytest.fixture
def open_stores(tmp_path: Path) -> object:  # noqa: ARG001 - a fixture of every suite.
    return STORES["cloud"]


def kept(double: BlobDouble) -> list[str]:
    """Return what the account keeps of deleted and overwritten blobs."""
    assert double.history is not None
    return sorted(
        f"{container}/{name}" for (container, name), each in double.history.items() if each
    )


async def deleted(stores: CloudStores) -> None:
    """Store an archive and its documents, and delete them, as the sweep does."""
    await stores.archives.put(named(CONTENT), CONTENT, ArchiveContainer.PUBLIC)
    texts = Texts(readme="read", modules=(ModuleText(name="greet"),))
    await stores.documents.put(DIGEST, texts, Graph())
    await stores.documents.put_rendering(OTHER, f"changes.html-{DIGEST}", b"compared")
    await stores.archives.move(named(CONTENT), ArchiveContainer.PRIVATE)
    await stores.archives.delete(DIGEST, 2**60)
    await stores.documents.delete(DIGEST)
    await stores.documents.delete_renderings(OTHER, [f"changes.html-{DIGEST}"])


async def test_no_copy_is_left_of_an_archive_and_of_what_was_made_of_it(
    stores: CloudStores, double: BlobDouble
) -> None:
    await deleted(stores)
    assert len(kept(double)) >= 4
    assert await stores.copies.erase(DIGEST, [OTHER]) == []
    assert kept(double) == []
    assert await stores.copies.erase(DIGEST, [OTHER]) == []


async def test_blobs_that_are_in_use_stay(stores: CloudStores, double: BlobDouble) -> None:
    await deleted(stores)
    await stores.documents.put_rendering(OTHER, "readme", b"in use")
    await stores.archives.put(named(b"another"), b"another", ArchiveContainer.PUBLIC)
    await stores.copies.erase(DIGEST, [OTHER])
    assert await stores.documents.rendering(OTHER, "readme") == b"in use"
    assert await stores.archives.read(named(b"another")) == b"another"
    assert kept(double) == []


async def test_without_the_right_the_copies_are_named_with_the_time_at_which_they_go(
    stores: CloudStores, double: BlobDouble, clock: FakeClock
) -> None:
    await deleted(stores)
    double.deletes_versions = False
    left = await stores.copies.erase(DIGEST, [OTHER])
    assert f"archives/{DIGEST.hex}/" in " ".join(each.name for each in left)
    latest = clock.now_ms() + stores.copies.kept_for // MS
    assert {each.until_ms for each in left} == {latest}
    double.deletes_versions = True
    assert await stores.copies.erase(DIGEST, [OTHER]) == []


async def test_a_deleted_version_says_itself_when_it_goes(
    stores: CloudStores, double: BlobDouble, clock: FakeClock
) -> None:
    await deleted(stores)
    assert double.history is not None
    for place, versions in double.history.items():
        double.history[place] = [
            type(each)(each.id, each.blob, deleted_ms=clock.now_ms()) for each in versions
        ]
    double.deletes_versions = False
    left = await stores.copies.erase(DIGEST, [OTHER])
    assert {each.until_ms for each in left} == {clock.now_ms() + timedelta(days=15) // MS}


def test_the_templates_keep_deleted_blobs_as_long_as_receipts_say() -> None:
    template = (ROOT / "infra" / "modules" / "storage.bicep").read_text("utf-8")
    assert f"param undeleteDays int = {UNDELETE_PERIOD.days}\n" in template
    assert "undeleteDays:" not in (ROOT / "infra" / "main.bicep").read_text("utf-8")
    assert RULES_RUN_WITHIN.days == 2
