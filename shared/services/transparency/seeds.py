"""The keys that sign checkpoints, as the log and the witness take them."""

from collections.abc import Sequence

from msgspec import Struct

from shared.auth.log_keys import LogKeys
from shared.ports.transparency import LogSeed


class SeedsOfKeys(Struct, frozen=True):
    """The seeds of keys that are stored outside the process."""

    keys: LogKeys

    async def seeds(self) -> Sequence[LogSeed]:
        await self.keys.ready()
        return [LogSeed(each.seed, each.until_ms) for each in self.keys.signers()]
