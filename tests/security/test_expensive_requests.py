"""Small requests that ask for much work: what they cost is bounded, however they are put."""

import asyncio
import hashlib
import json
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import azure.functions as func
import pytest
from graphql import GraphQLError, parse

from functions.central.graphql_execution import Allowance
from functions.faces import build_app
from shared.adapters.search.index import SearchIndexFile, SqliteSearchIndex
from shared.adapters.search.rows import SEARCH_MIGRATIONS
from shared.adapters.sqlite.database import Database, Work
from shared.domain.build_resolution import (
    ModuleRequest,
    PackageRequest,
    ResolutionCandidates,
    ToolRequest,
    resolve_module,
    resolve_package,
    resolve_tool,
)
from shared.domain.distributions import ClientProfile
from shared.domain.listings import Facet, FacetCount, Listing
from shared.domain.names import parse_tool_id
from shared.domain.packages import Survey, Texts
from shared.domain.search import ANYONE, FacetPage, ResultPage, Viewer
from shared.hosting.requests import Message
from shared.hosting.triggers import functions_of
from tests.contract.sample_records import head, release
from tests.support.archives import bala, noise
from tests.support.surveys import entry, survey
from tests.support.world import URL, OpenWorld, World, caching_host
from tests.unit.shared.hosting.asgi import scope

pytestmark = pytest.mark.slow

VERSIONS = 300
QUESTIONS = 200
RANGES = 3  # A version lies in three: every version, its major, its minor.


class Looking(ClientProfile, frozen=True):
    """A client that counts how many releases were held against what it can use."""

    looked = 0

    def can_use(self, platform: str, built_with: str) -> bool:
        Looking.looked += 1
        return super().can_use(platform, built_with)


@pytest.fixture
def client() -> Looking:
    Looking.looked = 0
    return Looking()


def abandoned() -> Survey:
    """Return a package whose every release is deprecated, so that none ends the search early."""
    return survey(
        *(
            entry(
                f"1.0.{patch}",
                deprecation="Use another.",
                modules=("greet", "greet.sub"),
                tools=("greeter",),
            )
            for patch in range(VERSIONS)
        )
    )


@pytest.mark.parametrize("mode", ["soft", "medium", "hard"])
def test_a_package_that_is_asked_for_many_times_is_looked_through_once(
    client: Looking, mode: str
) -> None:
    packages = ResolutionCandidates([abandoned()], client)
    for version in ("", *(f"1.0.{patch}" for patch in range(QUESTIONS))):
        assert resolve_package(PackageRequest.of("acme", "greet", version, mode), packages)
    assert Looking.looked <= RANGES * VERSIONS


def test_a_module_or_tool_that_is_asked_for_many_times_is_looked_for_once(client: Looking) -> None:
    packages = ResolutionCandidates([abandoned()], client)
    owners = {parse_tool_id("greeter"): abandoned().head.package}
    for patch in range(QUESTIONS):
        known = [PackageRequest.of("acme", "greet", f"1.0.{patch}")]
        resolve_module(ModuleRequest.of("acme", "greet.sub", known), packages)
        resolve_module(ModuleRequest.of("acme", f"greet.none{patch}", known), packages)
        assert resolve_tool(ToolRequest.of("greeter", f"1.0.{patch}"), owners, packages)
    assert Looking.looked <= RANGES * VERSIONS


T = TypeVar("T")


class CountingDatabase(Database):
    """A database that counts the reads that take a thread."""

    scans = 0

    async def scan(self, work: Work[T]) -> T:
        self.scans += 1
        return await super().scan(work)


async def test_a_page_of_a_directory_is_read_once_until_the_index_changes(tmp_path: Path) -> None:
    path = tmp_path / "search.db"
    writer = SqliteSearchIndex(path)
    index = SqliteSearchIndex(path)
    database = CountingDatabase(path, SEARCH_MIGRATIONS)
    index._file = SearchIndexFile(database)
    writer.migrate()
    await writer.offer(_listing("acme/one"))
    page = ResultPage(limit=1)
    for _ in range(3):
        found = await index.facet_values(Facet.KEYWORD, "w", page, ANYONE)
        assert found == FacetPage((FacetCount("web", 1),), 1)
    assert database.scans == 1
    await writer.offer(_listing("acme/two"))
    for viewer in (ANYONE, Viewer(frozenset({"acme"})), ANYONE):
        found = await index.facet_values(Facet.KEYWORD, "w", page, viewer)
        assert found == FacetPage((FacetCount("web", 2),), 1)
    assert database.scans == 3
    database.close()
    writer.close()


