"""Coverage of the first cases of each test over a registry: further ones run without a tracer.

A plugin of pytest (`-p tests.measuring`), which the runner of the suites loads. A traced test takes
half as long again, and most of the tests that take long are further cases of a table. Tests without
a registry are short, and each case of theirs is measured: many reach a line that no other one does.
"""

import os
from collections import Counter
from collections.abc import Generator, Sequence

import coverage
import pytest

MEASURED_CASES = 2  # Of each test over a registry.
REGISTRY = "template"  # The fixture that all registries of tests are copies of.
OF_CHILDREN = "COVERAGE_PROCESS_CONFIG"  # Child processes with this variable are measured.

_begun = Counter[str]()  # Cases of each test.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Stop the measurement for a further case of a test, and of the processes that it starts."""
    measurement, test = coverage.Coverage.current(), item.nodeid.partition("[")[0]
    _begun[test] += 1
    is_measured = REGISTRY not in _fixtures(item) or _begun[test] <= MEASURED_CASES
    if measurement is None or is_measured:
        return (yield)
    of_children = os.environ.pop(OF_CHILDREN, None)
    measurement.stop()
    try:
        return (yield)
    finally:
        measurement.start()
        if of_children is not None:
            os.environ[OF_CHILDREN] = of_children


def _fixtures(item: pytest.Item) -> Sequence[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else ()
