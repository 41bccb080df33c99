"""The machine's own time and randomness."""

import time

from shared.adapters.system import SystemClock, SystemRandomness


def test_the_clock_returns_the_milliseconds_since_1970() -> None:
    before = time.time_ns() // 1_000_000
    assert before <= SystemClock().now_ms() <= time.time_ns() // 1_000_000


def test_randomness_has_the_length_asked_and_never_repeats() -> None:
    given = {SystemRandomness().token_bytes(32) for _ in range(100)}
    assert len(given) == 100
    assert {len(each) for each in given} == {32}
