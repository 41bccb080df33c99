"""Scale: what a registry of 100,000 packages costs beside one of 2,000, on one machine.

Both are written directly (`bench/scale_data.py`), with ten releases a package and one package of
10,000 versions, and are measured one after the other: start, memory, answers, pushes, backup,
restore, upgrade and the maintenance tasks of a night. The last column is how many times as large a
figure is as the one of the small registry; what is above twice is marked, and docs/run/size.md says
what grows by nature. `PACKAGES=10000 RELEASES=100000` takes another size. `FOLDER=DIR` keeps both
registries there for the next run, which measures them as they are left.

Answers are the processor time of the server, which does not depend on what else the machine does;
nothing is repeated from memory. Pushes, commands and tasks are seconds on the clock, with those of
the processor in rows of their own where both are told.
"""

import asyncio
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from shutil import rmtree
from typing import ParamSpec
from unittest.mock import patch

import httpx

from bench.processor_time import OURS, processor_seconds, wait_until_idle
from bench.scale_data import LARGEST, MANY, PUBLIC, fill
from bench.servers import ROOT, Server, ballroom, push, workspace
from bench.synthetic_packages import Synthetic
from shared.adapters.filesystem import DataFolder
from shared.adapters.sqlite.database import MIGRATIONS
from shared.bootstrap import build_registry
from shared.services.maintenance import tasks
from shared.settings import Settings
from tests.support.archives import bala
from tests.support.upstreams import BASE

