"""Lists of packages and their pagination, for `bal search` and scripts."""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.central.answers import answered
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

CATALOGUE: dict[str, dict[str, Any]] = {
    "acme/kafka:1.0.0": {
        "keywords": ["IT Operations/Cloud & More", "stream"],
        "summary": "Talks to Kafka brokers.",
    },
    "acme/kafka.tools:1.0.0": {"summary": "Looks after brokers.", "modules": ["admin"]},
    "acme/greet:1.0.0": {"summary": "Greets people.", "keywords": ["greeting"]},
    "acme/greet:1.2.0": {"summary": "Greets everybody.", "keywords": ["greeting"]},
    "acme/http_client:2.0.0": {"summary": "Calls services over HTTP."},
    "other/greetings:0.1.0": {
        "summary": "Greets people, too.",
        "keywords": ["cloud", "Sales & CRM"],
    },
    "other/storage:1.0.0": {
        "summary": "Keeps files in the cloud.",
        "readme": "# Storage\n\nBlobs.",
    },
}


@pytest.fixture(scope="module")
async def store(shared_worlds: OpenWorld) -> World:
    """Return a registry with the catalogue, which no test changes."""
    world = await shared_worlds()
    await stock(world)
    return world


async def stock(world: World) -> None:
    """Publish the catalogue, one package a second."""
    for coordinate, spec in CATALOGUE.items():
        world.clock.at_ms += 1_000
        await world.push(bala(coordinate, **spec), by=world.people.admin)


async def names(world: World, path: str) -> list[str]:
    """Return `org/name` of what a list holds, in its order."""
    listed = (await page(world, path))["packages"]
    return [f"{each['organization']}/{each['name']}" for each in listed]


async def page(world: World, path: str) -> dict[str, Any]:
    """Return a list, after checking that its envelope is one that clients read."""
    envelope = answered(await world.get(path))
    assert {"packages", "count", "offset", "limit"} <= set(envelope)
    for number in ("count", "offset", "limit"):
        assert type(envelope[number]) is int
    return envelope


async def test_a_list_looks_like_this(store: World, golden: SnapshotAssertion) -> None:
    assert await page(store, "/packages?q=kafka&limit=2") == golden


@pytest.mark.parametrize("path", ["/packages", "/packages/", "/search-packages"])
async def test_a_list_without_a_query_is_everything(store: World, path: str) -> None:
    assert (await page(store, path))["count"] == 6
    assert (await page(store, f"{path}?q="))["count"] == 6


async def test_bal_search_asks_with_a_slash_before_the_query(store: World) -> None:
    client = store.java()
    found = await client.search("greet people")
    assert client.wire.exchanges[-1].url.endswith("/packages/?q=greet%20people")
    assert set(found) == {"packages", "count", "offset", "limit"}
    assert await names(store, "/packages?q=greet%20people") == await names(
        store, "/packages/?q=greet+people"
    )


async def test_a_package_is_listed_once_with_its_newest_version(store: World) -> None:
    [found] = (await page(store, "/packages?q=acme/greet&limit=1"))["packages"]
    assert (found["name"], found["version"]) == ("greet", "1.2.0")
    assert found["summary"] == "Greets everybody."


async def test_the_packages_of_an_organization(store: World) -> None:
    assert set(await names(store, "/packages/other")) == {"other/greetings", "other/storage"}
    assert (await page(store, "/packages/OTHER"))["count"] == 2
    assert (await page(store, "/packages/nobody"))["count"] == 0


