"""What all commands share."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from shared.cli import cli
from shared.commands.base import CommandGroup
from shared.domain.records import Event
from tests.paths import ROOT
from tests.support.terminal import Terminal


def commands(group: click.Group, path: str = "") -> list[tuple[str, click.Command]]:
    """Return every command with the words that call it."""
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        here = f"{path} {name}".strip()
        found += commands(command, here) if isinstance(command, click.Group) else [(here, command)]
    return found


@pytest.mark.parametrize(("words", "command"), commands(cli))
def test_every_command_says_what_it_does(words: str, command: click.Command) -> None:
    assert command.help, words
    undocumented = [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert not undocumented


@pytest.mark.parametrize(("words", "command"), commands(cli))
def test_every_example_is_one_of_this_command(words: str, command: click.Command) -> None:
    lines = [line for line in (command.help or "").splitlines() if "shared.cli" in line]
    assert all(f"python -m shared.cli {words} " in f"{line.strip()} " for line in lines)


def test_without_a_registry_a_command_says_so_and_creates_none(empty: Terminal) -> None:
    line = empty.fail("account", "list")
    assert line == f"{empty.data}/ballroom.db does not exist. Start the registry to create it."
    assert not empty.data.exists()


def test_a_registry_of_a_newer_version_is_left_alone(terminal: Terminal) -> None:
    import sqlite3

    with sqlite3.connect(terminal.data / "ballroom.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "has schema 99" in terminal.fail("account", "list")


def test_a_setting_that_cannot_be_used_is_named(terminal: Terminal) -> None:
    line = terminal.fail("account", "list", BALLROOM_TOKEN_DAYS="soon")
    assert line.startswith("BALLROOM_TOKEN_DAYS cannot be used: Input should be a valid integer")


def test_a_key_that_cannot_be_used_is_named_and_not_shown(terminal: Terminal) -> None:
    line = terminal.fail("account", "list", BALLROOM_LINK_KEY="too-short")
    assert line.startswith("BALLROOM_LINK_KEY cannot be used: it takes 32 random characters")
    assert "too-short" not in line


def test_a_stored_value_that_cannot_be_read_is_no_setting() -> None:
    @click.group(cls=CommandGroup)
    def group() -> None:
        """Run commands."""

    @group.command()
    def read() -> None:
        """Read a record without its fields."""
        Event.model_validate_json("{}")

    with pytest.raises(ValidationError, match="Event"):
        CliRunner().invoke(group, ["read"], catch_exceptions=False)


def test_commands_are_run_by_python() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "shared.cli", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Usage: python -m shared.cli [OPTIONS] COMMAND")
