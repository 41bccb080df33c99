"""Pages about the code name files, names and methods that exist."""

import re

import pytest

from shared import ports
from tests.paths import ROOT

ROWS = re.findall(
    r"^\| (.+\?) \| `(.+?)` \| `(.+?)` \|$", (ROOT / "docs" / "finding.md").read_text("utf-8"), re.M
)
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
FOLDERS = ("functions", "shared", "tests", "infra", "docs", "bench")
FILES = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w/.]+)`", ARCHITECTURE)


def test_at_least_thirty_questions_are_answered() -> None:
    assert len(ROWS) >= 30


@pytest.mark.parametrize(("question", "file", "name"), ROWS, ids=[row[0] for row in ROWS])
def test_the_file_that_answers_a_question_has_the_name(question: str, file: str, name: str) -> None:
    assert re.search(rf"\b{name}\b", (ROOT / file).read_text("utf-8")), question


@pytest.mark.parametrize("file", sorted(set(FILES)))
def test_the_files_of_the_architecture_exist(file: str) -> None:
    assert (ROOT / file).exists()


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
    re.findall(r"`(\w+)\.(\w+)`", (ROOT / "docs" / "store-operations.md").read_text("utf-8"))
)


@pytest.mark.parametrize(("port", "method"), sorted(CALLS))
def test_the_store_operations_are_methods_of_ports(port: str, method: str) -> None:
    assert callable(getattr(PORTS[port], method))
