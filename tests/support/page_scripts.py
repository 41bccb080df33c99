"""The scripts of a page of the documentation, which tests run as readers do."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.paths import ROOT


def page_of(name: str) -> Path:
    return ROOT / "docs" / "run" / name


def blocks(page: Path, heading: str = "", *, before: str = "") -> Iterator[str]:
    """Yield the scripts of a page, or of one section of it, in order.

    A section ends with the next heading of its level or above, or where `before` stands.
    """
    text = page.read_text("utf-8")
    if heading:
        text = text[text.index(f"\n{heading}\n") :]
        marks = len(heading) - len(heading.lstrip("#"))
        text = re.split(rf"\n#{{1,{marks}}} ", f"\n\n{text.lstrip()[marks:]}")[0]
    if before:
        text = text[: text.index(f"\n{before}\n")]
    fence = re.compile(r"^( *)```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
    for found in fence.finditer(text):
        yield re.sub(rf"^{found[1]}", "", found[2], flags=re.MULTILINE)
