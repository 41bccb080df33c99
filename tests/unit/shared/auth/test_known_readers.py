"""Which organizations' private packages callers are known to read, and until when."""

import pytest

from shared.adapters.editions import ChangesSince, EmbeddedEdition
from shared.auth.known_readers import KNOWN_FOR, KnownReaders
from shared.domain.identity import ANONYMOUS, Principal
from shared.domain.names import OrgName
from tests.fakes.system import FakeClock

ACME, OTHER = OrgName("acme"), OrgName("other")
ANN = Principal("ann", credential="token")


class Scene:
    """Known readers over stores that a test writes to."""

    def __init__(self) -> None:
        self.version = 1
        self.clock = FakeClock()
        self.edition = EmbeddedEdition(
            lambda: self.version, lambda _position: ChangesSince(0, packages=[])
        )
        self.edition.ask()
        self.readers = KnownReaders(self.edition, self.clock)

    def note(self, org: OrgName) -> None:
        self.readers.note(ANN, org, self.readers.number)

    def write(self) -> None:
        self.version += 1
        self.edition.ask()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_was_noted_is_known_of_this_credential_alone(scene: Scene) -> None:
    scene.note(ACME)
    scene.note(OTHER)
    assert scene.readers.organizations(ANN) == {ACME, OTHER}
    for other in (Principal("ann", credential="narrow"), Principal("bob", credential="token")):
        assert not scene.readers.organizations(other)
    assert not scene.readers.organizations(ANONYMOUS)


def test_nothing_is_known_after_a_write(scene: Scene) -> None:
    scene.note(ACME)
    scene.write()
    assert not scene.readers.organizations(ANN)
    scene.note(OTHER)
    assert scene.readers.organizations(ANN) == {OTHER}


def test_what_was_read_before_a_write_is_not_known_after_it(scene: Scene) -> None:
    number = scene.readers.number
    scene.write()
    scene.readers.note(ANN, ACME, number)
    assert not scene.readers.organizations(ANN)


def test_nothing_is_known_for_longer_than_three_seconds_after_the_first_reading(
    scene: Scene,
) -> None:
    scene.note(ACME)
    scene.clock.advance(KNOWN_FOR / 2)
    scene.note(OTHER)
    scene.clock.advance(KNOWN_FOR / 2)
    assert not scene.readers.organizations(ANN)
