"""Coverage of the first cases of each test: further cases of a table are run without a tracer.

A plugin of pytest (`-p tests.measuring`), which the runner of the suites loads. A traced test takes
half as long again, and most of the tests are further cases of a table.
"""

import os
from collections import Counter
from collections.abc import Generator

import coverage
import pytest

MEASURED_CASES = 2  # Of each test.
OF_CHILDREN = "COVERAGE_PROCESS_CONFIG"  # Child processes with this variable are measured.

_begun = Counter[str]()  # Cases of each test.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Stop the measurement for a further case of a test, and of the processes that it starts."""
    measurement, test = coverage.Coverage.current(), item.nodeid.partition("[")[0]
    _begun[test] += 1
    if measurement is None or _begun[test] <= MEASURED_CASES:
        return (yield)
    of_children = os.environ.pop(OF_CHILDREN, None)
    measurement.stop()
    try:
        return (yield)
    finally:
        measurement.start()
        if of_children is not None:
            os.environ[OF_CHILDREN] = of_children
