"""Run the suites, and end with one line of counts.

`python -m tests.run` proves each rule once: no test that is marked `slow`, no row of a table that
is marked as `repeated`, ten examples of each property, two or three rows of tables in which each
row takes a registry, and of the suites over other storage one test for each call of a store.
`--all` runs every test, with the coverage of those that give it, several instances, and what can
differ on the other Pythons of this machine; then it compares the floor. `--tables` runs whole
tables of faults, every test over each kind of storage, and what takes hours. `python -m tests.run
unit contract` runs just those.

A suite is divided into parts, one for each core, and each part is a process of pytest that reads
only its own files. A core that is done takes the next part, of whichever suite. (Processes of
pytest-xdist each read all files and report each test to another process: a tenth more time.)
"""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from types import MappingProxyType
from xml.etree import ElementTree as ET

from tests import measuring, reaching
from tests.sampling import MARKS_LEFT_OUT, ROWS, TABLES

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
RESULTS = ROOT / ".test-results"
RUNNING = RESULTS / "running"  # What the processes of now have printed.
CALLS = RESULTS / "calls"  # Of stores, by each test of the protocol.
DURATIONS = RESULTS / "durations.tsv"  # Seconds, part and test, of the last run.
REAL_STORES = ("BALLROOM_COSMOS_", "BALLROOM_BLOB_")  # Beginnings of names.
NO_BYTE_CODE = "PYTHONDONTWRITEBYTECODE"

# Fast and telling suites come first; a folder that is not named here runs after these. The suites
# over other storage come late, as they wait for the notes of `protocol`. Of those in `UNDIVIDED`
# the longest come first, so that no core waits for one at the end.
PROTOCOL = "protocol"
IN_THE_CLOUD = "protocol-in-the-cloud"  # The tests of the protocol, over the stores of the cloud.
FOUR_INSTANCES = "protocol-of-four-instances"  # Those behind one address, each with its memory.
CRASH = "crash"
OUTAGES = "outages"
ORDER = (
    "repo",
    "unit",
    PROTOCOL,
    CRASH,
    "security",
    FOUR_INSTANCES,
    "in_the_cloud",
    "deployment",
    "browser",
    "clients",
    OUTAGES,
    "compatibility",
    "search",
    "contract",
    IN_THE_CLOUD,
)
LONG = ("packaging", "fuzzing")  # An image, a single file and Helm; 40 minutes.
REPEATED = (IN_THE_CLOUD, FOUR_INSTANCES)  # `--tables` alone runs the whole of them.
# The storage (`tests/support/storage.py`) of suites that do not run over the stores of one machine.
STORAGE_OF_SUITE = {
    IN_THE_CLOUD: reaching.CLOUD,
    FOUR_INSTANCES: reaching.FOUR_INSTANCES,
    OUTAGES: reaching.CLOUD,
}
# Those with tests that are measured: `tests/measuring.py` says which.
MEASURED = ("unit", "contract", PROTOCOL, "security")
# They wait for other programs most of the time, or are short, so one process of each runs.
UNDIVIDED = (
    "repo",
    "deployment",
    "browser",
    "clients",
    OUTAGES,
    "in_the_cloud",
    "compatibility",
    "search",
)
# More of these run at a time than there are cores, as each waits now and then. No test of these has
# a narrow limit of time, as some of `crash` and `security` have.
BESIDE = (*UNDIVIDED, "contract", IN_THE_CLOUD)
# What can differ between Pythons: rules (texts, numbers, patterns), the host, imports.
PORTABLE = "portable"
# Of their tables `make test` runs so many rows: each row takes a registry, a process or a browser.
SAMPLED = {
    PROTOCOL: 2,
    "contract": 3,
    "security": 2,
    CRASH: 2,
    IN_THE_CLOUD: 2,  # Of the same rows as `protocol`: those that it has notes of.
    OUTAGES: 3,
    "in_the_cloud": 3,
    "browser": 3,
}
ON_OTHERS = (
    "tests/unit/shared/adapters/sqlite",
    "tests/unit/shared/ballerina",
    "tests/unit/shared/commands/test_data_folder.py",
    "tests/unit/shared/confined",
    "tests/unit/shared/domain",
    "tests/unit/shared/hosting",
    "tests/unit/shared/prose",
    "tests/unit/shared/runtime",
    "tests/unit/shared/test_localhost.py",
    "tests/repo/test_hardening_page.py",
    "tests/repo/test_possessive_groups.py",
    "tests/protocol/central/test_push.py",
    "tests/protocol/central/test_pulls.py",
    "tests/protocol/host/test_without_azure_extra.py",  # Of a registry in a process of its own.
)
# Ten examples of each property; `--all` tries fifty on one Python, and `--tables` a hundred.
FEW_EXAMPLES = "--hypothesis-profile=few-examples"
WITHOUT_NIGHTLY = ("-m", "not nightly")
QUICK = (
    "-m",
    " and ".join(f"not {mark}" for mark in MARKS_LEFT_OUT),
    FEW_EXAMPLES,
)  # Also on other Pythons.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")  # Those that we serve.
# What `make run` finds on many machines: Debian 12 has an early 3.11, built with other options.
SYSTEM = "system"
SYSTEM_PYTHON = "/usr/bin/python3"
DIVIDED_FROM = 8  # Files. Fewer are done before a second process has started.
MOST_PARTS = 8
PROGRESS_SECONDS = 20.0  # Between two lines that say how far each process is.
SUITE_DEADLINE = 1_200  # Seconds. A suite that hangs after its last test would never say so.
DEADLINE_OF_ALL = 5_400

