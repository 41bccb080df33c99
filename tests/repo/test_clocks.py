"""The time of day is read in one place, so that tests and lists of expiry agree on it."""

import ast

from tests.repo.product_source import Module, product

# What asks the machine for the time of day.
CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.clock_gettime",
    "time.clock_gettime_ns",
    "time.gmtime",
    "time.localtime",
    "time.ctime",
}
CLOCK_READERS = {
    "shared/adapters/system.py": "the adapter of the port `Clock`",
    "shared/telemetry/log.py": "stamps lines, also before there is a registry",
    "shared/telemetry/traces.py": "says when a trace began, beside lines of the log",
    "shared/login.py": "runs on the machine of a client, without a registry",
}


def reads_a_clock(module: Module) -> bool:
    """Say whether a module asks the machine for the time of day."""
    names = {clock.rpartition(".")[2] for clock in CLOCKS}
    attributes = (node for node in module.find(ast.Attribute) if node.attr in names)
    return any(ast.unparse(node).endswith(tuple(CLOCKS)) for node in attributes)


def test_the_time_of_day_is_read_in_the_files_that_have_a_reason() -> None:
    assert {module.path for module in product() if reads_a_clock(module)} == {*CLOCK_READERS}


def test_no_clock_is_imported_by_its_name() -> None:
    named = [
        f"{module.path}:{node.lineno}"
        for module in product()
        for node in module.find(ast.ImportFrom)
        if node.module == "time"
    ]
    assert not named, named
