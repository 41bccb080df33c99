"""The runner of the suites tells the truth about them."""

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import coverage
import pytest

from tests import reaching, run
from tests.sampling import covering, covering_part

REPORT = """<testsuites><testsuite>
<testcase name="a" />
<testcase name="b" file="tests/unit/test_b.py"><failure message="no" /></testcase>
<testcase name="c"><error message="no" /></testcase>
<testcase name="d"><skipped message="there is no browser here" /></testcase>
</testsuite></testsuites>"""


def test_an_error_counts_as_a_failure_and_a_skip_has_its_reason(tmp_path: Path) -> None:
    report = tmp_path / "unit.xml"
    report.write_text(REPORT)
    outcome = run.read("unit", report, code=1, seconds=0.5)
    assert (outcome.passed, outcome.failed) == (1, 2)
    assert outcome.failures == ("tests/unit/test_b.py::b", "unit::c")
    assert outcome.skipped == Counter({"there is no browser here": 1})


def test_a_suite_that_ends_badly_without_a_report_is_a_failure(tmp_path: Path) -> None:
    assert run.read("unit", tmp_path / "absent.xml", code=3, seconds=0.5).failed == 1


def test_a_suite_that_hangs_is_killed_at_its_deadline_and_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    monkeypatch.setattr(run, "RUNNING", tmp_path)
    monkeypatch.setattr(run, "SUITE_DEADLINE", 0.5)
    outcome = run.pytest("hangs", [sys.executable, "-c", "import time; time.sleep(60)"])
    assert outcome.failed == 1
    assert 0.5 <= outcome.seconds < 30
    assert "hangs did not end within 0.5 s." in capsys.readouterr().out


def test_the_last_line_is_the_counts_and_a_failure_decides_the_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = run.Outcome("unit", passed=3, skipped=Counter({"no account": 2}))
    bad = run.Outcome("protocol", passed=1, failures=("tests/protocol/test_a.py::test_b",))
    assert run.summary([good]) == 0
    assert capsys.readouterr().out.splitlines()[-5:] == [
        "skipped 2: no account",
        "left to `make test-all`: the suite packaging",
        "left to `make test-all`: rows of tables that repeat others: faults, rights, probes",
        "left to `make test-all`: tests that are marked `nightly`: hours of traffic",
        "3 passed, 0 failed, 2 skipped",
    ]
    assert run.summary([good, bad]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "failed: tests/protocol/test_a.py::test_b",
        "4 passed, 1 failed, 2 skipped",
    ]


def test_a_suite_without_tests_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["browsers"]) == 2
    assert capsys.readouterr().out.startswith("There is no suite browsers. There are: repo")


def test_the_protocol_suite_runs_over_other_worlds_when_it_has_noted_its_calls() -> None:
    suites = run.suites()
    for repeated in run.REPEATED:
        assert suites.index("protocol") < suites.index(repeated)
        assert list(run.tests_of(repeated)) == list(run.tests_of("protocol"))
    assert run.in_order([*run.REPEATED, "protocol"])[0] == "protocol"


def test_each_file_of_a_suite_is_in_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "usable_cores", lambda: 3)
    parts = run.parts_of("unit")
    assert [str(part) for part in parts] == ["unit 1 of 3", "unit 2 of 3", "unit 3 of 3"]
    files = [path for part in parts for path in part.paths]
    assert sorted(files) == sorted(str(path.relative_to(run.ROOT)) for path in run.tests_of("unit"))
    assert max(len(part.paths) for part in parts) - min(len(part.paths) for part in parts) <= 1
    measured, others = run.parts_of("unit", is_whole=True, is_measured=True)
    assert (measured.is_measured, others.is_measured) == (True, False)
    assert sorted([*measured.paths, *others.paths]) == sorted(files)
    assert "tests/unit/shared/test_log.py" in measured.paths
    of_contract = run.parts_of("contract", is_whole=True, is_measured=True)[0].paths
    assert "tests/contract/test_pulls.py" in of_contract
    assert "tests/contract/test_processes.py" not in of_contract
    assert run.total("unit", [run.Outcome("unit", 2), run.Outcome("unit", 3)]).passed == 5


