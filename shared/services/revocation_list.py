"""The list of revocations: the id of a registry in it, and former names, which have no event."""

from msgspec import Struct

from shared.domain.revocations import digest_of, retired_name
from shared.ports.events import EventReader
from shared.ports.revocations import RevocationStore
from shared.ports.system import Clock


async def registry_digest(events: EventReader) -> str:
    """Return the id that marks this registry's lists; empty before its first event."""
    first = await events.since(0, 1)
    return digest_of(first[0][1].id)[:16] if first else ""


class RetiredNameList(Struct, frozen=True):
    """Lists former names of accounts by their hashes: no event has these."""

    events: EventReader
    revocations: RevocationStore
    clock: Clock

    async def add(self, salt: str, name_hash: str) -> None:
        """List a name. Callers do so before they store that it is retired, so that none is missed
        after a crash."""
        registry = await registry_digest(self.events)
        now_ms = self.clock.now_ms()
        entry = retired_name(salt, name_hash, at_ms=now_ms, registry=registry)
        await self.revocations.add([entry])
