"""What is derived from releases depends on the releases alone, whatever was done in between."""

import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.api_docs.records import ApiVerdict
from shared.domain.coordinates import Coordinate, package_owner
from shared.domain.errors.base import Refusal
from shared.domain.packages import Texts
from shared.domain.principals import OPERATOR
from shared.domain.search import Query, ResultPage, SymbolQuery
from shared.domain.visibility import Visibility
from shared.domain.withheld_notes import WithheldNote
from tests.protocol.bal.failures import ClientFailure
from tests.support.documented_packages import documented_bala
from tests.support.stored_state import ALL
from tests.support.world import OpenWorld, World

VERSIONS = ("1.0.0", "1.1.0", "2.0.0-beta.1")
SEEDS = range(12)
COUNT = 10  # Of steps.
A_DAY = timedelta(days=1, minutes=1)
EVERYTHING = ResultPage(limit=100)
LISTS = ("/packages/acme/greet", "/packages/?q=greet", "/tools/?q=greet")


def _coordinate(version: str) -> Coordinate:
    return Coordinate.parse("acme", "greet", version)


def _archive(version: str) -> bytes:
    """Return a release with symbols of its own and of all versions, a connector and a tool."""
    own = f"# Is of {version}.\npublic function of{version[0]}{version[2]}() {{}}\n"
    client = "public client class Client {\n    remote function greet() {}\n}\n"
    return documented_bala(
        f"acme/greet:{version}", {"main.bal": own + client}, keywords=[f"k{version[2]}"]
    )


async def derived_state(world: World) -> Mapping[str, Any]:
    """Return all that is derived from the records of `acme/greet`.

    Revisions count changes, so two ways to the same records may differ in them.
    """
    stores = world.stores
    package = _coordinate("1.0.0").package
    await _caught_up(world)
    found = await stores.search.search(Query(include_deprecated=True), EVERYTHING, ALL)
    symbols = await stores.search.symbols(
        SymbolQuery(orgs=frozenset({"acme"})), ResultPage(limit=100), ALL
    )
    named = await stores.search.symbols(SymbolQuery("greet"), EVERYTHING, ALL)
    counted = await stores.search.search_with_facets(
        Query(include_deprecated=True), EVERYTHING, ALL
    )
    [survey] = await stores.metadata.survey([package])
    assert survey
    owner = package_owner(package)
    notes = await stores.directory.list_by_owner(WithheldNote, owner)
    verdicts = await stores.directory.list_by_owner(ApiVerdict, owner)
    state: dict[str, Any] = {
        "search": [(hit.listing.head, hit.listing.release, hit.listing.api) for hit in found.hits],
        "texts of search": [(hit.listing.texts, hit.listing.is_standard) for hit in found.hits],
        "symbols": [(hit.symbol, hit.listing.release.version) for hit in symbols.hits],
        "symbols by name": [hit.symbol for hit in named.hits],
        "facets": counted.facets,
        "entries": survey.entries,
        "withheld": [(each.version, each.state) for each in notes],
        "verdicts": {each.version: each.compared_with for each in verdicts},
    }
    for entry in survey.entries:
        digest = _coordinate(entry.version), entry.digest
        release = (await stores.metadata.find(digest[0])).release
        assert release
        record = await stores.documents.api_docs_record(release.archive_digest)
        texts = await stores.documents.texts(release.archive_digest)
        graph = await stores.documents.graphs([release.archive_digest])
        state[f"documents of {entry.version}"] = (record, texts, graph)
    for path in LISTS:
        answer = await world.get(path, by=world.people.ann)
        state[path] = (answer.status_code, answer.content)
    return state


async def _caught_up(world: World) -> None:
    """Let instances of the cloud read what the feed of changes says by now."""
    world.clock.advance(timedelta(seconds=5))
    await world.get("/packages/?q=greet")


Step = Callable[[World, Coordinate], Awaitable[object]]


