"""package hold, restore, quarantine and remove."""

from typing import Any

import pytest

from tests.support.terminal import Terminal

GREET = "acme/greet:1.0.0"


def shown(published: Terminal) -> dict[str, Any]:
    """Return the facts of the release."""
    return published.json("package", "show", GREET)


@pytest.mark.parametrize(("command", "state"), [("quarantine", "quarantined"), ("hold", "held")])
def test_a_release_is_withheld_and_served_again(
    published: Terminal, command: str, state: str
) -> None:
    said = published.run("package", command, GREET, "--reason", "steals tokens")
    assert said == f"{GREET} is {state}.\n"
    assert (shown(published)["state"], shown(published)["reason"]) == (state, "steals tokens")
    published.run("package", "restore", GREET)
    assert (shown(published)["state"], shown(published)["reason"]) == ("live", "")


def test_the_earlier_name_of_restore_works_and_is_not_listed(published: Terminal) -> None:
    published.run("package", "hold", GREET, "--reason", "x")
    published.run("package", "release", GREET)
    assert shown(published)["state"] == "live"
    listed = published.run("package", "--help")
    assert "  restore " in listed
    assert "  release " not in listed


@pytest.mark.parametrize("command", [["quarantine"], ["remove", "--yes"]])
def test_a_release_is_withdrawn_with_a_public_reason(
    published: Terminal, command: list[str]
) -> None:
    public = ("--public-reason", "malware", "--public-note", "Sends tokens.")
    published.run("package", *command, GREET, "--reason", "ticket 12", *public)
    assert shown(published)["public"] == "malware: Sends tokens."


def test_a_release_is_removed_for_ever(published: Terminal) -> None:
    published.run("package", "remove", GREET, "--reason", "court order", "--yes")
    assert shown(published)["state"] == "removed"
    assert "removed" in published.fail("package", "restore", GREET)


def test_nothing_is_removed_without_a_yes(published: Terminal) -> None:
    result = published.invoke("package", "remove", GREET, "--reason", "x")
    assert result.exit_code == 1
    assert "cannot be undone" in result.output
    assert shown(published)["state"] == "live"


@pytest.mark.parametrize(
    "command", [["quarantine", "--dry-run"], ["remove", "--dry-run"], ["remove"]]
)
def test_a_public_reason_is_refused_before_anything_is_listed_or_asked(
    published: Terminal, command: list[str]
) -> None:
    too_long = ("--public-note", "x" * 501)
    result = published.invoke("package", *command, GREET, "--reason", "x", *too_long)
    assert result.exit_code == 1
    assert "public explanation" in result.output
    assert "cannot be undone" not in result.output
