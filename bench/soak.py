"""Soak: mixed load for 25 minutes; memory, descriptors and threads of every worker stay flat.

Seventy reads a second (`PACE`) of archives, searches and pages, and two pushes (`PUSHES`), over two
workers and the embedded stores. After the first ten minutes (a third of a shorter run) the memory
of a worker grows by at most 10 MB, and its descriptors and threads by 5 %. The run fails otherwise,
and when a request fails.
"""

import http.client
import itertools
import os
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

import httpx

from bench.support.servers import Server, ballroom, push, workspace
from tests.support.archives import bala

WORKERS = 2
PACKAGES = 40
VERSIONS = 5
READERS = 4
READS_PER_SECOND = int(os.environ.get("PACE", "70"))
PUSHES_PER_SECOND = float(os.environ.get("PUSHES", "2"))
SAMPLE_SECONDS = 5.0
SHOWN_SECONDS = 60.0
WARM_MINUTES = 10.0
WINDOW = 6  # Samples whose median is compared: half a minute.
MB_ALLOWED = 10.0
ALLOWED = 1.05
# Allowed growth of small counts, in which 5 % is less than one.
SLACK = {"descriptors": 4.0, "threads": 2.0}


@dataclass(frozen=True)
class Sample:
    """The resources of a worker at one time."""

    at: float
    figures: dict[str, float]


@dataclass
class Tally:
    """Counts of what the clients did."""

    done: Counter[str] = field(default_factory=Counter[str])
    failed: Counter[str] = field(default_factory=Counter[str])

    def note(self, kind: str, status: int) -> None:
        """Count an answer."""
        self.done[kind] += 1
        if status not in (200, 204, 302, 304):
            self.failed[f"{kind} {status}"] += 1


def main() -> None:
    """Load, print a line a minute, and exit with 1 when something grew or failed."""
    minutes = float(os.environ.get("MINUTES", "25"))
    with workspace() as folder, ballroom(folder, workers=WORKERS) as server:
        paths = seed(server)
        tally, samples = run(server, paths, minutes * 60)
    warm = min(WARM_MINUTES * 60, minutes * 60 / 3)
    print(f"\n{tally.done.total():,} requests: {dict(tally.done)}; failed: {dict(tally.failed)}")
    grown = [line for pid, taken in samples.items() for line in judge(pid, taken, warm)]
    if grown or tally.failed:
        sys.exit("not flat" if grown else "requests failed")


def seed(server: Server) -> dict[str, list[str]]:
    """Publish some packages, and return the paths to read by kind."""
    paths: dict[str, list[str]] = defaultdict(list)
    with httpx.Client(timeout=60) as client:
        for number, minor in itertools.product(range(PACKAGES), range(VERSIONS)):
            push(server, client, bala(f"acme/soak{number}:1.{minor}.0", padding=20_000))
        for number, minor in itertools.product(range(PACKAGES), range(VERSIONS)):
            package = f"/2.0/registry/packages/acme/soak{number}"
            paths["pull"].append(f"{package}/1.{minor}.0")
            paths["latest"].append(f"{package}/*")
            paths["versions"].append(package)
            paths["page"].append(f"/packages/acme/soak{number}/1.{minor}.0")
            paths["search"].append(f"/search?q=soak{number}+{minor}")
            paths["api search"].append(
                f"/2.0/registry/search-packages?q=soak{number}&limit={minor}"
            )
            found = client.get(f"{server.url}{package}/1.{minor}.0", headers=_BINARY)
            paths["archive"].append(urlsplit(found.headers["location"]).path)
        paths["home"].append("/")
    return paths


_BINARY = {"Accept": "application/octet-stream"}


