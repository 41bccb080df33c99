"""Store operations of each page of a package, as docs/develop/site.md lists them."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.protocol.web.page_reader import opened
from tests.protocol.web.sample_packages import fill, publish
from tests.support.documented_packages import documented_bala, published
from tests.support.instances import edition_confirmed, shared_records_read
from tests.support.port_doubles import CallRecorder
from tests.support.storage import one_instance
from tests.support.world import Template, World, asking

pytestmark = one_instance("it counts calls of one instance")

SURVEY = "metadata.survey"
FIND = "metadata.find"
RECORDS = Counter([SURVEY, FIND])  # Until they are in memory.
DEPENDENCIES = Counter([SURVEY])  # Whether they were withdrawn; one is not in this registry.
FRAME = RECORDS + Counter(["directory.get"]) + DEPENDENCIES
FILES = Counter(["archives.read"])
DEPENDENTS = Counter(["search.search"])  # Counted where their number is shown.
PULLS = "pulls.history"
VERDICTS = "directory.list_by_owner"
RECORD = "documents.api_docs_record"
PIECES = "documents.read_pieces"
TABS = Counter([RECORD])
# What the first reader of a source file starts, and does not wait for.
AFTERWARDS = ("confined.run", "documents.put_rendering")
PIECE = Counter({PIECES: 1})  # The index with the piece, of a small file.
# Until a release is in the transparency log, the state of the log is read as well.
LOG = Counter(["directory.get"])

BUDGETS = {
    "": Counter([PULLS]) + PIECE + TABS + DEPENDENTS + LOG,
    "/versions": Counter([PULLS, VERDICTS]) + TABS,
    "/dependencies": Counter(["documents.graphs", SURVEY]) + TABS + DEPENDENTS,
    "/dependents": TABS + DEPENDENTS,
    "/files": FILES + TABS,
    "/files?path=package.json": FILES + FILES + Counter(["documents.rendering"]) + TABS,
    "/statistics": Counter([PULLS]) + TABS,
    "/history": Counter(["events.stream"]) + TABS,
    "/proof": LOG + TABS,
}

# Of pages that read the documentation, whose record and index are known by then.
DOCUMENTED = {
    # The page, the index of the module, and its readme.
    "/docs?module=greet.formal": Counter({PIECES: 3}),
    "/docs/greet/greet": Counter({PIECES: 2}),
    "/changes": Counter({PIECES: 1}),
}


@pytest.fixture(scope="module")
def of_long_history(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return a registry that has more versions of a package than a page shows."""

    async def publish_many(world: World) -> None:
        await fill(world)
        for number in range(100):
            await publish(world, f"acme/greet:0.{number}.0", readme="x\n")

    return asyncio.run(template.filled(tmp_path_factory.mktemp("long") / "data", publish_many))


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Template:
    """Return what is served: `filled`, unless a test names another one."""
    return request.getfixturevalue(getattr(request, "param", "filled"))


@pytest.fixture
async def counted(
    source: Template, scratch: Path, port_calls: CallRecorder
) -> AsyncGenerator[World]:
    """Return a copy that remembers no answer and whose calls are written down, once it has read
    what concerns all requests."""
    async with source.world(scratch / "data", wrap=port_calls.wrap, host=asking) as world:
        await opened(world, "/about")
        await edition_confirmed(world.registry)
        await shared_records_read(world.registry)
        port_calls.taken()
        yield world


async def calls(world: World, port_calls: CallRecorder, path: str) -> Counter[str]:
    """Return the calls of a request that succeeds."""
    answer = await opened(world, path)
    assert answer.status_code == 200, path
    return Counter(each for each in port_calls.taken() if each not in AFTERWARDS)


@pytest.mark.parametrize("page", DOCUMENTED)
async def test_a_page_of_documentation_asks_no_more_than_its_budget(
    counted: World, port_calls: CallRecorder, page: str
) -> None:
    path = f"/packages/acme/greet/1.2.0{page}"
    await calls(counted, port_calls, path)
    assert await calls(counted, port_calls, path) == FRAME - RECORDS + DOCUMENTED[page]


@pytest.mark.parametrize(
    "source", ["filled", pytest.param("of_long_history", marks=pytest.mark.slow)], indirect=True
)
@pytest.mark.parametrize("page", BUDGETS)
async def test_a_page_asks_no_more_than_its_budget(
    counted: World, port_calls: CallRecorder, page: str
) -> None:
    assert await calls(counted, port_calls, f"/packages/acme/greet/1.2.0{page}") == (
        FRAME + BUDGETS[page]
    )