def test_every_job_is_done_once_by_whichever_core_is_free() -> None:
    def job(number: int) -> run.Job:
        return lambda: run.Outcome(str(number), passed=1)

    outcomes = run.run_jobs(map(job, range(40)), map(job, range(40, 50)))
    assert sorted(int(each.name) for each in outcomes) == list(range(50))


def test_each_suite_that_gives_the_coverage_is_there() -> None:
    assert set(run.MEASURED) <= set(run.suites())
    assert set(run.FAST) <= set(run.suites())
    assert set(run.BESIDE) <= set(run.suites())
    assert [path for path in run.ON_OTHERS if not (run.ROOT / path).exists()] == []


def test_the_coverage_waits_for_the_parts_that_are_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "COVERAGE", ())
    part = run.Part("unit", 1, 1, (), is_measured=True)
    with ThreadPoolExecutor(1) as thread:
        covered = thread.submit(run.coverage, [part])
        assert wait([covered], timeout=0.1).not_done
        part.ended.set()
        assert covered.result().failed == 0


NOTES = """\
["a::test", [], ["cloud", "four-instances"]]
["b::test", ["x.y"], ["cloud", "four-instances"]]
["b::other", ["x.y", "x.z"], ["cloud", "four-instances"]]
["b::budget", ["x.y", "x.z", "x.w"], ["cloud"]]
["b::folder", ["x.y", "x.z", "x.w", "x.v"], []]
"""


def test_of_each_folder_or_module_the_tests_that_make_every_two_calls_are_enough() -> None:
    calls = {
        "a/test_a.py::test_one": ["x.put", "x.get"],
        "a/test_a.py::test_more": ["x.put", "x.get", "y.get"],
        "a/test_b.py::test_single": ["z.get"],
        "b/test_a.py::test_one": ["x.get", "x.put"],
    }
    folders = reaching.covering_pairs(calls, reaching.folder_of)
    assert folders == [
        "a/test_a.py::test_more",
        "a/test_b.py::test_single",
        "b/test_a.py::test_one",
    ]
    assert reaching.covering_pairs(calls, reaching.module_of) == folders
    del calls["a/test_b.py::test_single"]
    calls["a/test_b.py::test_again"] = ["x.get"]
    assert reaching.covering_pairs(calls, reaching.folder_of) == [folders[0], folders[2]]
    assert len(reaching.covering_pairs(calls, reaching.module_of)) == 3


def test_the_cloud_runs_what_the_notes_of_the_protocol_do_not_show_to_be_a_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    monkeypatch.setattr(run, "CALLS", tmp_path / "calls")
    parts = {suite: run.Part(suite, 1, 2, ("a", "b")) for suite in ("protocol", *run.REPEATED)}
    of_cloud, of_four = parts[run.IN_THE_CLOUD], parts[run.FOUR_INSTANCES]
    whole = run.selection(of_cloud, run.Extent.NORMAL)
    assert (whole.options, whole.left_out) == ([], 0)
    noted = run.selection(parts["protocol"], run.Extent.NORMAL).settings
    (Path(noted[reaching.NOTES]) / "1").write_text(NOTES)
    sample = run.selection(of_cloud, run.Extent.NORMAL)
    left_out = json.loads(Path(sample.settings[reaching.LEFT_OUT]).read_text())
    assert left_out == ["a::test", "b::folder", "b::other", "b::test"]
    assert run.selection(run.Part(run.IN_THE_CLOUD, 2, 2, ("b",)), run.Extent.NORMAL).left_out == 3
    shared = run.selection(of_four, run.Extent.NORMAL)
    left_out = json.loads(Path(shared.settings[reaching.LEFT_OUT]).read_text())
    assert left_out == ["a::test", "b::budget", "b::folder", "b::test"]
    assert run.selection(parts["protocol"], run.Extent.ALL).settings == {}


