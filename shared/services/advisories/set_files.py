"""The files of imported sets of advisories.

A file with the same content has the same name, so one that a process deletes may be named by the
record of another import at that moment. So whoever deletes a file and whoever names one look again
afterwards, and store it again if it is missing.
"""

from datetime import timedelta

import msgspec
from msgspec import Struct

from shared.domain.advisories.records import OWNER, AdvisorySet
from shared.domain.entities import Place
from shared.domain.times import MS
from shared.ports.advisories import AdvisoryFiles
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore

# Less than a day: the sweep of the next night deletes what the last one found.
GRACE = timedelta(hours=12)
_UNNAMED_KEPT_FOR = timedelta(days=30)

_KIND = "advisory-files"
_UNNAMED = "unnamed"


def set_file_name(set_name: str, digest: str) -> str:
    return f"{set_name}.{digest}"


class AdvisorySetFiles(Struct, frozen=True):
    """Deletes the files that no set has, and no others."""

    files: AdvisoryFiles
    directory: DirectoryStore
    work: WorkStore
    clock: Clock

    async def store_missing(self, name: str, content: bytes) -> None:
        """Store the file of a record again if it was deleted before the record named it."""
        if name not in await self.files.names():
            await self.files.put(name, content)

    async def delete(self, name: str) -> bool:
        """Delete a file unless the record of its set names it; return whether it did."""
        if await self._is_named(name):
            return False
        content = await self.files.get(name)
        await self.files.delete(name)
        if content is None:
            return False
        if await self._is_named(name):
            await self.files.put(name, content)
            return False
        return True

    async def sweep(self) -> int:
        """Delete the files that no record names, and that none named in an earlier run, before
        the grace period: those of imports that ended early. Return how many were deleted."""
        names = await self.files.names()
        if not names:
            return 0
        now_ms = self.clock.now_ms()
        stored = await self.work.peek(_KIND, _UNNAMED, now_ms)
        known = msgspec.json.decode(stored, type=dict[str, int]) if stored else {}
        unnamed = {
            each: known.get(each, now_ms) for each in names if not await self._is_named(each)
        }
        old = [each for each, since_ms in unnamed.items() if now_ms - since_ms >= GRACE // MS]
        deleted = sum([await self.delete(each) for each in old])
        left = {each: since_ms for each, since_ms in unnamed.items() if each not in old}
        if left != known:
            ends_ms = now_ms + _UNNAMED_KEPT_FOR // MS
            await self.work.put(_KIND, _UNNAMED, msgspec.json.encode(left).decode(), ends_ms)
        return deleted

    async def _is_named(self, name: str) -> bool:
        set_name = name.partition(".")[0]
        stored = await self.directory.get(AdvisorySet, Place(OWNER, set_name))
        return stored is not None and stored.file == name
