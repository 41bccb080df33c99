"""Let the Azure CLI parse every command that we write, and a table those of the Developer CLI.

Runs in the environment of the Azure CLI: `make check-az`. Nothing is executed, and nobody is asked:
the parser of each command is built and given the words. The Developer CLI is no Python package, so
azd.json has its commands and flags, as `azd help` prints them.
"""

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.az.commands import Command, written

# What the Azure CLI raises between the steps of reading a command, by the names that it gives them.
EVENT_INVOKER_PRE_LOAD_ARGUMENTS = "CommandInvoker.OnPreArgumentLoad"
EVENT_INVOKER_POST_LOAD_ARGUMENTS = "CommandInvoker.OnPostArgumentLoad"
EVENT_INVOKER_POST_CMD_TBL_CREATE = "CommandInvoker.OnPostCommandTableCreate"

TABLE = Path(__file__).with_name("azd.json")
OPTIONS_OF_ALL = ""


def main() -> str | None:
    """Check every command; what is returned is the reason for a failure."""
    commands = list(written())
    of_azd = [each for each in commands if each.words[0] == "azd"]
    of_az = [each for each in commands if each.words[0] == "az"]
    refused = [*refused_by_the_table(of_azd), *refused_by_the_parser(of_az)]
    counted = f"{len(of_az)} commands of az and {len(of_azd)} of azd"
    sys.stdout.write(f"{counted}, {len(refused)} refused.\n")
    return "\n".join(refused) or None


def refused_by_the_table(commands: Iterable[Command]) -> Iterator[str]:
    """Yield why commands of the Developer CLI are none."""
    table: dict[str, list[str]] = json.loads(TABLE.read_text())
    for command in commands:
        plain = [word for word in command.words[1:] if not word.startswith("-")]
        known = next((each for each in (" ".join(plain[:2]), *plain[:1]) if each in table), None)
        if known is None:
            yield f"{command}: azd has no such command in {TABLE.name}"
            continue
        options = {word.partition("=")[0] for word in command.words if word.startswith("-")}
        for option in sorted(options - {*table[known], *table[OPTIONS_OF_ALL]}):
            yield f"{command}: azd {known} has no {option} in {TABLE.name}"


def refused_by_the_parser(commands: Sequence[Command]) -> Iterator[str]:
    """Yield why commands of the Azure CLI are none, in the words of its parser."""
    with TemporaryDirectory() as folder:
        # Its own folder: no extension, no account, and nothing is told to anybody.
        os.environ |= {
            "AZURE_CONFIG_DIR": folder,
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        }
        for command in commands:
            if reason := _reason([_given(word) for word in command.words[1:]]):
                yield f"{command}: {reason}"


def _given(word: str) -> str:
    """Return a word as the parser gets it: files are read before, and all of ours hold JSON."""
    return "{}" if word.startswith("@") else word


def _reason(words: list[str]) -> str:
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            _parse(words)
    except SystemExit:
        return said.getvalue().strip().partition("\n")[0]
    except Exception as failure:
        return str(failure) or type(failure).__name__
    return ""


def _parse(words: list[str]) -> None:
    """Do what the Azure CLI does with its arguments before it runs a command."""
    core: Any = import_module("azure.cli.core")
    cli: Any = core.get_default_cli()
    invocation = cli.invocation_cls(
        cli_ctx=cli,
        parser_cls=cli.parser_cls,
        commands_loader_cls=cli.commands_loader_cls,
        help_cls=cli.help_cls,
    )
    cli.invocation = invocation
    loader = invocation.commands_loader
    loader.load_command_table(words)
    invocation.parser.cli_ctx = cli
    name = invocation._rudimentary_get_command(words)
    if name not in loader.command_table:
        message = f"az has no command {' '.join(words[:3])!r}; it may be one of an extension"
        raise LookupError(message)
    invocation.data["command_string"] = loader.command_name = name
    loader.command_table = {name: loader.command_table[name]}
    cli.raise_event(EVENT_INVOKER_PRE_LOAD_ARGUMENTS, commands_loader=loader)
    loader.load_arguments(name)
    # These add what all commands have, such as --ids.
    cli.raise_event(EVENT_INVOKER_POST_LOAD_ARGUMENTS, commands_loader=loader)
    cli.raise_event(EVENT_INVOKER_POST_CMD_TBL_CREATE, commands_loader=loader)
    invocation.parser.load_command_table(loader)
    invocation.parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
