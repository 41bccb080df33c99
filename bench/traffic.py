"""Traffic as companies have it: tokens, private packages, and pushes in between, beside verdaccio.

The first hop of pulls of 600 packages, first one after the other, then as Zipf has them: without
credentials, with a token, and of private packages with a token, while nobody pushes, one release a
second is pushed, or five. `WORKERS="1 2 4"` serves with so many processes, `SECONDS=5` is how long
each row takes. `QUICK=1` leaves out Zipf, and verdaccio but for one process: five minutes.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count, product

import httpx

from bench.load_generator import Load, load_each, require_wrk
from bench.reads import publish_npm
from bench.servers import Server, ballroom, push, token_of, verdaccio, workspace
from tests.support.archives import bala

PACKAGES = 600
ZIPF_DRAWS = 20_000
PUSHED_BYTES = 10_000
RATES = (0, 1, 5)  # Pushes a second.
ARCHIVE = {"Accept": "application/octet-stream"}
QUICK = os.environ.get("QUICK", "") == "1"
SECONDS = int(os.environ.get("SECONDS", "4" if QUICK else "5"))

_SEED = 7


@dataclass(frozen=True)
class Traffic:
    """Who requests what: packages by the prefix of their names, with a token or without."""

    name: str
    prefix: str
    has_token: bool


TRAFFIC = (
    Traffic("anonymous", "open", has_token=False),
    Traffic("with a token", "open", has_token=True),
    Traffic("private, with a token", "closed", has_token=True),
)


def _versions() -> Iterator[int]:
    return count(time.time_ns() // 1_000_000 % 1_000_000_000)


@dataclass(frozen=True)
class Subject:
    """A registry under load: its paths, its credentials, and how a release is pushed to it."""

    server: Server
    path: str  # With the name of a package.
    token: str
    publish: Callable[[httpx.Client, str, int], None]  # A name, and the number of a version.
    versions: Iterator[int] = field(default_factory=_versions)

    def load(self, traffic: Traffic, numbers: Sequence[int]) -> Load:
        """Pull the packages of these numbers, one after the other."""
        paths = [self.path.format(name=f"{traffic.prefix}{each}") for each in numbers]
        credentials = {"Authorization": f"Bearer {self.token}"} if traffic.has_token else {}
        return load_each(self.server.url, paths, headers=ARCHIVE | credentials, seconds=SECONDS)

    def push(self, client: httpx.Client, traffic: Traffic) -> float:
        """Push a release of one of the packages, and return how many milliseconds it took."""
        begin, version = time.perf_counter(), next(self.versions)
        self.publish(client, f"{traffic.prefix}{version * 7 % PACKAGES}", version)
        return (time.perf_counter() - begin) * 1_000


@dataclass
class Pushes:
    """How long pushes took, in milliseconds."""

    taken: list[float] = field(default_factory=list[float])

    def __str__(self) -> str:
        if not self.taken:
            return ""
        p50, p99 = self.quantile(0.5), self.quantile(0.99)
        return f"  {len(self.taken)} pushes: p50 {p50:.0f}, p99 {p99:.0f} ms"

    def quantile(self, share: float) -> float:
        """Return how long this share of the pushes took at most."""
        return sorted(self.taken)[int(len(self.taken) * share)]


@contextmanager
def pushing(subject: Subject, traffic: Traffic, rate: int) -> Generator[Pushes]:
    """Push so many releases a second while the block lasts."""
    pushes, ended = Pushes(), threading.Event()

    def run() -> None:
        with httpx.Client(timeout=60) as client:
            begin = time.perf_counter()
            for number in count():
                if ended.wait(max(0.0, begin + number / rate - time.perf_counter())):
                    return
                pushes.taken.append(subject.push(client, traffic))

    thread = threading.Thread(target=run)
    if rate:
        thread.start()
    try:
        yield pushes
    finally:
        ended.set()
        if rate:
            thread.join()


@dataclass(frozen=True)
class Row:
    """Some traffic at a rate of pushes: what we answered, and verdaccio if it was measured."""

    ours: Load
    pushes: Pushes
    peer: Load | None


Rows = Mapping[tuple[Traffic, int], Row]  # By the pushes a second.


@dataclass(frozen=True)
class Aim:
    """A figure, and what it should be at least, or at most."""

    name: str
    figure: float
    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        is_reached = self.figure >= (self.least or 0) and self.figure <= (self.most or self.figure)
        bound = f"at least {self.least:g}" if self.least else f"at most {self.most:g}"
        verdict = "reached" if is_reached else "MISSED"
        return f"  {verdict:8}{self.figure:8.2f}  {bound:13}  {self.name}"


def main() -> None:
    require_wrk()
    for workers in map(int, os.environ.get("WORKERS", "1 2 4").split()):
        with ExitStack() as running:
            folder = running.enter_context(workspace())
            subjects = [_ours(running.enter_context(ballroom(folder, workers=workers)))]
            if workers == 1 or not QUICK:
                npm = running.enter_context(verdaccio(folder, private="closed*"))
                subjects.append(_npm(npm))
            for subject in subjects:
                _fill(subject)
            orders = {"different": range(PACKAGES), "Zipf": _zipf()}
            for order in ["different"] if QUICK else orders:
                print(f"\n{order}, {workers} {'worker' if workers == 1 else 'workers'}", flush=True)
                _show_aims(_measure(subjects, orders[order]))


def _show_aims(rows: Rows) -> None:
    print(f"\n  aims (load average {os.getloadavg()[0]:.1f})")
    for aim in aims(rows):
        print(aim, flush=True)


def aims(rows: Rows) -> Iterator[Aim]:
    """Yield how the figures of one run compare with each other and with verdaccio's."""
    anonymous, token, private = TRAFFIC
    rates = {at: row.ours.per_second for at, row in rows.items()}
    quiet = rates[anonymous, 0]
    for pushes, least in ((1, 0.85), (5, 0.7)):
        share = rates[anonymous, pushes] / quiet
        yield Aim(f"anonymous, {pushes} pushes a second, of nobody pushing", share, least)
    yield Aim("with a token, of anonymous", rates[token, 0] / quiet, 0.7)
    yield Aim("private, of public with a token", rates[private, 0] / rates[token, 0], 0.8)
    for traffic in (token, private):
        if peer := rows[traffic, 1].peer:
            times = rates[traffic, 1] / peer.per_second
            yield Aim(f"{traffic.name}, a push a second, times verdaccio", times, 6)
    pushes = Pushes([taken for row in rows.values() for taken in row.pushes.taken])
    yield Aim("p99 of pushes under load, ms", pushes.quantile(0.99), most=60)
    yield Aim("slowest push under load, ms", max(pushes.taken), most=120)


