"""Task `sign-releases`, every 10 minutes: signs releases of earlier versions of the registry, and
those of a snapshot, which have no signature."""

from dataclasses import dataclass
from datetime import timedelta

from shared.auth.release_keys import ReleaseSigner
from shared.domain.packages import Head, Release, ReleaseEntry, State
from shared.domain.status import TaskReport
from shared.domain.times import MS
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.maintenance.tasks import Checkpoints, Task
from shared.services.packages.derived_data import DerivedData, PackageRecordWriter

SCHEDULE = "40 */10 * * * *"

_LOOKED_AGAIN_AFTER = timedelta(days=1)  # At all releases, after a visit that completed.
_VISITED = "signatures-visited"


@dataclass(frozen=True)
class SignReleases(Task):
    id = "sign-releases"
    title = "Sign releases"
    sentence = "Signs releases that have no signature of this registry."
    schedule = SCHEDULE

    release_signer: ReleaseSigner
    metadata: MetadataStore
    record_writer: PackageRecordWriter
    derived_data: DerivedData
    work: WorkStore
    checkpoints: Checkpoints
    clock: Clock

    async def run(self) -> TaskReport:
        """Sign the releases that have no signature, each by one write; a long run goes on at its
        checkpoint. A registry in which all have one is visited once a day."""
        if await self.work.peek(_VISITED, _VISITED, self.clock.now_ms()):
            return TaskReport(0, 0)
        await self.release_signer.ready()
        seen = signed = 0

        async def visit(head: Head) -> None:
            nonlocal seen, signed
            [survey] = await self.metadata.survey([head.package])
            entries = survey.entries if survey else ()
            seen += len(entries)
            if any(map(_lacks_signature, entries)):
                signed += await self._sign(head)

        finished = await self.checkpoints.visit_packages(self, visit)
        if finished:
            ends_ms = self.clock.now_ms() + _LOOKED_AGAIN_AFTER // MS
            await self.work.put(_VISITED, _VISITED, self.id, ends_ms)
        return TaskReport(seen, signed, unfinished=not finished)

    async def _sign(self, head: Head) -> int:
        """Sign what is unsigned of a package, and derive its lists; return how much there was."""
        signed = 0
        for release in await self.metadata.releases(head.package):
            if _lacks_signature(release):
                _, is_changed = await self.record_writer.store_release(
                    release.coordinate, self._signed
                )
                signed += is_changed
        # Also where a run that was stopped has signed all releases and listed none.
        await self.derived_data.rebuild(head.package)
        return signed

    def _signed(self, _head: Head, release: Release) -> Release:
        # Another process may have removed it meanwhile.
        return self.release_signer.signed(release) if _lacks_signature(release) else release


def _lacks_signature(record: Release | ReleaseEntry) -> bool:
    """Check whether a release is to be signed: not one that is removed, whose record says little
    and which is never served again."""
    return not record.signatures and record.state is not State.REMOVED