@pytest.mark.slow
def test_a_world_notes_the_calls_of_its_stores_and_a_listed_test_is_left_out(
    tmp_path: Path,
) -> None:
    file = "tests/protocol/test_security_txt.py"
    first, listed = tmp_path / "notes", tmp_path / "listed.json"
    first.mkdir()
    assert _pytest(file, {reaching.NOTES: str(first)}) == 0
    noted = reaching.read_notes(first)
    assert noted
    listed.write_text(json.dumps(list(noted)))
    nothing_collected = 5
    assert _pytest(file, {reaching.LEFT_OUT: str(listed)}) == nothing_collected


MEASURED_TESTS = """
import subprocess, sys
import pytest
from hypothesis import given, strategies
from measured import reach

@pytest.mark.parametrize("case", ["first", "second"])
def test_with_cases(case):
    reach(case)
    subprocess.run([sys.executable, "-c", "import measured; measured.reach('child')"], check=True)

@given(strategies.just("property"))
def test_property(case):
    reach(case)

@pytest.mark.measured
@given(strategies.just("marked property"))
def test_marked_property(case):
    reach(case)
"""
MEASURED = """\
def reach(case):
    match case:
        case "first":
            return 4
        case "second":
            return 6
        case "child":
            return 8
        case "property":
            return 10
        case "marked property":
            return 12
"""


def measured_lines(folder: Path, file: str, mark: str = "") -> set[int]:
    """Run tests in a file of the folder; return the lines that are reached and measured."""
    (folder / file).parent.mkdir(parents=True)
    (folder / "measured.py").write_text(MEASURED)
    (folder / file).write_text(f"{MEASURED_TESTS}\n{mark}\n")
    (folder / ".coveragerc").write_text("[run]\nparallel = true\n")
    command = [sys.executable, *run.MEASURED_PYTEST, "-q", "-p", "no:cacheprovider", str(folder)]
    paths = os.pathsep.join([str(run.ROOT), str(folder)])
    surroundings = {**os.environ, "PYTHONPATH": paths}
    subprocess.run(command, cwd=folder, env=surroundings, check=True, capture_output=True)
    measured = coverage.Coverage(config_file=folder / ".coveragerc", data_file=folder / ".coverage")
    measured.combine([str(folder)])
    lines = set(measured.get_data().lines(str(folder / "measured.py")) or ())
    return {number for number in lines if number % 2 == 0 and number > 3}


@pytest.mark.slow
def test_coverage_is_that_of_unit_tests_without_properties_and_of_marked_tests(
    tmp_path: Path,
) -> None:
    mark = "pytestmark = pytest.mark.measured"
    file = "tests/protocol/test_module.py"
    assert measured_lines(tmp_path / "unit", "tests/unit/shared/test_module.py") == {4, 6, 12}
    assert measured_lines(tmp_path / "others", file) == {12}
    assert measured_lines(tmp_path / "marked", file, mark) == {4, 6, 10, 12}


def _pytest(file: str, settings: dict[str, str]) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.reaching", file]
    return subprocess.run(
        command, cwd=run.ROOT, env={**os.environ, **settings}, check=False, capture_output=True
    ).returncode


def test_a_sample_has_every_value_of_each_feature() -> None:
    rows = [(call, fault) for call in range(20) for fault in "abc"]
    sample = covering(rows, lambda row: row[0], lambda row: row[1], seed="x", full=False)
    assert {call for call, _ in sample} == set(range(20))
    assert {fault for _, fault in sample} == set("abc")
    assert len(sample) == 20
    assert sample == covering(rows, lambda row: row[0], lambda row: row[1], seed="x", full=False)
    assert covering(rows, lambda row: row[1], full=True) == rows


def test_a_part_of_a_sample_has_the_rows_of_one_table() -> None:
    tables = {"one": range(10), "other": range(5, 20)}
    features = (lambda _name, row: row,)
    parts = {name: covering_part(name, tables, features) for name in tables}
    whole = [(name, row) for name, rows in tables.items() for row in rows]
    sample = covering(whole, lambda each: each[1])
    assert [(name, row) for name, rows in parts.items() for row in rows] == sample


def test_the_contracts_alone_run_against_stores_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BALLROOM_COSMOS_ENDPOINT", "https://cosmos.example.org")
    assert "BALLROOM_COSMOS_ENDPOINT" in run.surroundings("contract")
    assert "BALLROOM_COSMOS_ENDPOINT" not in run.surroundings("protocol")
