"""The list of caches that are kept for another reason than time names caches that there are."""

import re

import pytest

from tests.paths import ROOT

LIST = re.search(
    r"^KEPT_FOR.*?^}", (ROOT / "bench" / "caches.py").read_text("utf-8"), re.DOTALL | re.MULTILINE
)
NAMES = re.findall(r'^    "(\w+)\.(\w+)":', LIST[0] if LIST else "", re.MULTILINE)


@pytest.mark.parametrize(("module", "attribute"), NAMES)
def test_a_cache_that_is_kept_is_there(module: str, attribute: str) -> None:
    files = [each for top in ("shared", "functions") for each in (ROOT / top).rglob(f"{module}.py")]
    assert any(re.search(rf"\b{attribute}\b", each.read_text("utf-8")) for each in files)
