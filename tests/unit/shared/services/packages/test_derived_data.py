"""Derived data agrees with the releases, whatever is written at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate, Package, release_place
from shared.domain.documents import DerivedDocument
from shared.domain.entities import Entity
from shared.domain.errors.requests import Busy
from shared.domain.listings import Listing
from shared.domain.packages import Survey
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.search import ANYONE, Query, ResultPage, SymbolQuery
from shared.domain.withheld_notes import WithheldNote
from shared.ports.directory import DirectoryStore
from shared.ports.search import SearchIndex
from shared.services.adapters import Adapters
from shared.services.packages.derived_data import ENTRIES_ON_THE_LOOP, DocumentCache
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala
from tests.support.refusals import raises_refusal
from tests.support.surveys import survey
from tests.support.world import OpenWorld, World


@dataclass
class OvertakenIndex:
    """A search index in which something happens just before a release is shown."""

    index: SearchIndex
    happens: Callable[[], Awaitable[None]] | None = None

    async def replace(self, listing: Listing) -> bool:
        """Let it happen, once, and then show the release that was chosen before."""
        happens = self.happens
        self.happens = None
        if happens:
            await happens()
        return await self.index.replace(listing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.index, name)


@pytest.mark.parametrize("happens", ["push", "documentation"])
async def test_what_happens_between_choosing_and_showing_is_not_lost_to_the_search(
    worlds: OpenWorld, happens: str
) -> None:
    overtaken: list[OvertakenIndex] = []

    def wrap(stores: Adapters) -> Adapters:
        overtaken.append(OvertakenIndex(stores.search))
        return replace(stores, search=overtaken[0])

    world = await worlds(wrap=wrap)
    await world.push(documented_bala("acme/greet:1.0.0"))
    push = partial(world.push, documented_bala("acme/greet:2.0.0"))
    overtaken[0].happens = push if happens == "push" else world.document
    first = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.packages.deprecation.deprecate(first, "Use 2.0.0.", by=OPERATOR)
    shown = "2.0.0" if happens == "push" else "1.0.0"
    found = await world.stores.search.search(Query(include_deprecated=True), ResultPage(), ANYONE)
    assert [hit.listing.release.version for hit in found.hits] == [shown]
    symbols = await world.stores.search.symbols(
        SymbolQuery.parse("greetWorld"), ResultPage(), ANYONE
    )
    assert symbols.count == (0 if happens == "push" else 1)


async def test_a_new_release_of_an_organization_that_search_prefers_is_listed_as_such(
    worlds: OpenWorld,
) -> None:
    world = await worlds(standard_organizations="acme")
    await world.push(bala("acme/greet:1.0.0"))
    found = await world.stores.search.search(Query(), ResultPage(limit=10), ANYONE)
    assert [hit.listing.is_standard for hit in found.hits] == [True]


async def test_a_listed_version_without_a_release_is_not_shown(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    derived_data = world.registry.publishing.moderation.derived_data
    package = Package.parse("acme", "greet")
    [before] = await derived_data.metadata.survey([package])
    assert before
    missing = before.entries[0].model_copy(update={"version": "9.0.0"})
    await derived_data.metadata.put_entries(package, [missing])
    await derived_data.update_search(package)
    found = await world.registry.packages.search.search(Query(), ResultPage(), by=OPERATOR)
    assert found.count == 0


@dataclass
class Maker:
    """Makes documents that list versions, and counts them."""

    made: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.files = DocumentCache(self.make)

    def make(self, of: Survey) -> bytes:
        versions = " ".join(entry.version for entry in of.entries)
        self.made.append(versions)
        return versions.encode()

    async def document(self, of: Survey) -> DerivedDocument:
        return await self.files.document(of)


@pytest.fixture
def maker() -> Maker:
    return Maker()


async def test_the_cache_of_documents_is_bounded_in_bytes(maker: Maker) -> None:
    one, two, three = (survey("1.0.0", package=f"acme/p{number}") for number in range(3))
    document = await maker.document(one)
    size = 2 * len(document.content)
    maker.files = DocumentCache(maker.make, capacity=2 * size)
    maker.made.clear()
    for of in (one, two, one, three, one, two):
        await maker.document(of)
    assert len(maker.made) == 4, "the second one was forgotten for the third, and made again"


async def test_many_that_wait_for_a_large_document_get_one(maker: Maker) -> None:
    large = survey(*(f"1.0.{patch}" for patch in range(ENTRIES_ON_THE_LOOP + 1)))
    documents = await asyncio.gather(*(maker.document(large) for _ in range(20)))
    assert len(maker.made) == 1
    assert all(each is documents[0] for each in documents)


FIRST = Coordinate.parse("acme", "greet", "1.0.0")
SECOND = Coordinate.parse("acme", "greet", "1.1.0")
REASON = "reported by a user"


@dataclass
class InterleavedDirectory:
    """A directory in which something happens before a note is written or removed."""

    directory: DirectoryStore
    world: World | None = None
    failure: Exception | None = None

    async def put(self, entity: Entity) -> None:
        """Let the operator restore the release, once, or fail once; and then note it."""
        world = self.world
        self.world = None
        if isinstance(entity, WithheldNote):
            self._fail()
            if world:
                await world.registry.publishing.moderation.restore(entity.coordinate, by=OPERATOR)
        await self.directory.put(entity)

    async def remove(self, entity: Entity) -> Entity:
        """Fail once, and then remove it."""
        self._fail()
        return await self.directory.remove(entity)

    def _fail(self) -> None:
        failure = self.failure
        self.failure = None
        if failure:
            raise failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self.directory, name)


@pytest.fixture
def interleaved() -> InterleavedDirectory:
    """Return what comes in between, which has no directory yet."""
    return InterleavedDirectory(cast("DirectoryStore", None))


@pytest.fixture
async def two_releases(worlds: OpenWorld, interleaved: InterleavedDirectory) -> World:
    """Return a registry with two releases, whose directory can be meddled with."""

    def wrap(stores: Adapters) -> Adapters:
        interleaved.directory = stores.directory
        return replace(stores, directory=cast("DirectoryStore", interleaved))

    two_releases = await worlds(wrap=wrap)
    for coordinate in (FIRST, SECOND):
        await two_releases.push(bala(str(coordinate)))
    return two_releases


async def listed(two_releases: World) -> list[tuple[str, State, str]]:
    page = await two_releases.registry.publishing.moderation.withheld(by=OPERATOR)
    return [(str(each.coordinate), each.state, each.by) for each in page.releases]


@pytest.mark.parametrize("act", ["quarantine", "restore"])
async def test_upkeep_notes_what_was_broken_off(
    two_releases: World, interleaved: InterleavedDirectory, act: str
) -> None:
    moderation = two_releases.registry.publishing.moderation
    if act == "restore":
        await moderation.quarantine(FIRST, REASON, by=OPERATOR)
    before = await listed(two_releases)
    interleaved.failure = Busy()
    with raises_refusal("not-listed-yet"):
        await (
            moderation.restore(FIRST, by=OPERATOR)
            if act == "restore"
            else moderation.quarantine(FIRST, REASON, by=OPERATOR)
        )
    assert await listed(two_releases) == before
    await two_releases.registry.maintenance.task_runner.run("process-outboxes")
    expected = [] if act == "restore" else [(str(FIRST), State.QUARANTINED, "operator")]
    assert await listed(two_releases) == expected


@pytest.mark.parametrize("task", ["repair-derived-data", "rebuild-derived-data"])
async def test_upkeep_makes_the_list_again_from_the_releases(
    two_releases: World, task: str
) -> None:
    moderation = two_releases.registry.publishing.moderation
    directory = two_releases.stores.directory
    for coordinate in (FIRST, SECOND):
        await moderation.quarantine(coordinate, REASON, by=OPERATOR)
    noted = await directory.get(WithheldNote, release_place(FIRST))
    assert noted
    await directory.remove(noted)
    await directory.put(noted.model_copy(update={"version": "9.0.0"}))  # There is no such release.
    await two_releases.registry.maintenance.task_runner.run(task)
    # Who decided is not made up: what is noted still says so, and for the rest there is the log.
    assert await listed(two_releases) == [
        (str(FIRST), State.QUARANTINED, ""),
        (str(SECOND), State.QUARANTINED, "operator"),
    ]
    report = await two_releases.registry.maintenance.task_runner.run("repair-derived-data")
    assert report
    assert report.changed == 0


async def test_a_release_that_waits_for_an_owner_was_decided_by_nobody(worlds: OpenWorld) -> None:
    two_releases = await worlds(brake_packages=1)
    await two_releases.push(bala("acme/one:1.0.0"))
    await two_releases.push_held(bala("acme/two:1.0.0"))
    [waiting] = (await two_releases.registry.publishing.moderation.withheld(by=OPERATOR)).releases
    assert (waiting.name, waiting.is_held_for_owner, waiting.by) == ("two", True, "")
    await two_releases.registry.publishing.held_releases.confirm(waiting.coordinate, by=OPERATOR)
    assert await listed(two_releases) == []