async def test_the_index_of_pieces_is_read_once(counted: World, port_calls: CallRecorder) -> None:
    await calls(counted, port_calls, "/packages/acme/greet/1.2.0/docs/greet/greet")
    assert await calls(counted, port_calls, "/packages/acme/greet") == (
        FRAME - RECORDS + Counter([PULLS, PIECES]) + DEPENDENTS + LOG
    )


async def test_a_page_without_a_version_asks_no_more(
    counted: World, port_calls: CallRecorder
) -> None:
    assert await calls(counted, port_calls, "/packages/acme/greet/versions") == (
        FRAME + BUDGETS["/versions"]
    )


SEARCH = Counter(["search.search"])
# Of pages about many packages: the index, and no store but for who may see an organization.
COMPARED = FRAME + TABS + DEPENDENTS + Counter([PULLS])
LISTS = {
    "/api/v1/packages/acme/greet/1.2.0/checklist": FRAME + TABS,
    "/llms.txt": SEARCH,
    "/search?q=greet&org=acme": Counter(["search.search_with_facets", "search.symbols"]),
    "/organizations": Counter(["search.facet_values"]),
    "/keywords": Counter(["search.facet_values"]),
    "/sitemap.xml": SEARCH,
    "/feeds/registry.atom": Counter(["events.newest", SURVEY]),
    "/feeds/acme.atom": Counter(["directory.access_context", "events.stream", SURVEY]),
    "/feeds/acme/greet.atom": Counter(["events.stream", SURVEY, SURVEY]),
    "/badges/acme/greet/version.svg": FRAME,
    "/compare": Counter[str](),
    "/compare?packages=acme/none": Counter([SURVEY]),
    "/compare?packages=acme/greet": COMPARED,
    "/compare?packages=acme/greet,acme/none": COMPARED + Counter([SURVEY]),
    "/orgs/acme": Counter(
        ["search.search_with_facets", "directory.access_context", "directory.list_by_owner"]
    ),
}


@pytest.mark.parametrize("path", LISTS)
async def test_lists_of_packages_read_the_index(
    counted: World, port_calls: CallRecorder, path: str
) -> None:
    assert await calls(counted, port_calls, path) == LISTS[path]


async def test_a_missing_package_costs_one_store_operation_and_two_searches_of_similar_names(
    counted: World, port_calls: CallRecorder
) -> None:
    for path in ("/packages/acme/none", "/packages/acme/none/1.0.0/files", "/files/a/b/1.0.0/x"):
        assert (await opened(counted, path)).status_code == 404
        similar = ["search.suggest"] * 2 if path == "/packages/acme/none" else []
        assert port_calls.taken() == [SURVEY, *similar]


INCLUDING = "import acme/common; public type Settings record {| *common:Common; |};"
SETTINGS = "/packages/acme/client/1.0.0/docs/client/Settings"
COMMON = {"common.bal": "public type Common record {| int timeout; |};"}


async def publish_including(world: World, *, with_common: bool) -> None:
    """Publish a package with a record that includes a record of `acme/common`."""
    archives = [documented_bala("acme/common:1.0.0", COMMON)]
    depends = ["acme/common:1.0.0"]
    client = documented_bala("acme/client:1.0.0", {"a.bal": INCLUDING}, dependencies=depends)
    await published(world, *(archives if with_common else []), client)


async def test_fields_of_another_package_cost_no_request_once_it_is_known(
    counted: World, port_calls: CallRecorder
) -> None:
    await publish_including(counted, with_common=True)
    assert "timeout" in (await opened(counted, SETTINGS)).text
    port_calls.taken()
    assert (
        await calls(counted, port_calls, SETTINGS)
        == FRAME - RECORDS - DEPENDENCIES + DOCUMENTED["/docs/greet/greet"]
    )


async def test_a_hidden_package_costs_the_requests_of_a_missing_one(
    counted: World, port_calls: CallRecorder
) -> None:
    await publish_including(counted, with_common=False)
    await calls(counted, port_calls, SETTINGS)
    missing = await calls(counted, port_calls, SETTINGS)
    await published(counted, documented_bala("acme/common:1.0.0", COMMON, visibility="private"))
    await calls(counted, port_calls, SETTINGS)
    assert await calls(counted, port_calls, SETTINGS) == missing
