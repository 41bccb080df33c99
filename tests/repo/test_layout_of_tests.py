"""Unit tests mirror the tree: the tests of a module are found by its path."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

UNIT = ROOT / "tests" / "unit"
FILES = sorted(UNIT.rglob("test_*.py"))
ENDS = (".py", ".css", "")  # "": a package.
DIVIDED_ABOVE = 600  # Lines of all tests of a module.


def subjects(file: Path) -> Iterator[tuple[str, str]]:
    """Name what a file may test, longest first, with the noun that divides the module's tests."""
    words = file.stem.removeprefix("test_").split("_")
    for count in range(len(words), 0, -1):
        yield "_".join(words[:count]), "_".join(words[count:])


def is_subject(folder: Path, name: str) -> bool:
    """Say whether there is such a module; doubles and builders of tests have tests as well."""
    names = ["__main__.py"] if name == "main" else [name + end for end in ENDS]
    return any((root / folder / each).exists() for root in (ROOT, ROOT / "tests") for each in names)


def subject_of(file: Path) -> tuple[str, str] | None:
    folder = file.parent.relative_to(UNIT)
    return next((each for each in subjects(file) if is_subject(folder, each[0])), None)


def ids(file: Path) -> str:
    return str(file.relative_to(UNIT))


@pytest.mark.parametrize("file", FILES, ids=ids)
def test_a_file_is_named_for_the_module_that_it_tests(file: Path) -> None:
    assert subject_of(file), f"{ids(file)}: no module has this path"


def test_tests_of_a_module_are_in_one_file_unless_they_are_long() -> None:
    files: defaultdict[Path, list[Path]] = defaultdict(list)
    for file in FILES:
        if subject := subject_of(file):
            files[file.parent / f"test_{subject[0]}.py"].append(file)
    for first, group in files.items():
        assert first in group, f"{ids(group[0])} has no {first.name} beside it"
        lines = sum(len(each.read_text("utf-8").splitlines()) for each in group)
        assert len(group) == 1 or lines > DIVIDED_ABOVE, [ids(each) for each in group]
