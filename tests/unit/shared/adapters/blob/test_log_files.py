"""Files of the log as blobs: what the contract of all stores does not say."""

import asyncio
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError

from shared.adapters.blob.client import BlobContainers
from shared.adapters.blob.log_files import BlobLog
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.notes import NoteSigner, SignedNote
from tests.fakes.blob_storage import FailingBlobsInMemory, Outage
from tests.fakes.system import FakeClock
from tests.support.log_checker import ORIGIN


async def test_a_checkpoint_for_a_container_that_is_missing_is_refused_and_not_tried_for_ever(
    tmp_path: Path,
) -> None:
    text = Checkpoint(ORIGIN, 1, bytes(32)).text
    note = SignedNote(text, (NoteSigner(ORIGIN, bytes(32)).sign(text),))
    connections = FailingBlobsInMemory(tmp_path, FakeClock(), outage=Outage())
    blobs = BlobContainers(connections.blobs, "missing-")
    publishing = BlobLog(blobs).publish_checkpoint("log/checkpoint", note.content.encode())
    with pytest.raises(ResourceNotFoundError):
        await asyncio.wait_for(publishing, 5)
    await blobs.close()
