"""What Cosmos DB charges is told of each answer, and what becomes of a request that fails."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError

from shared.adapters.cosmos import client
from shared.adapters.cosmos.client import BatchDelete, BatchWrite, CosmosContainer, CosmosDatabase
from shared.adapters.system import SystemRandomness
from shared.domain.errors.requests import Busy, StorageFull
from shared.telemetry.activities import Activity
from shared.telemetry.metrics import COSMOS_ANSWERS, COSMOS_UNITS
from tests.fakes.cosmos.protocol import Answer, Request
from tests.fakes.cosmos.transport import DoubleResponse, DoubleTransport, Trouble
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble
from tests.support.telemetry import collect_metrics


async def test_every_answer_is_recorded_with_its_charge(tmp_path: Path) -> None:
    cosmos = CosmosDatabase(CloudDouble(tmp_path, FakeClock()).cosmos, SystemRandomness())
    packages = cosmos.container("packages")
    with collect_metrics() as metrics:
        activity = Activity.begin()
        assert await packages.read("acme/a-secret", "head") is None
        await packages.batch("acme/a-secret", [BatchWrite({"id": "head", "pk": "acme/a-secret"})])
        await packages.query("SELECT * FROM c WHERE c.kind = @kind", "acme/a-secret", kind="head")
        answers = metrics.points(COSMOS_ANSWERS)
        units = metrics.points(COSMOS_UNITS)
        assert "a-secret" not in metrics.text()
    await cosmos.close()
    shown = {(each["container"], each["operation"], each["status"]) for each in answers}
    assert shown >= {
        ("packages", "get", 404),
        ("packages", "batch", 200),
        ("packages", "query", 200),
    }
    assert activity.units > 0
    assert round(sum(each["value"] for each in units), 6) == round(activity.units, 6)


async def test_calls_outside_of_a_request_are_charged_to_none(tmp_path: Path) -> None:
    cosmos = CosmosDatabase(CloudDouble(tmp_path, FakeClock()).cosmos, SystemRandomness())
    activity = Activity.begin()
    assert await cosmos.container("packages").read("acme/greet", "head") is None
    assert activity.log_fields()["units"] == round(activity.units, 2)
    await cosmos.close()


@pytest.mark.parametrize("trouble", [Trouble.LOST_BEFORE, Trouble.LOST_AFTER, Trouble.RESET])
async def test_a_read_is_repeated_where_the_connection_fails(
    tmp_path: Path, trouble: Trouble
) -> None:
    pending = [trouble]

    def fail_once(request: Request) -> Trouble | None:
        return pending.pop() if pending and "/docs/" in request.path else None

    stores = CloudDouble(tmp_path, FakeClock(), transport=lambda it: DoubleTransport(it, fail_once))
    cosmos = CosmosDatabase(stores.cosmos, SystemRandomness())
    packages = cosmos.container("packages")
    await packages.put({"id": "head", "pk": "acme/greet"})
    assert await packages.read("acme/greet", "head") is not None
    assert not pending
    await cosmos.close()


async def test_a_call_that_gets_no_answer_in_time_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "DEADLINE", timedelta(milliseconds=50))

    def fail(request: Request) -> Trouble | None:
        return Trouble.UNAVAILABLE if "/docs/" in request.path else None

    stores = CloudDouble(tmp_path, FakeClock(), transport=lambda it: DoubleTransport(it, fail))
    cosmos = CosmosDatabase(stores.cosmos, SystemRandomness())
    with pytest.raises(Busy):
        await cosmos.container("packages").read("acme/greet", "head")
    await cosmos.close()


PK = "acme/greet"
PASSING = {
    "authorization",
    "x-ms-date",
    "x-ms-session-token",
    "x-ms-activity-id",
    "x-ms-cosmos-correlated-activityid",
}

# What decides the answer to a query. The client library, which repeats queries, sends more.
OF_QUERIES = {
    "x-ms-documentdb-isquery",
    "x-ms-documentdb-partitionkey",
    "x-ms-max-item-count",
    "x-ms-version",
    "content-type",
    "accept",
}

Operation = Callable[[CosmosContainer, str], Awaitable[object]]


def item(id_: str, **fields: object) -> dict[str, object]:
    return {"id": id_, "pk": PK, **fields}


async def read_pages(container: CosmosContainer, _etag: str) -> None:
    [_ async for _ in container.pages("SELECT * FROM c")]


async def read_feed(container: CosmosContainer, _etag: str) -> None:
    await container.changes(await container.now())


async def read_range(container: CosmosContainer, _etag: str) -> None:
    [range_] = await container.ranges()
    await container.changes_of(max_item_count=1, feed_range=range_, start_time="Now")


OPERATIONS: dict[str, Operation] = {
    "read": lambda it, _: it.read(PK, "head"),
    "query of a partition": lambda it, _: it.query("SELECT * FROM c WHERE c.n = @n", PK, n=1),
    "query of all": lambda it, _: it.query("SELECT * FROM c WHERE c.n = @n", n=1),
    "query of keys": lambda it, _: it.query_keys(
        "SELECT * FROM c WHERE c.n = @n", [PK, "acme/other"], {PK: 5}, n=1
    ),
    "pages": read_pages,
    "feed": read_feed,
    "feed of a range": read_range,
    "create": lambda it, _: it.create(item("new")),
    "put": lambda it, _: it.put(item("new")),
    "replace": lambda it, etag: it.replace(item("head", n=2), etag),
    "change": lambda it, _: it.change(PK, "head", {"m": 2}, where="c.n = 1", adding={"n": 1}),
    "delete": lambda it, _: it.delete(PK, "other"),
    "delete of a version": lambda it, etag: it.delete(PK, "head", etag),
    "batch": lambda it, etag: it.batch(
        PK,
        [BatchWrite(item("head", n=2), etag), BatchWrite(item("new")), BatchDelete(item("other"))],
    ),
}


@pytest.mark.parametrize("trouble", [Trouble.RETRY_WITH, Trouble.LOST_AFTER])
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_repeat_sends_what_the_first_attempt_sent(
    tmp_path: Path, operation: str, trouble: Trouble
) -> None:
    sent = list[tuple[object, ...]]()
    failing = [False]

    def fail_once(request: Request) -> Trouble | None:
        if not failing[0] or "/docs" not in request.path:
            return None
        headers = {k: v for k, v in request.headers.items() if k not in PASSING}
        body: object = request.body
        if request.says("x-ms-documentdb-isquery"):
            headers = {k: v for k, v in headers.items() if k in OF_QUERIES}
            body = request.json
        sent.append((request.method, request.path, headers, body))
        return trouble if len(sent) == 1 else None

    stores = CloudDouble(tmp_path, FakeClock(), transport=lambda it: DoubleTransport(it, fail_once))
    cosmos = CosmosDatabase(stores.cosmos, SystemRandomness())
    packages = cosmos.container("packages")
    await packages.put(item("head", n=1))
    await packages.put(item("other"))
    head = await packages.read(PK, "head")
    assert head is not None
    failing[0] = True
    await OPERATIONS[operation](packages, head["_etag"])
    assert sent[:2] == [sent[0]] * 2
    await cosmos.close()


WRITES = {
    name: OPERATIONS[name]
    for name in ("create", "replace", "change", "delete of a version", "batch")
}


@pytest.mark.parametrize("trouble", [Trouble.LOST_AFTER, Trouble.CLOSED, Trouble.RESET])
@pytest.mark.parametrize("operation", WRITES)
async def test_a_write_whose_answer_was_lost_is_reported_as_made(
    tmp_path: Path, operation: str, trouble: Trouble
) -> None:
    pending = list[Trouble]()

    def fail_once(request: Request) -> Trouble | None:
        return pending.pop() if pending and "/docs" in request.path else None

    stores = CloudDouble(tmp_path, FakeClock(), transport=lambda it: DoubleTransport(it, fail_once))
    cosmos = CosmosDatabase(stores.cosmos, SystemRandomness())
    packages = cosmos.container("packages")
    await packages.put(item("head", n=1))
    await packages.put(item("other"))
    head = await packages.read(PK, "head")
    assert head is not None
    pending.append(trouble)
    assert await WRITES[operation](packages, head["_etag"])
    assert not pending
    await cosmos.close()


@dataclass
class FailingSteps(DoubleTransport):
    """Answers batches whose second step fails with each of these statuses, without effect."""

    failures: list[dict[str, int]] = field(default_factory=list[dict[str, int]])

    def _answered(self, request: Any, asked: Request, trouble: Trouble | None) -> Any:
        if not self.failures or not asked.says("x-ms-cosmos-is-batch-request"):
            return super()._answered(request, asked, trouble)
        skipped = {"statusCode": HTTPStatus.FAILED_DEPENDENCY, "requestCharge": 0}
        return DoubleResponse(request, Answer(207, [skipped, self.failures.pop(0)]))


async def batch_with_failing_step(place: Path, *failures: dict[str, int]) -> bool:
    """Write two items whose second step fails so; return whether they were written."""
    left = list(failures)
    stores = CloudDouble(place, FakeClock(), transport=lambda it: FailingSteps(it, failures=left))
    cosmos = CosmosDatabase(stores.cosmos, SystemRandomness())
    packages = cosmos.container("packages")
    try:
        steps = [BatchWrite(item("head")), BatchWrite(item("new"))]
        is_written = await packages.batch(PK, steps)
        stored = await packages.query("SELECT * FROM c", PK)
    finally:
        await cosmos.close()
    assert not left
    assert len(stored) == 2 * is_written
    return is_written


@pytest.mark.parametrize("status", [408, 410, 429, 449, 500, 503])
async def test_a_batch_with_a_busy_step_is_sent_again(tmp_path: Path, status: int) -> None:
    busy = {"statusCode": status}
    assert await batch_with_failing_step(tmp_path, busy, busy)


@pytest.mark.parametrize("status", [404, 409, 412])
async def test_a_batch_with_a_conflicting_step_is_not_written(tmp_path: Path, status: int) -> None:
    assert not await batch_with_failing_step(tmp_path, {"statusCode": status})


@pytest.mark.parametrize("status", [400, 403, 413])
async def test_a_batch_with_a_refused_step_raises_what_a_write_raises(
    tmp_path: Path, status: int
) -> None:
    with pytest.raises(CosmosHttpResponseError) as raised:
        await batch_with_failing_step(tmp_path, {"statusCode": status})
    assert raised.value.status_code == status


async def test_a_batch_in_a_full_partition_says_that_it_is_full(tmp_path: Path) -> None:
    with pytest.raises(StorageFull):
        await batch_with_failing_step(tmp_path, {"statusCode": 403, "subStatusCode": 1014})
