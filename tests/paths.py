"""Where the tests find things."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

RECORDED = ROOT / "tests" / "recorded"
_SHARED = ROOT.parent / "shared"


def _whole_or_sample(whole: Path, sample: Path) -> Path:
    return whole if whole.is_dir() else sample


# What the real Functions host answered, and archives that real clients packed: all of them may lie
# beside the repository, and a sample is in it.
MEASURED_HOST = _whole_or_sample(_SHARED / "data" / "functions-host", RECORDED / "functions-host")
BALAS = _whole_or_sample(_SHARED / "balas", RECORDED / "balas")


@cache
def central_index() -> tuple[dict[str, Any], ...]:
    """Return the 6,785 releases of the index of Ballerina Central, as its lines are."""
    lines = gzip.decompress((RECORDED / "central-index.jsonl.gz").read_bytes()).splitlines()
    return tuple(map(json.loads, lines))


@cache
def central_packages() -> tuple[dict[str, Any], ...]:
    """Return the packages of Ballerina Central with the keywords and modules of the newest
    release; some are not in its index."""
    return tuple(json.loads(gzip.decompress((RECORDED / "central-packages.json.gz").read_bytes())))


@cache
def central_apis() -> dict[str, dict[str, Any]]:
    """Return what packages of Ballerina Central declare, `org/name`: version, modules, summary and
    sources without the bodies of functions."""
    return json.loads(gzip.decompress((RECORDED / "central-apis.json.gz").read_bytes()))


def docs(*names: str) -> str:
    """Return pages of the documentation, one after the other, each by its path: `use/audit`."""
    return "\n".join((ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in names)
