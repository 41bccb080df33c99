"""What a process knows of the readers of private packages, and for how long."""

from typing import cast

import pytest

from shared.adapters.cosmos.change_feed import ChangeFeedEdition
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.sqlite.edition import ChangesSince, EmbeddedEdition
from shared.auth.known_readers import KNOWN_FOR, KnownReaders
from shared.domain.names import OrgName
from shared.domain.principals import ANONYMOUS, Principal
from shared.domain.visibility import STAFF
from shared.runtime.editions import records_of
from tests.fakes.system import FakeClock

ACME = OrgName("acme")
OTHER = OrgName("other")
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
        self.edition.start_poll()
        self.readers = KnownReaders(self.edition, self.clock)

    def note(self, org: OrgName) -> None:
        self.readers.note(ANN, (org,), self.readers.edition_number)

    def known(self, by: Principal = ANN) -> set[str]:
        return {*self.readers.among(by, (ACME, OTHER))}

    def write(self, key: str) -> None:
        self.written.append(key)
        self.edition.start_poll()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_was_noted_is_known_only_of_this_credential(scene: Scene) -> None:
    scene.note(ACME)
    scene.note(OTHER)
    assert scene.known() == {ACME, OTHER}
    for other in (Principal("ann", credential="narrow"), Principal("bob", credential="token")):
        assert not scene.known(other)
    assert not scene.known(ANONYMOUS)


def test_readers_are_looked_up_by_the_names_that_are_asked_for(scene: Scene) -> None:
    scene.note(ACME)
    assert list(scene.readers.among(ANN, ("nothing", OTHER))) == []
    scene.note(OrgName(STAFF))
    assert list(scene.readers.among(ANN, ())) == [STAFF]


@pytest.mark.parametrize("owner", [ANN.id, ACME])
def test_nothing_is_known_after_a_write_to_the_account_or_an_organization(
    scene: Scene, owner: str
) -> None:
    scene.note(ACME)
    scene.write(records_of(owner))
    assert not scene.known()
    scene.note(OTHER)
    assert scene.known() == {OTHER}


@pytest.mark.parametrize("key", ["acme/greet", "ann/greet", records_of("other"), "ann", "acme"])
def test_a_write_of_anything_else_changes_nothing(scene: Scene, key: str) -> None:
    scene.note(ACME)
    scene.write(key)
    assert scene.known() == {ACME}


def test_in_the_cloud_any_record_that_this_process_writes_ends_what_is_known(scene: Scene) -> None:
    edition = ChangeFeedEdition(cast("CosmosDatabase", None), scene.clock)
    readers = KnownReaders(edition, scene.clock)
    readers.note(ANN, (ACME,), readers.edition_number)
    assert readers.includes(ANN, ACME)
    edition.note_write("acme/greet")
    assert readers.includes(ANN, ACME)
    edition.note_record_write("another partition")
    assert not readers.includes(ANN, ACME)


def test_what_was_read_before_a_write_is_not_known_after_it(scene: Scene) -> None:
    number = scene.readers.edition_number
    scene.write(records_of(ACME))
    scene.readers.note(ANN, (ACME,), number)
    assert not scene.known()


def test_nothing_is_known_for_longer_than_three_seconds(scene: Scene) -> None:
    scene.note(ACME)
    scene.clock.advance(KNOWN_FOR / 2)
    scene.note(OTHER)
    scene.clock.advance(KNOWN_FOR / 2)
    assert scene.known() == {OTHER}


def test_readers_that_are_noted_together_or_apart_are_all_known_until_each_is_too_old(
    scene: Scene,
) -> None:
    many = [OrgName(f"org{number}") for number in range(300)]
    scene.readers.note(ANN, many, scene.readers.edition_number)
    scene.clock.advance(KNOWN_FOR / 2)
    scene.note(ACME)
    assert list(scene.readers.among(ANN, (*many, ACME))) == [*many, ACME]
    scene.clock.advance(KNOWN_FOR / 2)
    scene.note(OTHER)
    assert list(scene.readers.among(ANN, (*many, ACME, OTHER))) == [ACME, OTHER]
