"""Run every suite, one after the other, and end with one line of counts.

`python tests/run.py` runs everything: each suite with coverage, then the portable ones on the
other Pythons of this machine, then the floors. `python tests/run.py unit contract` runs just those.
`protocol-in-the-cloud` is the protocol suite once more, over the stores of the cloud.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
RESULTS = ROOT / ".test-results"

# Fast and telling suites come first; a folder that is not named here runs after these.
IN_THE_CLOUD = "protocol-in-the-cloud"
OUTAGES = "outages"
ORDER = (
    "repo", "unit", "contract", "protocol", IN_THE_CLOUD, "in_the_cloud", "security", "clients",
    "crash", OUTAGES, "browser",
)  # fmt: skip
# The Pythons that we serve, with what runs on each where another one runs everything.
PORTABLE = {"3.11": ("unit",), "3.12": ("unit",), "3.13": ("unit", "protocol")}
SPREAD_FROM = 8  # Files. Fewer are done before the processes to spread them over have started.
SUITE_DEADLINE = 1_200  # Seconds. A suite that hangs after its last test would never say so.

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

ENFORCE_FLOORS = True
FLOOR = 95.0  # Percent of lines and branches of functions and shared together.
STRICT_FLOOR = 100.0  # Percent, where the rules of the registry live.
REACHED = ("covered_lines", "covered_branches")
REACHABLE = ("num_statements", "num_branches")
MOST_GAPS = 12  # A file with more of them needs a test, not a list.
STRICT = ("shared/domain", "shared/services")


@dataclass(frozen=True)
class Outcome:
    """What one run of one suite came to."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])  # By reason.
    seconds: float = 0.0

    def __str__(self) -> str:
        """Return the suite's line of the report."""
        return (
            f"{self.name:<18} {self.passed:>5} passed {self.failed:>4} failed "
            f"{self.skipped.total():>4} skipped {self.seconds:>7.1f} s"
        )


def main(chosen: list[str]) -> int:
    """Run the chosen suites, or all of them; the exit code says whether everything held."""
    missing = [name for name in chosen if not list(tests_of(name))]
    if missing:
        print(f"There is no suite {missing[0]}. There are: {', '.join(suites())}.")
        return 2
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir()
    outcomes = [announced(run_here(name)) for name in chosen or suites()]
    if not chosen:
        outcomes += [announced(outcome) for outcome in elsewhere()]
        outcomes.append(announced(coverage()))
    return summary(outcomes)


def suites() -> list[str]:
    """Return the folders that contain tests and the suite of the cloud, in the order they run."""
    folders = [folder.name for folder in TESTS.iterdir()]
    names = [name for name in (*folders, IN_THE_CLOUD) if list(tests_of(name))]
    return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else 99, name))


def tests_of(suite: str) -> Iterator[Path]:
    """Find the test modules of a suite."""
    return (TESTS / folder_of(suite)).rglob("test_*.py")


def folder_of(suite: str) -> str:
    """Return the folder that holds the tests of a suite."""
    return "protocol" if suite == IN_THE_CLOUD else suite


def announced(outcome: Outcome) -> Outcome:
    """Print the line of a suite as soon as it is known."""
    print(f"-- {outcome}", flush=True)
    return outcome


def run_here(suite: str) -> Outcome:
    """Run a suite on this Python, measured; but not what is measured in another suite."""
    if suite in (IN_THE_CLOUD, OUTAGES):
        world = {"BALLROOM_TEST_WORLD": "cloud"}
        return pytest(suite, suite, [sys.executable, "-m", "pytest"], world)
    return pytest(suite, suite, [sys.executable, "-m", "coverage", "run", "-m", "pytest"])


def elsewhere() -> Iterator[Outcome]:
    """Run the portable suites on the other Pythons, each in an environment from the same lock."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    for version, suites in PORTABLE.items():
        if version != here:
            yield from on_python(version, suites)


def on_python(version: str, portable: Sequence[str]) -> Iterator[Outcome]:
    """Run the portable suites on one other Python, or say why not."""
    interpreter = find_python(version)
    if interpreter is None:
        reason = f"Python {version} is not installed here"
        yield Outcome(f"on {version}", skipped=Counter({reason: len(portable)}))
        return
    environment = f".venvs/{version}"
    command = ["sh", ".ci/environment", "tests/requirements.txt", environment, interpreter]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        yield Outcome(f"on {version}", failed=1)
        return
    for suite in portable:
        yield pytest(f"{suite} on {version}", suite, [f"{environment}/bin/python", "-m", "pytest"])


def find_python(version: str) -> str | None:
    """Find a Python of this version on the PATH or among those of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)),
    ]
    return next((path for path in candidates if path and runs(path, version)), None)


