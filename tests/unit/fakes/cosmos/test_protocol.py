"""The double of Cosmos DB answers as its REST documentation says, to the real client."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.cosmos.partition_key import PartitionKey

from tests.fakes.cosmos import charges
from tests.fakes.cosmos.containers import LARGEST_ITEM, Container
from tests.fakes.cosmos.protocol import CosmosDouble, Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.fakes.system import FakeClock

KEY = "a2V5"  # Any Base64: the double does not check signatures.


@dataclass
class Service:
    """A container of the double behind the real client."""

    container: ContainerProxy
    double: CosmosDouble
    clock: FakeClock
    transport: DoubleTransport


@pytest.fixture
async def service() -> AsyncGenerator[Service]:
    clock = FakeClock()
    double = CosmosDouble(clock.now_ms)
    container = Container("packages", "/pk", clock.now_ms, default_ttl=-1)
    double.make("ballroom", container)
    transport = DoubleTransport(double)
    async with CosmosClient(double.address, KEY, transport=transport) as client:
        database = client.get_database_client("ballroom")
        yield Service(database.get_container_client("packages"), double, clock, transport)


def item(id_: str = "a", pk: str = "p", **fields: Any) -> dict[str, Any]:
    return {"id": id_, "pk": pk, **fields}


async def query(service: Service, text: str, pk: str | None = "p", **parameters: Any) -> list[Any]:
    named: list[dict[str, object]] = [
        {"name": f"@{name}", "value": value} for name, value in parameters.items()
    ]
    ask: Any = service.container.query_items  # Its overloads are one for each set of options.
    options = {} if pk is None else {"partition_key": pk}
    return [each async for each in ask(text, parameters=named, max_item_count=2, **options)]


async def refused(status: int, attempt: Any) -> exceptions.CosmosHttpResponseError:
    with pytest.raises(exceptions.CosmosHttpResponseError) as caught:
        await attempt
    assert caught.value.status_code == status
    return caught.value


# --- points ------------------------------------------------------------------------------------


async def test_an_item_comes_back_with_its_version(service: Service) -> None:
    made = await service.container.create_item(item(n=1))
    read = await service.container.read_item("a", "p")
    assert (read["n"], read["_etag"]) == (1, made["_etag"])
    assert read["_ts"] == service.clock.now_ms() // 1000


async def test_a_missing_item_is_not_found(service: Service) -> None:
    container = service.container
    await container.create_item(item())
    await refused(404, container.read_item("b", "p"))
    await refused(404, container.read_item("a", "other"))
    await refused(404, container.delete_item("b", "p"))
    await refused(404, container.replace_item("b", item("b")))
    await refused(404, container.patch_item("b", "p", [{"op": "set", "path": "/n", "value": 1}]))


async def test_an_id_is_taken_once_in_its_partition(service: Service) -> None:
    await service.container.create_item(item())
    await refused(409, service.container.create_item(item()))
    await service.container.create_item(item(pk="other"))


async def test_a_change_needs_the_version_that_it_names(service: Service) -> None:
    container, unmodified = service.container, MatchConditions.IfNotModified
    first = (await container.create_item(item()))["_etag"]
    changed = await container.replace_item("a", item(n=2), etag=first, match_condition=unmodified)
    assert changed["_etag"] != first
    stale: dict[str, Any] = {"etag": first, "match_condition": unmodified}
    await refused(412, container.replace_item("a", item(n=3), **stale))
    await refused(412, container.upsert_item(item(n=3), **stale))
    await refused(412, container.delete_item("a", "p", **stale))
    patch = [{"op": "set", "path": "/n", "value": 3}]
    await refused(412, container.patch_item("a", "p", patch, **stale))
    assert (await container.read_item("a", "p"))["n"] == 2


async def test_an_upsert_stores_whatever_was_there(service: Service) -> None:
    for n in (1, 2):
        await service.container.upsert_item(item(n=n))
    assert (await service.container.read_item("a", "p"))["n"] == 2


@pytest.mark.parametrize("id_", ["", "a/b", "a\\b", "a?b", "a#b", "x" * 1_024])
async def test_an_id_has_no_forbidden_character(service: Service, id_: str) -> None:
    with pytest.raises((ValueError, TypeError, exceptions.CosmosHttpResponseError)):
        await service.container.create_item(item(id_))


async def test_an_item_is_at_most_two_megabytes(service: Service) -> None:
    await refused(413, service.container.create_item(item(text="x" * LARGEST_ITEM)))
    await service.container.create_item(item(text="x" * (LARGEST_ITEM - 1_000)))


async def test_an_item_needs_its_partition_key(service: Service) -> None:
    await refused(400, service.container.create_item({"id": "a"}))


async def test_the_id_of_an_item_does_not_change(service: Service) -> None:
    await service.container.create_item(item())
    await refused(400, service.container.replace_item("a", item("b")))


# --- patches -----------------------------------------------------------------------------------


async def test_a_patch_changes_parts(service: Service) -> None:
    await service.container.create_item(item(n=1, gone=True, deep={"x": 1}))
    patched = await service.container.patch_item(
        "a",
        "p",
        [
            {"op": "incr", "path": "/n", "value": 4},
            {"op": "set", "path": "/new", "value": "v"},
            {"op": "replace", "path": "/deep/x", "value": 2},
            {"op": "remove", "path": "/gone"},
        ],
    )
    assert (patched["n"], patched["new"], patched["deep"]) == (5, "v", {"x": 2})
    assert "gone" not in patched


async def test_a_patch_has_at_most_ten_operations(service: Service) -> None:
    await service.container.create_item(item())
    patch = [{"op": "set", "path": f"/n{n}", "value": n} for n in range(11)]
    await refused(400, service.container.patch_item("a", "p", patch))
    await service.container.patch_item("a", "p", patch[:10])


async def test_a_patch_that_fails_changes_nothing(service: Service) -> None:
    await service.container.create_item(item(n=1))
    patch = [
        {"op": "set", "path": "/n", "value": 2},
        {"op": "remove", "path": "/missing"},
    ]
    await refused(400, service.container.patch_item("a", "p", patch))
    assert (await service.container.read_item("a", "p"))["n"] == 1


async def test_a_patch_is_taken_only_where_its_condition_holds(service: Service) -> None:
    await service.container.create_item(item(revision=1))
    patch = [{"op": "incr", "path": "/revision", "value": 1}]
    only_first = "FROM c WHERE c.revision = 1"
    patched = await service.container.patch_item("a", "p", patch, filter_predicate=only_first)
    assert patched["revision"] == 2
    again = service.container.patch_item("a", "p", patch, filter_predicate=only_first)
    await refused(412, again)


# --- time to live ------------------------------------------------------------------------------


async def test_an_item_expires(service: Service) -> None:
    await service.container.create_item(item(ttl=10))
    await service.container.create_item(item("stays"))
    service.clock.advance(timedelta(seconds=9))
    assert (await service.container.read_item("a", "p"))["ttl"] == 10
    service.clock.advance(timedelta(seconds=1))
    await refused(404, service.container.read_item("a", "p"))
    assert [each["id"] for each in await query(service, "SELECT * FROM c")] == ["stays"]
    await service.container.create_item(item(ttl=-1))


@pytest.mark.parametrize("ttl", [0, -2, "10"])
async def test_a_time_to_live_is_a_positive_number_of_seconds(service: Service, ttl: Any) -> None:
    await refused(400, service.container.create_item(item(ttl=ttl)))


# --- batches -----------------------------------------------------------------------------------


async def test_a_batch_is_executed_completely_or_not_at_all(service: Service) -> None:
    results = await service.container.execute_item_batch(
        [
            ("create", (item("a"),)),
            ("upsert", (item("b"),)),
            ("replace", ("a", item("a", n=2))),
            ("patch", ("b", [{"op": "set", "path": "/n", "value": 3}])),
            ("read", ("b",)),
            ("delete", ("a",)),
        ],
        "p",
    )
    assert [each["statusCode"] for each in results] == [201, 200, 200, 200, 200, 204]
    assert [each["id"] for each in await query(service, "SELECT * FROM c")] == ["b"]


async def test_a_batch_that_fails_leaves_nothing_behind(service: Service) -> None:
    await service.container.create_item(item("there"))
    with pytest.raises(exceptions.CosmosBatchOperationError) as caught:
        await service.container.execute_item_batch(
            [("create", (item("a"),)), ("create", (item("there"),)), ("delete", ("there",))], "p"
        )
    assert (caught.value.status_code, caught.value.error_index) == (409, 1)
    statuses = [each["statusCode"] for each in caught.value.operation_responses or ()]
    assert statuses == [424, 409, 424]
    assert [each["id"] for each in await query(service, "SELECT * FROM c")] == ["there"]


# --- queries -----------------------------------------------------------------------------------


@pytest.fixture
async def numbers(service: Service) -> Service:
    for n in range(5):
        tags = ["even"] if n % 2 == 0 else []
        await service.container.create_item(item(f"i{n}", n=n, tags=tags, name=f"name {n}"))
    await service.container.create_item(item("other", pk="q", n=9))
    await service.container.create_item(item("text", n="2"))
    return service


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("c.n = @n", ["i2"]),
        ("c.n != @n", ["i0", "i1", "i3", "i4"]),
        ("c.n >= @n AND c.n < 4", ["i2", "i3"]),
        ("c.n < 1 OR c.n > 3", ["i0", "i4"]),
        ("c.n IN (1, 3, 'x')", ["i1", "i3"]),
        ("NOT (c.n IN (1, 3)) AND c.n <= @n", ["i0", "i2"]),
        ("ARRAY_CONTAINS(c.tags, 'even')", ["i0", "i2", "i4"]),
        ("STARTSWITH(c.name, 'name 3')", ["i3"]),
        ("IS_DEFINED(c.tags) AND NOT ARRAY_CONTAINS(c['tags'], 'even')", ["i1", "i3"]),
        ("c.missing = null", []),
    ],
)
async def test_a_query_finds_what_it_says(numbers: Service, where: str, found: list[str]) -> None:
    rows = await query(numbers, f"SELECT c.id FROM c WHERE {where}", n=2)  # noqa: S608
    assert [each["id"] for each in rows] == found


async def test_a_query_is_ordered_paged_and_counted(numbers: Service) -> None:
    text = "SELECT VALUE c.id FROM c WHERE c.n >= 0 ORDER BY c.n DESC"
    assert await query(numbers, text) == ["i4", "i3", "i2", "i1", "i0"]
    assert await query(numbers, f"{text} OFFSET 1 LIMIT 2") == ["i3", "i2"]
    assert await query(numbers, "SELECT TOP 2 VALUE c.id FROM c ORDER BY c.n ASC") == ["i0", "i1"]
    assert await query(numbers, "SELECT VALUE COUNT(1) FROM c WHERE c.n > 1") == [3]


async def test_a_query_sees_its_partition_alone(numbers: Service) -> None:
    assert await query(numbers, "SELECT VALUE c.id FROM c", pk="q") == ["other"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM c ORDER BY c.n",
        "SELECT VALUE COUNT(1) FROM c",
        "SELECT * FROM c OFFSET 1 LIMIT 1",
        "SELECT DISTINCT VALUE c.n FROM c",
    ],
)
async def test_a_query_over_all_partitions_is_refused(numbers: Service, text: str) -> None:
    await refused(400, query(numbers, text, pk=None))


async def test_a_plain_filter_over_all_partitions_is_answered(numbers: Service) -> None:
    assert await query(numbers, "SELECT VALUE c.id FROM c WHERE c.n = 9", pk=None) == ["other"]


@pytest.mark.parametrize(
    "text",
    ["SELECT", "SELECT * FROM c WHERE", "SELECT * FROM c WHERE c.n LIKE 'x'", "SELECT * FROM c; x"],
)
async def test_a_query_outside_the_subset_is_refused(numbers: Service, text: str) -> None:
    await refused(400, query(numbers, text))


async def test_two_orders_need_a_composite_index(numbers: Service) -> None:
    await refused(400, query(numbers, "SELECT * FROM c ORDER BY c.n, c.id"))


# --- charges and troubles ----------------------------------------------------------------------


async def test_every_answer_has_its_charge(service: Service) -> None:
    await service.container.create_item(item(text="x" * 3_000))
    before = service.double.charged
    await service.container.read_item("a", "p")
    assert service.double.charged - before == 4 * charges.BOUNDED


def test_a_read_that_asks_for_less_than_the_account_costs_half() -> None:
    assert charges.weight("Session") * 2 == charges.weight(None) == charges.weight("Strong")


async def test_exactly_one_of_concurrent_creates_succeeds(service: Service) -> None:
    attempts = [service.container.create_item(item(n=n)) for n in range(20)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(each, dict) for each in results) == 1


def once(trouble: Trouble, method: str) -> Any:
    """Return troubles that strike the first request of a method."""
    struck: list[Request] = []

    def troubles(request: Request) -> Trouble | None:
        if request.method != method or "/docs" not in request.path or struck:
            return None
        struck.append(request)
        return trouble

    return troubles


@pytest.mark.parametrize("trouble", [Trouble.THROTTLED, Trouble.UNAVAILABLE])
async def test_a_busy_service_is_asked_again_by_the_client(
    service: Service, trouble: Trouble
) -> None:
    await service.container.create_item(item())
    service.transport.troubles = once(trouble, "GET")
    assert (await service.container.read_item("a", "p"))["id"] == "a"


# --- databases and containers ------------------------------------------------------------------


async def test_databases_and_containers_are_made_once_and_end_together(service: Service) -> None:
    client = CosmosClient(service.double.address, KEY, transport=service.transport)
    database = await client.create_database("other")
    await refused(409, client.create_database("other"))
    made = await database.create_container("notes", PartitionKey("/pk"), default_ttl=-1)
    await refused(409, database.create_container("notes", PartitionKey("/pk")))
    await made.create_item(item())
    assert (await made.read())["defaultTtl"] == -1
    await client.delete_database("other")
    await refused(404, made.read_item("a", "p"))
    await refused(404, client.delete_database("other"))
    assert await query(service, "SELECT * FROM c") == []
