"""Fuzzing each parser of what strangers send, for MINUTES each; FUZZ_SEED tries a seed again."""

import os
import time
from itertools import count

import pytest

from tests.support.fuzzed_parsers import PARSERS, fuzz

pytestmark = pytest.mark.nightly

MINUTES = float(os.environ.get("MINUTES", "10"))
INPUTS = 1_000  # Of a seed.


@pytest.mark.timeout(60 * MINUTES + 60)
@pytest.mark.parametrize("name", sorted(PARSERS))
def test_edited_inputs_are_read_or_refused(name: str) -> None:
    end = time.monotonic() + 60 * MINUTES
    for seed in count(int(os.environ.get("FUZZ_SEED", time.time_ns()))):
        fault = fuzz(PARSERS[name], seed, INPUTS, end)
        assert fault is None, f"FUZZ_SEED={seed}: {fault}"
        if time.monotonic() > end or "FUZZ_SEED" in os.environ:
            break