# --- what is asked for -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=kafka", {"acme/kafka", "acme/kafka.tools"}),
        ("q=org:other", {"other/greetings", "other/storage"}),
        ("q=org:acme kafka", {"acme/kafka", "acme/kafka.tools"}),
        ("q=org:acme AND kafka", {"acme/kafka", "acme/kafka.tools"}),
        ("q=org:(acme OR other) cloud", {"acme/kafka", "other/greetings", "other/storage"}),
        ("q=name:storage", {"other/storage"}),
        ("q=package:storage", {"other/storage"}),
        ("q=name:brokers", set[str]()),
        ("q=keyword:cloud", {"other/greetings"}),
        ("q=keyword:IT Operations/Cloud %26 More", {"acme/kafka"}),
        ("q=keyword:Sales %26 CRM", {"other/greetings"}),
        ("q=keyword:IT Operations/Cloud %26 More AND org:acme", {"acme/kafka"}),
        ("q=keyword:IT Operations/Cloud %26 More AND org:other", set[str]()),
        ("q=module:kafka.tools.admin", {"acme/kafka.tools"}),
        ("q=%22Greets people%22", {"other/greetings"}),
        ("q=*afk*", {"acme/kafka", "acme/kafka.tools"}),
        ("q=*perations* AND org:(acme OR other)", {"acme/kafka"}),
        ("q=*loud* AND *ale*", {"other/greetings"}),
        ("q=name:*perations*", set[str]()),
        (r"q=http\_client", {"acme/http_client"}),
        ("org=other", {"other/greetings", "other/storage"}),
        ("org=other&q=greets", {"other/greetings"}),
        ("org=other,acme&q=cloud", {"acme/kafka", "other/greetings", "other/storage"}),
        ("package=greet", {"acme/greet"}),
        ("package=greet&org=other", set[str]()),
        ("q=nothing-of-that-sort", set[str]()),
    ],
)
@pytest.mark.parametrize("path", ["/packages", "/search-packages"])
async def test_a_query_finds_exactly_this(
    store: World, path: str, query: str, expected: set[str]
) -> None:
    path = f"{path}?{query.replace(' ', '%20')}"
    assert {*await names(store, path)} == expected
    assert (await page(store, path))["count"] == len(expected)


@pytest.mark.parametrize(
    "query",
    ['"', "(", ")", "org:", "AND", "OR", "a AND", "org:(", "*", "**", "\\", "%00", "'", "--", "^"],
)
async def test_an_unreadable_query_is_not_an_error(store: World, query: str) -> None:
    await page(store, f"/packages?q={query}")
    await page(store, f"/search-packages?q={query}")
    answered(await store.get(f"/search-suggestions?q={query}"))


async def test_a_coordinate_finds_its_package_first(store: World) -> None:
    assert (await names(store, "/packages?q=acme/greet"))[0] == "acme/greet"
    assert (await names(store, "/packages?q=other/greetings"))[0] == "other/greetings"


async def test_deprecated_packages_are_listed_on_demand(world: World) -> None:
    await stock(world)
    admin = world.java(world.people.admin)
    await admin.deprecate("acme/greet:*", "Gone.")
    assert "acme/greet" not in await names(world, "/packages?q=greet")
    assert "acme/greet" in await names(world, "/packages?q=greet&deprecated=true")


async def test_deprecated_packages_of_an_organization_are_listed_on_demand(world: World) -> None:
    await stock(world)
    admin = world.java(world.people.admin)
    await admin.deprecate("acme/greet:*", "Gone.")
    await world.push(bala("acme/late:1.0.0"), by=world.people.admin)
    await admin.deprecate("acme/late:1.0.0", "Gone, too.")  # Its only version.
    gone = {"acme/greet", "acme/late"}
    every = {*await names(world, "/packages?deprecated=true")}
    assert gone.isdisjoint(await names(world, "/packages/acme"))
    listed = await names(world, "/packages/acme?deprecated=true")
    assert gone <= {*listed} == {each for each in every if each.startswith("acme/")}
    assert (await page(world, "/packages/acme?deprecated=true"))["count"] == len(listed)


async def test_readmes_can_be_left_out(store: World) -> None:
    [found] = (await page(store, "/packages?q=name:storage"))["packages"]
    assert found["readme"]
    [found] = (await page(store, "/packages?q=name:storage&readme=false"))["packages"]
    assert found["readme"] == ""


