"""Findings in SARIF 2.1.0, as GitHub and other tools read them.

A registry serves files with this module's text in place of its import
(`functions/http/scripts.py`), so it needs Python 3.9 or later, and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def sarif_log(
    driver: Mapping[str, object], results: Sequence[Mapping[str, object]], **of_run: object
) -> Mapping[str, object]:
    """Return the log of one run of a tool; `of_run` is what else its run has."""
    run = {"tool": {"driver": driver}, **of_run, "results": results}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def sarif_location(file: str, line: int) -> Mapping[str, object]:
    """Return the location of a finding: a line of a file, whose path is relative."""
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(Path(file).as_posix())},
            "region": {"startLine": line},
        }
    }
