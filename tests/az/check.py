"""Let the Azure CLI parse every command that we write, and a table those of the Developer CLI.

Runs in the environment of the Azure CLI: `make check-az`. Nothing is executed, and nobody is asked:
the parser of each command is built and given the words. The Developer CLI is no Python package, so
azd.json has its commands and flags, as `azd help` prints them.

az.json has the options of each command of the Azure CLI that we write, as its parser knows them, so
that tests know them without the Azure CLI. `python -m tests.az.check --write` writes it.
"""

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any

from tests.az.commands import Command, written
from tests.az.grammar import AZ, AZD, Grammar, Options

# What the Azure CLI raises between the steps of reading a command, by the names that it gives them.
EVENT_INVOKER_PRE_LOAD_ARGUMENTS = "CommandInvoker.OnPreArgumentLoad"
EVENT_INVOKER_POST_LOAD_ARGUMENTS = "CommandInvoker.OnPostArgumentLoad"
EVENT_INVOKER_POST_CMD_TBL_CREATE = "CommandInvoker.OnPostCommandTableCreate"

# What every command has, besides its own.
OF_ALL = {"--debug", "--help", "--only-show-errors", "--output", "--query", "--verbose"}
INTERNAL = {"--___SUBSCRIPTION", "--cmd"}


def main(arguments: list[str]) -> str | None:
    """Check every command; what is returned is the reason for a failure."""
    commands = list(written())
    of_azd = [each for each in commands if each.words[0] == "azd"]
    of_az = [each for each in commands if each.words[0] == "az"]
    table: dict[str, Options] = {}
    refused = [*refused_by_the_table(of_azd), *refused_by_the_parser(of_az, table)]
    text = _text(table)
    if "--write" in arguments:
        AZ.write_text(text)
    elif AZ.read_text() != text:
        refused.append(f"{AZ.name} is out of date. Run python -m tests.az.check --write")
    counted = f"{len(of_az)} commands of az and {len(of_azd)} of azd"
    sys.stdout.write(f"{counted}, {len(refused)} refused.\n")
    return "\n".join(refused) or None


def _text(table: Mapping[str, Options]) -> str:
    """Return the table with a line for each option, so that a change of one is a line."""
    commands: list[str] = []
    for name, options in sorted(table.items()):
        lines = [f"  {json.dumps(each)}: {json.dumps(options[each])}" for each in sorted(options)]
        commands.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(commands) + "\n}\n"


def refused_by_the_table(commands: Iterable[Command]) -> Iterator[str]:
    """Yield why commands of the Developer CLI are none."""
    grammar = Grammar.of(AZD)
    for command in commands:
        if reason := grammar.reason(command.words):
            yield f"{command}: {reason}"


def refused_by_the_parser(commands: Sequence[Command], table: dict[str, Options]) -> Iterator[str]:
    """Yield why commands of the Azure CLI are none, in the words of its parser.

    Puts the options of each command into `table`.
    """
    with TemporaryDirectory() as folder:
        # Its own folder: no extension, no account, and nothing is told to anybody.
        os.environ |= {
            "AZURE_CONFIG_DIR": folder,
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        }
        for command in commands:
            if reason := _reason([_given(word) for word in command.words[1:]], table):
                yield f"{command}: {reason}"


def _given(word: str) -> str:
    """Return a word as the parser gets it: files are read before, and all of ours hold JSON."""
    return "{}" if word.startswith("@") else word


def _reason(words: list[str], table: dict[str, Options]) -> str:
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            _parse(words, table)
    except SystemExit:
        return said.getvalue().strip().partition("\n")[0]
    except Exception as failure:
        return str(failure) or type(failure).__name__
    return ""


def _parse(words: list[str], table: dict[str, Options]) -> None:
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
    parsed = invocation.parser.parse_args(words)
    table[name] = _options(parsed._parser)


def _options(parser: Any) -> Options:
    """Return what a command takes: by all names of an option, how many words it has."""
    found: Options = {}
    for action in parser._actions:
        names = sorted(str(name) for name in action.option_strings)
        if set(names) & (OF_ALL | INTERNAL):
            continue
        about: dict[str, Any] = {"words": 1 if action.nargs is None else action.nargs}
        if action.required:
            about["required"] = True
        if action.choices:
            about["choices"] = sorted(str(choice) for choice in action.choices)
        found[" ".join(names)] = about
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
