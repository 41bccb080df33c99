"""The documentation as a static site lists every page, and can be built."""

import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT
from tests.repo.tool_environments import BOUND_SECONDS, folder, unavailable

HOOKS = runpy.run_path(str(ROOT / "packaging" / "docs" / "hooks.py"))


def pages_in(menu: Any) -> Iterator[str]:
    """Yield the pages of a menu of MkDocs."""
    match menu:
        case str():
            yield menu
        case dict():
            yield from pages_in(list(menu.values()))
        case _:
            for each in menu:
                yield from pages_in(each)


def test_the_menu_lists_every_page_once() -> None:
    docs = ROOT / "docs"
    pages = {each.relative_to(docs).as_posix() for each in docs.rglob("*.md")}
    listed = list(pages_in(HOOKS["menu"]()))
    assert sorted(listed) == sorted(
        (pages - {"decisions/README.md"}) | {"index.md", "changelog.md"}
    )


@pytest.mark.slow
@pytest.mark.timeout(2 * BOUND_SECONDS)
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    if reason := unavailable("docs", "packaging/docs/requirements.txt"):
        pytest.skip(reason)
    site = tmp_path / "site"
    command = [f"{folder('docs')}/bin/mkdocs", "build", "--strict", "--quiet"]
    command += ["--config-file", "packaging/docs/mkdocs.yml", "--site-dir", str(site)]
    built = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    assert "run/index.html" in (site / "index.html").read_text()
    assert 'src="https://' not in (site / "run" / "self-hosting.html").read_text()
