"""Traffic as companies have it: tokens, private packages, and pushes in between, beside verdaccio.

The first hop of pulls of 600 packages, and of those that the real index lists, first one after the
other, then as Zipf has them: without credentials, with a token, and of private packages with a
token, while nobody pushes, one release a second is pushed, or five. `PACKAGES="600 index"` are the
packages, `WORKERS="1 2 4"` serves with so many processes, `SECONDS=5` is how long each row takes.
`QUICK=1` leaves out Zipf, the real index, and verdaccio but for one process: five minutes.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count, product

import httpx

from bench.support.load_generator import Load, load_each, require_wrk
from bench.support.processor_time import wait_until_idle
from bench.support.real_packages import by_dependents
from bench.support.sample_packages import PUSHERS
from bench.support.servers import (
    Server,
    ballroom,
    create_organization,
    push,
    verdaccio,
    workspace,
)
from bench.throughput_beside_peers import publish_npm
from shared.domain.errors.base import InvalidName
from shared.domain.names import parse_package_name
from shared.domain.packages import Release
from tests.support.archives import bala

INVENTED = 600
ZIPF_DRAWS = 20_000
PUSHED_BYTES = 10_000
RATES = (0, 1, 5)  # Pushes a second.
ARCHIVE = {"Accept": "application/octet-stream"}
QUICK = os.environ.get("QUICK", "") == "1"
SECONDS = int(os.environ.get("SECONDS", "4" if QUICK else "5"))
PACKAGES = os.environ.get("PACKAGES", "600" if QUICK else "600 index").split()

_SEED = 7
_PRIVATE = "_private"


@dataclass(frozen=True)
class Package:
    """A package to publish and to pull: its private twin is in an organization of its own."""

    org: str
    name: str
    modules: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()

    def private(self) -> "Package":
        return replace(self, org=f"{self.org}{_PRIVATE}", modules=(), dependencies=())

    @property
    def is_private(self) -> bool:
        return self.org.endswith(_PRIVATE)


@dataclass(frozen=True)
class Traffic:
    """Who requests what: public or private packages, with a token or without."""

    name: str
    is_private: bool
    has_token: bool

    def of(self, packages: Sequence[Package]) -> Sequence[Package]:
        return [each.private() for each in packages] if self.is_private else packages


TRAFFIC = (
    Traffic("anonymous", is_private=False, has_token=False),
    Traffic("with a token", is_private=False, has_token=True),
    Traffic("private, with a token", is_private=True, has_token=True),
)


def _versions() -> Iterator[int]:
    return count(time.time_ns() // 1_000_000 % 1_000_000_000)


@dataclass(frozen=True)
class Subject:
    """A registry under load: its paths, its credentials, and how a release is pushed to it."""

    name: str
    server: Server
    path: str  # With the organization and the name of a package.
    token: str
    publish: Callable[[httpx.Client, Package, int], None]  # With the number of a version.
    versions: Iterator[int] = field(default_factory=_versions)

    def load(self, traffic: Traffic, packages: Sequence[Package]) -> Load:
        """Pull these packages, one after the other."""
        pulled = traffic.of(packages)
        paths = [self.path.format(org=each.org, name=each.name) for each in pulled]
        credentials = {"Authorization": f"Bearer {self.token}"} if traffic.has_token else {}
        return load_each(self.server.url, paths, headers=ARCHIVE | credentials, seconds=SECONDS)

    def push(self, client: httpx.Client, packages: Sequence[Package]) -> float:
        """Push a release of one of the packages, and return how many milliseconds it took."""
        begin = time.perf_counter()
        version = next(self.versions)
        self.publish(client, packages[version * 7 % len(packages)], version)
        return (time.perf_counter() - begin) * 1_000


@dataclass
class Pushes:
    """How long pushes took, in milliseconds."""

    taken: list[float] = field(default_factory=list[float])

    def __str__(self) -> str:
        if not self.taken:
            return ""
        first = self.taken[0]
        p50 = self.quantile(0.5)
        p99 = self.quantile(0.99)
        return f"  {len(self.taken)} pushes: first {first:.0f}, p50 {p50:.0f}, p99 {p99:.0f} ms"

    def quantile(self, share: float) -> float:
        """Return how long this share of the pushes took at most."""
        return sorted(self.taken)[int(len(self.taken) * share)]


@contextmanager
def pushing(subject: Subject, packages: Sequence[Package], rate: int) -> Generator[Pushes]:
    """Push so many releases of these packages a second while the block lasts."""
    pushes = Pushes()
    ended = threading.Event()

    def run() -> None:
        with httpx.Client(timeout=60) as client:
            begin = time.perf_counter()
            for number in count():
                if ended.wait(max(0.0, begin + number / rate - time.perf_counter())):
                    return
                pushes.taken.append(subject.push(client, packages))

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


Rows = Mapping[tuple[Traffic, int], Row]  # The rows by kind of traffic and pushes a second.


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
        for named in PACKAGES:
            packages = real() if named == "index" else invented(int(named))
            _run(named, packages, workers)


def _run(named: str, packages: Sequence[Package], workers: int) -> None:
    """Fill the registries with these packages, and print the rows of this many processes."""
    with ExitStack() as running:
        folder = running.enter_context(workspace())
        ours = running.enter_context(ballroom(folder, workers=workers))
        _create_organizations(ours, packages)
        subjects = [_ours("ballroom", ours)]
        if workers == 1 or not QUICK:
            npm = running.enter_context(verdaccio(folder, private=f"@*{_PRIVATE}/*"))
            subjects.append(_npm(npm))
        for subject in subjects:
            _fill(subject, packages)
        orders = {"different": packages, "Zipf": _zipf(packages)}
        for order in ["different"] if QUICK else orders:
            processes = "one process" if workers == 1 else f"{workers} processes"
            what = "the real index" if named == "index" else "invented"
            print(f"\n{len(packages):,} packages, {what}, {order}, {processes}", flush=True)
            _show_aims(_measure(subjects, packages, orders[order]))


def invented(count: int) -> Sequence[Package]:
    """Return so many packages of one organization."""
    return [Package("acme", f"p{number}") for number in range(count)]


def real() -> Sequence[Package]:
    """Return the packages of the real index as their newest releases are, those that most others
    depend on first. The index has names that no client accepts."""
    newest = (each.releases[0] for each in by_dependents())
    return [
        Package(
            release.org,
            release.name,
            tuple(each for each in release.modules if each != release.name),
            tuple(f"{each.org}/{each.name}:{each.version}" for each in release.dependencies),
        )
        for release in newest
        if _has_valid_name(release)
    ]


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


def _has_valid_name(release: Release) -> bool:
    try:
        return bool(parse_package_name(release.name))
    except InvalidName:
        return False


def _zipf(packages: Sequence[Package]) -> Sequence[Package]:
    weights = [1 / rank for rank in range(1, len(packages) + 1)]
    return random.Random(_SEED).choices(packages, weights, k=ZIPF_DRAWS)  # noqa: S311


def _ours(name: str, server: Server) -> Subject:
    def publish(client: httpx.Client, package: Package, version: int) -> None:
        archive = bala(
            f"{package.org}/{package.name}:1.0.{version}",
            visibility="private" if package.is_private else "public",
            modules=package.modules,
            dependencies=package.dependencies,
            padding=PUSHED_BYTES,
        )
        push(server, client, archive)

    path = "/2.0/registry/packages/{org}/{name}/1.0.0"
    return Subject(name, server, path, server.token, publish)


def _npm(server: Server) -> Subject:
    with httpx.Client() as client:
        user = {"name": "ann", "password": "correct horse"}
        answer = client.put(f"{server.url}/-/user/org.couchdb.user:ann", json=user)
        token = str(answer.raise_for_status().json()["token"])

    def publish(client: httpx.Client, package: Package, version: int) -> None:
        client.headers["Authorization"] = f"Bearer {token}"
        name = f"@{package.org}/{package.name}"
        publish_npm(server, client, f"1.0.{version}", b"x" * PUSHED_BYTES, name=name)

    return Subject("verdaccio", server, "/@{org}%2f{name}/1.0.0", token, publish)


def _create_organizations(ours: Server, packages: Sequence[Package]) -> None:
    orgs = {each.org for package in packages for each in (package, package.private())}
    with httpx.Client(timeout=60) as client:
        for org in orgs:
            create_organization(ours, client, org)


def _fill(subject: Subject, packages: Sequence[Package]) -> None:
    """Publish the packages, and wait until their documentation is made."""
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(PUSHERS) as pool:
        every = [*packages, *(each.private() for each in packages)]
        list(pool.map(lambda each: subject.publish(client, each, 0), every))
    wait_until_idle(subject.server, of=b"")


def _measure(
    subjects: Sequence[Subject], packages: Sequence[Package], pulled: Sequence[Package]
) -> Rows:
    rows = dict[tuple[Traffic, int], Row]()
    for traffic, rate in product(TRAFFIC, RATES):
        print(f"  {traffic.name}, {rate} pushes a second")
        loads = list[tuple[Load, Pushes]]()
        for subject in subjects:
            with pushing(subject, traffic.of(packages), rate) as pushes:
                measured = subject.load(traffic, pulled)
            print(f"    {subject.name:10} {measured}{pushes}", flush=True)
            loads.append((measured, pushes))
        (ours, pushes), *peers = loads
        peer = peers[0][0] if peers else None
        rows[traffic, rate] = Row(ours, pushes, peer)
        if peer:
            ratio = ours.per_second / peer.per_second
            print(f"    {ratio:.1f}x {subjects[1].name}", flush=True)
    return rows


if __name__ == "__main__":
    main()