# Processes that run at a time would write one cache.
PYTEST = ("-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider")
MEASURED_PYTEST = (*PYTEST, "-p", "tests.measuring")
COVERAGE = (
    ("run", "-m", "tests.measuring"),  # What imports run.
    ("combine", "--quiet"),
    ("report", "--fail-under=95"),  # Percent of lines and branches of functions and shared.
)

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Outcome:
    """The result of one run of one suite."""

    name: str
    passed: int = 0
    failures: tuple[str, ...] = ()  # A line each.
    skipped: Counter[str] = field(default_factory=Counter[str])  # By reason.
    seconds: float = 0.0
    left_out: int = 0  # Tests that a larger extent runs.

    @property
    def failed(self) -> int:
        return len(self.failures)

    def __str__(self) -> str:
        """Return the suite's line of the report."""
        return (
            f"{self.name:<21} {self.passed:>5} passed {self.failed:>4} failed "
            f"{self.skipped.total():>4} skipped {self.seconds:>7.1f} s"
        )


def total(name: str, outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of a suite of that of its parts; its time is that of all processes."""
    return Outcome(
        name,
        passed=sum(each.passed for each in outcomes),
        failures=tuple(line for each in outcomes for line in each.failures),
        skipped=sum((each.skipped for each in outcomes), Counter[str]()),
        seconds=sum(each.seconds for each in outcomes),
        left_out=sum(each.left_out for each in outcomes),
    )


@dataclass(frozen=True)
class Part:
    """Some files of a suite, which one process of pytest runs."""

    suite: str
    number: int
    count: int
    paths: tuple[str, ...]
    is_measured: bool = False
    ended: Event = field(default_factory=Event, compare=False)

    def __str__(self) -> str:
        """Return the suite, with the number of the part where there are several."""
        return self.suite if self.count == 1 else f"{self.suite} {self.number} of {self.count}"


Job = Callable[[], Outcome]


class Extent(Enum):
    """How much of the suites is run."""

    NORMAL = ""
    ALL = "--all"
    TABLES = "--tables"


def main(arguments: list[str]) -> int:
    """Run the chosen suites, or those of the extent; the exit code says whether all held."""
    extent = next((each for each in Extent if each.value in arguments), Extent.NORMAL)
    chosen = [each for each in arguments if each != extent.value]
    missing = [name for name in chosen if name != PORTABLE and not list(tests_of(name))]
    if missing:
        print(f"There is no suite {missing[0]}. There are: {', '.join(suites())}, {PORTABLE}.")
        return 2
    shutil.rmtree(RESULTS, ignore_errors=True)
    RUNNING.mkdir(parents=True)
    names = in_order(chosen or suites_of(extent))
    is_measured = not chosen and extent is not Extent.NORMAL
    return summary(run_suites(names, extent, is_measured=is_measured), extent)


def suites() -> list[str]:
    """Return the folders that contain tests and the suites of the cloud, in the order they run."""
    folders = [folder.name for folder in TESTS.iterdir()]
    names = [name for name in (*folders, IN_THE_CLOUD, FOUR_INSTANCES) if list(tests_of(name))]
    return in_order(names)


def in_order(names: Iterable[str]) -> list[str]:
    """Sort suites by when they run: one that others wait for comes before them."""
    return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else 99, name))


def suites_of(extent: Extent) -> list[str]:
    """Return the suites that are run unless some are named."""
    left = {Extent.NORMAL: (*LONG, FOUR_INSTANCES), Extent.ALL: LONG, Extent.TABLES: ()}[extent]
    return [name for name in suites() if name not in left]


def run_suites(names: Sequence[str], extent: Extent, *, is_measured: bool) -> list[Outcome]:
    """Run suites on all cores, and beside them those without narrow limits of time, the report of
    the coverage and other Pythons.

    With `--tables` other Pythons run whole suites, and so after the others.
    """
    names_beside = [name for name in names if name in BESIDE and len(names) > 1]
    parts = {
        name: parts_of(
            name,
            is_whole=name in UNDIVIDED and len(names) > 1,
            is_measured=is_measured and name in MEASURED,
        )
        for name in names
    }

    def jobs_of(suites: Iterable[str]) -> list[Job]:
        run = partial(run_part, extent=extent)
        noting = parts.get(PROTOCOL, [])
        return [
            partial(run, part, noting if suite in REPEATED else [])
            for suite in suites
            for part in parts[suite]
        ]

    jobs = jobs_of(name for name in names if name not in names_beside)
    beside = jobs_of(names_beside)
    on_others = list[Job]()
    if is_measured:
        traced = [part for each in parts.values() for part in each if part.is_measured]
        beside.append(partial(coverage, traced))
        on_others += [partial(on_python, version, extent) for version in other_pythons()]
    if extent is Extent.TABLES:
        outcomes = [*run_jobs(jobs, beside), *run_jobs(on_others, [])]
    else:
        outcomes = run_jobs(jobs, [*beside, *on_others])
    found = dict.fromkeys([*names, *(each.name for each in outcomes)])
    return [total(name, [each for each in outcomes if each.name == name]) for name in found]


def run_jobs(jobs: Iterable[Job], beside: Iterable[Job]) -> list[Outcome]:
    """Run jobs, one on each core, and beside them others, which come after the first ones too."""
    first = deque(jobs)
    second = deque(beside)
    cores = usable_cores()
    lanes = [[first, second]] * cores + [[second]] * max(1, cores // 2)
    with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
        running = [pool.submit(run_lane, queues) for queues in lanes]
        print_progress(running)
    return [outcome for lane in running for outcome in lane.result()]


def run_lane(queues: Sequence[deque[Job]]) -> list[Outcome]:
    """Run jobs of the first queue until it is empty, then those of the next one."""
    return [print_outcome(job()) for queue in queues for job in take_all(queue)]


def take_all(queue: deque[Job]) -> Iterator[Job]:
    """Take jobs from a queue that others take from as well, until there are none."""
    with suppress(IndexError):
        while True:
            yield queue.popleft()


def print_progress(running: Sequence[Future[list[Outcome]]]) -> None:
    """Say now and then how far each process is, until all have ended."""
    while wait(running, timeout=PROGRESS_SECONDS).not_done:
        progress = [
            f"{log.stem} {percent}"
            for log in RUNNING.glob("*.log")
            if (percent := progress_of(log))
        ]
        print(f"   {', '.join(sorted(progress))}", flush=True)


def progress_of(log: Path) -> str:
    """Return the last percentage that a process has printed."""
    return next(iter(re.findall(r"\[ *(\d+%)\]", log.read_text())[::-1]), "")


def parts_of(suite: str, *, is_whole: bool = False, is_measured: bool = False) -> list[Part]:
    """Divide the files of a suite among processes; neighbours, which are alike, go to each.

    Files with tests that are measured have processes of their own: a tracer follows the threads
    that tests share, also during tests that are not measured.
    """
    files = sorted(str(path.relative_to(ROOT)) for path in tests_of(suite))
    measured = [path for path in files if is_measured and measuring.has_measured_tests(path)]
    others = [path for path in files if path not in measured]
    groups = [(group, group is measured) for group in (measured, others) if group]
    divided = [
        (tuple(group[start::count]), traced)
        for group, traced in groups or [([], False)]
        for count in [1 if is_whole or len(group) < DIVIDED_FROM else processes()]
        for start in range(count)
    ]
    return [
        Part(suite, number, len(divided), paths, traced)
        for number, (paths, traced) in enumerate(divided, 1)
    ]


def processes() -> int:
    """Return into how many processes many files are divided."""
    return min(usable_cores(), MOST_PARTS)


def tests_of(suite: str) -> Iterator[Path]:
    """Find the test modules of a suite."""
    return (TESTS / folder_of(suite)).rglob("test_*.py")


def folder_of(suite: str) -> str:
    """Return the folder that holds the tests of a suite."""
    return PROTOCOL if suite in (IN_THE_CLOUD, FOUR_INSTANCES) else suite


def print_outcome(outcome: Outcome) -> Outcome:
    """Print the line of a suite when it ends."""
    print(f"-- {outcome}", flush=True)
    return outcome


def run_part(part: Part, waited_for: Iterable[Part], extent: Extent) -> Outcome:
    """Run a part on this Python, with coverage or without, when those have ended that it needs."""
    if part.suite == PORTABLE:
        return portable(PORTABLE, sys.executable, extent)
    for each in waited_for:
        each.ended.wait()
    try:
        selected = selection(part, extent)
        if not selected.paths:
            return Outcome(part.suite, left_out=selected.left_out)
        outcome = pytest(
            str(part),
            [*program_of(part, extent), *selected.options, *selected.paths],
            {**settings_of(part.suite, extent), **selected.settings},
        )
    finally:
        part.ended.set()
    return replace(outcome, name=part.suite, left_out=selected.left_out)


def program_of(part: Part, extent: Extent) -> list[str]:
    """Return the command that runs files of a suite, with coverage or without."""
    program = MEASURED_PYTEST if part.is_measured else PYTEST
    options = {Extent.NORMAL: QUICK, Extent.ALL: WITHOUT_NIGHTLY, Extent.TABLES: ()}
    return [sys.executable, *program, *options[extent]]


def settings_of(suite: str, extent: Extent) -> dict[str, str]:
    """Return the environment variables that select the stores of a suite, and whole tables."""
    chosen = STORAGE_OF_SUITE.get(suite)
    storage = {reaching.STORAGE_VARIABLE: chosen} if chosen else {}
    is_alone = suite == IN_THE_CLOUD and not CALLS.exists()  # All of it, as `protocol` is not run.
    if extent is Extent.NORMAL and suite in SAMPLED and not is_alone:
        return {**storage, ROWS: str(SAMPLED[suite])}
    return {**storage, TABLES: "full"} if extent is Extent.TABLES else storage


@dataclass(frozen=True)
class Selection:
    """The files of a part to run, and the options of pytest where calls of stores are recorded."""

    paths: tuple[str, ...]  # Those with a test that is left in.
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    left_out: int = 0

    @property
    def options(self) -> list[str]:
        """Return what loads the plugin, where there is something to do for it."""
        return ["-p", "tests.reaching"] if self.settings else []


def selection(part: Part, extent: Extent) -> Selection:
    """Note the calls of the protocol; over the cloud leave out what they show to be a repeat, over
    four instances all but a sample."""
    if part.suite == PROTOCOL and extent is not Extent.TABLES:
        CALLS.mkdir(exist_ok=True)
        return Selection(part.paths, {reaching.NOTES: str(CALLS)})
    if part.suite in REPEATED and CALLS.exists():
        notes = reaching.read_notes(CALLS, STORAGE_OF_SUITE[part.suite])
        if extent is Extent.NORMAL:
            sample = reaching.covering_calls(notes, reaching.folder_of, together=1)
        else:
            group_of = reaching.module_of if part.suite == IN_THE_CLOUD else reaching.folder_of
            sample = reaching.covering_calls(notes, group_of, together=2)
        left = {*map(reaching.module_of, sample), *modules_without_notes()}
        paths = tuple(path for path in part.paths if path in left)
        repeats = reaching.read_notes(CALLS).keys() - set(sample)
        tests = sorted(test for test in repeats if reaching.module_of(test) in part.paths)
        listed = RESULTS / f"left-out-of-{file_name(str(part))}.json"
        listed.write_text(json.dumps(tests))
        return Selection(paths, {reaching.LEFT_OUT: str(listed)}, len(tests))
    return Selection(part.paths)


def modules_without_notes() -> set[str]:
    """Return the files of the protocol with a test that was not run to its end, such as one that
    only runs over other storage."""
    reports = [RESULTS / f"{PROTOCOL}.xml", *RESULTS.glob(f"{PROTOCOL}-[0-9]*.xml")]
    cases = [case for report in reports if report.exists() for case in test_cases(report)]
    return {case.get("file", "") for case in cases if len(case)}


def other_pythons() -> list[str]:
    """Return the versions to run what can differ on, besides this one; `SYSTEM` is one of them
    where the system's Python is another program than this."""
    here = {f"{sys.version_info.major}.{sys.version_info.minor}"}
    if Path(sys.executable).resolve() == Path(SYSTEM_PYTHON).resolve():
        here.add(SYSTEM)
    chosen = os.environ.get("PYTHONS", " ".join((*PYTHONS, SYSTEM))).split()
    return [each for each in chosen if each not in here]


def on_python(version: str, extent: Extent) -> Outcome:
    """Run what can differ on one other Python, in an environment of its own, or say why not."""
    interpreter = find_python(version)
    if interpreter is None:
        reason = f"Python {version} is not installed here"
        return Outcome(f"on {version}", skipped=Counter({reason: 1}))
    environment = f".venvs/{version}"
    command = ["sh", ".ci/environment", "tests/requirements.txt", environment, interpreter]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        return Outcome(f"on {version}", failures=("its packages cannot be installed",))
    return portable(f"on {version}", f"{environment}/bin/python", extent)


def portable(name: str, interpreter: str, extent: Extent) -> Outcome:
    """Run what can differ on a Python; all that has no program beside it, with `--tables`."""
    paths = ["tests/unit", "tests/protocol"] if extent is Extent.TABLES else ON_OTHERS
    options = () if extent is Extent.TABLES else QUICK
    return pytest(name, [interpreter, *PYTEST, *options, *paths])


def find_python(version: str) -> str | None:
    """Find a Python of this version on the PATH or among those of pyenv, or the system's, which
    Debian installs with and without `venv`."""
    if version == SYSTEM:
        found = shutil.which(SYSTEM_PYTHON)
        return found if found and any(runs(found, each) for each in PYTHONS) else None
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)),
    ]
    return next((path for path in candidates if path and runs(path, version)), None)


