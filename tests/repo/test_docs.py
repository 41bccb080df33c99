"""Pages of the documentation are linked, and lead to and name what is there."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.repo.tool_environments import BOUND_SECONDS, folder, unavailable

PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", *(ROOT / ".github").glob("*.md")]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:functions|shared|tests|infra|docs|bench)/[\w/.*-]+)(?:::\w+)?`")
GENERATED = "bench/out"
# The name alone, which anybody may register in an index of packages: never what somebody installs.
BARE_NAME = re.compile(
    r"""\b(?:pip|pipx|uv|uvx)(?: tool)?(?: install| run)? +['"]?ballroom\b(?!-)"""
)


def ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def is_broken(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return not target.exists() or (bool(anchor) and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_of_a_page_leads_somewhere_and_every_file_is_there(page: Path) -> None:
    links = [each for each in LINK.findall(page.read_text("utf-8")) if ":" not in each]
    assert [each for each in links if is_broken(page, each)] == []
    named = sorted(set(FILE.findall(page.read_text("utf-8"))))
    missing = [each for each in named if not any(ROOT.glob(each.rstrip("/")))]
    assert [each for each in missing if not each.startswith(GENERATED)] == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_no_section_and_no_entry_of_a_list_of_pages_is_there_twice(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#{1,2} .+", text, re.MULTILINE)
    entries = re.findall(r"^- \[[^]]+\]\([^)]+\)", text, re.MULTILINE)
    assert [each for each, count in Counter(headings + entries).items() if count > 1] == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_table_has_a_row_of_headings(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"^(?!\|).*\n\|(?: ?:?-+:? ?\|)+$", text, re.MULTILINE) == []


def test_nothing_is_installed_by_the_bare_name_of_the_program() -> None:
    image = filter(Path.is_file, (ROOT / "packaging" / "image").iterdir())
    texts = [ROOT / "CHANGELOG.md", *image, *PAGES]
    texts += [each for each in (ROOT / "shared").rglob("*.py") if "install" in each.read_text()]
    assert [ids(each) for each in texts if BARE_NAME.search(each.read_text("utf-8"))] == []
    assert BARE_NAME.search("pip install 'ballroom[azure]'")


def test_the_index_of_a_folder_leads_to_each_of_its_pages() -> None:
    indexes = list((ROOT / "docs").rglob("README.md"))
    linked = {
        (index.parent / link.partition("#")[0]).resolve()
        for index in indexes
        for link in LINK.findall(index.read_text("utf-8"))
    }
    pages = {page for page in (ROOT / "docs").rglob("*.md") if page.name != "README.md"}
    assert sorted(map(str, pages - linked)) == []


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
