"""Where a record deviates from the JSON schema of OSV, as OSV itself publishes it."""

import json
from collections.abc import Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator

from tests.paths import ROOT

SCHEMA = ROOT / "tests" / "data" / "osv" / "schema.json"


def deviations(record: Mapping[str, object]) -> list[str]:
    """Return where a record deviates from the schema, each with the value there."""
    validator = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    printed = json.loads(json.dumps(record))
    return [_told(each) for each in validator.iter_errors(printed)]


def _told(error: Any) -> str:
    path = cast(str, error.json_path).removeprefix("$.")
    return f"{path}: {error.instance}"
