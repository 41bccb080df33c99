"""Queries of Azure Monitor, bound to the columns of tables by Microsoft's own parser of Kusto."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.paths import ROOT
from tests.support import npm

PACKAGE = "@kusto/language-service-next@12.4.1"
FOLDER = "node_modules/@kusto/language-service-next"
SCRIPT = ROOT / "tests" / "support" / "kusto.js"


@dataclass(frozen=True)
class Query:
    """What a query names; a path is `Properties.task`, also behind names that the query gives."""

    problems: list[str]
    tables: list[str]
    paths: list[str]
    compared: list[list[str]]  # A path, and a text that its value is compared with.

    def values(self, *paths: str) -> set[str]:
        """Return the texts that these paths are compared with."""
        return {value for path, value in self.compared if path in paths}


def bound(queries: Mapping[str, str], tables: Mapping[str, str]) -> Mapping[str, Query]:
    """Bind queries to tables with columns like `Name:string, Sum:real`; skip without a parser."""
    node = shutil.which("node")
    reason = "there is no node" if node is None else npm.missing(PACKAGE, f"{FOLDER}/package.json")
    if reason or node is None:
        pytest.skip(reason)
    asked = {"tables": {name: f"({each})" for name, each in tables.items()}, "queries": queries}
    done = subprocess.run(
        [node, SCRIPT, npm.folder_of(PACKAGE) / FOLDER],
        input=json.dumps(asked),
        check=True,
        capture_output=True,
        text=True,
    )
    return {name: Query(**each) for name, each in json.loads(done.stdout).items()}
