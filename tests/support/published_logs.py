"""The transparency log of a registry in tests, written at once."""

from shared.services.leases import Leases
from shared.services.transparency.log_writer import LogWriter, NoCosigners
from shared.services.transparency.published_checkpoints import PublishedCheckpoints
from shared.services.transparency.seeds import SeedsOfKeys
from tests.support.world import World

ORIGIN = "registry.test/log"


class CompleteLeaves:
    """The leaves of a registry whose events all have theirs."""

    def __init__(self, world: World) -> None:
        self._events = world.stores.events

    async def leaves(self, after: int, count: int) -> list[bytes]:
        return await self._events.leaves(after, count)

    async def is_complete(self) -> bool:
        return True


async def write_log(world: World) -> int:
    """Append the events that are not in the log, and publish it; return how many there were."""
    stores = world.stores
    writer = LogWriter(
        origin=ORIGIN,
        files=stores.log_files,
        leaves=CompleteLeaves(world),
        directory=stores.directory,
        seeds=SeedsOfKeys(keys=stores.log_keys),
        cosigners=NoCosigners(),
        kept=PublishedCheckpoints(directory=stores.directory),
        leases=Leases(work=stores.work, clock=stores.clock, randomness=stores.randomness),
        clock=stores.clock,
    )
    return await writer.write() or 0
