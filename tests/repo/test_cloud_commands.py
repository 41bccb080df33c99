"""Every command of `az` and `azd` that we write is one that these tools take.

The tables say what they take (`tests/az/grammar.py`); `make check-az` compares that of `az` with
the parser of the Azure CLI itself.
"""

import pytest

from tests.az.commands import Command, commands_in, written
from tests.az.grammar import AZ, AZD, Grammar

TABLES = {"az": Grammar.of(AZ), "azd": Grammar.of(AZD)}


def reason(command: Command) -> str:
    return TABLES[command.words[0]].reason(command.words)


def test_every_command_is_read_by_its_tool() -> None:
    commands = list(written())
    assert len(commands) > 100
    refused = [f"{each}: {why}" for each in commands if (why := reason(each))]
    assert refused == []


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("az group creat --name x --location y", "az has no command 'group creat'"),
        ("az group create --name x", "az group create lacks --location"),
        ("az group create --name x --location y --force", "has no option --force"),
        ("az group create --name --location y", "--name lacks a value"),
        ("az group create --name x --location y --output csv", "is 'csv', and not one of json"),
        ("azd provision --no-status", "azd provision has no option --no-status"),
        ("azd env get-value", "azd env get-value takes other words"),
        ("azd up everything", "azd up does not know 'everything'"),
    ],
)
def test_a_command_that_its_tool_would_refuse_is_seen(command: str, why: str) -> None:
    [words] = commands_in(command)
    assert why in reason(Command("a page", words))
