"""org …"""

import asyncio
import csv
import json
import stat
from pathlib import Path

import pytest

from shared.adapters.sqlite.pull_records import SqlitePullRecords
from shared.bootstrap.build import existing_registry
from shared.domain.pull_records import FoundPulls, PullQuery, PullRecordBatch, RecordedPull
from shared.settings import Settings
from tests.support.terminal import Terminal


def missing(org: str) -> str:
    """Return the refusal that names an organization which is not there."""
    return (
        f"organization not found: {org}. Check its name; organizations that you may not see get "
        "the same answer."
    )


def roles(terminal: Terminal, org: str = "acme") -> dict[str, str]:
    members = terminal.json("org", "members", org)["members"]
    return {each["name"]: each["role"] for each in members}


def test_an_organization_is_created_with_its_owner(terminal: Terminal) -> None:
    terminal.run("org", "add", "Globex", "--owner", "bob")
    assert roles(terminal, "globex") == {"bob": "owner"}
    [globex] = [each for each in terminal.json("org", "list") if each["name"] == "Globex"]
    assert (globex["founder"], globex["deleted"]) == ("bob", None)


def test_members_come_change_and_go(terminal: Terminal) -> None:
    assert roles(terminal) == {"ann": "owner", "mia": "member"}
    terminal.run("org", "add-member", "acme", "mia", "--role", "maintainer")
    terminal.run("org", "add-member", "acme", "bob")
    assert roles(terminal) == {"ann": "owner", "mia": "maintainer", "bob": "member"}
    terminal.run("org", "remove-member", "acme", "mia", "--reason", "It was decided.")
    assert roles(terminal) == {"ann": "owner", "bob": "member"}


def test_an_empty_organization_is_deleted_for_ever(terminal: Terminal) -> None:
    terminal.run("org", "add", "Globex", "--owner", "bob")
    assert "Deleted the organization Globex." in terminal.run(
        "org", "delete", "Globex", "--yes", "--reason", "It was decided."
    )
    assert terminal.fail("org", "members", "globex") == missing("globex")
    assert "exists already" in terminal.fail("org", "add", "globex", "--owner", "bob")
    [globex] = [each for each in terminal.json("org", "list") if each["name"] == "Globex"]
    assert globex["deleted"]


def recorded(terminal: Terminal) -> None:
    """Store that Bob pulled two releases of acme, and somebody without a token one."""

    async def record() -> None:
        registry = existing_registry(Settings(data=terminal.data))
        now_ms = registry.clock.now_ms()
        bob = await registry.identity.accounts.by_name_or_id("bob")
        pulls = [
            RecordedPull("acme", "greet", "1.0.0", now_ms - 3_000, bob.id, "token12345"),
            RecordedPull("acme", "greet", "1.1.0", now_ms - 2_000, bob.id, "token12345"),
            RecordedPull("acme", "greet", "1.0.0", now_ms - 1_000, job="=1+1", network="192.0.2.1"),
        ]
        await registry.adapters.pull_records.record(PullRecordBatch("0a", 1, pulls))
        await registry.close()

    asyncio.run(record())


def test_the_operator_asks_who_pulled_a_version(terminal: Terminal) -> None:
    assert terminal.run("org", "pulls", "acme") == "There is nothing to list.\n"
    recorded(terminal)
    asked = terminal.json("org", "pulls", "acme", "--package", "greet", "--version", "1.0.0")
    assert [(each["release"], each["who"], each["network"]) for each in asked] == [
        ("acme/greet:1.0.0", "", "192.0.2.1"),
        ("acme/greet:1.0.0", "bob", ""),
    ]
    assert len(terminal.json("org", "pulls", "acme", "--principal", "bob", "--count", "1")) == 1
    assert "Name the package as well" in terminal.fail("org", "pulls", "acme", "--version", "1.0.0")
    assert terminal.fail("org", "pulls", "none") == missing("none")


def test_who_pulled_what_is_written_to_a_file_page_after_page(
    terminal: Terminal, tmp_path: Path
) -> None:
    recorded(terminal)
    table = tmp_path / "pulls.csv"
    lines = tmp_path / "pulls.jsonl"
    said = terminal.run("org", "pulls", "acme", "--count", "1", "--export", str(table))
    assert said == f"Wrote 3 pulls to {table}.\n"
    with table.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert [each["job"] for each in rows] == ["'=1+1", "", ""]
    assert [each["principalName"] for each in rows] == ["", "bob", "bob"]
    assert stat.S_IMODE(table.stat().st_mode) == 0o600
    terminal.run("org", "pulls", "acme", "--export", str(lines))
    assert [json.loads(line)["version"] for line in lines.read_text().splitlines()] == [
        "1.0.0",
        "1.1.0",
        "1.0.0",
    ]
    written = lines.read_bytes()
    again = terminal.fail("org", "pulls", "acme", "--export", str(lines))
    assert again == f"{lines} exists already. Name another file."
    assert lines.read_bytes() == written
    other = terminal.invoke("org", "pulls", "acme", "--export", str(tmp_path / "pulls.txt"))
    assert "Let it end in .csv or .jsonl" in other.stderr


@pytest.fixture
def first_page_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pulls be found as in the cloud, which reads so many items for a page: the first one may
    have none that match."""
    find = SqlitePullRecords.find

    async def first_nothing(self: SqlitePullRecords, query: PullQuery) -> FoundPulls:
        return await find(self, query) if query.before else FoundPulls((), f"{10**15}.0")

    monkeypatch.setattr(SqlitePullRecords, "find", first_nothing)


@pytest.mark.usefixtures("first_page_empty")
def test_pulls_are_listed_if_the_first_page_is_empty(terminal: Terminal) -> None:
    recorded(terminal)
    asked = terminal.json("org", "pulls", "acme")
    assert [each["who"] for each in asked] == ["", "bob", "bob"]
    assert terminal.json("org", "pulls", "acme", "--count", "2") == asked[:2]


@pytest.mark.usefixtures("first_page_empty")
def test_the_table_of_pulls_has_one_header_if_the_first_page_is_empty(
    terminal: Terminal, tmp_path: Path
) -> None:
    recorded(terminal)
    table = tmp_path / "pulls.csv"
    terminal.run("org", "pulls", "acme", "--export", str(table))
    with table.open(newline="") as text:
        assert [each["job"] for each in csv.DictReader(text)] == ["'=1+1", "", ""]


def test_nobody_else_can_open_the_file_with_pulls_while_it_is_made(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(terminal)
    table = tmp_path / "pulls.csv"

    def refuse(path: Path, mode: int) -> None:
        assert path != table, f"Others could open it before its mode was changed to {mode:o}."

    monkeypatch.setattr(Path, "chmod", refuse)
    terminal.run("org", "pulls", "acme", "--export", str(table))
    assert stat.S_IMODE(table.stat().st_mode) == 0o600
