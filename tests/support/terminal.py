"""Commands of the operator, run in this process on one data folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from shared.cli import cli


@dataclass(frozen=True)
class Terminal:
    """Runs commands of `program`, by default those of the operator, on the registry in `data`."""

    data: Path
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    program: click.Command = cli

    def run(self, *arguments: str, **settings: str) -> str:
        """Return what a command prints; fail when it does."""
        result = self.invoke(*arguments, **settings)
        assert result.exit_code == 0, result.output
        return result.stdout

    def fail(self, *arguments: str, **settings: str) -> str:
        """Return the one line that a command fails with."""
        result = self.invoke(*arguments, **settings)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        [line] = result.stderr.splitlines()
        return line.removeprefix("Error: ")

    def json(self, *arguments: str) -> Any:
        """Return what a command prints as JSON."""
        return json.loads(self.run(*arguments, "--json"))

    def invoke(self, *arguments: str, **settings: str) -> Result:
        """Return whatever comes of a command."""
        quiet = {"BALLROOM_DATA": str(self.data), "BALLROOM_LOG_LEVEL": "error"}
        return CliRunner(env={**self.settings, **quiet, **settings}).invoke(self.program, arguments)
