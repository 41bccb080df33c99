"""This tree beside an earlier commit: the same requests to both registries, in turns.

`REVISION=7247401b` is the commit; without it the benchmark ends at once. A round measures one
registry right after the other, and the next round begins with the other one, so that what else the
machine does falls on both. A row has the median of each registry in `ROUNDS=15` rounds, and the
median of the rounds' shares. Exits with 1 if a share is below `LEAST=0.95`. One release of a
mirrored package is pulled before.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count

import httpx

from bench.support.load_generator import load, load_each, require_wrk
from bench.support.processor_time import wait_until_idle
from bench.support.revisions import checked_out
from bench.support.servers import Server, ballroom, create_organization, push, workspace
from tests.support.archives import bala
from tests.support.upstreams import BASE, FakeUpstream

REVISION = os.environ.get("REVISION", "")
ROUNDS = int(os.environ.get("ROUNDS", "15"))
SECONDS = int(os.environ.get("SECONDS", "1"))
LEAST = float(os.environ.get("LEAST", "0.95"))

PACKAGES = 100
VERSIONS = 20
PUSHES = 15  # Pushes of each size in a round.
ARCHIVE = {"Accept": "application/octet-stream"}


@dataclass(frozen=True)
class Subject:
    """One of the two registries, and the numbers of versions that were not pushed to it yet."""

    server: Server
    token: str
    versions: "count[int]" = field(default_factory=count)

    @property
    def base(self) -> str:
        return f"{self.server.url}{BASE}"

    def reads(self, path: str, **headers: str) -> float:
        """Return the requests of one path a second."""
        return load(f"{self.base}{path}", headers=headers, seconds=SECONDS).per_second

    def pulls(self, org: str, *, has_token: bool) -> float:
        """Return the first hops of pulls a second, of one package after the other."""
        paths = [f"{BASE}/packages/{org}/p{number}/1.0.0" for number in range(PACKAGES)]
        headers = ARCHIVE | ({"Authorization": f"Bearer {self.token}"} if has_token else {})
        return load_each(self.server.url, paths, headers=headers, seconds=SECONDS).per_second

    def pushes(self, size: int) -> float:
        """Return how many releases of this size one client pushes a second."""
        archives = [
            bala(f"acme/pushed:2.0.{next(self.versions)}", padding=size) for _ in range(PUSHES)
        ]
        with httpx.Client(timeout=120) as client:
            taken = list[float]()
            for archive in archives:
                began = time.perf_counter()
                push(self.server, client, archive)
                taken.append(time.perf_counter() - began)
        # So that the work of this registry does not slow down the other one, which is measured
        # next.
        wait_until_idle(self.server, of=b"")
        return 1 / statistics.median(taken)

    def resolves(self) -> float:
        wanted = [{"org": "acme", "name": f"p{number}"} for number in range(50)]
        body = json.dumps({"packages": wanted}).encode()
        url = f"{self.base}/packages/resolve-dependencies"
        return load(url, body=body, connections=1, seconds=SECONDS).per_second


ROWS: dict[str, Callable[[Subject], float]] = {
    "pulls, anonymous": lambda s: s.pulls("acme", has_token=False),
    "pulls, with a token": lambda s: s.pulls("acme", has_token=True),
    "pulls, private": lambda s: s.pulls("acme_private", has_token=True),
    "pulls, mirrored": lambda s: s.reads("/packages/ballerina/theirs/1.0.0", **ARCHIVE),
    "metadata": lambda s: s.reads("/packages/acme/many/1.0.3"),
    "versions": lambda s: s.reads("/packages/acme/many"),
    "resolving 50 packages": Subject.resolves,
    "search": lambda s: s.reads("/packages?q=p7"),
    "pushes, 10 KB": lambda s: s.pushes(10_000),
    "pushes, 1 MB": lambda s: s.pushes(1_000_000),
}


def main() -> None:
    if not REVISION:
        print("REVISION names the commit to measure beside this tree.")
        return
    require_wrk()
    upstream = FakeUpstream()
    upstream.publish("ballerina/theirs:1.0.0")
    with ExitStack() as running:
        running.enter_context(upstream.serving())
        folder = running.enter_context(workspace())
        tree = running.enter_context(checked_out(REVISION))
        (apart := folder / "before").mkdir()
        url = upstream.url
        ours = running.enter_context(ballroom(folder, upstream=url, limit_mirror=""))
        before = ballroom(apart, root=tree.root, python=tree.python, upstream=url, limit_mirror="")
        theirs = running.enter_context(before)
        subjects = [Subject(each, each.token) for each in (ours, theirs)]
        for each in subjects:
            fill(each)
        shares = [compare(name, measure, subjects) for name, measure in ROWS.items()]
    if min(shares) < LEAST:
        sys.exit(f"A row is below {LEAST} of {REVISION}.")


def fill(subject: Subject) -> None:
    """Publish what is read, and pull the mirrored release."""
    with httpx.Client(timeout=60) as client:
        for org in ("acme", "acme_private"):
            create_organization(subject.server, client, org)
            visibility = "private" if org != "acme" else "public"
            for number in range(PACKAGES):
                push(subject.server, client, bala(f"{org}/p{number}:1.0.0", visibility=visibility))
        for patch in range(VERSIONS):
            push(subject.server, client, bala(f"acme/many:1.0.{patch}"))
        path = f"{subject.base}/packages/ballerina/theirs/1.0.0"
        assert client.get(path, headers=ARCHIVE).status_code == 302
    wait_until_idle(subject.server, of=b"")


def compare(name: str, measure: Callable[[Subject], float], subjects: Sequence[Subject]) -> float:
    """Print both medians a second of a row, and return the median of our shares of the other's."""
    ours, theirs = subjects
    rounds = list[tuple[float, float]]()
    for number in range(ROUNDS):
        if number % 2:
            other = measure(theirs)
            rounds.append((measure(ours), other))
        else:
            rounds.append((measure(ours), measure(theirs)))
    our_median, their_median = (statistics.median(each) for each in zip(*rounds, strict=True))
    share = statistics.median(our / their for our, their in rounds)
    print(f"{name:24} {our_median:9.1f}  {their_median:9.1f}  {share:6.2f}", flush=True)
    return share


if __name__ == "__main__":
    main()
