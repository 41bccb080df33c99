"""What the root logger of the real worker would send to the Functions host, which the registry does
not use: lines on standard error have a trace id, and the level that their words give."""

import json
import subprocess
from typing import Any

import pytest

from tests.paths import ROOT
from tests.protocol.host.test_functions_worker import BOUND_SECONDS, python
from tests.support.storage import one_machine

__all__ = ["python"]  # The fixture.

pytestmark = [pytest.mark.slow, one_machine("it is about the worker, over no store")]

WAITED = ("goes on", "ends")


def sent(python: str, *names: str) -> list[dict[str, Any]]:
    """Return the records of the app, of invocations with these names at once."""
    command = [python, "tests/worker/logging_host.py", *names]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=BOUND_SECONDS)
    return [each for each in json.loads(done.stdout) if each["category"] in ("root", "ballroom")]


@pytest.mark.timeout(BOUND_SECONDS)
def test_a_record_has_its_level_its_logger_and_the_id_of_its_invocation(python: str) -> None:
    records = sent(python, "one")
    assert [(each["message"], each["level"], each["category"]) for each in records] == [
        ("one begins", "info", "root"),
        ("one goes on", "warning", "ballroom"),
        ("one ends", "error", "ballroom"),
    ]
    assert {each["invocation"] for each in records} == {"one"}


@pytest.mark.timeout(BOUND_SECONDS)
def test_of_requests_at_once_a_record_has_the_id_of_the_one_that_began_last(python: str) -> None:
    records = sent(python, "one", "two")
    later = [each for each in records if each["message"].endswith(WAITED)]
    assert {each["message"].split()[0] for each in later} == {"one", "two"}
    assert {each["invocation"] for each in later} == {"two"}
    # The library could tell, but names the invocation for Functions in threads alone.
    assert {each["invocation_of_the_library"] for each in records} == {None}
