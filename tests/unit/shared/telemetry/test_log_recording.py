"""What happens is told to whoever listens, and to nobody otherwise."""

import pytest

from shared.telemetry.activities import Activity, current_activity, current_trace
from shared.telemetry.metrics import INSTRUMENTS, STORE_CALLS, InstrumentKind, record_metric
from tests.support.telemetry import collect_metrics

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-00"


def test_a_value_without_its_attributes_is_a_mistake() -> None:
    with collect_metrics(), pytest.raises(KeyError):
        record_metric(STORE_CALLS, 1, {"store": "metadata"})


def test_names_are_ours_and_no_two_are_the_same() -> None:
    assert len({each.name for each in INSTRUMENTS}) == len(INSTRUMENTS)
    for each in INSTRUMENTS:
        assert each.name.startswith("ballroom.")
        assert each.about.endswith(".")
        assert (each.unit == "s") <= (each.kind is not InstrumentKind.COUNTER)


# --- Activities ---------------------------------------------------------------------------------


async def test_an_activity_is_part_of_the_trace_that_was_sent() -> None:
    activity = Activity.begin(SENT)
    assert activity.log_fields() == {"trace_id": TRACE, "span_id": SPAN}
    assert current_activity() is activity
    assert current_trace() is activity.trace


async def test_an_activity_without_a_trace_says_nothing_of_one() -> None:
    assert Activity.begin().log_fields() == {}
    assert Activity.begin("nonsense").log_fields() == {}
    assert current_trace() is None
