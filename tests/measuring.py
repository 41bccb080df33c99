"""Coverage of the first cases of each test over a registry: further ones run without a tracer.

A plugin of pytest (`-p tests.measuring`), which the runner of the suites loads. A traced test takes
half as long again, and most of the tests that take long are further cases of a table. Tests without
a registry are short, and each case of theirs is measured: many reach a line that no other one does.
Attacks on a registry go where requests of the protocol go, so those of `tests/security` are
measured only where they have the mark `measured`: modules that reach lines of their own.
"""

import os
from collections import Counter
from collections.abc import Generator, Sequence

import coverage
import pytest

MEASURED_CASES = 2  # Of each test over a registry.
ATTACKS = "tests/security/"
REGISTRY = "template"  # The fixture that all registries of tests are copies of.
OF_CHILDREN = "COVERAGE_PROCESS_CONFIG"  # Child processes with this variable are measured.

_begun = Counter[str]()  # Cases of each test.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Stop the measurement for a further case of a test, and of the processes that it starts."""
    measurement = coverage.Coverage.current()
    if measurement is None or _is_measured(item):
        return (yield)
    of_children = os.environ.pop(OF_CHILDREN, None)
    measurement.stop()
    try:
        return (yield)
    finally:
        measurement.start()
        if of_children is not None:
            os.environ[OF_CHILDREN] = of_children


def _is_measured(item: pytest.Item) -> bool:
    if REGISTRY not in _fixtures(item):
        return True
    if item.nodeid.startswith(ATTACKS) and item.get_closest_marker("measured") is None:
        return False
    test = item.nodeid.partition("[")[0]
    _begun[test] += 1
    return _begun[test] <= MEASURED_CASES


def _fixtures(item: pytest.Item) -> Sequence[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else ()
