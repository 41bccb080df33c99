"""Which calls of stores each test makes, and which tests together make every two of them.

A plugin of pytest (`-p tests.reaching`), which the runner of the suites loads: one run over the
stores of one machine notes the calls, in BALLROOM_TEST_NOTES; the runs over the stores of the cloud
leave out the tests that BALLROOM_TEST_LEFT_OUT lists.
"""

import json
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shared.services.adapters import Adapters
from tests.sampling import greedy_cover
from tests.support.port_doubles import STORES, noting

NOTES = "BALLROOM_TEST_NOTES"  # A folder, with a file of each process.
LEFT_OUT = "BALLROOM_TEST_LEFT_OUT"  # A file with ids of tests.
ONE_INSTANCE = "one_instance"  # The mark of tests that several instances cannot serve.
ONE_MACHINE = "on one machine only"  # How the reason of a test that the cloud skips begins.
# One of the two below; not set over the stores of one machine.
STORAGE_VARIABLE = "BALLROOM_TEST_STORAGE"
CLOUD = "cloud"
FOUR_INSTANCES = "four-instances"

_calls = set[str]()  # Of the test that runs: `metadata.find`.
_shared = dict[tuple[str, str], set[str]]()  # Of fixtures that tests share, by where and name.


def _note(store: str) -> Callable[[str], None]:
    return lambda method: _calls.add(f"{store}.{method}")


def noted(stores: Adapters) -> Adapters:
    """Return the stores, with their calls noted where this run notes them."""
    if NOTES not in os.environ:
        return stores
    return replace(stores, **{name: noting(getattr(stores, name), _note(name)) for name in STORES})


def pytest_runtest_setup() -> None:
    """Start without calls; calls of the fixtures of a test count for the test."""
    _calls.clear()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Keep the calls of a fixture that several tests share: they count for each of these tests."""
    if fixturedef.scope == "function":
        return (yield)
    before = set(_calls)
    _calls.clear()
    try:
        return (yield)
    finally:
        _shared[fixturedef.baseid, fixturedef.argname] = set(_calls)
        _calls.clear()
        _calls.update(before)


def _calls_of(item: pytest.Item) -> set[str]:
    """Return the calls of the test and of its fixtures."""
    fixtures = item.fixturenames if isinstance(item, pytest.Function) else ()
    return _calls.union(
        *(
            calls
            for (folder, name), calls in _shared.items()
            if name in fixtures and item.nodeid.startswith(folder)
        )
    )


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note the calls of a test that was run to its end; one that was skipped says nothing."""
    if NOTES in os.environ and call.when == "call" and call.excinfo is None:
        line = json.dumps([item.nodeid, sorted(_calls_of(item)), _other_storage_of(item)])
        with (Path(os.environ[NOTES]) / str(os.getpid())).open("a") as notes:
            notes.write(f"{line}\n")


def _other_storage_of(item: pytest.Item) -> list[str]:
    """Return over which storage, besides that of one machine, the test is not skipped."""
    reasons = [mark.kwargs["reason"] for mark in item.iter_markers("skipif")]
    if any(reason.startswith(ONE_MACHINE) for reason in reasons):
        return []
    return [CLOUD] if item.get_closest_marker(ONE_INSTANCE) else [CLOUD, FOUR_INSTANCES]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are listed."""
    if LEFT_OUT not in os.environ:
        return
    listed = set[str](json.loads(Path(os.environ[LEFT_OUT]).read_text()))
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in listed])
    items[:] = [item for item in items if item.nodeid not in listed]


def read_notes(folder: Path, storage: str | None = None) -> dict[str, frozenset[str]]:
    """Return the calls of every test that was noted, or of those that run over one storage."""
    lines = [line for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]
    noted = [json.loads(line) for line in lines]
    return {
        test: frozenset(calls)
        for test, calls, others in noted
        if storage is None or storage in others
    }


def module_of(test: str) -> str:
    """Return the file of a test."""
    return test.partition("::")[0]


def folder_of(test: str) -> str:
    """Return the folder of a test."""
    return module_of(test).rpartition("/")[0]


def covering_calls(
    calls: Mapping[str, Iterable[str]], group_of: Callable[[str], str], together: int
) -> list[str]:
    """Return tests of each group that make every call which one of its tests makes, and, if
    `together` is two, every two calls: what one call has written, another one reads."""
    groups = dict[str, dict[str, frozenset[tuple[str, ...]]]]()
    for test in sorted(calls):
        made = sorted(set(calls[test]))
        sets = chain.from_iterable(combinations(made, count + 1) for count in range(together))
        groups.setdefault(group_of(test), {})[test] = frozenset(sets)
    return [test for sets in groups.values() for test in greedy_cover(sets)]
