"""What Cosmos DB charges is told of each answer, and what becomes of a request that fails."""

from pathlib import Path

import pytest

from shared.adapters.cosmos.client import BatchWrite, CosmosDatabase
from shared.adapters.system import SystemRandomness
from shared.telemetry.metrics import COSMOS_ANSWERS, COSMOS_UNITS
from shared.telemetry.recording import Activity, SpanOrigin
from tests.fakes.cosmos.protocol import Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble
from tests.support.telemetry import hearing


async def test_every_answer_is_recorded_with_its_charge(tmp_path: Path) -> None:
    cosmos = CosmosDatabase(CloudDouble(tmp_path, FakeClock()).cosmos, SystemRandomness())
    packages = cosmos.container("packages")
    with hearing() as heard:
        activity = Activity.begin("central_pull", SpanOrigin.SERVED)
        assert await packages.read("acme/a-secret", "head") is None
        await packages.batch("acme/a-secret", [BatchWrite({"id": "head", "pk": "acme/a-secret"})])
        await packages.query("SELECT * FROM c WHERE c.kind = @kind", "acme/a-secret", kind="head")
        answers = heard.points(COSMOS_ANSWERS)
        units = heard.points(COSMOS_UNITS)
        assert "a-secret" not in heard.text()
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
    activity = Activity.begin("central_pull", SpanOrigin.SERVED)
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
