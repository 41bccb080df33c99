"""Task `sign-releases`, every hour at minute 25: signs releases that have no signature or no
statements, as those of earlier versions of the registry."""

from datetime import timedelta

from shared.auth.release_keys import ReleaseSigner
from shared.domain.packages import Head, Release, ReleaseEntry
from shared.domain.release_states import State
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.maintenance.tasks import Checkpoints, Task
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.package_records import PackageRecordWriter

SCHEDULE = "0 25 * * * *"

_LOOKED_AGAIN_AFTER = timedelta(days=1)  # At all releases, after a visit that completed.
_VISITED = "signatures-visited"


class SignReleases(Task, frozen=True):
    id = "sign-releases"
    title = "Sign releases"
    sentence = "Signs releases that have no signature or no statements of this registry."
    schedule = SCHEDULE

    release_signer: ReleaseSigner
    metadata: MetadataStore
    documents: DocumentStore
    package_records: PackageRecordWriter
    derived_data: DerivedData
    work: WorkStore
    checkpoints: Checkpoints
    clock: Clock

    async def run(self) -> TaskReport:
        """Sign the releases that are not, each by one write of its record; a long run goes on at
        its checkpoint. A registry in which all are signed is visited once a day."""
        if await self.work.peek(_VISITED, _VISITED, self.clock.now_ms()):
            return TaskReport(0, 0)
        await self.release_signer.ready()
        seen = signed = 0

        async def visit(head: Head) -> None:
            nonlocal seen, signed
            [survey] = await self.metadata.survey([head.package])
            entries = survey.entries if survey else ()
            seen += len(entries)
            if any(map(_is_unsigned, entries)):
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
            if _is_unsigned(release):
                signed += await self.sign_release(release)
        # This is also needed if a stopped run has signed all releases and not rebuilt the lists.
        await self.derived_data.rebuild(head.package)
        return signed

    async def sign_release(self, release: Release) -> bool:
        """Sign a release: its statements before its record, which names them. Those that it has
        stay as they are."""
        attested = self.release_signer.attested(release, later=True)
        if not release.has_statements:
            await self.documents.put_attestation(
                release.archive_digest, attested.name, attested.statements
            )
        update = {"signatures": attested.release.signatures}
        update |= {"statements": release.statements or attested.release.statements}

        def sign(_head: Head, stored: Release) -> Release:
            # Another process may have removed it meanwhile.
            return stored.model_copy(update=update) if _is_unsigned(stored) else stored

        stored, is_changed = await self.package_records.store_release(release.coordinate, sign)
        if stored.state is State.REMOVED:  # Its documents may be deleted already.
            await self.documents.delete(stored.archive_digest)
        return is_changed


def _is_unsigned(record: Release | ReleaseEntry) -> bool:
    """Check whether a release is to be signed: not one that is removed, whose record says little
    and which is never served again."""
    is_complete = record.signatures and record.has_statements
    return not is_complete and record.state is not State.REMOVED
