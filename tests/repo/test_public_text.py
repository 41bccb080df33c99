"""What we publish speaks of the product alone."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.paths import ROOT

# Each pattern is spelt so that it does not find itself.
PRIVATE = {
    "a path of one machine": r"(?<![\w.~-])/(?:wor[k]|roo[t]|tm[p]/(?:bash_job[s]|tea[m]))/",
    "the host of a package registry": (
        r"pyp[i]\.org|pythonhoste[d]\.org|registry\.npmj[s]\.org|deb\.[d]ebian\.org"
    ),
    "notes that a reader does not have": (
        r"(?<![\w/-])(?:fact[s]|styl[e]|[d]esign)\.md|\bspec[s]/\w+\.md"
    ),
}
BINARY = {".bala", ".gif", ".ico", ".jpg", ".png", ".woff2", ".xz", ".zip"}


@cache
def texts() -> dict[Path, str]:
    """Read every text file that is committed or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("the files of the repository are known only in a git checkout")
    files = (ROOT / name for name in listing.stdout.split("\0"))
    return {
        file.relative_to(ROOT): file.read_text(errors="replace")
        for file in files
        if file.is_file() and file.suffix not in BINARY
    }


@pytest.mark.parametrize("kind", PRIVATE)
def test_no_file_holds_what_belongs_elsewhere(kind: str) -> None:
    found = [
        f"{name}:{len(text[: match.end()].splitlines())} {match[0]}"
        for name, text in texts().items()
        for match in re.finditer(PRIVATE[kind], text)
    ]
    assert not found, f"{kind}: {found}"


def test_no_key_of_a_registry_is_in_the_repository() -> None:
    """A test whose data folder is relative makes its keys here."""
    assert [str(name) for name in texts() if name.suffix == ".key"] == []
