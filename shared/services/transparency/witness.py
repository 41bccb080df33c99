"""The witness: cosigns checkpoints of other registries' logs that continue what it saw before
(c2sp.org/tlog-witness)."""

import re
from collections.abc import Sequence

from msgspec import Struct

from shared.domain.entities import Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.transparency import ProofRefused
from shared.domain.errors.witnessing import (
    CheckpointInconsistent,
    WitnessedSizeDiffers,
    checkpoint_unsigned,
    log_not_witnessed,
)
from shared.domain.transparency.add_checkpoint import AddCheckpoint
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.merkle_tree import EMPTY_ROOT, TreeHead, require_consistency
from shared.domain.transparency.notes import Cosigner, NoteSignature, SignedNote, VerifierKey
from shared.domain.transparency.records import WitnessedLog, id_of_log, witnessed_place
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.ports.transparency import LogSeeds
from shared.runtime.retries import retried_when_stale

_ID = re.compile(r"[0-9a-f]{64}")


class ShownWitness(Struct, frozen=True):
    """The witness as a page shows it; each log with its id in addresses."""

    key: VerifierKey
    logs: tuple[tuple[str, str], ...]


class Witness(Struct, frozen=True):
    """Cosigns the logs whose keys it knows. It keeps the last checkpoint of each by one conditional
    write, so that only one of two requests that continue the same checkpoint is cosigned."""

    directory: DirectoryStore
    clock: Clock
    seeds: LogSeeds
    name: str  # The name of its key.
    # The keys of the witnessed logs; the name of each key is the origin of its log.
    keys: tuple[VerifierKey, ...]

    async def shown(self) -> ShownWitness | None:
        """Return its key and its logs; None if it cosigns none. Raises `Unavailable`."""
        if not self.keys:
            return None
        origins = sorted({key.name for key in self.keys})
        logs = tuple((each, id_of_log(each)) for each in origins)
        return ShownWitness((await self._cosigner()).verifier, logs)

    async def add_checkpoint(self, request: AddCheckpoint) -> NoteSignature:
        """Return the cosignature of a checkpoint, which is stored before.

        Raises `log-not-witnessed`, `checkpoint-unsigned`, `InvalidRequest` and `NoteUnreadable`,
        `WitnessedSizeDiffers`, `CheckpointInconsistent`, and `Unavailable` without a key.
        """
        note = SignedNote.parse(request.checkpoint)
        checkpoint = Checkpoint.parse(note.text)
        signed = SignedNote(note.text, self._signatures(note, checkpoint.origin))
        if request.old_size > checkpoint.size:
            message = (
                f"The checkpoint has {checkpoint.size:,} entries, and the proof begins at "
                f"{request.old_size:,}. Send a proof from a smaller size."
            )
            raise InvalidRequest(message)
        cosigner = await self._cosigner()
        return await self._replace(request, checkpoint, signed, cosigner)

    @retried_when_stale
    async def _replace(
        self,
        request: AddCheckpoint,
        checkpoint: Checkpoint,
        signed: SignedNote,
        cosigner: Cosigner,
    ) -> NoteSignature:
        stored = await self.directory.get(WitnessedLog, witnessed_place(checkpoint.origin))
        last = stored.head if stored else TreeHead(0, EMPTY_ROOT)
        if request.old_size != last.size:
            raise WitnessedSizeDiffers(checkpoint.origin, last.size)
        try:
            require_consistency(last, checkpoint.head, request.proof)
        except ProofRefused as refusal:
            raise CheckpointInconsistent(str(refusal)) from None
        cosignature = cosigner.cosign(signed.text, self.clock.now_ms() // 1_000)
        new = WitnessedLog(
            origin=checkpoint.origin,
            note=signed.with_signatures((cosignature,)).content,
            revision=stored.revision if stored else 1,
        )
        if stored is None:
            await self.directory.add(new)
        else:
            await self.directory.replace(new)
        return cosignature

    async def checkpoint(self, log: str) -> str:
        """Return the last checkpoint of a log with the cosignature, by the id of the log; raise
        `log-not-witnessed` if there is none."""
        place = Place(witnessed_place("").owner, log)
        stored = await self.directory.get(WitnessedLog, place) if _ID.fullmatch(log) else None
        if stored is None:
            raise log_not_witnessed(log)
        return stored.note

    def _signatures(self, note: SignedNote, origin: str) -> tuple[NoteSignature, ...]:
        """Return the signatures by known keys of the log; one that is not valid refuses all."""
        known = [key for key in self.keys if key.name == origin]
        if not known:
            raise log_not_witnessed(origin)
        try:
            verified = [key for key in known if note.verified_by(key)]
        except ProofRefused:
            raise checkpoint_unsigned(origin) from None
        if not verified:
            raise checkpoint_unsigned(origin)
        return _by(verified, note)

    async def _cosigner(self) -> Cosigner:
        [current, *_] = await self.seeds.seeds()
        return Cosigner(self.name, current)


def _by(keys: Sequence[VerifierKey], note: SignedNote) -> tuple[NoteSignature, ...]:
    """Return the first signature by each key, which is the one that was verified."""
    return tuple(next(each for each in note.signatures if each.is_by(key)) for key in keys)
