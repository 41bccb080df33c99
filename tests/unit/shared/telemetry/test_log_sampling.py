"""How many requests the line of one stands for."""

import pytest

from shared.telemetry.log_sampling import STACKS_A_SECOND, WHOLE_LINES_A_SECOND, LogSampling

SHARE = 0.01
MANY = 20_000


def test_lines_stand_for_as_many_requests_as_there_were() -> None:
    sampling = LogSampling(SHARE)
    weights = [sampling.sample_weight() for _ in range(MANY)]
    assert set(weights) == {0, 100}
    assert sum(weights) == MANY


@pytest.mark.parametrize(("share", "weight"), [(1.0, 1), (0.0, 0)])
def test_all_or_none_may_be_written(share: float, weight: int) -> None:
    sampling = LogSampling(share)
    assert {sampling.sample_weight() for _ in range(100)} == {weight}


def test_what_is_written_whole_stands_for_itself() -> None:
    sampling = LogSampling(SHARE)
    assert {sampling.bounded_weight(now) for now in range(200)} == {1}


def test_of_a_flood_a_bounded_number_a_second_is_written_whole() -> None:
    sampling = LogSampling(SHARE)
    first = [sampling.bounded_weight(7.5) for _ in range(MANY)]
    assert first.count(1) == WHOLE_LINES_A_SECOND
    assert sum(first) == pytest.approx(MANY, rel=0.15)
    assert sampling.bounded_weight(8.0) == 1


def test_where_every_request_is_written_a_flood_is_too() -> None:
    sampling = LogSampling(1)
    assert {sampling.bounded_weight(7.5) for _ in range(1_000)} == {1}


@pytest.mark.parametrize(("share", "written"), [(SHARE, STACKS_A_SECOND), (1, 100)])
def test_of_a_flood_of_failures_a_bounded_number_of_stacks_is_written(
    share: float, written: int
) -> None:
    sampling = LogSampling(share)
    assert sum(sampling.has_room_for_a_stack(7.5) for _ in range(100)) == written
    assert sampling.has_room_for_a_stack(8)
