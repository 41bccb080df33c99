"""What the registry says of its log: its keys and witnesses, as a policy that clients verify
with."""

from msgspec import Struct

from shared.domain.transparency.checkpoints import Checkpoint
from shared.domain.transparency.encodings import base64_of
from shared.domain.transparency.log_policies import KnownLog, KnownWitness, LogPolicy
from shared.domain.transparency.log_states import PLACE_OF_STATE, LogState
from shared.domain.transparency.notes import NoteSigner, SignedNote, VerifierKey
from shared.ports.directory import DirectoryStore
from shared.ports.transparency import LogSeeds
from shared.services.transparency.log_reader import LogReader


class ShownLog(Struct, frozen=True):
    """The log as a page shows it; without a checkpoint it has not begun."""

    keys: tuple[VerifierKey, ...]
    witnesses: tuple[KnownWitness, ...]
    checkpoint: Checkpoint | None

    @property
    def root(self) -> str:
        return base64_of(self.checkpoint.root) if self.checkpoint else ""


class LogPublication(Struct, frozen=True):
    """Knows the name and the keys of the log, and its witnesses."""

    directory: DirectoryStore
    reader: LogReader
    seeds: LogSeeds
    witnesses: LogPolicy  # Its logs do not count.
    origin: str  # Of a log that has no entry yet.
    url: str  # Where the log is served.

    async def keys(self) -> tuple[VerifierKey, ...]:
        """Return the keys that verify its checkpoints now; raise `Unavailable`."""
        state = await self.directory.get(LogState, PLACE_OF_STATE)
        origin = state.origin if state else self.origin
        return tuple(NoteSigner(origin, each.seed).verifier for each in await self.seeds.seeds())

    async def policy(self) -> LogPolicy:
        """Return the keys of the log, its witnesses, and which of them have to have cosigned."""
        return LogPolicy(
            logs=tuple(KnownLog(key, self.url) for key in await self.keys()),
            witnesses=self.witnesses.witnesses,
            groups=self.witnesses.groups,
            quorum=self.witnesses.quorum,
        )

    async def shown(self) -> ShownLog:
        """Return what a page says of the log."""
        published = await self.reader.checkpoint()
        checkpoint = Checkpoint.parse(SignedNote.parse(published).text) if published else None
        return ShownLog(await self.keys(), self.witnesses.witnesses, checkpoint)
