"""What `make mutants` puts in the place of a function, and how it counts what came of it."""

import gc
import importlib.util
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shared.domain import versions
from tests.mutants.__main__ import HERE, LISTED, Mutant, chosen, line_of, score
from tests.mutants.execution import (
    PACKAGES,
    function_in,
    is_test_of,
    loaded_caches,
    loaded_functions,
    put_in_place,
    turns,
)
from tests.paths import ROOT

SOURCE = """class Till:
    @property
    def total(self):
        return 2 + 3

    def add(self, count=1, *, twice=False):
        return count * 2 if twice else count
"""


def mutant(function: str, old: str, new: str, path: Path) -> dict[str, Any]:
    """Return the mutant that has one text in the place of another."""
    start = SOURCE.index(old)
    where = {"file": str(path), "start": start, "end": start + len(old)}
    return {**where, "function": function, "text": new, "line": 1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "till.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def till(path: Path) -> Any:
    """Return an object of the module before anything is changed."""
    spec = importlib.util.spec_from_file_location("till", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Till()


def test_a_loaded_property_becomes_the_mutant(till: Any, path: Path) -> None:
    function = type(till).total.fget
    assert put_in_place(mutant("Till.total", "2 + 3", "2 - 3", path), SOURCE, [function])
    assert till.total == -1


def test_a_default_is_changed_for_those_who_leave_it_out(till: Any, path: Path) -> None:
    function = type(till).add
    assert put_in_place(mutant("Till.add", "count=1", "count=7", path), SOURCE, [function])
    assert (till.add(), till.add(2)) == (7, 2)
    assert put_in_place(mutant("Till.add", "twice=False", "twice=True", path), SOURCE, [function])
    assert till.add(2) == 4


def test_a_change_that_compiles_to_the_same_is_no_mutant(till: Any, path: Path) -> None:
    function = type(till).total.fget
    assert not put_in_place(mutant("Till.total", "2 + 3", "(2 +  3)", path), SOURCE, [function])


def test_what_is_exempt_from_garbage_collections_is_found_as_well() -> None:
    gc.freeze()
    found, caches = loaded_functions(), loaded_caches()
    gc.freeze()  # As it was.
    assert versions.Version.parse in found["shared/domain/versions.py::Version.parse"]
    assert caches != []


def test_a_file_that_is_not_python_is_reported(till: Any, path: Path) -> None:
    with pytest.raises(SyntaxError):
        put_in_place(mutant("Till.total", "2 + 3", "2 +", path), SOURCE, [type(till).total.fget])


def test_one_case_of_each_test_comes_before_the_second_of_any() -> None:
    names = ["a[1]", "a[2]", "b[1]", "c", "a[3]"]
    assert sorted(names, key=turns(names)) == ["a[1]", "b[1]", "c", "a[2]", "a[3]"]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("tests/unit/shared/services/tokens/test_tokens.py::test_a", True),
        ("tests/unit/shared/services/tokens/test_tokens_organization_tokens.py::test_a", True),
        ("tests/unit/shared/services/tokens/tokens/test_organization_tokens.py::test_a[b]", True),
        ("tests/unit/shared/domain/test_tokens.py::test_a", False),
        ("tests/unit/shared/services/tokens/test_token_lineage.py::test_a", False),
        ("tests/protocol/api/test_tokens.py::test_a", False),
    ],
)
def test_the_tests_of_a_module_have_its_place_and_name(test: str, expected: bool) -> None:
    assert is_test_of("shared/services/tokens/tokens.py", test) is expected


def test_samples_of_every_offset_are_all_mutants(monkeypatch: pytest.MonkeyPatch) -> None:
    mutants = [Mutant(f"{each:x}", "till.py", "Till.add", 7, 0, 1, "", SOURCE) for each in range(7)]
    monkeypatch.setenv("SAMPLE", "3")
    found = list[Mutant]()
    for offset in range(3):
        monkeypatch.setenv("OFFSET", str(offset))
        found += chosen(mutants)
    assert sorted(each.id for each in found) == [each.id for each in mutants]


def test_listed_mutants_are_chosen_while_their_functions_are_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = [line.split() for line in LISTED.read_text().splitlines()]
    assert len({each for each, _, _ in listed}) == 600
    id_, file, function = listed[7]
    kept = Mutant(id_, file, function, 7, 0, 1, "", SOURCE)
    monkeypatch.setenv("LISTED", "1")
    assert chosen([kept, Mutant("0", "till.py", "Till.add", 7, 0, 1, "", SOURCE)]) == [kept]
    assert capsys.readouterr().out == "599 of 600 listed are not here or have changed\n"


def test_a_mutant_that_never_ends_counts_as_killed_and_an_equivalent_one_not_at_all() -> None:
    count = Counter(killed=3, timeout=1, survived=1, equivalent=5, same=2)
    assert score(count) == 80.0
    assert line_of("domain", count).split() == [
        "domain", "80.00", "%", "4", "killed", "1", "survived,", "5", "equivalent",
    ]  # fmt: skip


def test_a_mutant_shows_the_lines_that_differ() -> None:
    start = SOURCE.index("count * 2")
    shown = Mutant("", "till.py", "Till.add", 7, start, start + 9, "count / 2", SOURCE)
    assert shown.difference == (
        "- return count * 2 if twice else count\n+ return count / 2 if twice else count"
    )


def test_every_equivalent_mutant_has_its_reason_and_its_place() -> None:
    listed = tomllib.loads((HERE / "equivalent.toml").read_text())["mutant"]
    for each in listed:
        source = (ROOT / each["file"]).read_text()
        assert function_in(source, Path(each["file"]), each["function"])
        assert f"shared/{each['file'].split('/')[1]}" in PACKAGES
        removed = [line[2:] for line in each["difference"].split("\n") if line.startswith("- ")]
        assert [line for line in removed if line not in source] == []
        assert len(each["reason"]) > 20, each
