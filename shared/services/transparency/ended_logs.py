"""Copies of logs that ended, for a registry that moves: nothing else has their entries."""

from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.log_states import CHECKPOINT_FILE, FormerLog
from shared.domain.transparency.notes import SignedNote
from shared.domain.transparency.tree_edge import all_tiles
from shared.ports.transparency import LogFiles


async def copy_ended_log(ended: FormerLog, source: LogFiles, target: LogFiles) -> None:
    """Copy the files of a log that ended, its checkpoint last. What is missing there stays missing.

    A repeat changes nothing; raises `LogStopped` if the target has a file with another content.
    """
    if not ended.checkpoint:
        return
    checkpoint = Checkpoint.parse(SignedNote.parse(ended.checkpoint).text)
    for tile in all_tiles(checkpoint.size):
        path = f"{ended.folder}/{tile.path}"
        content = await source.read(path)
        if content is not None:
            await target.write_once(path, content)
    path = f"{ended.folder}/{CHECKPOINT_FILE}"
    await target.publish_checkpoint(path, ended.checkpoint.encode())
