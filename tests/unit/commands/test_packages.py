"""package …, on a registry with a release in it."""

from typing import Any

import pytest

from tests.support.terminal import Terminal
from tests.support.world import Template

GREET = "acme/greet:1.0.0"


@pytest.fixture
def terminal(published: Terminal) -> Terminal:
    """Return a terminal for a registry in which ann has published acme/greet:1.0.0."""
    return published


def shown(terminal: Terminal) -> dict[str, Any]:
    """Return the facts of the release."""
    return terminal.json("package", "show", GREET)


def test_a_release_is_shown_with_its_state_and_its_publisher(
    terminal: Terminal, template: Template
) -> None:
    facts = shown(terminal)
    assert (facts["release"], facts["state"], facts["reason"]) == (GREET, "live", "")
    assert facts["by"] == template.people.ann.account.id
    lines = terminal.run("package", "show", GREET).splitlines()
    assert lines[:2] == [f"release      {GREET}", "state        live"]


@pytest.mark.parametrize(("command", "state"), [("quarantine", "quarantined"), ("hold", "held")])
def test_a_release_is_withheld_and_served_again(
    terminal: Terminal, command: str, state: str
) -> None:
    said = terminal.run("package", command, GREET, "--reason", "steals tokens")
    assert said == f"{GREET} is {state}.\n"
    assert (shown(terminal)["state"], shown(terminal)["reason"]) == (state, "steals tokens")
    terminal.run("package", "release", GREET)
    assert (shown(terminal)["state"], shown(terminal)["reason"]) == ("live", "")


def test_a_release_is_removed_for_ever(terminal: Terminal) -> None:
    terminal.run("package", "remove", GREET, "--reason", "court order", "--yes")
    assert shown(terminal)["state"] == "removed"
    assert "removed" in terminal.fail("package", "release", GREET)


def test_nothing_is_removed_without_a_yes(terminal: Terminal) -> None:
    result = terminal.invoke("package", "remove", GREET, "--reason", "x")
    assert result.exit_code == 1
    assert "cannot be undone" in result.output
    assert shown(terminal)["state"] == "live"


def test_a_release_that_is_not_there_is_one_line(terminal: Terminal) -> None:
    line = terminal.fail("package", "quarantine", "acme/greet:2.0.0", "--reason", "x")
    assert line == "package not found for: acme/greet:2.0.0"


@pytest.mark.parametrize("text", ["acme", "acme/greet", "greet:1.0.0", "acme/greet:"])
def test_a_release_is_written_in_one_way(terminal: Terminal, text: str) -> None:
    result = terminal.invoke("package", "show", text)
    assert result.exit_code == 2
    assert "Write it as acme/greet:1.0.0." in result.stderr


@pytest.mark.parametrize("text", ["a-b/greet:1.0.0", "acme/greet:1"])
def test_a_name_or_version_that_is_none_is_one_line(terminal: Terminal, text: str) -> None:
    assert terminal.fail("package", "show", text)


def test_a_package_is_made_private_and_public_again(terminal: Terminal) -> None:
    for wanted in ("private", "public"):
        said = terminal.run("package", "visibility", "acme/greet", wanted)
        assert said == f"acme/greet is {wanted}.\n"


@pytest.mark.parametrize("words", ["greet", "acme/greet:1.0.0", "acme/"])
def test_what_names_no_package_is_told_how_to(terminal: Terminal, words: str) -> None:
    result = terminal.invoke("package", "visibility", words, "private")
    assert result.exit_code == 2
    assert "Write it as acme/greet." in result.stderr
