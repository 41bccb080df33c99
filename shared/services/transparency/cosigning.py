"""The client of witnesses: asks for cosignatures of a checkpoint (c2sp.org/tlog-witness)."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from shared.domain.errors.base import Refusal
from shared.domain.transparency.add_checkpoint import AddCheckpoint, parse_size
from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.log_policies import KnownWitness
from shared.domain.transparency.notes import NoteSignature, SignedNote
from shared.ports.http_client import HttpClient, HttpResponse, Unanswered
from shared.ports.transparency import ConsistencyProver

COSIGN_WITHIN = timedelta(seconds=2)  # A checkpoint is published with what came until then.

_REQUEST_HEADERS = {"Content-Type": "text/plain; charset=utf-8"}
_OK = 200
_CONFLICT = 409
_INCONSISTENT = 422
_MOST_ANSWER_BYTES = 16 * 1024  # An answer has a few lines; an answer with ML-DSA-44 has 3.3 KB.
_ATTEMPTS = 3  # The first may begin at a wrong size, and another log writer may be as fast.

ReportWitness = Callable[[str, str], None]  # Called with the name of a witness and the reason.


class WitnessRefused(Exception):
    """A witness gave no cosignature; the text says why, for the log."""


class WitnessDisagrees(WitnessRefused):
    """A witness cosigned another history of this log: it was rolled back, or there are two."""


class Cosigning:
    """Asks all witnesses at once. What one of them does concerns nobody else."""

    def __init__(
        self,
        *,
        fetcher: HttpClient,
        witnesses: tuple[KnownWitness, ...],
        on_failure: ReportWitness,
        on_disagreement: ReportWitness,
        within: timedelta,
    ) -> None:
        """Call `on_failure` for each witness that does not cosign in time, and `on_disagreement`
        for one that knows another history of the log."""
        self._fetcher = fetcher
        self._witnesses = tuple(each for each in witnesses if each.url)
        self._on_failure = on_failure
        self._on_disagreement = on_disagreement
        self._seconds = within.total_seconds()
        self._sizes: dict[tuple[str, str], int] = {}  # By log and witness, what it cosigned last.

    async def cosign(
        self, checkpoint: SignedNote, prove: ConsistencyProver
    ) -> tuple[NoteSignature, ...]:
        """Return the valid cosignatures that came within two seconds; raises nothing."""
        found = await asyncio.gather(
            *(self._answer_of(each, checkpoint, prove) for each in self._witnesses)
        )
        return tuple(each for each in found if each is not None)

    async def _answer_of(
        self, witness: KnownWitness, note: SignedNote, prove: ConsistencyProver
    ) -> NoteSignature | None:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._ask(witness, note, prove)
        except TimeoutError:
            self._on_failure(witness.name, "late")
        except Unanswered as failure:
            self._on_failure(witness.name, str(failure))
        except WitnessDisagrees as refusal:
            self._on_disagreement(witness.name, str(refusal))
        except WitnessRefused as refusal:
            self._on_failure(witness.name, str(refusal))
        except Refusal as refusal:  # The proof cannot be made, such as while a store is down.
            self._on_failure(witness.name, refusal.outcome)
        return None

    async def _ask(
        self, witness: KnownWitness, note: SignedNote, prove: ConsistencyProver
    ) -> NoteSignature:
        checkpoint = Checkpoint.parse(note.text)
        known = (checkpoint.origin, witness.name)
        size = min(self._sizes.get(known, 0), checkpoint.size)
        for _ in range(_ATTEMPTS):
            response = await self._send(witness, note, size, await prove(size) if size else ())
            if response.status == _OK:
                cosignature = _cosignature(witness, note, response)
                self._sizes[known] = checkpoint.size
                return cosignature
            size = _next_size(response, size, checkpoint)
        message = "another size in each answer"
        raise WitnessRefused(message)

    async def _send(
        self, witness: KnownWitness, note: SignedNote, size: int, proof: tuple[bytes, ...]
    ) -> HttpResponse:
        url = f"{witness.url.rstrip('/')}/add-checkpoint"
        body = AddCheckpoint(size, proof, note.content).write()
        return await self._fetcher.post(url, _REQUEST_HEADERS, body)


def _next_size(response: HttpResponse, size: int, checkpoint: Checkpoint) -> int:
    """Return the size that the witness knows; raise `WitnessRefused` if there is nothing to try.

    For another root of the same size, witnesses of v1.0.0 answer 409, and later ones 422.
    """
    told = parse_size(response.body) if response.status == _CONFLICT else None
    if told is not None and told > checkpoint.size:
        message = f"it knows {told} entries, and there are {checkpoint.size}"
        raise WitnessDisagrees(message)
    if told is not None and told != size:
        return told
    if response.status in (_CONFLICT, _INCONSISTENT):
        message = f"it knows another tree of {size} entries"
        raise WitnessDisagrees(message)
    message = f"status {response.status}"
    raise WitnessRefused(message)


def _cosignature(witness: KnownWitness, note: SignedNote, response: HttpResponse) -> NoteSignature:
    """Return the first line of the answer that is by the witness; raise `WitnessRefused` unless it
    is a valid cosignature with a time."""
    if len(response.body) > _MOST_ANSWER_BYTES:
        message = "its answer is too large"
        raise WitnessRefused(message)
    try:
        lines = response.body.decode().splitlines()
        signatures = tuple(map(NoteSignature.parse, lines))
        cosigned_s = SignedNote(note.text, signatures).cosigned_at(witness.key)
    except (UnicodeDecodeError, Refusal):
        message = "its answer is no valid cosignature"
        raise WitnessRefused(message) from None
    if not cosigned_s:
        message = "its answer has no cosignature by its key"
        raise WitnessRefused(message)
    return next(each for each in signatures if each.is_by(witness.key))