async def test_a_list_is_limited_to_what_a_distribution_can_use(store: World) -> None:
    assert (await page(store, "/packages?ballerina_version=2201.8.0"))["count"] == 0
    assert (await page(store, "/packages?ballerina_version=2201.12.0"))["count"] == 6


@pytest.mark.parametrize("flag", ["true", "TRUE", "1"])
async def test_a_list_of_ones_own_packages(store: World, flag: str) -> None:
    path = f"/packages?user-packages={flag}"
    mine = answered(await store.get(path, by=store.people.bob))
    assert {each["organization"] for each in mine["packages"]} == {"other"}
    assert (await page(store, path))["count"] == 0


# --- pages and orders --------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 500])
async def test_pages_add_up_to_the_count_without_repeats(store: World, limit: int) -> None:
    first = await page(store, f"/packages?limit={limit}")
    listed: list[str] = []
    for offset in range(0, first["count"], limit):
        path = f"/packages?limit={limit}&offset={offset}"
        assert (await page(store, path))["count"] == first["count"]
        listed += await names(store, path)
    assert len(listed) == len(set(listed)) == first["count"] == 6


@pytest.mark.parametrize(
    ("parameters", "limit", "offset"),
    [
        ("", 10, 0),
        ("limit=3&offset=2", 3, 2),
        ("limit=1000", 1000, 0),
        ("limit=100000", 1000, 0),
        ("limit=abc&offset=xyz", 10, 0),
        ("limit=-5&offset=-5", 10, 0),
        ("limit=99999999999999999999", 10, 0),
    ],
)
async def test_limits_are_echoed_as_they_were_applied(
    store: World, parameters: str, limit: int, offset: int
) -> None:
    found = await page(store, f"/packages?{parameters}")
    assert (found["limit"], found["offset"]) == (limit, offset)


async def test_a_page_behind_the_end_is_empty_and_has_the_count(store: World) -> None:
    found = await page(store, "/packages?offset=100")
    assert (found["packages"], found["count"]) == ([], 6)


BY_NAME = ["greet", "greetings", "http_client", "kafka", "kafka.tools", "storage"]
BY_AGE = ["kafka", "kafka.tools", "greet", "http_client", "greetings", "storage"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", BY_NAME),
        ("name,ASC", BY_NAME),
        ("NAME,asc", BY_NAME),
        ("name,DESC", BY_NAME[::-1]),
        ("createdDate,ASC", BY_AGE),
        ("created_date,asc", BY_AGE),
        ("CREATEDDATE,DESC", BY_AGE[::-1]),
        ("createdDate", BY_AGE[::-1]),
    ],
)
async def test_the_list_is_sorted_as_requested(
    store: World, sort: str, expected: list[str]
) -> None:
    listed = await names(store, f"/packages?sort={sort}")
    assert [each.split("/")[1] for each in listed] == expected


@pytest.mark.parametrize("sort", ["pullCount", "pull_count,DESC", "PULLCOUNT,desc"])
async def test_packages_can_be_ordered_by_their_pulls(world: World, sort: str) -> None:
    await stock(world)
    await world.java().pull("other/storage:1.0.0")
    await world.write_pulls()
    await world.registry.maintenance.task_runner.run("roll-up-pulls")
    assert (await names(world, f"/packages?sort={sort}"))[0] == "other/storage"
    assert (await names(world, "/packages?sort=pullCount,ASC"))[-1] == "other/storage"


@pytest.mark.parametrize("sort", ["", "relevance", "relevance,DESC", "nonsense", "name;drop"])
async def test_any_other_order_is_relevance(store: World, sort: str) -> None:
    expected = await names(store, "/packages?q=greet")
    assert await names(store, f"/packages?q=greet&sort={sort}") == expected