def runs(interpreter: str, version: str) -> bool:
    """Say whether the program runs this version, with what environments are made with; shims of
    a version manager may not."""
    probe = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([interpreter, "-c", probe], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == version


def pytest(name: str, command: Sequence[str], settings: Mapping[str, str] = NO_SETTINGS) -> Outcome:
    """Run tests in a process of their own and read what they came to; what it prints is printed
    when it has ended."""
    print(f"== {name}", flush=True)
    report = RESULTS / f"{file_name(name)}.xml"
    # Snapshots that tests of another part use are unused in this one.
    options = ["--quiet", "--no-header", "-rfE", "--snapshot-warn-unused", f"--junitxml={report}"]
    deadline = DEADLINE_OF_ALL if settings.get(TABLES) else SUITE_DEADLINE
    environment = {**surroundings(name.partition(" ")[0]), **settings}
    started = time.monotonic()
    code = 1
    log = RUNNING / f"{file_name(name)}.log"
    # Processes that share a folder for temporary files delete each other's at their ends.
    with log.open("w") as output, TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment |= {"PYTEST_DEBUG_TEMPROOT": folder}
        try:
            code = subprocess.run(
                [*command, *options],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                timeout=deadline,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            print(f"{name} did not end within {deadline} s.", flush=True)
    print(f"\n== {name}\n{log.read_text()}", flush=True)
    log.rename(report.with_suffix(".log"))
    return read(name, report, code, time.monotonic() - started)


def file_name(name: str) -> str:
    """Return the name of the files of a part."""
    return name.replace(" ", "-")


def usable_cores() -> int:
    """Return how many cores this process may use, which a container or `taskset` bounds."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def surroundings(suite: str) -> dict[str, str]:
    """Return the environment of a suite: the contracts alone run against stores that it names.

    Byte code is always kept: suites start thousands of short processes.
    """
    left_out = (NO_BYTE_CODE,) if suite == "contract" else (NO_BYTE_CODE, *REAL_STORES)
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def test_cases(report: Path) -> list[ET.Element]:
    """Return what pytest reports of each test; one that passed has no element inside."""
    return list(ET.parse(report).iter("testcase"))


def read(name: str, report: Path, code: int, seconds: float) -> Outcome:
    """Read pytest's report; a run that failed without a failed test counts as one failure."""
    cases = test_cases(report) if report.exists() else []
    with DURATIONS.open("a") as durations:
        for case in cases:
            test = f"{case.get('file', name)}::{case.get('name')}"
            durations.write(f"{case.get('time')}\t{name}\t{test}\n")
    failures = [
        f"{case.get('file', name)}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    passed = len(cases) - len(failures)
    if code and not failures:
        failures = [f"{name} ended with {code} and no failed test; its output is above"]
    reasons = [
        skip.get("message", "") for case in cases if (skip := case.find("skipped")) is not None
    ]
    return Outcome(
        name,
        passed=passed - len(reasons),
        failures=tuple(failures),
        skipped=Counter(reasons),
        seconds=seconds,
    )


def coverage(traced: Iterable[Part]) -> Outcome:
    """Combine the coverage of parts that are measured, when they have ended; print it, and compare
    it with the floor."""
    for part in traced:
        part.ended.wait()
    printed = "\n== coverage\n"
    failures = ()
    for arguments in COVERAGE:
        program = [sys.executable, "-m", "coverage", *arguments]
        ended = subprocess.run(program, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
        printed += ended.stdout
        if ended.returncode:
            printed += "A test outside of `unit` counts if it has the mark `measured`.\n"
            failures = (ended.stdout.splitlines()[-1],)
            break
    print(printed, flush=True)
    return Outcome("coverage", failures=failures)


def summary(outcomes: list[Outcome], extent: Extent = Extent.NORMAL) -> int:
    """Print one line a suite, why tests were skipped or left out, what failed, and the counts."""
    skipped = sum((outcome.skipped for outcome in outcomes), Counter[str]())
    failures = [line for outcome in outcomes for line in outcome.failures]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # Of all processes of all suites.
    passed = sum(outcome.passed for outcome in outcomes)
    lines = [
        "\n== summary",
        *map(str, outcomes),
        f"{used.ru_utime + used.ru_stime:.0f} s of processor time",
        *(f"skipped {count}: {reason}" for reason, count in skipped.most_common()),
        *left_out(outcomes, extent),
        *(f"failed: {line}" for line in failures),
        f"{passed} passed, {len(failures)} failed, {skipped.total()} skipped",
    ]
    print("\n".join(lines), flush=True)
    return int(bool(failures))


def left_out(outcomes: Iterable[Outcome], extent: Extent) -> Iterator[str]:
    """Yield a line for whatever a larger extent runs besides."""
    for outcome in outcomes:
        if outcome.left_out:
            rest = f"{outcome.left_out} of {outcome.name}, which make calls that others make"
            yield f"left to a larger extent: {rest}"
    if extent is Extent.NORMAL:
        rows = ", ".join(f"{most} ({suite})" for suite, most in SAMPLED.items())
        yield f"left to `make test-all`: rows of tables after the first {rows}"
        yield "left to `make test-all`: slow tests, rows that repeat others, coverage"
        yield "left to `make test-all`: most examples of properties"
        yield f"left to `make test-all`: {FOUR_INSTANCES}, other Pythons"
    if extent is not Extent.TABLES:
        yield f"left to `make test-all TABLES=1`: the suites {', '.join(LONG)}"
        yield "left to `make test-all TABLES=1`: rows of tables that repeat others"
        yield "left to `make test-all TABLES=1`: tests that are marked `nightly`: hours of traffic"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