def runs(interpreter: str, version: str) -> bool:
    """Say whether it is what its name promises; a version manager puts up fronts that are not."""
    probe = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([interpreter, "-c", probe], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == version


def pytest(
    name: str, suite: str, command: list[str], settings: Mapping[str, str] = NO_SETTINGS
) -> Outcome:
    """Run one suite in a process of its own and read what it came to."""
    print(f"\n== {name}", flush=True)
    report = RESULTS / f"{name.replace(' ', '-')}.xml"
    options = ["--quiet", "--no-header", "-rfE", f"--junitxml={report}", *spread(suite)]
    started = time.monotonic()
    try:
        code = subprocess.run(
            [*command, *options, f"tests/{folder_of(suite)}"],
            cwd=ROOT,
            env={**surroundings(suite), **settings},
            check=False,
            timeout=SUITE_DEADLINE,
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"{name} did not end within {SUITE_DEADLINE} s.")
        code = -1
    return read(name, report, code, time.monotonic() - started)


def spread(suite: str) -> list[str]:
    """Return how a suite uses all cores; a test of the outages is as long as a file of others."""
    processes = ["--numprocesses=auto", "--maxprocesses=8"]
    if suite == OUTAGES:
        return [*processes, "--dist=load"]
    return [*processes, "--dist=loadfile"] if len(list(tests_of(suite))) >= SPREAD_FROM else []


def surroundings(suite: str) -> dict[str, str]:
    """Return the environment of a suite: the contracts alone run against stores that it names."""
    return {
        name: value
        for name, value in os.environ.items()
        if suite == "contract" or not name.startswith(("BALLROOM_COSMOS_", "BALLROOM_BLOB_"))
    }


def read(name: str, report: Path, code: int, seconds: float) -> Outcome:
    """Read pytest's report; a run that failed without a failed test counts as one failure."""
    cases = list(ET.parse(report).iter("testcase")) if report.exists() else []
    failed = sum(
        case.find("failure") is not None or case.find("error") is not None for case in cases
    )
    reasons = [
        skip.get("message", "") for case in cases if (skip := case.find("skipped")) is not None
    ]
    return Outcome(
        name,
        passed=len(cases) - failed - len(reasons),
        failed=failed or int(code != 0),
        skipped=Counter(reasons),
        seconds=seconds,
    )


def coverage() -> Outcome:
    """Join what all processes measured, print it, and compare it with the floors."""
    print("\n== coverage", flush=True)
    report = RESULTS / "coverage.json"
    for command in (["combine", "--quiet"], ["json", "--quiet", "-o", str(report)]):
        if subprocess.run(
            [sys.executable, "-m", "coverage", *command], cwd=ROOT, check=False
        ).returncode:
            return Outcome("coverage", failed=1)
    files = json.loads(report.read_text())["files"]
    low = [share(files, "", FLOOR)] + [share(files, folder, STRICT_FLOOR) for folder in STRICT]
    return Outcome("coverage", failed=low.count(True))


def share(files: dict[str, dict[str, Any]], folder: str, floor: float) -> bool:
    """Print how much of a folder the tests reach; say whether that is too little."""
    inside = {name: file for name, file in files.items() if name.startswith(folder)}
    totals = Counter[str]()
    for file in inside.values():
        totals.update({count: file["summary"][count] for count in (*REACHED, *REACHABLE)})
    reachable = sum(totals[count] for count in REACHABLE)
    percent = 100 * sum(totals[count] for count in REACHED) / reachable if reachable else 100.0
    print(f"{folder or 'functions, shared':<18} {percent:6.2f} % (floor {floor:.0f} %)")
    for name, file in sorted(inside.items()):
        if file["summary"]["percent_covered"] < floor:
            print(f"    {name}: {gaps(file)}")
    return ENFORCE_FLOORS and percent < floor


def gaps(file: dict[str, Any]) -> str:
    """Say what of a file no test reaches: lines, and branches as from->to."""
    branches = [
        f"{line}->{target if target > 0 else 'exit'}" for line, target in file["missing_branches"]
    ]
    missing = [*map(str, file["missing_lines"]), *branches]
    more = f" and {len(missing) - MOST_GAPS} more" if len(missing) > MOST_GAPS else ""
    return f"{file['summary']['percent_covered']:.2f} %, not {', '.join(missing[:MOST_GAPS])}{more}"


def summary(outcomes: list[Outcome]) -> int:
    """Print one line a suite, the reasons of what was skipped, and the line of counts."""
    skipped = sum((outcome.skipped for outcome in outcomes), Counter[str]())
    print("\n== summary")
    for outcome in outcomes:
        print(outcome)
    for reason, count in skipped.most_common():
        print(f"skipped {count}: {reason}")
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"{passed} passed, {failed} failed, {skipped.total()} skipped", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
