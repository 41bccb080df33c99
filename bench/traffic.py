"""Traffic as companies have it: tokens, private packages, and pushes in between, beside verdaccio.

The first hop of pulls of 600 packages, first one after the other, then as Zipf has them: without
credentials, with a token, and of private packages with a token, while nobody pushes, one release a
second is pushed, or five. `WORKERS="1 2"` serves with so many processes, `SECONDS=5` is how long
each row takes.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
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
SECONDS = int(os.environ.get("SECONDS", "5"))

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
        ordered = sorted(self.taken)
        p50, p99 = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
        return f"  {len(ordered)} pushes: p50 {p50:.0f}, p99 {p99:.0f} ms"


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


def main() -> None:
    require_wrk()
    for workers in map(int, os.environ.get("WORKERS", "1 2").split()):
        with (
            workspace() as folder,
            ballroom(folder, workers=workers) as ours,
            verdaccio(folder, private="closed*") as npm,
        ):
            subjects = _ours(ours), _npm(npm)
            for subject in subjects:
                _fill(subject)
            for order, numbers in (("different", range(PACKAGES)), ("Zipf", _zipf())):
                print(f"\n{order}, {workers} {'worker' if workers == 1 else 'workers'}", flush=True)
                _compare(subjects, numbers)


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


def _compare(subjects: tuple[Subject, Subject], numbers: Sequence[int]) -> None:
    quiet: dict[str, float] = {}
    for traffic, rate in product(TRAFFIC, RATES):
        print(f"  {traffic.name}, {rate} pushes a second")
        ours, peer = (_row(each, traffic, rate, numbers) for each in subjects)
        quiet.setdefault(traffic.name, ours.per_second)
        print(
            f"    {ours.per_second / peer.per_second:.1f}x verdaccio,"
            f" {ours.per_second / quiet[traffic.name]:.2f} of the same without pushes,"
            f" {ours.per_second / quiet[TRAFFIC[0].name]:.2f} of anonymous without pushes",
            flush=True,
        )


def _row(subject: Subject, traffic: Traffic, rate: int, numbers: Sequence[int]) -> Load:
    with pushing(subject, traffic, rate) as pushes:
        measured = subject.load(traffic, numbers)
    print(f"    {subject.server.name:10} {measured}{pushes}", flush=True)
    return measured


if __name__ == "__main__":
    main()
