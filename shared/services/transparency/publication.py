"""What the registry says of its log: its keys and witnesses, as a policy that clients verify
with."""

from msgspec import Struct

from shared.domain.transparency.checkpoints import Checkpoint, checkpoint_of
from shared.domain.transparency.encodings import base64_of
from shared.domain.transparency.log_policies import KnownLog, KnownWitness, LogPolicy
from shared.domain.transparency.log_states import FIRST_FOLDER, LogState, log_path
from shared.domain.transparency.notes import NoteSigner, VerifierKey
from shared.ports.transparency import LogSeeds
from shared.services.transparency.log_reader import LogReader


class EndedLog(Struct, frozen=True):
    """A log that another one follows, and which is served as it was."""

    origin: str
    path: str


class ShownLog(Struct, frozen=True):
    """The log as a page shows it; without a checkpoint it has not begun."""

    keys: tuple[VerifierKey, ...]
    witnesses: tuple[KnownWitness, ...]
    checkpoint: Checkpoint | None
    path: str  # Below the address of the registry.
    ended: tuple[EndedLog, ...]

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
        """Return the keys of the log that is written, its witnesses, and which of them have to have
        cosigned; raise `Unavailable`."""
        return await self._policy_of(await self.reader.state())

    async def policy_at(self, folder: str) -> LogPolicy | None:
        """Return the same of the log in a folder, which may have ended; None if there was none."""
        state = await self.reader.state()
        origin = state and state.origin_at(folder)
        return await self._policy(origin, folder) if origin else None

    async def shown(self) -> ShownLog:
        """Return what a page says of the log; raise `Unavailable`."""
        state = await self.reader.state()
        policy = await self._policy_of(state)
        published = state and await self.reader.checkpoint(state)
        return ShownLog(
            keys=tuple(each.key for each in policy.logs),
            witnesses=policy.witnesses,
            checkpoint=checkpoint_of(published) if published else None,
            path=log_path(state.folder if state else FIRST_FOLDER),
            ended=_ended(state),
        )

    async def _policy_of(self, state: LogState | None) -> LogPolicy:
        if state is None:
            return await self._policy(origin_of(self.base_url), FIRST_FOLDER)
        return await self._policy(state.origin, state.folder)

    async def _policy(self, origin: str, folder: str) -> LogPolicy:
        keys = [NoteSigner(origin, each).verifier for each in await self.seeds.seeds()]
        url = f"{self.base_url}/{log_path(folder)}"
        return LogPolicy(
            logs=tuple(KnownLog(key, url) for key in keys),
            witnesses=self.witnesses.witnesses,
            groups=self.witnesses.groups,
            quorum=self.witnesses.quorum,
        )


def _ended(state: LogState | None) -> tuple[EndedLog, ...]:
    former = state.former if state else ()
    return tuple(EndedLog(each.origin, log_path(each.folder)) for each in former)


def origin_of(base_url: str) -> str:
    """Return the name of the first log of a registry at an address, which keeps it when the address
    changes."""
    return f"{base_url.partition('://')[2]}/{FIRST_FOLDER}"
