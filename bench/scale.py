"""Scale: what a registry of 100,000 packages costs beside one of 2,000, on one machine.

Both are written directly (`bench/support/scale_data.py`), with ten releases a package and one
package of 10,000 versions, and are measured one after the other: start, memory, answers, pushes,
backup, restore, upgrade and the maintenance tasks of a night. The last column is how many times as
large a figure is as the one of the small registry; what is above twice is marked, and
docs/run/size.md says what grows by nature. `PACKAGES=10000 RELEASES=100000` takes another size.

`FOLDER=DIR` keeps both registries there, and the figures of each part in `figures.json` beside
them: a run that was stopped goes on with the part at which it was, and a part that is deleted in
the file is measured again.

Answers are the processor time of the server, which does not depend on what else the machine does;
nothing is repeated from memory. Pushes, commands and tasks are seconds on the clock, with those of
the processor in rows of their own where both are told.
"""

import asyncio
import json
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from functools import partial
from itertools import cycle
from pathlib import Path
from shutil import rmtree
from typing import ParamSpec

import httpx

from bench.support.processor_time import seconds_of_process, wait_until_idle
from bench.support.scale_data import LARGEST, MANY, PUBLIC, fill
from bench.support.servers import Server, ballroom, push, workspace
from bench.support.synthetic_packages import Synthetic
from shared.adapters.data_folder import DataFolder
from shared.adapters.sqlite.database import MIGRATIONS
from shared.bootstrap.build import build_registry
from shared.domain.tasks import TaskReport
from shared.settings import Settings
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.upstreams import BASE

