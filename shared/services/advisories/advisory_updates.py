"""Updates of imported sets from the dumps that the settings name."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from shared.domain.advisories.records import OWNER, AdvisorySet
from shared.domain.advisories.sources import AdvisorySource
from shared.domain.entities import Place
from shared.domain.errors.base import Refusal
from shared.domain.principals import MAINTENANCE
from shared.domain.tasks import TaskReport
from shared.domain.times import MS, time_text
from shared.ports.advisories import AdvisoryDumps
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.http_client import Unanswered
from shared.ports.system import Clock
from shared.services.advisories.advisory_import import AdvisoryImport

# Databases publish every day, so two days without an answer are too long.
OLD_AFTER = timedelta(days=2)


class AdvisoryUpdates(Struct, frozen=True):
    """Replaces the sets of the settings when their dumps change; if that fails, the last stays."""

    importing: AdvisoryImport
    dumps: AdvisoryDumps
    directory: DirectoryStore
    clock: Clock
    sources: Sequence[AdvisorySource]

    async def run(self) -> TaskReport:
        """Ask each source whether its dump changed, and import it then."""
        changed = 0
        problems = list[str]()
        for source in self.sources:
            stored = await self._stored(source)
            is_same = stored is not None and stored.source == source.at
            try:
                dump = await self.dumps.fetch(source, stored.tag if stored and is_same else "")
                if dump is not None:
                    await self.importing.replace_set(
                        source.name, dump.content, source=source.at, tag=dump.tag, by=MAINTENANCE
                    )
                    changed += 1
                    continue
                failure = ""
            except Unanswered as error:
                failure = f"{source.at} could not be read: {error}."
            except Refusal as refusal:
                failure = str(refusal)
            if failure:
                problems.append(f"The advisories {source.name} stay as they are. {failure}")
            await self._note(source, failure)
        return TaskReport(seen=len(self.sources), changed=changed, problems=tuple(problems))

    async def problems(self) -> list[str]:
        """Return what is wrong with the sets of the settings, a sentence each."""
        found = list[str]()
        for source in self.sources:
            stored = await self._stored(source)
            if stored is None:
                found.append(f"The advisories {source.name} of {source.at} were never read.")
            elif stored.failure:
                since = time_text(stored.imported_ms)
                found.append(f"The advisories {source.name} are those of {since}. {stored.failure}")
            elif self.clock.now_ms() - stored.tried_ms > OLD_AFTER // MS:
                since = time_text(stored.tried_ms)
                found.append(f"The advisories {source.name} were compared last on {since}.")
        return found

    async def _stored(self, source: AdvisorySource) -> AdvisorySet | None:
        return await self.directory.get(AdvisorySet, Place(OWNER, source.name))

    async def _note(self, source: AdvisorySource, failure: str) -> None:
        stored = await self._stored(source)
        if stored is None:
            return
        noted = {"tried_ms": self.clock.now_ms(), "failure": failure}
        try:
            await self.directory.replace(stored.model_copy(update=noted))
        except Stale:  # It was imported meanwhile.
            return