async def _push(world: World, at: Coordinate) -> None:
    with suppress(ClientFailure):  # A repeat of what is withheld.
        await world.push(_archive(at.version.text))


async def _document(world: World, _at: Coordinate) -> None:
    await world.document()


def _change(change: Callable[[World, Coordinate], Awaitable[object]]) -> Step:
    async def step(world: World, at: Coordinate) -> None:
        with suppress(Refusal):  # The release is not there, or withheld: nothing changes.
            await change(world, at)

    return step


def _task(name: str) -> Step:
    async def step(world: World, _at: Coordinate) -> None:
        await _run(world, name)

    return step


async def _run(world: World, task: str) -> int:
    report = await world.registry.maintenance.task_runner.run(task)
    assert report is not None
    assert report.problems == ()
    return report.changed


STEPS: tuple[Step, ...] = (
    _push,
    _push,
    _push,
    _document,
    _document,
    _change(lambda w, at: w.registry.packages.deprecation.deprecate(at, "Old.", by=OPERATOR)),
    _change(lambda w, at: w.registry.packages.deprecation.undeprecate(at, by=OPERATOR)),
    _change(lambda w, at: w.registry.publishing.moderation.quarantine(at, "Bad.", by=OPERATOR)),
    _change(lambda w, at: w.registry.publishing.moderation.restore(at, by=OPERATOR)),
    _change(
        lambda w, at: w.registry.packages.visibility.change(
            at.package, Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
        )
    ),
    _change(
        lambda w, at: w.registry.packages.visibility.change(
            at.package, Visibility.PUBLIC, by=OPERATOR
        )
    ),
    _task("repair-derived-data"),
    _task("rebuild-derived-data"),
)


async def _after_random_steps(world: World, seed: int) -> None:
    chosen = random.Random(seed)  # noqa: S311 - for a test.
    await _push(world, _coordinate(chosen.choice(VERSIONS)))
    for _ in range(COUNT):
        await chosen.choice(STEPS)(world, _coordinate(chosen.choice(VERSIONS)))
    await _document_all(world)


async def _document_all(world: World) -> None:
    """Let a day pass, after which all releases are documented that have to be."""
    world.clock.advance(A_DAY)
    await _run(world, "generate-api-docs")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_any_order_of_changes_leaves_what_a_rebuild_makes_of_the_releases(
    worlds: OpenWorld, seed: int
) -> None:
    world = await worlds()
    await _after_random_steps(world, seed)
    before = await derived_state(world)
    assert await _run(world, "repair-derived-data") == 0
    assert await derived_state(world) == before
    for task in ("repair-derived-data", "rebuild-derived-data"):
        await _lose_derived_data(world)
        assert await _run(world, task) == 1
        await _document_all(world)
        assert await derived_state(world) == before


async def _lose_derived_data(world: World) -> None:
    """Delete what can be derived again, except for entries, which no store deletes."""
    stores = world.stores
    package = _coordinate("1.0.0").package
    await stores.search.remove(package)
    for kind in (WithheldNote, ApiVerdict):
        for each in await stores.directory.list_by_owner(kind, package_owner(package)):
            await stores.directory.remove(each)
    for release in await stores.metadata.releases(package):
        await stores.documents.delete(release.archive_digest)


async def test_a_repair_finds_a_listing_that_differs_in_anything(worlds: OpenWorld) -> None:
    world = await worlds()
    await world.push(_archive("1.0.0"))
    await world.document()
    before = await derived_state(world)
    found = await world.stores.search.search(Query(), EVERYTHING, ALL)
    listing = found.hits[0].listing  # Without its symbols, which a search does not read.
    older = listing.head.model_copy(update={"revision": 0, "deprecation": "Old."})
    for wrong in (listing, replace(listing, head=older), replace(listing, texts=Texts())):
        await world.stores.search.replace(wrong)
        assert await _run(world, "repair-derived-data") == 1
        assert await derived_state(world) == before
