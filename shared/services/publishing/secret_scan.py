"""Searches the archives that people push for secrets, in the confined process."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from msgspec import Struct

from shared.confined.job_files import ARCHIVE, SECRETS_PART
from shared.confined.jobs import ConfinedUnavailable, PartResult
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Unavailable
from shared.domain.secret_forms import FoundSecrets
from shared.ports.confined_tasks import ConfinedTasks
from shared.services.api_docs.api_docs_generation import job_folder

TASK = "secrets"
TASK_ON_DEMAND = "secrets-on-demand"
PATIENCE = timedelta(seconds=90)  # A job before it takes up to 65 seconds.
UNREADABLE = "what was found cannot be read"


class SecretsUnread(Exception):
    """An archive that cannot be searched, now or later; `str()` is the end of a sentence."""


class SecretScan(Struct, frozen=True):
    """Searches files of archives for secrets. Archives in which no file may have one, which is
    nearly all of them, cost nothing."""

    confined: ConfinedTasks
    patience: timedelta = PATIENCE

    async def find(
        self, content: bytes | memoryview, coordinate: Coordinate, files: Sequence[str]
    ) -> FoundSecrets:
        """Return the secrets in these files of an archive that somebody pushes.

        Raises `SecretsUnread`, and `Unavailable` if nothing is known about the archive.
        """
        return await self._find(TASK, content, coordinate, files)

    async def find_on_demand(
        self, content: bytes | memoryview, coordinate: Coordinate, files: Sequence[str]
    ) -> FoundSecrets:
        """Return the same in the share of time of what anybody may ask for again and again."""
        return await self._find(TASK_ON_DEMAND, content, coordinate, files)

    async def _find(
        self, task: str, content: bytes | memoryview, coordinate: Coordinate, files: Sequence[str]
    ) -> FoundSecrets:
        if not files:
            return FoundSecrets()
        try:
            async with asyncio.timeout(self.patience.total_seconds()), job_folder() as folder:
                await asyncio.to_thread((folder / ARCHIVE).write_bytes, content)
                parts = await self.confined.run(task, folder, {"files": list(files)})
        except (ConfinedUnavailable, TimeoutError):
            raise Unavailable(
                "secrets-not-searched",
                f"{coordinate} could not be searched for secrets now, and nothing was stored. Push "
                "it again in a minute.",
            ) from None
        return _found(parts)


def _found(parts: Sequence[PartResult]) -> FoundSecrets:
    """Return what a job found; whatever the confined process says is checked."""
    for part in parts:
        if part.refused:
            raise SecretsUnread(part.refused)
        if part.name == SECRETS_PART:
            try:
                return msgspec.convert(part.result, FoundSecrets)
            except msgspec.ValidationError:
                break
    raise SecretsUnread(UNREADABLE)
