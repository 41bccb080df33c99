"""The transparency log of a registry in tests, written at once."""

from shared.services.leases import Leases
from shared.services.transparency.log_writer import LogWriter
from shared.services.transparency.new_proofs import NewProofs
from shared.services.transparency.published_checkpoints import PublishedCheckpoints
from shared.services.transparency.seeds import SeedsOfKeys
from tests.fakes.system import FakeRandomness
from tests.fakes.transparency import NoCosigners, NoProofs
from tests.support.world import World

ORIGIN = "registry.test/log"


async def write_log(world: World, *, keeps_proofs: bool = True) -> int:
    """Append the events that are not in the log, and publish it; return how many there were. It may
    leave the proofs out, as a process that is killed before it stores them."""
    stores = world.stores
    writer = LogWriter(
        origin=ORIGIN,
        files=stores.log_files,
        leaves=stores.events,
        directory=stores.directory,
        seeds=SeedsOfKeys(keys=stores.log_keys),
        cosigners=NoCosigners(),
        kept=PublishedCheckpoints(directory=stores.directory),
        proofs=NewProofs(directory=stores.directory) if keeps_proofs else NoProofs(),
        # Of its own: the ids that a test makes do not depend on whether a log was written.
        leases=Leases(work=stores.work, clock=stores.clock, randomness=FakeRandomness("log")),
        clock=stores.clock,
    )
    return await writer.write() or 0
