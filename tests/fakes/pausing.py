"""Whether changes are taken, over doubles."""

from shared.domain.bulletin import Bulletin, ReadOnly
from shared.services.bulletins import Bulletins
from shared.services.pausing import Pausing
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory

READ_ONLY = Bulletin(read_only=ReadOnly(reason="moving house", since_ms=0))


def taking_changes() -> Pausing:
    """Return what lets every change through."""
    return Pausing(Bulletins(FakeDirectory(), FakeClock()))


def taking_none() -> Pausing:
    """Return what lets no change through."""
    return Pausing(Bulletins(FakeDirectory.holding(READ_ONLY), FakeClock()))
