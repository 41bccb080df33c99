"""Store operations of each page of a package, as docs/package-pages.md lists them."""

from collections import Counter

import pytest

from tests.protocol.web.page_reader import opened
from tests.protocol.web.sample_packages import fill, publish
from tests.support.port_doubles import Journal
from tests.support.world import OpenWorld, World, asking

SURVEY, FIND = "metadata.survey", "metadata.find"
FRAME = Counter([SURVEY, FIND, "directory.get", "directory.list_by_owner"])
FILES = Counter(["archives.read"])
BUDGETS = {
    "": Counter(["documents.texts"]) + FILES,
    "/docs?module=greet.formal": Counter(["documents.texts"]) + FILES,
    "/versions": Counter[str](),
    "/dependencies": Counter(["documents.graphs", SURVEY]),
    "/dependents": Counter(["search.search"]),
    "/files": FILES,
    "/files?path=package.json": FILES + FILES,
    "/statistics": Counter(["pulls.history"]),
    "/activity": Counter(["events.stream"]),
}


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
async def counted(worlds: OpenWorld, journal: Journal) -> World:
    """Return a registry whose calls are written down, and that remembers no answer."""
    world = await worlds(wrap=journal.wrap, host=asking)
    await fill(world)
    journal.taken()
    return world


async def calls(world: World, journal: Journal, path: str) -> Counter[str]:
    """Return the calls of a request that succeeds."""
    answer = await opened(world, path)
    assert answer.status_code == 200, path
    return Counter(journal.taken())


@pytest.mark.parametrize("page", BUDGETS)
async def test_a_page_asks_no_more_than_its_budget(
    counted: World, journal: Journal, page: str
) -> None:
    assert await calls(counted, journal, f"/packages/acme/greet/1.2.0{page}") == (
        FRAME + BUDGETS[page]
    )


async def test_the_list_of_files_is_read_once(counted: World, journal: Journal) -> None:
    await calls(counted, journal, "/packages/acme/greet/1.2.0/files")
    assert await calls(counted, journal, "/packages/acme/greet") == (
        FRAME + Counter(["documents.texts"])
    )


async def test_the_json_version_costs_the_frame_only(counted: World, journal: Journal) -> None:
    await opened(counted, "/packages/acme/greet", accept="application/json")
    assert Counter(journal.taken()) == FRAME


async def test_a_badge_and_a_feed_of_a_package_are_the_frame_alone(
    counted: World, journal: Journal
) -> None:
    assert await calls(counted, journal, "/badges/acme/greet/version.svg") == FRAME
    assert await calls(counted, journal, "/feeds/packages/acme/greet/releases.atom") == FRAME


@pytest.mark.parametrize(
    "path", ["/llms.txt", "/feeds/newest.atom", "/feeds/orgs/acme/releases.atom"]
)
async def test_lists_of_packages_read_the_index_only(
    counted: World, journal: Journal, path: str
) -> None:
    assert await calls(counted, journal, path) == Counter(["search.search"])


async def test_a_missing_package_costs_one_store_operation(
    counted: World, journal: Journal
) -> None:
    for path in ("/packages/acme/none", "/packages/acme/none/1.0.0/files", "/files/a/b/1.0.0/x"):
        assert (await opened(counted, path)).status_code == 404
        assert journal.taken() == [SURVEY]


@pytest.mark.parametrize("page", BUDGETS)
async def test_a_page_of_a_long_history_asks_no_more(
    counted: World, journal: Journal, page: str
) -> None:
    for number in range(120):
        await publish(counted, f"acme/greet:0.{number}.0", readme="x\n")
    journal.taken()
    assert await calls(counted, journal, f"/packages/acme/greet/1.2.0{page}") == (
        FRAME + BUDGETS[page]
    )
