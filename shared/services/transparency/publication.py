"""What the registry says of its log: its keys and witnesses, as a policy that clients verify
with."""

from msgspec import Struct

from shared.domain.transparency.checkpoints import Checkpoint, checkpoint_of
from shared.domain.transparency.encodings import base64_of
from shared.domain.transparency.log_policies import KnownLog, KnownWitness, LogPolicy
from shared.domain.transparency.log_states import FIRST_FOLDER
from shared.domain.transparency.notes import NoteSigner, VerifierKey
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

    reader: LogReader
    seeds: LogSeeds
    witnesses: LogPolicy  # Its logs do not count.
    base_url: str  # Below which logs are served.

    async def keys(self) -> tuple[VerifierKey, ...]:
        """Return the keys that sign checkpoints; raise `Unavailable`."""
        return tuple(each.key for each in (await self.policy()).logs)

    async def policy(self) -> LogPolicy:
        """Return the keys of the log, its witnesses, and which of them have to have cosigned;
        raise `Unavailable`."""
        state = await self.reader.state()
        folder = state.folder if state else FIRST_FOLDER
        origin = state.origin if state else origin_of(self.base_url)
        keys = [NoteSigner(origin, each.seed).verifier for each in await self.seeds.seeds()]
        return LogPolicy(
            logs=tuple(KnownLog(key, f"{self.base_url}/{folder}") for key in keys),
            witnesses=self.witnesses.witnesses,
            groups=self.witnesses.groups,
            quorum=self.witnesses.quorum,
        )

    async def shown(self) -> ShownLog:
        """Return what a page says of the log; raise `Unavailable`."""
        published = await self.reader.checkpoint()
        checkpoint = checkpoint_of(published) if published else None
        policy = await self.policy()
        keys = tuple(each.key for each in policy.logs)
        return ShownLog(keys, policy.witnesses, checkpoint)


def origin_of(base_url: str) -> str:
    """Return the name of the first log of a registry at an address, which keeps it when the address
    changes."""
    return f"{base_url.partition('://')[2]}/{FIRST_FOLDER}"
