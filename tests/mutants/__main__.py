"""Change the rules of the registry in small ways, and count how many changes some test notices.

`python -m tests.mutants` tries every mutant of `shared/auth`, `shared/domain` and
`shared/services`. In the environment: ONLY=domain, ONLY=services/tokens or
MODULE=shared/domain/rate_limits.py picks some of the code, SAMPLE=10 every tenth mutant, OFFSET=3
another tenth of them (0 to 9), LISTED=1 those of `sample.txt`, which compare tests before and after
a change of them, SUITES=tests/unit some of the tests, JOBS=2 says how many forks run at a time,
BUDGET=10 how many seconds of tests a mutant gets, BALLROOM_TEST_ROWS=5 how many rows of a table of
tests are run, FRESH=1 forgets earlier runs. REFRESH=1 tries none: it lists others in `sample.txt`
for those whose functions changed. A mutant that was killed before, in a function that is still the
same, is not tried again.
docs/develop/patterns.md says what is measured.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.domain.errors.base import Refusal
from tests.support.refusals import refusals_of

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "bench" / "out" / "mutants"
LISTED = HERE / "sample.txt"  # A line is the id of a mutant, its file and its function.
ENVIRONMENT = ".venvs/mutmut"
LOCK = "tests/mutants/requirements.txt"
PACKAGES = ("auth", "domain", "services")
# Of the suite of the repository one file is about code: it compares tables of costs with it.
# Of the contracts one is about services: what is restored from a snapshot is what was there.
EVERY_SUITE = (
    "tests/unit tests/protocol tests/security tests/repo/test_costs.py"
    " tests/contract/test_snapshots.py"
)
SUITES = os.environ.get("SUITES", EVERY_SUITE).split()
FLOOR = 95.0  # Percent.

OPTIONS = [
    "-p",
    "tests.mutants.execution",
    "-p",
    "no:xdist",
    "-p",
    "no:cacheprovider",
    "-o",
    "timeout=0",
    "--assert=plain",
    "--capture=no",
    "--quiet",
    "--quiet",
    "--tb=no",
]


@dataclass(frozen=True)
class Mutant:
    """One change of one function."""

    id: str
    file: str
    function: str
    line: int
    start: int
    end: int
    text: str
    source: str

    @classmethod
    def of(cls, source: str, found: dict[str, Any]) -> "Mutant":
        """Return a mutant; its id stays the same while its function and the change do."""
        first = found.pop("function_start")
        last = found.pop("function_end")
        place = (found["file"], source[first:last], found["start"] - first, found["text"])
        return cls(id=digest(repr(place)), source=source, **found)

    @property
    def package(self) -> str:
        """Return the package of the module."""
        return self.file.split("/")[1]

    @property
    def folder(self) -> str:
        """Return the folder of the module, such as `services/tokens`."""
        return self.file.removeprefix("shared/").rpartition("/")[0]

    @property
    def difference(self) -> str:
        """Return the lines that differ, as they are and as the mutant has them."""
        first = self.source.rfind("\n", 0, self.start) + 1
        last = self.source.find("\n", self.end)
        before = self.source[first:last].splitlines()
        changed = self.source[first : self.start] + self.text + self.source[self.end : last]
        after = changed.splitlines()
        while before and after and before[0] == after[0]:
            del before[0], after[0]
        while before and after and before[-1] == after[-1]:
            del before[-1], after[-1]
        marked = (*(("-", line) for line in before), *(("+", line) for line in after))
        return "\n".join(f"{mark} {line.strip()}" for mark, line in marked)


def main() -> int:
    """Try the mutants that are chosen; the exit code says whether enough of them were killed."""
    started = time.monotonic()
    OUT.mkdir(parents=True, exist_ok=True)
    if os.environ.get("FRESH"):
        shutil.rmtree(OUT)
        OUT.mkdir()
    install()
    if os.environ.get("REFRESH"):
        if os.environ.get("MODULE") or os.environ.get("ONLY"):
            print("REFRESH=1 reads all modules, so it goes with neither ONLY nor MODULE.")
            return 1
        mutants = list(all_mutants(files()))
        refresh_sample(mutants)
        for file, function, _ in sorted(equivalents() - set(map(excuse, mutants))):
            print(f"gone, and still in equivalent.toml: {file} {function}")
        return 0
    mutants = chosen(all_mutants(files()))
    excused = equivalents()
    known = results()
    plan = [each for each in mutants if known.get(each.id, {}).get("status") not in DECIDED]
    plan = [each for each in plan if excuse(each) not in excused and not is_golden(each)]
    print(f"{len(mutants)} mutants, {len(mutants) - len(plan)} of them decided before", flush=True)
    if plan:
        attempt(plan)
        known = results()
    code = report(mutants, known, excused)
    print(f"{time.monotonic() - started:.0f} s", flush=True)
    return code


# What need not be tried again while the function is the same.
DECIDED = ("killed", "timeout", "invalid", "same")


def install() -> None:
    """Install the pinned mutmut into its own environment."""
    subprocess.run(
        ["sh", ".ci/environment", LOCK, ENVIRONMENT, sys.executable], cwd=ROOT, check=True
    )


def files() -> list[str]:
    """Return the modules that are chosen."""
    if module := os.environ.get("MODULE"):
        return module.split()
    only = os.environ.get("ONLY", " ".join(PACKAGES)).split()
    paths = (path for package in only for path in (ROOT / "shared" / package).rglob("*.py"))
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def all_mutants(names: list[str]) -> Iterator[Mutant]:
    """Yield every mutant of the modules."""
    command = [f"{ENVIRONMENT}/bin/python", str(HERE / "generation.py"), *names]
    made = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    sources = {name: (ROOT / name).read_text() for name in names}
    for line in made.splitlines():
        found = json.loads(line)
        yield Mutant.of(sources[found["file"]], found)


def chosen(mutants: Iterable[Mutant]) -> list[Mutant]:
    """Return each mutant once, or every so many-th of them, always the same ones."""
    step = int(os.environ.get("SAMPLE", "1"))
    offset = int(os.environ.get("OFFSET", "0"))
    found = {each.id: each for each in mutants}
    if os.environ.get("LISTED"):
        listed = [line.split()[0] for line in LISTED.read_text().splitlines()]
        there = [found[each] for each in listed if each in found]
        print(f"{len(listed) - len(there)} of {len(listed)} listed are not here or have changed")
        return there
    return [each for each in found.values() if int(each.id, 16) % step == offset]


def refresh_sample(mutants: list[Mutant]) -> None:
    """Replace what is listed of functions that changed by other mutants of these functions.

    A function that moved is found by its name. Of one that is gone nothing is listed any more.
    """
    there = {each.id: each for each in mutants}
    listed = [line.split() for line in LISTED.read_text().splitlines()]
    kept = [there[id_] for id_, *_ in listed if id_ in there]
    taken = {each.id for each in kept}
    of_place: defaultdict[tuple[str, str], list[Mutant]] = defaultdict(list)
    of_name: defaultdict[str, list[Mutant]] = defaultdict(list)
    for each in sorted(there.values(), key=lambda mutant: mutant.id):
        if each.id not in taken:
            of_place[each.file, each.function].append(each)
            of_name[each.function].append(each)
    for id_, file, function in listed:
        if id_ in there:
            continue
        others = (*of_place[file, function], *of_name[function])
        found = next((each for each in others if each.id not in taken), None)
        if found is None:
            print(f"gone: {file} {function}")
            continue
        taken.add(found.id)
        kept.append(found)
    lines = sorted(f"{each.id} {each.file} {each.function}\n" for each in kept)
    LISTED.write_text("".join(lines))
    print(f"{len(lines)} listed, of {len(listed)} before")


def attempt(plan: list[Mutant]) -> None:
    """Try the mutants in a separate pytest."""
    # Those of one function are tried one after the other: what killed one often kills the next.
    with (OUT / "plan.jsonl").open("w") as file:
        for mutant in plan:
            fields = {name: value for name, value in vars(mutant).items() if name != "source"}
            file.write(json.dumps(fields) + "\n")
    sources = {mutant.file: mutant.source for mutant in plan}
    (OUT / "sources.json").write_text(json.dumps(sources))
    environment = {**os.environ, "MUTANTS": str(OUT)}
    subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *SUITES], cwd=ROOT, env=environment, check=False
    )


def results() -> dict[str, dict[str, Any]]:
    """Return the last result of each mutant."""
    path = OUT / "results.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return {found["id"]: found for found in map(json.loads, lines)}


def excuse(mutant: Mutant) -> tuple[str, str, str]:
    """Return how the list of equivalent mutants names this one."""
    return mutant.file, mutant.function, mutant.difference


def is_golden(mutant: Mutant) -> bool:
    """Check whether the golden of all refusals, which is made of the source, notices the mutant."""
    path = Path(mutant.file)
    changed = mutant.source[: mutant.start] + mutant.text + mutant.source[mutant.end :]
    before, after = (refusals_of(path, source) for source in (mutant.source, changed))
    return list(map(said, before)) != list(map(said, after))


def said(refusal: Refusal) -> tuple[type[Refusal], str, str]:
    """Return what the golden has of a refusal."""
    return type(refusal), refusal.code, str(refusal)


def equivalents() -> set[tuple[str, str, str]]:
    """Return the mutants that do what the code does, each with its reason in the list."""
    listed = tomllib.loads((HERE / "equivalent.toml").read_text())["mutant"]
    return {(each["file"], each["function"], each["difference"].strip()) for each in listed}


def report(
    mutants: list[Mutant], known: dict[str, dict[str, Any]], excused: set[tuple[str, str, str]]
) -> int:
    """Print the mutants that survived, and the score of each module, folder and package."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for mutant in mutants:
        status = known.get(mutant.id, {}).get("status", "untried")
        status = "equivalent" if excuse(mutant) in excused else status
        if status in ("untried", "survived") and is_golden(mutant):
            status = "killed"
        for name in {mutant.file, mutant.folder, mutant.package, "all"}:
            counts[name][status] += 1
        if status == "survived":
            print(f"\n{mutant.file}:{mutant.line} {mutant.function} ({known[mutant.id]['by']})")
            print(mutant.difference)
    print()
    for name, count in counts.items():
        if name.endswith(".py"):
            print(line_of(name, count))
    print()
    folders = sorted(name for name in counts if not name.endswith(".py") and name != "all")
    for name in (*folders, "all"):
        print(line_of(name, counts[name]))
    return int(score(counts["all"]) < FLOOR or counts["all"]["untried"] > 0)


def line_of(name: str, count: Counter[str]) -> str:
    """Return the line of a module, a folder or a package."""
    killed = count["killed"] + count["timeout"]
    rest = ", ".join(f"{count[each]} {each}" for each in ("untried", "equivalent") if count[each])
    return (
        f"{name:<42} {score(count):6.2f} % {killed:>6} killed {count['survived']:>5} survived"
        f"{', ' + rest if rest else ''}"
    )


def score(count: Counter[str]) -> float:
    """Return the percentage of mutants that were killed; what never ended was."""
    killed = count["killed"] + count["timeout"]
    tried = killed + count["survived"]
    return 100 * killed / tried if tried else 0.0


def digest(text: str) -> str:
    """Return what tells two texts apart."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
