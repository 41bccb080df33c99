"""Which organizations' private packages callers are known to read, and until when."""

from typing import cast

import pytest

from shared.adapters.editions import ChangeFeedEdition, ChangesSince, EmbeddedEdition
from shared.auth.known_readers import KNOWN_FOR, KnownReaders
from shared.domain.identity import ANONYMOUS, Principal
from shared.domain.names import OrgName
from shared.ports import ChangeSource
from shared.runtime.edition import records_of
from tests.fakes.system import FakeClock

ACME, OTHER = OrgName("acme"), OrgName("other")
ANN = Principal("ann", credential="token")


class Scene:
    """Known readers over stores that a test writes to."""

    def __init__(self) -> None:
        self.written = list[str]()
        self.clock = FakeClock()
        self.edition = EmbeddedEdition(
            lambda: len(self.written),
            lambda position: ChangesSince(len(self.written), self.written[position or 0 :]),
        )
        self.edition.ask()
        self.readers = KnownReaders(self.edition, self.clock)

    def note(self, org: OrgName) -> None:
        self.readers.note(ANN, org, self.readers.number)

    def write(self, key: str) -> None:
        self.written.append(key)
        self.edition.ask()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_was_noted_is_known_of_this_credential_alone(scene: Scene) -> None:
    scene.note(ACME)
    scene.note(OTHER)
    assert scene.readers.of(ANN) == {ACME, OTHER}
    for other in (Principal("ann", credential="narrow"), Principal("bob", credential="token")):
        assert not scene.readers.of(other)
    assert not scene.readers.of(ANONYMOUS)


@pytest.mark.parametrize("owner", [ANN.id, ACME])
def test_nothing_is_known_after_a_write_to_the_account_or_an_organization(
    scene: Scene, owner: str
) -> None:
    scene.note(ACME)
    scene.write(records_of(owner))
    assert not scene.readers.of(ANN)
    scene.note(OTHER)
    assert scene.readers.of(ANN) == {OTHER}


@pytest.mark.parametrize("key", ["acme/greet", "ann/greet", records_of("other"), "ann", "acme"])
def test_a_write_of_anything_else_changes_nothing(scene: Scene, key: str) -> None:
    scene.note(ACME)
    scene.write(key)
    assert scene.readers.of(ANN) == {ACME}


def test_in_the_cloud_any_record_that_this_process_writes_ends_what_is_known(scene: Scene) -> None:
    edition = ChangeFeedEdition(cast("ChangeSource", None), scene.clock)
    readers = KnownReaders(edition, scene.clock)
    readers.note(ANN, ACME, readers.number)
    assert readers.of(ANN) == {ACME}
    edition.wrote("acme/greet")
    assert readers.of(ANN) == {ACME}
    edition.wrote_records("another partition")
    assert not readers.of(ANN)


def test_what_was_read_before_a_write_is_not_known_after_it(scene: Scene) -> None:
    number = scene.readers.number
    scene.write(records_of(ACME))
    scene.readers.note(ANN, ACME, number)
    assert not scene.readers.of(ANN)


def test_nothing_is_known_for_longer_than_three_seconds_after_the_first_reading(
    scene: Scene,
) -> None:
    scene.note(ACME)
    scene.clock.advance(KNOWN_FOR / 2)
    scene.note(OTHER)
    scene.clock.advance(KNOWN_FOR / 2)
    assert not scene.readers.of(ANN)
