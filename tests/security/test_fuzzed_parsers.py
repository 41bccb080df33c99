"""Row 24, exhaustion and deserializing (CVE-2026-21619): no edited input makes a parser fail, run
long or grow. `tests/fuzzing/test_parsers.py` does this for minutes for each parser."""

import pytest

from tests.support.fuzzed_parsers import PARSERS, Parser, fuzz

INPUTS = 40


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_no_edited_input_makes_a_parser_fail_run_long_or_grow(name: str) -> None:
    assert fuzz(PARSERS[name], seed=24, count=INPUTS) is None


def test_a_fault_is_told_with_its_input() -> None:
    def broken(content: bytes) -> None:
        raise KeyError(content[:1])

    found = fuzz(Parser(broken, (b"x",)), seed=1, count=1)
    assert found is not None
    assert found.startswith("input 0 of seed 1: KeyError")
