"""Known readers of tests that repeat no answers."""

from shared.adapters.sqlite.edition import ChangesSince, EmbeddedEdition
from shared.auth.known_readers import KnownReaders
from tests.fakes.system import FakeClock


def known_readers() -> KnownReaders:
    """Return known readers over stores that nobody writes to."""
    edition = EmbeddedEdition(lambda: 1, lambda _position: ChangesSince(0, keys=None))
    return KnownReaders(edition, FakeClock())
