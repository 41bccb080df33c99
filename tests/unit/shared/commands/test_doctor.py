"""The findings of doctor, and the ways out."""

import json
import sqlite3
from pathlib import Path

import pytest

from shared.runtime.private_files import make_private_folder, open_private
from tests.support.terminal import Terminal


def findings(terminal: Terminal) -> dict[str, dict[str, str]]:
    """Return what the doctor found, by what was looked at."""
    result = terminal.invoke("doctor", "--json")
    found = {each["what"]: each for each in json.loads(result.stdout)}
    wrong = {what for what, each in found.items() if not each["ok"]}
    assert (result.exit_code == 0) == (wrong <= {"confined process"})  # Which is advice.
    return found


def test_a_healthy_registry_has_no_problem(terminal: Terminal) -> None:
    assert all(each["ok"] for each in findings(terminal).values())
    lines = terminal.run("doctor").splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert len(lines) == 9


def test_doctor_checks_versions_and_settings_even_without_a_registry(empty: Terminal) -> None:
    found = findings(empty)
    assert list(found) == ["versions", "address", "confined process", "data folder"]
    assert "does not exist" in found["data folder"]["found"]
    assert "Start the registry" in found["data folder"]["way_out"]
    assert not empty.data.exists()


@pytest.mark.skipif(
    not Path("/proc/self").is_dir(), reason="there is no folder here that even root cannot write"
)
def test_doctor_reports_a_folder_that_cannot_be_written() -> None:
    found = findings(Terminal(Path("/proc/self")))
    assert "/proc/self cannot be written" in found["data folder"]["found"]
    assert "right to write" in found["data folder"]["way_out"]


def test_doctor_reports_an_address_that_nobody_can_sign_in_at(terminal: Terminal) -> None:
    result = terminal.invoke("doctor", BALLROOM_URL="http://packages.example.org")
    assert result.exit_code == 1
    assert "problem  address" in result.stdout
    assert "Set BALLROOM_URL to an https address" in result.stdout


@pytest.mark.parametrize(
    ("path", "mode"), [(".", 0o755), ("keys", 0o750), ("ballroom.db", 0o640), ("timers/x", 0o604)]
)
def test_doctor_reports_what_others_may_open(terminal: Terminal, path: str, mode: int) -> None:
    make_private_folder(terminal.data / "timers")
    open_private(terminal.data / "timers" / "x", "wb").close()
    assert findings(terminal)["permissions"]["ok"]
    (terminal.data / path).chmod(mode)
    found = findings(terminal)["permissions"]
    assert found["found"] == f"Others may open {terminal.data / path} ({mode:o})."
    assert found["way_out"] == f"Run: chmod -R go= {terminal.data}"


def test_doctor_counts_what_others_may_open(terminal: Terminal) -> None:
    for path in (terminal.data, terminal.data / "ballroom.db", terminal.data / "search.db"):
        path.chmod(0o755)
    found = findings(terminal)["permissions"]["found"]
    assert found == f"Others may open {terminal.data} (755), and 2 more."


def test_doctor_reports_a_missing_key(terminal: Terminal) -> None:
    for key in (terminal.data / "keys").glob("*.key"):
        key.unlink()
    assert "Start the registry" in findings(terminal)["keys"]["way_out"]


@pytest.mark.parametrize(("what", "file"), [("records", "ballroom.db"), ("search", "search.db")])
def test_doctor_reports_a_damaged_database(terminal: Terminal, what: str, file: str) -> None:
    path = terminal.data / file
    path.write_bytes(b"this is no database" * 1000)
    assert "cannot be read" in findings(terminal)[what]["found"]


def test_doctor_reports_a_page_that_was_overwritten(terminal: Terminal) -> None:
    with sqlite3.connect(terminal.data / "ballroom.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path = terminal.data / "ballroom.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    path.write_bytes(content)
    assert findings(terminal)["records"]["ok"] is False


@pytest.mark.parametrize(
    ("schema", "way_out"),
    [(99, "Install the newer version"), (0, "Start this version of the registry")],
)
def test_doctor_reports_a_database_of_another_version(
    terminal: Terminal, schema: int, way_out: str
) -> None:
    with sqlite3.connect(terminal.data / "ballroom.db") as connection:
        connection.execute(f"PRAGMA user_version = {schema}")
    connection.close()
    assert findings(terminal)["records"]["way_out"].startswith(way_out)


def test_doctor_reports_a_missing_database(terminal: Terminal) -> None:
    (terminal.data / "search.db").unlink()
    assert findings(terminal)["search"]["way_out"] == "Start the registry to create it."
