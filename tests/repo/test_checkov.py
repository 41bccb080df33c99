"""Checkov finds nothing in the templates that is not excused, with a reason, where it stands."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from tests.paths import ROOT
from tests.repo.templates import INFRA, paths, template

ENVIRONMENT = ".venvs/checkov"
BOUND_SECONDS = 300.0  # The first run installs a hundred packages; each takes a few seconds.

pytestmark = pytest.mark.timeout(2 * BOUND_SECONDS)


@cache
def environment() -> str:
    """Bring the environment up to its lock; return why it cannot be, or an empty text."""
    command = ["sh", ".ci/environment", "tests/checkov/requirements.txt", ENVIRONMENT]
    try:
        installed = subprocess.run(
            [*command, sys.executable],
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=BOUND_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "Checkov could not be installed in time"
    lines = installed.stderr.strip().splitlines()
    return f"Checkov cannot be installed here: {lines[-1]}" if installed.returncode else ""


@cache
def report() -> Mapping[str, Any]:
    """Judge the templates."""
    if reason := environment():
        pytest.skip(reason)
    options = ["--framework", "bicep", "--skip-download", "--output", "json", "--quiet"]
    judged = subprocess.run(
        [f"{ENVIRONMENT}/bin/checkov", "--directory", "infra", *options],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=BOUND_SECONDS,
    )
    assert judged.stdout, judged.stderr
    return json.loads(judged.stdout)


def test_checkov_read_every_template() -> None:
    # It ends well on templates that it cannot read, so what it read is counted.
    made = sum(1 for path in paths() for _ in template(path).resources())
    summary = report()["summary"]
    assert summary["parsing_errors"] == 0
    assert summary["resource_count"] >= made > 0
    assert summary["passed"] > 0


def test_checkov_finds_nothing_that_is_not_excused() -> None:
    failed = report()["results"]["failed_checks"]
    assert [f"{each['check_id']} {each['resource']}: {each['check_name']}" for each in failed] == []


def test_every_excuse_has_its_reason_and_its_use() -> None:
    excused = re.findall(
        r"checkov:skip=(CKV\w*): (\S.{20,}\.)$",
        "\n".join(path.read_text() for path in INFRA.rglob("*.bicep")),
        re.MULTILINE,
    )
    assert "".join(path.read_text() for path in paths()).count("checkov:skip") == len(excused)
    if reason := environment():
        pytest.skip(reason)
    assert report()["summary"]["skipped"] == len(excused)