def run(
    server: Server, paths: dict[str, list[str]], seconds: float
) -> tuple[Tally, dict[int, list[Sample]]]:
    """Load the server, and return what was done and what its workers took meanwhile."""
    tally = Tally()
    stop = Event()
    readers = [Thread(target=read, args=(server, paths, tally, stop, n)) for n in range(READERS)]
    threads = [*readers, Thread(target=publish, args=(server, tally, stop))]
    for thread in threads:
        thread.start()
    try:
        samples = watch(server, tally, seconds)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return tally, samples


def read(
    server: Server, paths: dict[str, list[str]], tally: Tally, stop: Event, number: int
) -> None:
    """Ask for one thing after the other; a new connection now and then, as clients make them."""
    kinds = list(paths)
    choose = random.Random(number)  # noqa: S311 - it chooses paths.
    netloc = urlsplit(server.url).netloc
    while not stop.is_set():
        client = http.client.HTTPConnection(netloc, timeout=60)
        for _ in range(choose.randint(1, 200)):
            kind = choose.choice(kinds)
            path = choose.choice(paths[kind])
            anew = f"{'&' if '?' in path else '?'}n={choose.random()}" if kind == "page" else ""
            client.request("GET", path + anew, headers=_BINARY if kind == "pull" else {})
            answer = client.getresponse()
            answer.read()
            tally.note(kind, answer.status)
            if stop.wait(READERS / READS_PER_SECOND):
                break
        client.close()


def publish(server: Server, tally: Tally, stop: Event) -> None:
    """Publish versions at their pace."""
    with httpx.Client(timeout=60) as client:
        for number in itertools.count():
            name = f"acme/soak{number % PACKAGES}:2.{number // PACKAGES}.0"
            try:
                push(server, client, bala(name, padding=20_000))
                tally.note("push", 204)
            except httpx.HTTPStatusError as refused:
                tally.note("push", refused.response.status_code)
            except httpx.TransportError as lost:
                tally.failed[f"push {type(lost).__name__}"] += 1
            if stop.wait(1 / PUSHES_PER_SECOND):
                return


def watch(server: Server, tally: Tally, seconds: float) -> dict[int, list[Sample]]:
    """Sample every worker until the time is over, and print a line a minute."""
    samples: dict[int, list[Sample]] = defaultdict(list)
    began = time.monotonic()
    shown = 0.0
    while (at := time.monotonic() - began) < seconds:
        for pid in workers_of(server.pid):
            samples[pid].append(Sample(at, figures_of(pid)))
        if at >= shown:
            shown += SHOWN_SECONDS
            print(f"{at / 60:5.1f} min {tally.done.total():9,} requests", end="")
            for taken in samples.values():
                print(
                    "  |",
                    ", ".join(f"{n:.1f} {what}" for what, n in taken[-1].figures.items()),
                    end="",
                )
            print(flush=True)
        time.sleep(SAMPLE_SECONDS)
    return samples


def workers_of(pid: int) -> list[int]:
    """Return the processes that a parent started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def figures_of(pid: int) -> dict[str, float]:
    """Return the resources of a process: its private memory, without mapped files."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return {
        "MB": int(status["RssAnon"].split()[0]) * 1024 / 1e6,
        "descriptors": float(len(list(Path(f"/proc/{pid}/fd").iterdir()))),
        "threads": float(status["Threads"]),
    }


def judge(pid: int, samples: list[Sample], warm: float) -> list[str]:
    """Print how far each figure grew since the process was warm; return those that grew."""
    settled = [each for each in samples if each.at >= warm]
    grown: list[str] = []
    for what in settled[0].figures:
        values = [each.figures[what] for each in settled]
        before = statistics.median(values[:WINDOW])
        after = statistics.median(values[-WINDOW:])
        most = before + MB_ALLOWED if what == "MB" else max(before * ALLOWED, before + SLACK[what])
        line = f"worker {pid}: {what} {before:.1f} -> {after:.1f} ({after - before:+.1f})"
        print(line if after <= most else f"{line}, and {most - before:+.1f} are allowed")
        grown += [line] if after > most else []
    return grown


if __name__ == "__main__":
    main()
