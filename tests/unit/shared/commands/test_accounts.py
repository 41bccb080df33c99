"""account … and signin-link."""

import json
import stat
from pathlib import Path

import pytest

from shared.adapters.serving_processes import ServingProcess, serving
from shared.domain.errors.requests import Busy
from shared.services.administration.account_administration import AccountAdministration
from tests.support.terminal import Terminal


def test_an_account_is_locked_for_a_reason_until_it_is_unlocked(terminal: Terminal) -> None:
    def locked() -> dict[str, object]:
        return next(each for each in terminal.json("account", "list") if each["name"] == "ann")

    terminal.run("account", "lock", "ann", "--reason", "Its laptop was stolen.")
    assert locked()["locked"]
    terminal.run("account", "unlock", "ann")
    assert locked()["locked"] is None
    assert terminal.fail("account", "lock", "ann", "--reason", " ").startswith("Enter a reason")


def test_administrators_come_and_go_but_for_the_last(terminal: Terminal) -> None:
    assert terminal.run("account", "appoint", "ann") == "ann is an administrator.\n"
    assert (
        terminal.run("account", "dismiss", "admin", "--reason", "It was decided.")
        == "admin is no longer an administrator.\n"
    )
    assert terminal.fail("account", "dismiss", "ann", "--reason", "It was decided.").startswith(
        "ann is the only administrator"
    )


def test_an_account_is_renamed_and_its_name_before_is_nobodys(terminal: Terminal) -> None:
    assert terminal.run("account", "rename", "ann", "anna").endswith(" is called anna.\n")
    assert "account not found: ann" in terminal.fail("signin-link", "ann")
    assert "ann exists already" in terminal.fail("account", "add", "ann")
    assert "/sign-in/link#" in terminal.run("signin-link", "anna")


def test_an_account_is_named_by_its_id_as_well(terminal: Terminal) -> None:
    [ann] = [each["id"] for each in terminal.json("account", "list") if each["name"] == "ann"]
    assert "/sign-in/link#" in terminal.run("signin-link", f"id:{ann}")
    assert f"An id has id: before it: id:{ann}." in terminal.fail("signin-link", ann)


def test_a_link_has_the_address_of_the_registry_that_runs(terminal: Terminal) -> None:
    """The service has its port by its own environment, which the shell of the operator lacks."""
    terminal.run("account", "add", "kim")
    running = ServingProcess(4711, "elsewhere", "Ballroom", address="http://127.0.0.1:9000")
    assert terminal.run("signin-link", "kim").startswith("http://127.0.0.1:7071/")
    with serving(terminal.data, running):
        assert terminal.run("signin-link", "kim").startswith("http://127.0.0.1:9000/")
        # Who names one in the shell means it.
        linked = terminal.run("signin-link", "kim", PORT="7100")
        assert linked.startswith("http://127.0.0.1:7100/")
        linked = terminal.run("signin-link", "kim", BALLROOM_URL="https://registry.test")
        assert linked.startswith("https://registry.test/")
    assert terminal.run("signin-link", "kim").startswith("http://127.0.0.1:7071/")


def test_the_statement_about_a_leaver_replaces_no_file(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "ann.json"
    terminal.run("account", "leave", "ann", "--out", str(file))
    written = file.read_text("utf-8")
    assert json.loads(written)["done"] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    refused = terminal.fail("account", "leave", "ann", "--end", "--out", str(file))
    assert refused == f"{file} exists already. Name another file."
    assert file.read_text("utf-8") == written
    nowhere = tmp_path / "nowhere" / "ann.json"
    refused = terminal.fail("account", "leave", "ann", "--end", "--out", str(nowhere))
    assert refused.startswith(f"{nowhere} cannot be written: No such file or directory.")
    [ann] = [each for each in terminal.json("account", "list") if each["name"] == "ann"]
    assert ann["locked"] is None


def test_the_statement_about_a_leaver_is_printed_before_a_store_fails(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object, **__: object) -> None:
        raise Busy

    monkeypatch.setattr(AccountAdministration, "revoke_all_tokens", busy)
    result = terminal.invoke("account", "leave", "ann", "--end")
    assert result.exit_code == 1
    assert "Own access tokens: 1" in result.stdout
    [ann] = [each for each in terminal.json("account", "list") if each["name"] == "ann"]
    assert ann["locked"] is not None
