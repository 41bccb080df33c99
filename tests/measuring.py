"""Coverage of the tests that have to be measured; the others run without a tracer.

A plugin of pytest (`-p tests.measuring`), which the runner of the suites loads. A traced test takes
half as long again, and most tests reach what others do. So the tests of `unit` are measured, except
properties, and of the other suites those with the mark `measured`. This depends on the test alone,
so the coverage is the same however the tests are distributed over processes.

`python -m tests.measuring` imports the product: which test imports a module first depends on the
distribution, so what imports run is measured here.
"""

import pkgutil
from importlib import import_module

import coverage
import pytest

MEASURED_SUITE = "tests/unit/"
PRODUCT = ("functions", "shared")


class Measurement:
    """The coverage of one process that runs tests.

    It goes on between two measured tests: threads that the tests of a module share, such as those
    of an event loop, lose their tracer when it stops.
    """

    def __init__(self) -> None:
        self._coverage = coverage.Coverage()
        self._is_started = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Measure a test and its fixtures, if it has to be measured."""
        self._measure(_is_measured(item))

    def pytest_unconfigure(self) -> None:
        """Write the data for the runner, which combines that of all processes."""
        self._measure(False)
        self._coverage.save()

    def _measure(self, is_measured: bool) -> None:
        if is_measured and not self._is_started:
            self._coverage.start()
        if self._is_started and not is_measured:
            self._coverage.stop()
        self._is_started = is_measured


def pytest_configure(config: pytest.Config) -> None:
    """Measure in this process."""
    config.pluginmanager.register(Measurement())


def _is_measured(item: pytest.Item) -> bool:
    if item.get_closest_marker("measured") is not None:
        return True
    is_property = item.get_closest_marker("hypothesis") is not None
    return item.nodeid.startswith(MEASURED_SUITE) and not is_property


def import_product() -> None:
    """Import every module of the product."""
    for name in PRODUCT:
        for module in pkgutil.walk_packages(import_module(name).__path__, f"{name}."):
            import_module(module.name)


if __name__ == "__main__":
    import_product()
