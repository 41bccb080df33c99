"""Shelving: which snapshots there are, and what each holds."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TypeVar

from shared.domain.package import Record
from shared.domain.snapshots import MANIFEST, Manifest, SnapshotUnusable, record_of
from shared.ports import SnapshotStore
from shared.services.packing import Packing

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The snapshots of one store."""

    store: SnapshotStore

    async def all(self) -> list[Manifest]:
        """Return what every whole snapshot holds, the newest first."""
        whole = [each for each in await self.store.list() if each.endswith(f"/{MANIFEST}")]
        names = sorted((each.partition("/")[0] for each in whole), reverse=True)
        return [await self.manifest(name) for name in names]

    async def manifest(self, name: str) -> Manifest:
        """Return what a snapshot holds; raise `SnapshotUnusable` where there is none."""
        content = b"".join([piece async for piece in self.store.read(f"{name}/{MANIFEST}")])
        try:
            return Manifest.model_validate_json(content)
        except ValueError:
            message = f"There is no snapshot {name!r}. `snapshot list` names those there are."
            raise SnapshotUnusable(message) from None

    async def verified(self, name: str) -> Manifest:
        """Read all of a snapshot; raise `SnapshotUnusable` unless it is what was written."""
        manifest = await self.manifest(name)
        for part in manifest.parts:
            packing = Packing(part.name)
            async for line in packing.unpack(self.store.read(f"{name}/{part.name}")):
                record_of(line)
            if packing.part() != part:
                message = f"{part.name} of the snapshot {name} is not as it was written."
                raise SnapshotUnusable(message)
        return manifest

    async def records(self, name: str, file: str, kind: type[R]) -> AsyncGenerator[R]:
        """Yield the records of a file, in its order; raise `SnapshotUnusable` at another kind."""
        async for line in Packing(file).unpack(self.store.read(f"{name}/{file}")):
            record = record_of(line)
            if not isinstance(record, kind):
                message = f"{file} of the snapshot {name} holds what belongs into another file."
                raise SnapshotUnusable(message)
            yield record

    async def remove(self, names: set[str]) -> None:
        """Remove snapshots, whole or not."""
        for file in sorted(await self.store.list(), key=_manifest_first):
            if file.partition("/")[0] in names:
                await self.store.delete(file)


def _manifest_first(file: str) -> bool:
    return not file.endswith(MANIFEST)  # What is half gone is no snapshot.
