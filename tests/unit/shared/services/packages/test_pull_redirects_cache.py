"""Redirects of pulls are repeated while their package stands, to those who may get them."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.adapters.sqlite.edition import ChangesSince, EmbeddedEdition
from shared.auth.known_readers import KNOWN_FOR, KnownReaders
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import LinkedArchive, StoreLink
from shared.domain.archives.names import ArchiveName
from shared.domain.errors.requests import Busy
from shared.domain.names import parse_org
from shared.domain.principals import Principal
from shared.runtime.answer_dependencies import ALL_THAT_IS_STORED, NOTHING_STORED, Dependencies
from shared.services.packages.pull_redirects import (
    LONGEST_PLACE,
    LocatedArchive,
    Redirect,
    RedirectCache,
    _decoded,
    _encoded,
)
from tests.contract.sample_records import DIGEST, NAME
from tests.fakes.system import FakeClock

ORG = "acme"
PACKAGE = "acme/greet"
PLACE = "acme/greet\n1.0.0"
READ = Dependencies(frozenset((PACKAGE,)))
PRIVATE = Dependencies(frozenset((PACKAGE,)), frozenset(("acme",)))
ANYBODY = Principal()
ANN = Principal(id="ann", credential="token:1")
EVE = Principal(id="eve", credential="token:2")
ARCHIVE = LinkedArchive(NAME, ArchiveContainer.PUBLIC, "greet.bala")
LATER = timedelta(minutes=1) // timedelta(milliseconds=1)


class Links:
    """The store's links, which a test may refuse."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.signed: list[str] = []
        self.is_refused = False
        self.meanwhile: Callable[[], None] = lambda: None

    async def link(self, name: ArchiveName, container: ArchiveContainer, file: str) -> StoreLink:
        self.meanwhile()
        if self.is_refused:
            raise Busy
        self.signed.append(f"{container.value} {name.digest} {file}")
        return StoreLink(f"link {len(self.signed)}", self._clock.monotonic_ms() + LATER)


class World:
    """First hops over an edition that a test changes."""

    def __init__(self, capacity_bytes: int = 10_000) -> None:
        self.clock = FakeClock()
        self.version = 1
        self.changed: list[str] = []
        self.is_readable = True
        edition = EmbeddedEdition(self._version, lambda _: ChangesSince(0, self.changed))
        self.readers = KnownReaders(edition, self.clock)
        self.links = Links(self.clock)
        self.hops = RedirectCache(
            edition, self.readers, self.clock, self.links, capacity_bytes=capacity_bytes
        )
        self.edition = edition
        assert edition.is_current()

    def _version(self) -> int:
        if not self.is_readable:
            raise OSError
        return self.version

    def write(self, *packages: str) -> None:
        self.version = self.version + 1
        self.changed = list(packages)

    def redirect(self, archive: LinkedArchive | None = None) -> Redirect:
        return Redirect(b"{}", "first", self.clock.monotonic_ms() + LATER, archive)

    def keep(
        self,
        depends_on: Dependencies,
        by: Principal = ANYBODY,
        place: str = PLACE,
        archive: LinkedArchive | None = None,
    ) -> None:
        assert self.edition.is_current()
        self.hops.put(
            place,
            self.redirect(archive),
            depends_on,
            edition_number=self.hops.edition_number,
            by=by,
        )

    async def has(self, by: Principal = ANYBODY, place: str = PLACE) -> bool:
        return await self.hops.find(place, ORG, by) is not None


@pytest.fixture
def world() -> World:
    return World()


async def test_a_change_of_its_package_ends_it_and_another_does_not(world: World) -> None:
    world.keep(READ)
    world.write("acme/other")
    assert await world.has()
    world.write(PACKAGE)
    assert not await world.has()


async def test_a_cached_redirect_ends_with_its_link(world: World) -> None:
    world.keep(READ)
    world.clock.advance(timedelta(minutes=1))
    assert not await world.has()


