"""Fuzzing the reader of Ballerina sources; FUZZ_SEED tries a case again."""

import os
import time
from itertools import count

import pytest

from tests.fuzzing.time_budget import SOURCES_SECONDS
from tests.support.edited_sources import case, fault_of

pytestmark = pytest.mark.nightly


@pytest.mark.timeout(SOURCES_SECONDS + 60)
def test_edited_sources_are_read_without_a_fault() -> None:
    end = time.monotonic() + SOURCES_SECONDS
    for seed in count(int(os.environ.get("FUZZ_SEED", time.time_ns()))):
        fault = fault_of(case(seed))
        assert fault is None, f"FUZZ_SEED={seed}: {fault}"
        if time.monotonic() > end or "FUZZ_SEED" in os.environ:
            break