def _listing(name: str) -> Listing:
    return Listing(head(name), release(f"{name}:1.0.0", keywords=("web",)), Texts())


# --- Documentation, which is stored a thousand times smaller ------------------------------------

API_DOCS = """apiDocs(inputFilter: {moduleInfo:
{orgName: "acme", moduleName: "greet", version: "1.0.0"}}) {docsData {modules {%s}}}"""
FUNCTIONS = 1_000  # With what is said of each, their list has more than 2 MB.
REPEATED = 50  # What is said packs about fifty times smaller; 200 times would be refused.


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry with a package that has large documentation."""
    world = await worlds()
    words = noise(32 * FUNCTIONS).hex()
    functions = "".join(
        f"# {words[64 * at :][:64] * REPEATED}\npublic function f{at}() {{}}\n"
        for at in range(FUNCTIONS)
    )
    await world.push(bala("acme/greet:1.0.0", entries={"modules/greet/f.bal": functions}))
    await world.document()
    return world


async def queried(world: World, query: str) -> dict[str, Any]:
    body = json.dumps({"query": query})
    headers = {"Content-Type": "application/json"}
    return (
        await world.send("POST", f"{URL}/2.0/graphql", headers=headers, content=body.encode())
    ).json()


async def memory_taken(work: Callable[[], Awaitable[Any]]) -> int:
    """Return how many bytes some work had at most."""
    tracemalloc.start()
    try:
        await work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_an_answer_with_more_documentation_than_its_limit_is_refused(world: World) -> None:
    answer = await queried(world, f"{{a: {API_DOCS % 'id'} b: {API_DOCS % 'functions'}}}")
    assert answer["data"]["a"], answer["errors"]
    assert answer["data"]["a"]["docsData"]["modules"] == [{"id": "greet"}]
    assert [each["path"][0] for each in answer["errors"]] == ["b"]
    assert "more than 2 MB of documentation" in answer["errors"][0]["message"]


def test_a_refused_piece_leaves_its_room_to_smaller_ones() -> None:
    allowance = Allowance.of(parse("{a}"))
    with pytest.raises(GraphQLError, match="more than 2 MB"):
        allowance.spend_bytes(3 << 20)
    allowance.spend_bytes(2 << 20)
    with pytest.raises(GraphQLError, match="more than 2 MB"):
        allowance.spend_bytes(1)


async def test_the_length_of_a_document_is_known_without_unpacking_it(world: World) -> None:
    url = f"{URL}/2.0/docs/acme/greet/1.0.0"
    plain = await world.get(url)
    assert len(plain.content) > 3 << 20

    async def ask() -> None:
        head = await world.send("HEAD", url)
        assert head.headers["content-length"] == str(len(plain.content))

    assert await memory_taken(ask) < 1 << 20


async def test_a_document_without_compression_is_unpacked_while_it_is_sent(world: World) -> None:
    url = f"{URL}/2.0/docs/acme/greet/1.0.0"
    whole = (await world.get(url)).content
    host = caching_host(world.registry)
    sent = hashlib.sha256()

    async def connected() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def read(message: Message) -> None:
        sent.update(message.get("body", b""))

    async def ask() -> None:
        await host(scope("GET", "/2.0/docs/acme/greet/1.0.0"), connected, read)

    assert await memory_taken(ask) < len(whole)
    assert sent.digest() == hashlib.sha256(whole).digest()


async def test_the_functions_host_gets_documents_that_a_thread_unpacks_one_at_a_time(
    world: World,
) -> None:
    path = f"{URL}/2.0/docs/acme/greet/1.0.0"
    whole = (await world.get(path)).content
    [docs] = [f for f in functions_of(build_app(world.registry)).http if f.name == "central_docs"]
    respond = cast("Callable[..., Awaitable[func.HttpResponse]]", docs.call)
    context = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=""))

    async def ask() -> None:
        names = {"org": "acme", "module": "greet", "version": "1.0.0"}
        request = func.HttpRequest("GET", path, route_params=names, body=b"")
        assert (await respond(request, context)).get_body() == whole

    async def ask_often() -> None:
        await asyncio.gather(*(ask() for _ in range(20)))

    assert await memory_taken(ask_often) < 6 * len(whole)
