"""Fuzzing each parser of what strangers send, all for the same time; FUZZ_SEED tries again."""

import os
import time
from itertools import count

import pytest

from tests.fuzzing.time_budget import PARSERS_SECONDS
from tests.support.fuzzed_parsers import PARSERS, fuzz

pytestmark = pytest.mark.nightly

SECONDS = PARSERS_SECONDS / len(PARSERS)
INPUTS = 1_000  # Of a seed.


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("name", sorted(PARSERS))
def test_edited_inputs_are_read_or_refused(name: str) -> None:
    end = time.monotonic() + SECONDS
    for seed in count(int(os.environ.get("FUZZ_SEED", time.time_ns()))):
        fault = fuzz(PARSERS[name], seed, INPUTS, end)
        assert fault is None, f"FUZZ_SEED={seed}: {fault}"
        if time.monotonic() > end or "FUZZ_SEED" in os.environ:
            break
