"""Pages about the code name files, classes and methods that exist."""

import ast
import re
from pathlib import Path

import pytest

from shared import ports
from tests.paths import ROOT
from tests.repo.product_source import product

ROWS = re.findall(
    r"^\| (.+\?) \| `(.+?)` \| `(.+?)` \|$",
    (ROOT / "docs" / "develop" / "finding.md").read_text("utf-8"),
    re.M,
)
PAGES = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", *(ROOT / ".github").glob("*.md")]
CODE_PAGES = [
    *(ROOT / "docs" / "decisions").glob("*.md"),
    *(ROOT / "docs" / "develop" / f"{name}.md" for name in ("architecture", "patterns", "site")),
]
FOLDERS = ("functions", "shared", "tests", "infra", "docs", "bench")
FILE = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w/.*-]+)(?:::\w+)?`")
CLASS = re.compile(r"`((?:[A-Z][a-z]+){2,})\b[^`\n]*`")
GENERATED = "bench/out"


@pytest.mark.parametrize(("question", "file", "name"), ROWS, ids=[row[0] for row in ROWS])
def test_the_file_that_answers_a_question_has_the_name(question: str, file: str, name: str) -> None:
    assert re.search(rf"\b{name}\b", (ROOT / file).read_text("utf-8")), question


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    named = sorted(set(FILE.findall(page.read_text("utf-8"))))
    missing = [each for each in named if not any(ROOT.glob(each.rstrip("/")))]
    assert [each for each in missing if not each.startswith(GENERATED)] == []


@pytest.fixture(scope="module")
def classes() -> set[str]:
    """Return the names of all classes of the product."""
    return {node.name for module in product() for node in module.find(ast.ClassDef)}


@pytest.mark.parametrize("page", CODE_PAGES, ids=page_name)
def test_the_classes_that_a_page_names_exist(page: Path, classes: set[str]) -> None:
    named = set(CLASS.findall(page.read_text("utf-8")))
    assert sorted(named - classes) == []


PORTS = {
    "archives": ports.ArchiveStore,
    "directory": ports.DirectoryStore,
    "documents": ports.DocumentStore,
    "events": ports.EventStore,
    "metadata": ports.MetadataStore,
    "search": ports.SearchIndex,
    "work": ports.WorkStore,
}
CALLS = set(
    re.findall(
        r"`(\w+)\.(\w+)`", (ROOT / "docs" / "reference" / "store-operations.md").read_text("utf-8")
    )
)


@pytest.mark.parametrize(("port", "method"), sorted(CALLS))
def test_the_store_operations_are_methods_of_ports(port: str, method: str) -> None:
    assert callable(getattr(PORTS[port], method))
