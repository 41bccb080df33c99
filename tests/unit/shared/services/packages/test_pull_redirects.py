"""First hops are repeated while their package stands, to those who may get them."""

from datetime import timedelta

import pytest

from shared.adapters.editions import ChangesSince, EmbeddedEdition
from shared.auth.authorization import KNOWN_FOR, KnownReaders
from shared.domain.identity import Principal
from shared.domain.names import parse_org
from shared.runtime.edition import EVERYTHING, PackagesRead, packages_read
from shared.services.packages.pull_redirects import LONGEST_PLACE, FirstHops
from tests.fakes.system import FakeClock

PACKAGE = "acme/greet"
PLACE = "acme/greet\n1.0.0"
READ = PackagesRead({PACKAGE})
PRIVATE = PackagesRead({PACKAGE}, {"acme"})
ANYBODY = Principal()
ANN = Principal(id="ann", credential="token:1")
EVE = Principal(id="eve", credential="token:2")
LATER = timedelta(minutes=1) // timedelta(milliseconds=1)


class World:
    """First hops over an edition that a test changes."""

    def __init__(self, capacity_bytes: int = 10_000) -> None:
        self.clock = FakeClock()
        self.version = 1
        self.changed: list[str] = []
        self.is_readable = True
        edition = EmbeddedEdition(self._version, lambda _: ChangesSince(0, self.changed))
        self.readers = KnownReaders(edition, self.clock)
        self.hops = FirstHops(edition, self.readers, self.clock, capacity_bytes=capacity_bytes)
        self.edition = edition
        assert edition.is_confirmed()

    def _version(self) -> int:
        if not self.is_readable:
            raise OSError
        return self.version

    def write(self, *packages: str) -> None:
        self.version, self.changed = self.version + 1, list(packages)

    def keep(self, read: PackagesRead, by: Principal = ANYBODY, place: str = PLACE) -> None:
        assert self.edition.is_confirmed()
        until_ms = self.clock.monotonic_ms() + LATER
        number = self.hops.number
        self.hops.keep(place, b"{}", read, number=number, until_ms=until_ms, by=by)

    async def has(self, by: Principal = ANYBODY, place: str = PLACE) -> bool:
        return await self.hops.find(place, by) is not None


@pytest.fixture
def world() -> World:
    return World()


async def test_a_redirect_is_found_by_everybody_at_its_place(world: World) -> None:
    world.keep(READ)
    with packages_read() as read:
        found = await world.hops.find(PLACE, ANN)
    assert found is not None
    assert found.content == b"{}"
    assert (read.packages, read.private_of) == ({PACKAGE}, set())
    assert not await world.has(place="acme/greet\n1.0.1")


async def test_a_change_of_its_package_ends_it_and_another_does_not(world: World) -> None:
    world.keep(READ)
    world.write("acme/other")
    assert await world.has()
    world.write(PACKAGE)
    assert not await world.has()


async def test_what_a_change_overtakes_is_not_kept(world: World) -> None:
    assert world.edition.is_confirmed()
    number = world.hops.number
    world.write(PACKAGE)
    assert world.edition.is_confirmed()
    world.hops.keep(PLACE, b"{}", READ, number=number, until_ms=LATER * 1000, by=ANYBODY)
    assert not await world.has()


async def test_it_ends_with_its_link(world: World) -> None:
    world.keep(READ)
    world.clock.advance(timedelta(minutes=1))
    assert not await world.has()


async def test_it_is_not_used_while_changes_are_unknown(world: World) -> None:
    world.keep(READ)
    world.is_readable = False
    assert not await world.has()
    world.is_readable = True
    assert await world.has()


async def test_a_private_one_is_found_by_known_readers_alone(world: World) -> None:
    world.readers.note(ANN, parse_org("acme"), world.hops.number)
    world.keep(PRIVATE, by=ANN)
    with packages_read() as read:
        assert await world.has(ANN)
    assert read.private_of == {"acme"}
    assert not await world.has(EVE)
    assert not await world.has(ANYBODY)
    world.clock.advance(KNOWN_FOR)
    assert not await world.has(ANN)


async def test_a_private_one_made_for_no_known_reader_is_not_kept(world: World) -> None:
    world.keep(PRIVATE, by=EVE)
    world.readers.note(EVE, parse_org("acme"), world.hops.number)
    assert not await world.has(EVE)


@pytest.mark.parametrize(
    "read", [PackagesRead(), PackagesRead({PACKAGE, EVERYTHING}), PackagesRead({EVERYTHING})]
)
async def test_what_depends_on_more_than_a_package_is_not_kept(
    world: World, read: PackagesRead
) -> None:
    world.keep(read)
    assert not await world.has()


async def test_a_long_place_is_not_kept(world: World) -> None:
    place = "x" * (LONGEST_PLACE + 1)
    world.keep(READ, place=place)
    assert not await world.has(place=place)


async def test_the_redirects_used_last_are_kept_within_the_capacity() -> None:
    world = World(capacity_bytes=1_100)
    for place in ("one", "two", "three"):
        world.keep(READ, place=place)
    assert [await world.has(place=each) for each in ("one", "two", "three")] == [False, True, True]
