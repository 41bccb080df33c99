"""The change feed of the double is that of the REST documentation, to the real client."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.cosmos import exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient

from tests.fakes.cosmos.containers import Container
from tests.fakes.cosmos.protocol import Answer, CosmosDouble, Request
from tests.fakes.cosmos.transport import DoubleTransport
from tests.fakes.system import FakeClock

KEY = "a2V5"  # Any Base64: the double does not check signatures.
DOCUMENTS = "/dbs/ballroom/colls/packages/docs"


@dataclass
class Service:
    """A container of the double behind the real client."""

    container: ContainerProxy
    kept: Container
    double: CosmosDouble
    clock: FakeClock

    async def put(self, *ids: str) -> None:
        """Store an item in each of these partitions, one after the other."""
        for id_ in ids:
            await self.container.upsert_item({"id": id_, "pk": id_})

    async def read(self, **options: Any) -> tuple[list[str], str]:
        """Return what the feed shows, and where it goes on."""
        pages: Any = self.container.query_items_change_feed(**options).by_page()
        found = [item["id"] async for page in pages async for item in page]
        client: Any = self.container.client_connection
        return found, client.last_response_headers["etag"]

    def ask(self, **headers: str) -> Answer:
        """Return the answer to a request as it goes over the wire."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.double.answer(Request("GET", DOCUMENTS, named))


@pytest.fixture
async def service() -> AsyncGenerator[Service]:
    clock = FakeClock()
    double = CosmosDouble(clock.now_ms)
    kept = Container("packages", "/pk", clock.now_ms, default_ttl=-1)
    double.make("ballroom", kept)
    async with CosmosClient(double.address, KEY, transport=DoubleTransport(double)) as client:
        container = client.get_database_client("ballroom").get_container_client("packages")
        yield Service(container, kept, double, clock)


INCREMENTAL = {"a_im": "Incremental feed"}
RANGE = {"x_ms_documentdb_partitionkeyrangeid": "0"}

# --- over the wire -----------------------------------------------------------------------------


async def test_an_answer_says_where_the_next_one_begins(service: Service) -> None:
    await service.put("a", "b")
    first = service.ask(**INCREMENTAL, **RANGE)
    assert (first.status, [each["id"] for each in first.body["Documents"]]) == (200, ["a", "b"])
    await service.put("c")
    second = service.ask(**INCREMENTAL, **RANGE, if_none_match=first.headers["etag"])
    assert [each["id"] for each in second.body["Documents"]] == ["c"]


async def test_nothing_new_is_a_304_that_says_where_to_go_on(service: Service) -> None:
    await service.put("a")
    since = service.ask(**INCREMENTAL, **RANGE).headers["etag"]
    answer = service.ask(**INCREMENTAL, **RANGE, if_none_match=since)
    assert (answer.status, answer.content, answer.headers["etag"]) == (304, b"", since)


async def test_from_now_on_means_nothing_that_was_there(service: Service) -> None:
    await service.put("a")
    now = service.ask(**INCREMENTAL, **RANGE, if_none_match="*")
    assert now.status == 304
    await service.put("b")
    later = service.ask(**INCREMENTAL, **RANGE, if_none_match=now.headers["etag"])
    assert [each["id"] for each in later.body["Documents"]] == ["b"]


async def test_an_answer_has_as_many_items_as_were_asked_for(service: Service) -> None:
    await service.put("a", "b", "c")
    answer = service.ask(**INCREMENTAL, **RANGE, x_ms_max_item_count="2")
    assert [each["id"] for each in answer.body["Documents"]] == ["a", "b"]
    assert all(each["_lsn"] for each in answer.body["Documents"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (INCREMENTAL, 400),
        ({"a_im": "Full-Fidelity Feed", **RANGE}, 400),
        ({**INCREMENTAL, **RANGE, "if_none_match": "yesterday"}, 400),
        ({**INCREMENTAL, "x_ms_documentdb_partitionkeyrangeid": "7"}, 410),
    ],
    ids=["of-no-range", "all-versions", "foreign-etag", "unknown-range"],
)
async def test_an_invalid_query_is_refused(
    service: Service, headers: dict[str, str], status: int
) -> None:
    assert service.ask(**headers).status == status


# --- by the client -----------------------------------------------------------------------------


async def test_each_item_is_shown_once_at_its_newest(service: Service) -> None:
    await service.put("a", "b", "a")
    assert (await service.read(start_time="Beginning"))[0] == ["b", "a"]


async def test_deleted_and_expired_items_are_not_shown(service: Service) -> None:
    await service.put("a", "b")
    await service.container.create_item({"id": "short", "pk": "short", "ttl": 60})
    await service.container.delete_item("a", "a")
    service.clock.advance(timedelta(minutes=2))
    assert (await service.read(start_time="Beginning"))[0] == ["b"]


async def test_the_feed_goes_on_where_it_stopped(service: Service) -> None:
    await service.put("a")
    found, after = await service.read(start_time="Beginning")
    await service.put("b")
    assert (found, (await service.read(continuation=after))[0]) == (["a"], ["b"])


async def test_the_feed_begins_at_a_time(service: Service) -> None:
    await service.put("a")
    service.clock.advance(timedelta(minutes=2))
    await service.put("b")
    since = datetime.fromtimestamp(service.clock.now_ms() / 1000 - 60, UTC)
    assert (await service.read(start_time=since))[0] == ["b"]


async def test_the_feed_of_a_partition_key_shows_that_alone(service: Service) -> None:
    await service.put("a", "b")
    assert (await service.read(start_time="Beginning", partition_key="b"))[0] == ["b"]


# --- several partitions ------------------------------------------------------------------------

NAMES = [f"n{number}" for number in range(40)]


async def test_every_partition_is_read(service: Service) -> None:
    service.kept.split()
    service.kept.split()
    await service.put(*NAMES)
    assert sorted((await service.read(start_time="Beginning"))[0]) == sorted(NAMES)


async def test_each_range_shows_its_own_items(service: Service) -> None:
    service.kept.split()
    await service.put(*NAMES)
    ranges = [each async for each in service.container.read_feed_ranges()]
    shown = [(await service.read(start_time="Beginning", feed_range=r))[0] for r in ranges]
    assert len(shown) == 2
    assert all(shown)
    assert sorted(id_ for each in shown for id_ in each) == sorted(NAMES)


async def test_the_feed_goes_on_after_a_partition_was_split(service: Service) -> None:
    await service.put(*NAMES)
    _, after = await service.read(start_time="Beginning")
    service.kept.split()
    await service.put("new", "n1")
    assert sorted((await service.read(continuation=after))[0]) == ["n1", "new"]


async def test_a_continuation_of_another_container_is_refused(service: Service) -> None:
    _, after = await service.read(start_time="Beginning")
    service.double.make("ballroom", Container("other", "/pk", service.clock.now_ms))
    transport = DoubleTransport(service.double)
    async with CosmosClient(service.double.address, KEY, transport=transport) as client:
        container = client.get_database_client("ballroom").get_container_client("other")
        with pytest.raises((ValueError, exceptions.CosmosHttpResponseError)):
            _ = [each async for each in container.query_items_change_feed(continuation=after)]
