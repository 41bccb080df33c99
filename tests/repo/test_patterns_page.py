"""The examples of docs/develop/patterns.md work: added to a copy of the repository, they pass their
tests.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import pytest
from msgspec.structs import fields

from functions.http.operations import Operation
from tests.paths import ROOT
from tests.run import LONG, ORDER, PORTABLE

PAGE = (ROOT / "docs" / "develop" / "patterns.md").read_text("utf-8")
BLOCK = re.compile(r"^( *)```(?:python|html)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
# The first line of a block: `# shared/x.py`, or `# shared/x.py, in NAME`.
PLACE = re.compile(r"(?:#|<!--) (?P<path>[\w/.]+)(?:, in (?P<name>\w+))?(?: -->)?\n")
COPIED = ("functions", "shared", "tests")
LEFT_OUT = shutil.ignore_patterns("__snapshots__", "__pycache__", "recorded")
TESTS_TAKE_SECONDS = 300

Definition = ast.ClassDef | ast.Assign | ast.AnnAssign | ast.Return


@dataclass(frozen=True)
class Example:
    """A block of the page: a new file, or what is added to the definition `name` of a file."""

    path: str
    name: str
    text: str

    @property
    def imports(self) -> list[str]:
        return [each for each in self.text.splitlines() if re.match(r"from |import ", each)]

    @property
    def added(self) -> str:
        lines = [each for each in self.text.splitlines() if each not in self.imports]
        return "\n".join(lines).strip("\n")


def examples() -> Iterator[Example]:
    for _, block in BLOCK.findall(PAGE):
        text = dedent(block)
        place = PLACE.match(text)
        assert place, f"The first line of an example says where it belongs: {text[:80]!r}"
        yield Example(place["path"], place["name"] or "", text[place.end() :])


def with_example(source: str, example: Example) -> str:
    """Return the source of a module with an example at the end of a class, of a list, tuple, set or
    dictionary, or of the call that a function returns, and with its imports."""
    lines = source.splitlines()
    tree = ast.parse(source)
    node = definition(tree, example.name)
    last = (node.end_lineno or 0) - 1
    added = example.added
    if isinstance(node, ast.ClassDef):
        is_method = added.startswith("@")
        last = node.end_lineno or 0 if is_method else end_of_fields(node)
        added = f"\n{added}" if is_method else added
    column = node.col_offset + 4
    end = "" if isinstance(node, ast.ClassDef) else ","
    lines[last:last] = indent(f"{added}{end}", " " * column).splitlines()
    imports = [each for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    before = imports[-1].end_lineno or 0
    lines[before:before] = example.imports
    return "\n".join(lines) + "\n"


def definition(source: ast.Module, name: str) -> Definition:
    for node in ast.walk(source):
        match node:
            case (
                ast.ClassDef(name=found)
                | ast.AnnAssign(target=ast.Name(id=found))
                | ast.Assign(targets=[ast.Name(id=found)])
            ) if found == name:
                return node
            case ast.FunctionDef(name=found, body=[ast.Return() as returned]) if found == name:
                return returned
            case _:
                pass
    pytest.fail(f"Nothing is called {name}.")


def end_of_fields(node: ast.ClassDef) -> int:
    """Return the line after the last field of a class, before its methods."""
    fields = [each for each in node.body if isinstance(each, ast.Assign | ast.AnnAssign)]
    return fields[-1].end_lineno or 0


def copy_of_the_repository(folder: Path) -> None:
    for each in ROOT.iterdir():
        if each.name in COPIED:
            shutil.copytree(each, folder / each.name, ignore=LEFT_OUT)
        elif each.name != ".git":
            (folder / each.name).symlink_to(each)


def add(example: Example, folder: Path) -> None:
    path = folder / example.path
    if example.name:
        path.write_text(with_example(path.read_text("utf-8"), example), "utf-8")
        return
    assert not path.exists(), f"{example.path} is there already."
    path.write_text(example.text, "utf-8")


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=TESTS_TAKE_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(2 * TESTS_TAKE_SECONDS)
def test_the_examples_work_in_a_copy_of_the_repository(tmp_path: Path) -> None:
    found = list(examples())
    copy_of_the_repository(tmp_path)
    for example in found:
        add(example, tmp_path)
    tests = [each.path for each in found if each.path.startswith("tests/")]
    python = sorted({each.path for each in found if each.path.endswith(".py")})
    assert len(tests) == len(set(tests)) >= 4
    run(tmp_path, "ruff", "check", "--no-cache", "--ignore", "I001", *python)
    run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", *tests)


def test_new_files_of_examples_are_formatted(tmp_path: Path) -> None:
    new = [each for each in examples() if each.path.endswith(".py") and not each.name]
    for number, example in enumerate(new):
        (tmp_path / f"{number}.py").write_text(example.text, "utf-8")
    run(
        tmp_path,
        "ruff",
        "format",
        "--check",
        "--no-cache",
        f"--config={ROOT / 'pyproject.toml'}",
        ".",
    )


def test_the_options_of_an_operation_are_its_fields() -> None:
    [item] = re.findall(r"^\d\. Add options where they apply (.+?)(?=^\d\. )", PAGE, re.M | re.S)
    named = set(re.findall(r"`([a-z_]+)`", item))
    assert {"limit", "uses_answer_cache", "accepts_archive"} <= named
    assert named <= {each.name for each in fields(Operation)}


def test_the_page_lists_every_suite() -> None:
    [table] = re.findall(r"^\| Suite \| Tests \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    listed = [
        name for row in table.splitlines() for name in re.findall(r"`([\w-]+)`", row.split("|")[1])
    ]
    assert sorted(listed) == sorted([*ORDER, *LONG, PORTABLE])
