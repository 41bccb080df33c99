"""The keys that sign checkpoints, as the log and the witness take them."""

from collections.abc import Sequence

from msgspec import Struct

from shared.auth.log_keys import LogKeys


class SeedsOfKeys(Struct, frozen=True):
    """The seeds of keys that are stored outside the process."""

    keys: LogKeys

    async def seeds(self) -> Sequence[bytes]:
        await self.keys.ready()
        return [each.seed for each in self.keys.signers()]