# Packages and releases without those of `MANY`. The small registry has as many releases a package.
LARGE = (int(os.environ.get("PACKAGES", "100000")), int(os.environ.get("RELEASES", "1000000")))
SMALL = (2_000, 2_000 * LARGE[1] // LARGE[0])
FOLDER = os.environ.get("FOLDER", "")

# Requests of each kind, each for a package or for words that were not requested before.
REQUESTS = 200
WARM = 20  # Requests of each kind before these, for packages and words of their own.
REPEATS = 15  # Requests for an answer that is the same for everybody.
REPEATS_AFTER_PUSHES = 5  # A registry is idle some seconds after a push.
PUSHES = 60
PUSHED_BYTES = 10_000
OLDEST = 10  # The schema of the upgrade: the first one with the tables of today.
PULLED = 2_000  # Packages that are in memory beside those of the start.
MARKED_ABOVE = 2.0
FOREIGN = frozenset({"renew-sigstore-root"})  # Tasks that ask other servers.
REPAIRS = "repair-derived-data"
# Tasks that visit everything each time: the next run takes as long as the first one.
VISITING = frozenset({"audit-archives", "create-snapshot", "delete-orphaned-archives", REPAIRS})
ARCHIVE = {"Accept": "application/octet-stream"}
PAGE = {"Accept": "text/html"}

P = ParamSpec("P")
Figures = dict[str, float]
Request = Callable[[], tuple[str, Mapping[str, str]]]  # Makes the path and the headers of one.


def main() -> None:
    with nullcontext(Path(FOLDER)) if FOLDER else workspace() as folder:
        found = list[Figures]()
        for packages, releases in (SMALL, LARGE):
            place = folder / str(packages)
            place.mkdir(parents=True, exist_ok=True)
            print(f"{packages:,} packages of {releases // packages} releases", flush=True)
            found.append(measured(place, packages, releases))
            if not FOLDER:
                rmtree(place)
        show(*found)


WRITTEN_PACKAGES = "packages"
WRITTEN_RELEASES = "releases"


def show(small: Figures, large: Figures) -> None:
    print(f"\n{'':44}{'small':>14}{'large':>14}{'times':>8}")
    for name, figure in large.items():
        before = small.get(name, 0.0)
        if name in (WRITTEN_PACKAGES, WRITTEN_RELEASES):
            print(f"{name:44}{before:14,.0f}{figure:14,.0f}")
            continue
        times = figure / before if before else 0.0
        mark = " above twice" if times > MARKED_ABOVE else ""
        print(f"{name:44}{before:14,.2f}{figure:14,.2f}{times:8.2f}{mark}")


def measured(folder: Path, packages: int, releases: int) -> Figures:
    """Return the figures of a registry by their names, and print each."""
    data = folder / "data"
    parts = Parts(folder / "figures.json")
    parts.measure("fill", lambda: filled(folder, packages, releases))
    parts.measure("start", lambda: started(folder))
    for measure in (answers, pushes, pages_after_a_push):
        parts.measure(measure.__name__, partial(served, folder, measure))
    parts.measure("stored", lambda: stored(data))
    parts.measure("commands", lambda: commands(folder, data))
    parts.measure("upgrade", lambda: upgrade(folder, data))
    tasks = task_names(data)
    again = [each for each in tasks if each not in VISITING]
    for run, wanted in (("first run", tasks), ("next run", again)):
        for task in wanted:
            parts.measure(f"{task}, {run}", partial(_task, data, task, run))
    return parts.figures


def _task(data: Path, task: str, run: str) -> Figures:
    return asyncio.run(task_run(data, task, run))


class Parts:
    """The figures of a registry, kept in a file by the part of the benchmark that measured them."""

    def __init__(self, file: Path) -> None:
        """Begin with what earlier runs measured."""
        self._file = file
        self._kept: dict[str, Figures] = json.loads(file.read_text()) if file.exists() else {}
        self.figures = Figures()

    def measure(self, part: str, measure: Callable[[], Figures]) -> None:
        """Print the figures of a part, which is measured unless it was before."""
        if part not in self._kept:
            self._kept[part] = measure()
            self._file.write_text(json.dumps(self._kept, indent=1))
        for name, figure in self._kept[part].items():
            print(f"  {name:44}{figure:14,.2f}", flush=True)
        self.figures |= self._kept[part]


def served(folder: Path, measure: Callable[[Server], Figures]) -> Figures:
    """Measure a server that has nothing in memory."""
    with ballroom(folder, answer_memory="false") as server:
        wait_until_idle(server)
        return measure(server)


def filled(folder: Path, packages: int, releases: int) -> Figures:
    """Write the registry, and count what is in it: some releases are of no usual package."""
    written = fill(folder, packages, releases)
    with closing(sqlite3.connect(DataFolder(folder / "data").database)) as connection:
        [heads] = connection.execute("SELECT count(*) FROM heads").fetchone()
        [stored_releases] = connection.execute("SELECT count(*) FROM releases").fetchone()
    return {
        WRITTEN_PACKAGES: heads,
        WRITTEN_RELEASES: stored_releases,
        "written, ms a package": 1_000 * written.seconds / max(written.packages, 1),
        "written, ms a release": 1_000 * written.seconds / max(written.releases, 1),
    }


# --- start and memory ----------------------------------------------------------------------------


def started(folder: Path) -> Figures:
    """Let the start make the search index, and start again."""
    # What the index has of the seeds would be taken for all.
    for file in (folder / "data").glob("search.db*"):
        file.unlink()
    made = timed(folder / "data", "-c", _PREPARE)
    figures = {
        "search index made by the start, s": made.seconds,
        "search index made, processor s": made.processor,
    }
    began = time.monotonic()
    with ballroom(folder) as server, httpx.Client() as client:
        client.get(f"{server.url}/health/ready").raise_for_status()
        figures["start until it answers, s"] = time.monotonic() - began
        figures["start, processor s"] = seconds_of_process(server.pid)
        wait_until_idle(server)
        figures["memory after the start, MB"] = memory_mb(server)
        for name in public_packages(folder / "data")[:PULLED]:
            client.get(f"{server.url}{BASE}/packages/{name}/*", headers=ARCHIVE)
            client.get(f"{server.url}/packages/{name}", headers=PAGE)
        figures[f"memory after {PULLED:,} pulls and pages, MB"] = memory_mb(server)
    return figures


_PREPARE = """
from shared.localhost import prepare_data_folder
from shared.settings import Settings
prepare_data_folder(Settings.load())
"""


def memory_mb(server: Server) -> float:
    """Return the resident memory of a server, which is one process."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return int(status["VmRSS"].split()[0]) / 1_000


# --- answers -------------------------------------------------------------------------------------


def public_packages(data: Path) -> list[str]:
    """Return the packages that everybody may read, but for the one with many versions, in an order
    that is the same each time."""
    with closing(sqlite3.connect(DataFolder(data).database)) as connection:
        statement = "SELECT pk FROM heads WHERE body ->> '$.visibility' = 'public' AND pk <> ?"
        found = [key for (key,) in connection.execute(statement, (MANY,))]
    random.Random(7).shuffle(found)  # noqa: S311 - the point is to repeat it.
    return found


def answers(server: Server) -> Figures:
    names = cycle(public_packages(server.folder / "data"))
    words = Synthetic().words[:500]
    chance = random.Random(7)  # noqa: S311 - the point is to repeat it.

    def of_package(path: str, headers: Mapping[str, str]) -> Request:
        return lambda: (path.format(next(names)), dict(headers))

    def same(path: str, headers: Mapping[str, str]) -> Request:
        return lambda: (path, dict(headers))

    def search(path: str) -> tuple[str, dict[str, str]]:
        return f"{path}?q={'+'.join(chance.sample(words, 2))}", PAGE

    kinds = {
        "pull, exact": (of_package(f"{BASE}/packages/{{}}/1.0.0", ARCHIVE), REQUESTS),
        "pull, newest": (of_package(f"{BASE}/packages/{{}}/*", ARCHIVE), REQUESTS),
        "metadata": (of_package(f"{BASE}/packages/{{}}/1.0.0", {}), REQUESTS),
        "versions": (of_package(f"{BASE}/packages/{{}}", {}), REQUESTS),
        "index line": (of_package("/index/{}/index.json", {}), REQUESTS),
        "package page": (of_package("/packages/{}", PAGE), REQUESTS),
        "search": (lambda: search(f"{BASE}/packages"), REQUESTS),
        "search page": (lambda: search("/search"), REQUESTS),
        "10,000 versions, JSON": (same(f"{BASE}/packages/{MANY}", {}), REPEATS),
        "10,000 versions, page": (same(f"/packages/{MANY}/versions", PAGE), REPEATS),
        "10,000 versions, index line": (same(f"/index/{MANY}/index.json", {}), REPEATS),
        "pull, newest of 10,000": (same(f"{BASE}/packages/{MANY}/*", ARCHIVE), REPEATS),
        "organization page": (same(f"/orgs/{PUBLIC}", PAGE), REPEATS),
        "page of the largest organization": (same(f"/orgs/{LARGEST}", PAGE), REPEATS),
        "sitemap.xml": (same("/sitemap.xml", {}), REPEATS),
    }
    figures = Figures()
    with httpx.Client(base_url=server.url, timeout=300) as client:
        for name, (make, count) in kinds.items():
            is_same = count == REPEATS
            # Warm is the code; the packages and the words are others.
            for _ in range(0 if is_same else WARM):
                cost_ms(server, client, *make())
            times = [cost_ms(server, client, *make()) for _ in range(count)]
            figures[f"{name}, ms"] = statistics.median(times)
            if is_same:
                figures[f"{name}, first, ms"] = times[0]
            else:
                figures[f"{name}, p99, ms"] = p99(times)
        figures["memory after all of them, MB"] = memory_mb(server)
    return figures


def cost_ms(server: Server, client: httpx.Client, path: str, headers: Mapping[str, str]) -> float:
    """Return the milliseconds of processor that the server took for a request."""
    before = seconds_of_process(server.pid)
    answer = client.get(path, headers=headers)
    taken = seconds_of_process(server.pid) - before
    assert answer.status_code in (200, 302), (path, answer.status_code)
    return 1_000 * taken


def p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def pushes(server: Server) -> Figures:
    figures = Figures()
    now_s = round(time.time())
    kinds = {
        "push, new package": [f"{PUBLIC}/pushed{now_s}x{n}:1.0.0" for n in range(PUSHES)],
        "push, version of 10,000": [f"{MANY}:1000.{now_s % 10**6}.{n}" for n in range(PUSHES)],
    }
    with httpx.Client(timeout=60) as client:
        # The first push lets the registry write the log, which has none of the releases yet.
        push(server, client, bala(f"{PUBLIC}/first{now_s}:1.0.0"))
        wait_until_idle(server)
        for name, coordinates in kinds.items():
            archives = [bala(each, padding=PUSHED_BYTES) for each in coordinates]
            before = seconds_of_process(server.pid)
            times = [1_000 * seconds_of(push, server, client, each) for each in archives]
            figures[f"{name}, ms on the clock"] = statistics.median(times)
            figures[f"{name}, slowest, ms on the clock"] = max(times)
            wait_until_idle(server)
            taken = 1_000 * (seconds_of_process(server.pid) - before)
            figures[f"{name}, ms"] = taken / len(times)
    return figures


def pages_after_a_push(server: Server) -> Figures:
    """Measure what shows all packages, each time after one of them changed."""
    figures = Figures()
    now_s = round(time.time())
    pages = {
        "home page": "/",
        "list of all packages": "/search",
        "organizations": "/organizations",
        "keywords": "/keywords",
        "sitemap.xml, part": "/sitemap.xml?page=1",
        "feed of releases": "/feeds/registry.atom",
    }
    with httpx.Client(base_url=server.url, timeout=300) as client:
        for name, path in pages.items():
            times = list[float]()
            for number in range(REPEATS_AFTER_PUSHES):
                coordinate = f"{PUBLIC}/changed{now_s}:{len(figures)}.0.{number}"
                push(server, client, bala(coordinate))
                wait_until_idle(server)
                times.append(cost_ms(server, client, path, {}))
            figures[f"{name}, after a push, ms"] = statistics.median(times)
    return figures


# --- commands ------------------------------------------------------------------------------------


class Timed:
    """What a command took: seconds on the clock, and of the processor."""

    def __init__(self, seconds: float, processor: float, printed: str) -> None:
        self.seconds = seconds
        self.processor = processor
        self.printed = printed


def seconds_of(work: Callable[P, object], *given: P.args, **named: P.kwargs) -> float:
    began = time.monotonic()
    work(*given, **named)
    return time.monotonic() - began


def timed(data: Path, *arguments: str) -> Timed:
    """Run Python over a data folder; raise `AssertionError` if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    environment = {"BALLROOM_DATA": str(data), "BALLROOM_LOG_LEVEL": "error"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Timed(seconds, processor, done.stdout + done.stderr)


def stored(data: Path) -> Figures:
    folder = DataFolder(data)
    return {
        "ballroom.db, MB": folder.database.stat().st_size / 1e6,
        "search.db, MB": folder.search.stat().st_size / 1e6,
    }


def commands(place: Path, data: Path) -> Figures:
    figures = Figures()
    copy = place / "copy"
    restored = place / "restored"
    runs = {
        "doctor": (data, "doctor"),
        "backup": (data, "backup", str(copy)),
        "restore, archives checked": (restored, "restore", str(copy)),
        "restore, archives not checked": (restored, "restore", str(copy), "--skip-archives"),
    }
    rmtree(copy, ignore_errors=True)  # A run that was stopped may have left it.
    for name, (folder, *arguments) in runs.items():
        rmtree(restored, ignore_errors=True)
        taken = timed(folder, "-m", "shared.cli", *arguments)
        figures[f"{name}, s"] = taken.seconds
        figures[f"{name}, processor s"] = taken.processor
    rmtree(copy)
    rmtree(restored)
    return figures


def upgrade(folder: Path, data: Path) -> Figures:
    """Upgrade the records from an old schema. Archives are left out, as the copy before an upgrade
    links them."""
    old = folder / "old"
    rmtree(old, ignore_errors=True)
    old.mkdir()
    write_old_records(DataFolder(data).database, DataFolder(old).database)
    taken = timed(old, "-c", _MIGRATE)
    seconds = [float(line.rpartition(" in ")[2].split()[0]) for line in taken.printed.splitlines()]
    rmtree(old)
    return {
        f"upgrade from schema {OLDEST}, copy before it, s": seconds[0],
        f"upgrade from schema {OLDEST}, s": seconds[1],
        f"upgrade from schema {OLDEST}, all, processor s": taken.processor,
    }


_MIGRATE = """
from shared.bootstrap.migration import migrate
from shared.settings import Settings
migrate(Settings.load(), print)
"""


def write_old_records(records: Path, old: Path) -> None:
    """Write the records into a database of an old schema, as far as it had their columns."""
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        for statements in MIGRATIONS[:OLDEST]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {OLDEST}")
        connection.execute("ATTACH ? AS today", (str(records),))
        today = columns_of(connection, "today")
        for table, columns in columns_of(connection, "main").items():
            named = ", ".join(each for each in columns if each in today.get(table, ()))
            if named and table != "changes":  # Triggers write these.
                where = _LATER_ROWS.get(table, "")
                connection.execute(
                    f"INSERT INTO main.{table} ({named})"  # noqa: S608 - names of the schema.
                    f" SELECT {named} FROM today.{table} {where}"
                )


# What the schema of before had not: histories of packages, and what its upgrade adds itself.
_LATER_ROWS = {
    "event_streams": "WHERE stream NOT LIKE 'package:%'",
    "work": "WHERE kind <> 'deleted-bytes'",
}


def columns_of(connection: sqlite3.Connection, schema: str) -> dict[str, list[str]]:
    tables = connection.execute(f"SELECT name FROM {schema}.sqlite_schema WHERE type = 'table'")  # noqa: S608
    return {
        table: [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({table})")]
        for (table,) in tables.fetchall()
    }


# --- the tasks of a night ------------------------------------------------------------------------


def task_names(data: Path) -> list[str]:
    """Return the tasks that run by themselves, and ask no other servers."""
    return asyncio.run(_task_names(data))


async def _task_names(data: Path) -> list[str]:
    registry = build_registry(Settings(data=data))
    tasks = registry.maintenance.tasks.values()
    names = [each.id for each in tasks if each.schedule and each.id not in FOREIGN]
    await registry.close()
    return names


async def task_run(data: Path, task: str, run: str) -> Figures:
    """Run a task until it is finished: one that visits everything goes on in several runs. The
    first run has the events of all releases before it, and the next one nothing new."""
    os.environ["BALLROOM_LOG_LEVEL"] = "error"
    registry = build_registry(Settings(data=data))
    began = time.monotonic()
    used = time.process_time()
    report = await _reported(registry.maintenance.task_runner.run(task))
    while report.unfinished:
        report = await _reported(registry.maintenance.task_runner.run(task))
    assert task != REPAIRS or not report.changed, report
    figures = {
        f"{task}, {run}, s": time.monotonic() - began,
        f"{task}, {run}, processor s": time.process_time() - used,
    }
    await registry.close()
    return figures


async def _reported(run: Awaitable[TaskReport | None]) -> TaskReport:
    report = await run
    assert report is not None
    assert not report.problems, report.problems
    return report


if __name__ == "__main__":
    main()
