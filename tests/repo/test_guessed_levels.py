"""The Functions host guesses the level of a line of the log from its words.

It takes a line with `warn` for a warning, one with `error`, `fail` or `severe` for an error, and
every other for information, whatever the level in the line is.
"""

import inspect
import json
import pkgutil
from importlib import import_module

import pytest

from functions.faces import operations
from shared import ports
from shared.settings import Settings
from shared.telemetry.metrics import ANSWERED, BROKEN, STREAMED
from tests.repo.test_telemetry_page import events
from tests.support.refusals import refusals_of_the_source


def guessed(line: str) -> str:
    """Return the level that the host takes a line for."""
    words = line.lower()
    if "warn" in words:
        return "warning"
    return "error" if any(each in words for each in ("error", "fail", "severe")) else "info"


@pytest.mark.parametrize(
    ("line", "level"),
    [("SignInFailed", "error"), ("a severe Warning", "warning"), ("VersionExists", "info")],
)
def test_the_guess_is_that_of_the_host(line: str, level: str) -> None:
    assert guessed(line) == level


def words_of_requests() -> set[str]:
    """Return what the line of a request has: outcomes, operations and calls of stores."""
    outcomes = {each.outcome for each in refusals_of_the_source()}
    assert len(outcomes) > 100
    named = {each.name for each in operations(Settings())}
    modules = [
        import_module(each.name) for each in pkgutil.iter_modules(ports.__path__, "shared.ports.")
    ]
    stores = [each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)]
    calls = {name for store in stores for name in vars(store) if not name.startswith("_")}
    return {*outcomes, *named, *calls, ANSWERED, BROKEN, STREAMED}


def test_no_line_of_a_request_has_a_word_of_another_level() -> None:
    assert sorted(each for each in words_of_requests() if guessed(each) != "info") == []


def test_every_event_has_the_words_of_its_level() -> None:
    named = list(events())
    assert named
    for name, level, fields in named:
        line = json.dumps({"event": name, "level": level, "fields": fields})
        assert guessed(line) == level, name