def _zipf() -> Sequence[int]:
    weights = [1 / rank for rank in range(1, PACKAGES + 1)]
    return random.Random(_SEED).choices(range(PACKAGES), weights, k=ZIPF_DRAWS)  # noqa: S311


def _ours(server: Server) -> Subject:
    def publish(client: httpx.Client, name: str, version: int) -> None:
        visibility = "private" if name.startswith("closed") else "public"
        archive = bala(f"acme/{name}:1.0.{version}", visibility=visibility, padding=PUSHED_BYTES)
        push(server, client, archive)

    path = "/2.0/registry/packages/acme/{name}/1.0.0"
    return Subject(server, path, token_of(server), publish)


def _npm(server: Server) -> Subject:
    with httpx.Client() as client:
        user = {"name": "ann", "password": "correct horse"}
        answer = client.put(f"{server.url}/-/user/org.couchdb.user:ann", json=user)
        token = str(answer.raise_for_status().json()["token"])

    def publish(client: httpx.Client, name: str, version: int) -> None:
        client.headers["Authorization"] = f"Bearer {token}"
        publish_npm(server, client, f"1.0.{version}", b"x" * PUSHED_BYTES, name=name)

    return Subject(server, "/{name}/1.0.0", token, publish)


def _fill(subject: Subject) -> None:
    with httpx.Client(timeout=60) as client:
        for prefix in ("open", "closed"):
            for number in range(PACKAGES):
                subject.publish(client, f"{prefix}{number}", 0)


def _measure(subjects: Sequence[Subject], numbers: Sequence[int]) -> Rows:
    rows = dict[tuple[Traffic, int], Row]()
    for traffic, rate in product(TRAFFIC, RATES):
        print(f"  {traffic.name}, {rate} pushes a second")
        loads = [_load(each, traffic, rate, numbers) for each in subjects]
        (ours, pushes), *peers = loads
        peer = peers[0][0] if peers else None
        rows[traffic, rate] = Row(ours, pushes, peer)
        if peer:
            print(f"    {ours.per_second / peer.per_second:.1f}x verdaccio", flush=True)
    return rows


def _load(
    subject: Subject, traffic: Traffic, rate: int, numbers: Sequence[int]
) -> tuple[Load, Pushes]:
    with pushing(subject, traffic, rate) as pushes:
        measured = subject.load(traffic, numbers)
    print(f"    {subject.server.name:10} {measured}{pushes}", flush=True)
    return measured, pushes


if __name__ == "__main__":
    main()
