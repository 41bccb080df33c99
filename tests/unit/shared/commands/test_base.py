"""What all commands share."""

import errno
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from shared.cli import cli
from shared.commands.base import CommandGroup, new_file
from shared.domain.events import Event
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
    lines = [line for line in (command.help or "").splitlines() if re.match(r" *ballroom ", line)]
    assert all(f"ballroom {words} " in f"{line.strip()} " for line in lines)


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("account add ANN", "The account ANN exists already. Choose another name."),
        ("signin-link nobody", "account not found: nobody"),
        ("org members a-b", "'a-b' is not a valid organization"),
        ("org members nowhere", "organization not found: nowhere"),
        ("org remove-member acme ann --reason decided", "ann is the only owner of acme"),
        ("org keep acme", "acme is not being deleted"),
        ("package show acme/greet:1", "'1' is not a version: it is not of the form 1.2.3"),
        ("package quarantine acme/no:2.0.0 --reason x", "package not found for: acme/no:2.0.0"),
        (
            "publisher add acme/greet --provider github --id a=1 --workflow a.yml",
            "A publisher of GitHub Actions is known by",
        ),
        ("read-only on --reason ", "A reason has 1 to 200 characters"),
        ("token revoke ann nope", "token not found: nope. List yours to see their ids."),
        ("token issue nobody --name x", "account not found: nobody"),
        ("token issue @nobody --name x", "organization not found: nobody"),
        ("token list @a-b", "'a-b' is not a valid organization name. "),
        ("token issue ann --name x --expires 366", "A token is good for 1 to 365 days, not 366."),
        (
            "upkeep run vacuum",
            "This registry has no task of that name. There are: process-outboxes",
        ),
        ("upstream rules", "No registry is mirrored: BALLROOM_UPSTREAM is empty."),
    ],
)
def test_a_refusal_is_one_line(terminal: Terminal, line: str, refusal: str) -> None:
    assert terminal.fail(*line.split(" ")).startswith(refusal)


@pytest.mark.parametrize(
    ("line", "way_out"),
    [
        ("package show acme", "Write it as acme/greet:1.0.0."),
        ("package show acme/greet", "Write it as acme/greet:1.0.0."),
        ("package show greet:1.0.0", "Write it as acme/greet:1.0.0."),
        ("package show acme/greet:", "Write it as acme/greet:1.0.0."),
        ("package visibility greet private", "Write it as acme/greet."),
        ("package visibility acme/greet:1.0.0 private", "Write it as acme/greet."),
        ("package visibility acme/ private", "Write it as acme/greet."),
        ("token issue @acme --name x --expires never", "A token of an organization has to expire"),
        ("token issue ann --name x --expires soon", "'soon' is neither a number of days nor never"),
    ],
)
def test_an_argument_of_another_form_is_refused_with_the_way_out(
    terminal: Terminal, line: str, way_out: str
) -> None:
    result = terminal.invoke(*line.split(" "))
    assert (result.exit_code, way_out in result.stderr) == (2, True)


def test_without_a_registry_a_command_says_so_and_creates_none(empty: Terminal) -> None:
    line = empty.fail("account", "list")
    assert line == f"{empty.data}/ballroom.db does not exist. Start the registry to create it."
    assert not empty.data.exists()


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


def test_a_file_that_could_not_be_written_whole_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "exported"

    def write(content: bytes, failure: OSError | None) -> None:
        with new_file(file) as stream:
            stream.write(content)
            if failure:
                raise failure

    with pytest.raises(OSError, match="full"):
        write(b"some", OSError("full"))
    assert not file.exists()
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(click.ClickException, match="No space left on device"):
        write(b"some", full)
    assert not file.exists()
    write(b"all", None)
    with pytest.raises(click.ClickException, match="exists already"):
        write(b"again", OSError("full"))
    assert file.read_bytes() == b"all"


@pytest.mark.parametrize(
    "command",
    [
        "account export ann",
        "account leave ann --out",
        "advisory export",
        "export",
        "org pulls acme --export",
        "rights export",
    ],
)
def test_a_file_in_a_folder_that_is_not_there_is_refused_in_one_line(
    terminal: Terminal, command: str
) -> None:
    file = terminal.data / "nowhere" / "file.csv"
    line = terminal.fail(*command.split(), str(file))
    assert line == (
        f"{file} cannot be written: No such file or directory. Name a file in another folder."
    )
