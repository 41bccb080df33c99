"""The runner of the suites: what fits into a night, and what a part runs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import reaching, run
from tests.fuzzing.time_budget import DEFAULT_MINUTES
from tests.paths import ROOT
from tests.run import DEADLINE_OF_ALL, IN_THE_CLOUD, ON_OTHERS, PYTHONS, Extent, Outcome, Part

LEFT_IN = "tests/protocol/test_compression.py"
REPEAT = "tests/protocol/test_metrics.py"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the results of this test's own run."""
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    for name, path in (("RUNNING", "running"), ("CALLS", "calls"), ("DURATIONS", "durations.tsv")):
        monkeypatch.setattr(run, name, tmp_path / path)
    (tmp_path / "running").mkdir()
    return tmp_path


def note_calls(results: Path, *tests: str) -> None:
    """Note for each test of the protocol that it makes the same call."""
    notes = [[test, ["metadata.find"], [reaching.CLOUD]] for test in tests]
    folder = results / "calls"
    folder.mkdir()
    (folder / "1").write_text("".join(f"{json.dumps(note)}\n" for note in notes))


def test_the_fuzzing_ends_before_the_deadline_of_a_suite() -> None:
    assert 60 * DEFAULT_MINUTES < DEADLINE_OF_ALL / 2


def test_a_part_without_a_test_that_is_left_in_starts_no_pytest(results: Path) -> None:
    note_calls(results, f"{LEFT_IN}::test_a", f"{REPEAT}::test_b", f"{REPEAT}::test_c")
    part = Part(IN_THE_CLOUD, number=2, count=2, paths=(REPEAT,))
    outcome = run.run_part(part, (), Extent.NORMAL)
    assert outcome == Outcome(IN_THE_CLOUD, left_out=2)
    assert part.ended.is_set()
    assert not list(results.glob("*.log"))


def test_a_part_runs_only_its_files_with_a_test_that_is_left_in(results: Path) -> None:
    note_calls(results, f"{LEFT_IN}::test_a", f"{REPEAT}::test_b")
    part = Part(IN_THE_CLOUD, number=1, count=1, paths=(LEFT_IN, REPEAT))
    assert run.selection(part, Extent.NORMAL).paths == (LEFT_IN,)


def test_a_part_without_notes_runs_all_of_its_files(results: Path) -> None:
    part = Part(IN_THE_CLOUD, number=1, count=1, paths=(LEFT_IN, REPEAT))
    assert run.selection(part, Extent.NORMAL).paths == (LEFT_IN, REPEAT)
    assert not (results / "calls").exists()


def test_what_other_pythons_run_is_there() -> None:
    assert [path for path in ON_OTHERS if not (ROOT / path).exists()] == []


def test_every_python_that_is_served_is_tested_before_a_merge_and_may_be_chosen() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())["jobs"]
    whole = [step["with"]["python-version"] for step in jobs["check"]["steps"] if uses_python(step)]
    assert {*whole, *jobs["portable"]["strategy"]["matrix"]["python"]} == set(PYTHONS)
    [allowed] = re.findall(
        r"@allowed\(\[(.*)\]\)\nparam pythonVersion ", (ROOT / "infra/main.bicep").read_text()
    )
    assert allowed.replace("'", "").split(", ") == list(PYTHONS)
    [candidates] = re.findall(r"wanted:-(.*)\}; do", (ROOT / ".ci/environment").read_text())
    assert candidates.split() == ["python3", *(f"python{each}" for each in reversed(PYTHONS))]


def test_there_is_a_single_file_for_every_python_that_is_served() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text())["jobs"]
    assert jobs["single-file"]["strategy"]["matrix"]["python"] == list(PYTHONS)


def uses_python(step: dict[str, Any]) -> bool:
    return str(step.get("uses", "")).startswith("actions/setup-python@")
