"""The feed of releases is made from CHANGELOG.md, and a registry reads it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from shared.domain.product_releases import RELEASES_KEPT
from shared.domain.release_feeds import parse_feed
from shared.domain.software_version import SOFTWARE_VERSION
from tests.paths import ROOT

CHANGELOG = """\
# Changelog

## Unreleased

- **Security**: not yet.

## 1.10.0 (2026-12-02)

- New: <things> & more.

## 1.9.1 (2026-12-01)

- **Security**: tokens were <shown>.
"""
PROGRAM = """\
import sys
sys.path.insert(0, "packaging")
from releases_feed import releases_feed
print(releases_feed(sys.stdin.read(), "https://git.example.org/a/b"), end="")
"""


def made_of(changelog: str) -> bytes:
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(
        command, cwd=ROOT, input=changelog.encode(), capture_output=True, check=True
    ).stdout


def test_each_version_of_the_changelog_is_an_entry() -> None:
    newest, older = parse_feed(made_of(CHANGELOG))
    assert (newest.version, newest.is_security) == ("1.10.0", False)
    assert (older.version, older.is_security) == ("1.9.1", True)
    assert older.page == "https://git.example.org/a/b/releases/tag/v1.9.1"


def test_the_changelog_of_this_version_makes_a_feed(tmp_path: Path) -> None:
    for what in ("feed", "notes"):
        command = [sys.executable, "packaging/build.py", what, str(tmp_path)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env={**os.environ})
    versions = [each.version for each in parse_feed((tmp_path / "releases.atom").read_bytes())]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert versions == re.findall(r"^## (\d\S*) \(", changelog, re.MULTILINE)[:RELEASES_KEPT]
    assert versions[0] == SOFTWARE_VERSION
    assert (tmp_path / "title.txt").read_text().startswith(f"Ballroom {SOFTWARE_VERSION}")
    assert (tmp_path / "notes.md").stat().st_size > 500


def test_the_release_has_the_feed_and_is_titled_by_the_changelog() -> None:
    workflow = (ROOT / ".github/workflows/publish.yml").read_text()
    assert "run: python packaging/build.py feed dist" in workflow
    assert '--title "$(cat title.txt)"' in workflow


def test_what_is_checked_on_main_is_checked_on_release_branches() -> None:
    workflow = (ROOT / ".github/workflows/check.yml").read_text()
    assert 'branches: [main, "release/**"]' in workflow
