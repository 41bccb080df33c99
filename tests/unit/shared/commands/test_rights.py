"""rights export: who has which role, for a review of access; and auditors by command."""

import csv
import json
from pathlib import Path

import pytest

from functions.http.csv_tables import safe_cell
from tests.support.terminal import Terminal

pytestmark = pytest.mark.measured


def test_who_has_which_role_is_listed_and_written(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.run("account", "appoint", "ann", "--role", "auditor") == "ann is an auditor.\n"
    listed = terminal.json("rights", "export")
    roles = [(each["principal"], each["role"], each["by"]) for each in listed]
    assert ("ann", "auditor of this registry", "by hand") in roles
    file = tmp_path / "rights.csv"
    terminal.run("rights", "export", str(file))
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == len(listed)
    assert "exists already" in terminal.fail("rights", "export", str(file))
    as_json = tmp_path / "rights.json"
    terminal.run("rights", "export", str(as_json))
    assert len(json.loads(as_json.read_text("utf-8"))["rights"]) == len(listed)
    assert "Let it end in .csv or .json" in terminal.fail("rights", "export", str(tmp_path / "x"))
    dismissed = terminal.run(
        "account", "dismiss", "ann", "--role", "auditor", "--reason", "It ended."
    )
    assert dismissed == "ann is no longer an auditor.\n"


def test_a_cell_that_a_spreadsheet_would_run_is_shown() -> None:
    assert safe_cell("=cmd|' /C calc'!A0") == "'=cmd|' /C calc'!A0"
