"""Queries for events."""

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.errors.base import InvalidRequest
from shared.domain.event_queries import EVENTS_PAGE_SIZE, MAX_EVENTS_PAGE_SIZE, EventQuery
from shared.domain.events import Event


def test_a_query_of_the_log_is_read_from_its_parameters(snapshot: SnapshotAssertion) -> None:
    params = {"before": str(2**62), "count": str(MAX_EVENTS_PAGE_SIZE), "kind": "release."}
    params |= {"actor": "ann", "since": "1970-01-01T00:00:01Z", "until": "1970-01-01T00:00:02Z"}
    assert repr(EventQuery.parse(params)) == snapshot
    assert EventQuery.parse({"before": "1", "count": "1"}) == EventQuery(before=1, count=1)
    assert EventQuery.parse({}) == EventQuery(count=EVENTS_PAGE_SIZE)


@pytest.mark.parametrize(
    ("name", "text", "most"),
    [
        ("count", str(MAX_EVENTS_PAGE_SIZE + 1), MAX_EVENTS_PAGE_SIZE),
        ("before", str(2**62 + 1), 2**62),
        ("before", "0" * 19 + "1", 2**62),
        ("before", "\u0661", 2**62),
    ],
)
def test_a_number_of_the_log_outside_of_its_range_is_refused(
    name: str, text: str, most: int
) -> None:
    sentence = f"The parameter {name} is a number from 1 to {most}, not '{text}'."
    with pytest.raises(InvalidRequest, match=f"^{sentence}$"):
        EventQuery.parse({name: text})


def test_an_event_is_found_by_its_whole_subject_in_any_case() -> None:
    event = Event(id="1", kind="release.published", at_ms=5, actor="ann", subject="Acme/greet")
    assert EventQuery(subject="acme/greet").matches(event)
    assert not EventQuery(subject="acme/gree").matches(event)