# Packages and releases. The small registry has as many releases a package as the large one.
LARGE = (int(os.environ.get("PACKAGES", "100000")), int(os.environ.get("RELEASES", "1000000")))
SMALL = (2_000, 2_000 * LARGE[1] // LARGE[0])
FOLDER = os.environ.get("FOLDER", "")

REQUESTS = 200  # Of each kind, each for a package or for words that nobody asked for before.
REPEATS = 15  # Of an answer that is the same for everybody.
PUSHES = 60
PUSHED_BYTES = 10_000
OLDEST = 10  # The schema of the upgrade: the first one with the tables of today.
MARKED_ABOVE = 2.0
TASK_TIME = timedelta(minutes=1)  # Of one run of a task that visits everything.
FOREIGN = frozenset({"renew-sigstore-root"})  # Tasks that ask other servers.
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
            print(f"{packages:,} packages, {releases:,} releases", flush=True)
            found.append(dict(measured(place, packages, releases)))
            if not FOLDER:
                rmtree(place)
        show(*found)


def show(small: Figures, large: Figures) -> None:
    print(f"\n{'':44}{f'{SMALL[0]:,}':>12}{f'{LARGE[0]:,}':>12}{'times':>8}")
    for name, figure in large.items():
        before = small.get(name, 0.0)
        times = figure / before if before else 0.0
        mark = " above twice" if times > MARKED_ABOVE else ""
        print(f"{name:44}{before:12,.2f}{figure:12,.2f}{times:8.2f}{mark}")


def measured(place: Path, packages: int, releases: int) -> Iterator[tuple[str, float]]:
    """Yield the figures of a registry by their names, and print each."""
    data = place / "data"
    if not DataFolder(data).database.exists():
        yield from told({"data folder written, s": fill(place, packages, releases)})
    yield from told(started(place))
    for measure in (answers, pushes, pages_after_a_push):
        with ballroom(place, answer_memory="false") as server:
            wait_until_idle(server)
            yield from told(measure(server))
    yield from told(stored(data))
    yield from told(commands(place, data))
    yield from told(upgrade(place, data))
    yield from told(asyncio.run(night(data)))


def told(figures: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    for name, figure in figures.items():
        print(f"  {name:44}{figure:12,.2f}", flush=True)
        yield name, figure


# --- start and memory ----------------------------------------------------------------------------


def started(place: Path) -> Figures:
    """Let the start make the search index, if there is none, and start again."""
    figures = Figures()
    if not DataFolder(place / "data").search.exists():
        made = timed(place / "data", "-c", _PREPARE)
        figures["search index made by the start, s"] = made.seconds
        figures["search index made, processor s"] = made.processor
    began = time.monotonic()
    with ballroom(place) as server, httpx.Client() as client:
        client.get(f"{server.url}/health/ready").raise_for_status()
        figures["start until it answers, s"] = time.monotonic() - began
        figures["start, processor s"] = processor_seconds(server.pid)
        wait_until_idle(server)
        figures["memory after the start, MB"] = memory_mb(server)
        names = public_packages(place / "data")[: 10 * REQUESTS]
        for name in names:
            client.get(f"{server.url}{BASE}/packages/{name}/*", headers=ARCHIVE)
            client.get(f"{server.url}/packages/{name}", headers=PAGE)
        figures["memory after 2,000 pulls and pages, MB"] = memory_mb(server)
    return figures


_PREPARE = """
from shared.localhost import prepare
from shared.settings import Settings
prepare(Settings.load())
"""


def memory_mb(server: Server) -> float:
    """Return the resident memory of the processes of a registry."""
    kilobytes = 0
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if OURS in (each / "cmdline").read_bytes() and str(server.pid) == each.name:
                status = dict(line.split(":", 1) for line in (each / "status").open())
                kilobytes += int(status["VmRSS"].split()[0])
        except OSError:
            continue  # It has ended meanwhile.
    return kilobytes / 1_000


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
            times = [cost_ms(server, client, *make()) for _ in range(count)]
            figures[f"{name}, ms"] = statistics.median(times)
            if count == REPEATS:
                figures[f"{name}, first, ms"] = times[0]
            else:
                figures[f"{name}, p99, ms"] = p99(times)
        figures["memory after all of them, MB"] = memory_mb(server)
    return figures


def cost_ms(server: Server, client: httpx.Client, path: str, headers: Mapping[str, str]) -> float:
    """Return the milliseconds of processor that the server took for a request."""
    before = processor_seconds(server.pid)
    answer = client.get(path, headers=headers)
    taken = processor_seconds(server.pid) - before
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
        for name, coordinates in kinds.items():
            archives = [bala(each, padding=PUSHED_BYTES) for each in coordinates]
            before = processor_seconds(server.pid)
            times = [1_000 * seconds_of(push, server, client, each) for each in archives]
            figures[f"{name}, ms on the clock"] = statistics.median(times)
            figures[f"{name}, slowest, ms on the clock"] = max(times)
            wait_until_idle(server)
            taken = 1_000 * (processor_seconds(server.pid) - before)
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
            for number in range(REPEATS):
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
    for name, (folder, *arguments) in runs.items():
        rmtree(restored, ignore_errors=True)
        taken = timed(folder, "-m", "shared.cli", *arguments)
        figures[f"{name}, s"] = taken.seconds
        figures[f"{name}, processor s"] = taken.processor
    rmtree(copy)
    rmtree(restored)
    return figures


def upgrade(place: Path, data: Path) -> Figures:
    """Upgrade the records from an old schema. Archives are left out, as the copy before an upgrade
    links them."""
    old = place / "old"
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
from shared.bootstrap import migrate
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


# What the schema of before had not: histories of packages.
_LATER_ROWS = {"event_streams": "WHERE stream NOT LIKE 'package:%'"}


def columns_of(connection: sqlite3.Connection, schema: str) -> dict[str, list[str]]:
    tables = connection.execute(f"SELECT name FROM {schema}.sqlite_schema WHERE type = 'table'")  # noqa: S608
    return {
        table: [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({table})")]
        for (table,) in tables.fetchall()
    }


# --- the tasks of a night ------------------------------------------------------------------------


async def night(data: Path) -> Figures:
    """Run each task twice: the first run has the events of all releases before it, and the second
    one nothing new. Of a task that visits everything, what one run did not reach is added by its
    rate."""
    figures = Figures()
    os.environ["BALLROOM_LOG_LEVEL"] = "error"
    registry = build_registry(Settings(data=data))
    with short_runs():
        for run in ("first run", "next run"):
            for task in registry.maintenance.tasks.values():
                if task.schedule is None or task.id in FOREIGN:
                    continue
                began = time.monotonic()
                used = time.process_time()
                report = await registry.maintenance.upkeep.run(task.id)
                assert report is not None
                assert not report.problems, report.problems
                whole = share_left(data, task.id) if report.unfinished else 1.0
                figures[f"{task.id}, {run}, s"] = whole * (time.monotonic() - began)
                figures[f"{task.id}, {run}, processor s"] = whole * (time.process_time() - used)
    await registry.close()
    return figures


@contextmanager
def short_runs() -> Generator[None]:
    with patch.object(tasks, "RUN_TIME", TASK_TIME):
        yield


def share_left(data: Path, task: str) -> float:
    """Return how many times as long as one run all takes, by the checkpoint of the task."""
    with closing(sqlite3.connect(DataFolder(data).database)) as connection:
        statement = "SELECT value FROM work WHERE kind = 'upkeep-mark' AND key = ?"
        [after] = connection.execute(statement, (task,)).fetchone()
        [visited] = connection.execute(
            "SELECT count(*) FROM heads WHERE pk <= ?", (after,)
        ).fetchone()
        [packages] = connection.execute("SELECT count(*) FROM heads").fetchone()
    return packages / visited


if __name__ == "__main__":
    main()
