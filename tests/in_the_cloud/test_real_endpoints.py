"""The contract suites run against whatever stores the environment names, and leave nothing."""

import os
import subprocess
import sys

import pytest

from shared.adapters.system import SystemClock
from tests.fakes.azurite import azurite, missing
from tests.fakes.cosmos.serving import served
from tests.paths import ROOT
from tests.support.cloud_stores import account

BOUND_SECONDS = 300


def test_the_contracts_hold_on_named_endpoints_and_their_databases_end() -> None:
    if reason := missing():
        pytest.skip(reason)
    double = account(SystemClock())
    known = set(double.databases)
    with azurite() as blobs, served(double) as cosmos:
        named = {
            "BALLROOM_COSMOS_ENDPOINT": cosmos,
            "BALLROOM_COSMOS_KEY": "a2V5",
            "BALLROOM_BLOB_ENDPOINT": "http://127.0.0.1",
            "BALLROOM_BLOB_CONNECTION": blobs,
        }
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-k", "cloud", "tests/contract/test_work.py"],
            cwd=ROOT,
            env={**os.environ, **named},
            capture_output=True,
            text=True,
            check=False,
            timeout=BOUND_SECONDS,
        )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    made = [each.path for each in double.requests if each.method == "POST"]
    assert any(path.strip("/") == "dbs" for path in made)
    assert double.databases == known