async def test_a_link_of_the_store_is_signed_again_when_it_is_no_longer_repeated(
    world: World,
) -> None:
    world.keep(READ, archive=ARCHIVE)
    urls = list[str]()
    for _ in range(2):
        for _ in range(2):
            found = await world.hops.find(PLACE, ORG, ANYBODY)
            assert found is not None
            assert found.content == b"{}"
            urls.append(found.url)
        world.clock.advance(timedelta(minutes=1))
    assert urls == ["first", "first", "link 1", "link 1"]
    assert world.links.signed == [f"public {DIGEST} greet.bala"]


async def test_no_link_is_signed_for_a_package_that_changed(world: World) -> None:
    world.keep(READ, archive=ARCHIVE)
    world.clock.advance(timedelta(minutes=1))
    world.write(PACKAGE)
    assert not await world.has()
    assert world.links.signed == []


async def test_without_a_key_for_links_the_records_are_asked(world: World) -> None:
    world.keep(READ, archive=ARCHIVE)
    world.clock.advance(timedelta(minutes=1))
    world.links.is_refused = True
    assert not await world.has()
    world.links.is_refused = False
    assert await world.has()


async def test_what_replaces_a_redirect_while_its_link_is_signed_stays(world: World) -> None:
    world.keep(READ, archive=ARCHIVE)
    world.clock.advance(timedelta(minutes=1))
    world.links.meanwhile = lambda: world.keep(READ)
    found = await world.hops.find(PLACE, ORG, ANYBODY)
    again = await world.hops.find(PLACE, ORG, ANYBODY)
    assert found is not None
    assert again is not None
    assert (found.url, again.url) == ("link 1", "first")


async def test_a_private_link_is_signed_again_only_for_known_readers(world: World) -> None:
    world.readers.note(ANN, (parse_org("acme"),), world.hops.edition_number)
    world.keep(PRIVATE, by=ANN, archive=ARCHIVE)
    world.clock.advance(timedelta(minutes=1))
    assert not await world.has(ANN)
    assert not await world.has(EVE)
    world.readers.note(ANN, (parse_org("acme"),), world.hops.edition_number)
    assert not await world.has(EVE)
    assert world.links.signed == []
    assert await world.has(ANN)


async def test_a_cached_redirect_is_not_used_while_changes_are_unknown(world: World) -> None:
    world.keep(READ)
    world.is_readable = False
    assert not await world.has()
    world.is_readable = True
    assert await world.has()


async def test_only_known_readers_find_a_private_one(world: World) -> None:
    world.readers.note(ANN, (parse_org("acme"),), world.hops.edition_number)
    world.keep(PRIVATE, by=ANN)
    assert await world.has(ANN)
    assert not await world.has(EVE)
    assert not await world.has(ANYBODY)
    world.clock.advance(KNOWN_FOR)
    assert not await world.has(ANN)


@pytest.mark.parametrize(
    "depends_on",
    [
        NOTHING_STORED,
        READ | ALL_THAT_IS_STORED,
        ALL_THAT_IS_STORED,
        Dependencies(frozenset((PACKAGE, "acme/other"))),
        Dependencies(frozenset((PACKAGE,)), frozenset(("acme", "other"))),
    ],
)
async def test_what_depends_on_more_than_a_package_is_not_kept(
    world: World, depends_on: Dependencies
) -> None:
    world.keep(depends_on)
    assert not await world.has()


async def test_a_long_place_is_not_kept(world: World) -> None:
    place = "x" * (LONGEST_PLACE + 1)
    world.keep(READ, place=place)
    assert not await world.has(place=place)


@pytest.mark.parametrize("depends_on", [READ, PRIVATE])
def test_what_is_kept_says_on_what_it_depends_as_the_first_answer_did(
    depends_on: Dependencies,
) -> None:
    located = LocatedArchive(
        NAME.coordinate,
        "greet.bala",
        NAME.digest,
        deprecation=None,
        cache_control="no-store",
        url="first",
        published_ms=1,
        is_public=not depends_on.readers,
        is_mirrored=False,
        depends_on=Dependencies(frozenset((NAME.coordinate.package.key,)), depends_on.readers),
        cacheable_until_ms=2,
    )
    content = _encoded(located, depends_on)
    assert _decoded(Redirect(content, "first", 2, archive=None)) == located
