"""Checkov finds nothing in the templates that is not excused, with a reason, where it stands."""

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from tests.paths import ROOT
from tests.repo.tool_environments import BOUND_SECONDS, folder, unavailable
from tests.support.bicep_templates import paths, template

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * BOUND_SECONDS)]

# Checkov parses hundreds of paths, and its parser builds its tables again for each of them, which
# takes four times as long as everything else. The tables are the same each time.
CHECKOV = """\
import sys
import ply.yacc
build, built = ply.yacc.yacc, {}
def build_once(**options):
    return built.get(options["start"]) or built.setdefault(options["start"], build(**options))
ply.yacc.yacc = build_once
from checkov.main import Checkov
sys.exit(Checkov().run())
"""


@cache
def report() -> Mapping[str, Any]:
    """Judge the templates."""
    if reason := unavailable("checkov"):
        pytest.skip(reason)
    options = ["--framework", "bicep", "--skip-download", "--output", "json", "--quiet"]
    judged = subprocess.run(
        [f"{folder('checkov')}/bin/python", "-c", CHECKOV, "--directory", "infra", *options],
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
