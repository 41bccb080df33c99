"""Coverage of the tests that have to be measured; the others run without a tracer.

A plugin of pytest (`-p tests.measuring`), which the runner of the suites loads. A traced test takes
two to three times as long, and most tests reach what others do. So the tests of `unit` for the
product are measured, except properties and tests that are marked `slow`, and of the other suites
those with the mark `measured`. This depends on the test alone, so the coverage is the same however
the tests are distributed over processes.

`python -m tests.measuring` imports the product: which test imports a module first depends on the
distribution, so what imports run is measured here.
"""

import pkgutil
import sys
from collections.abc import Generator
from importlib import import_module
from pathlib import Path

import coverage
import pytest

MEASURED_FOLDERS = ("tests/unit/functions/", "tests/unit/shared/")
MARK = "measured"
PRODUCT = ("functions", "shared")


class Measurement:
    """The coverage of one process that runs tests.

    The thread of the tests has a tracer while a measured test runs. Other threads keep theirs: a
    pool of the product serves many tests, and any of them may start its threads.
    """

    def __init__(self) -> None:
        self._coverage = coverage.Coverage()
        self._coverage.start()
        self._tracer = sys.gettrace()
        sys.settrace(None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Measure a test and its fixtures, if it has to be measured."""
        sys.settrace(self._tracer if _is_measured(item) else None)
        try:
            return (yield)
        finally:
            sys.settrace(None)

    def pytest_unconfigure(self) -> None:
        """Write the data for the runner, which combines that of all processes."""
        self._coverage.stop()
        self._coverage.save()


def pytest_configure(config: pytest.Config) -> None:
    """Measure in this process."""
    config.pluginmanager.register(Measurement())


def _is_measured(item: pytest.Item) -> bool:
    if item.get_closest_marker(MARK) is not None:
        return True
    is_left_out = any(map(item.get_closest_marker, ("hypothesis", "slow")))
    return item.nodeid.startswith(MEASURED_FOLDERS) and not is_left_out


def has_measured_tests(path: str) -> bool:
    """Say whether a file may have tests that are measured."""
    return path.startswith(MEASURED_FOLDERS) or f"mark.{MARK}" in Path(path).read_text()


def import_product() -> None:
    """Import every module of the product."""
    for name in PRODUCT:
        for module in pkgutil.walk_packages(import_module(name).__path__, f"{name}."):
            import_module(module.name)


if __name__ == "__main__":
    import_product()
