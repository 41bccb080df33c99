"""This tree beside an earlier commit: the same requests to both registries, in turns.

`REVISION=7247401b` is the commit; without it the benchmark ends at once. A row of reads has the
server's processor time of one request, which depends little on what else the machine does; a row of
pushes has how long one client waits. A round measures one registry right after the other, and the
next round begins with the other one. Both registries are started `STARTS=3` times, because a
process is some percent faster or slower than the next one of the same code, and each start has
`ROUNDS=5` rounds. A row has the median of each registry, and the median of the rounds' shares.
Exits with 1 if a share is below `LEAST=0.95`. One release of a mirrored package is pulled before.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count

import httpx

from bench.support.load_generator import Load, load, load_each, require_wrk
from bench.support.processor_time import processor_seconds, wait_until_idle
from bench.support.revisions import checked_out
from bench.support.servers import Server, ballroom, create_organization, push, workspace
from tests.support.archives import bala
from tests.support.upstreams import BASE, FakeUpstream

REVISION = os.environ.get("REVISION", "")
STARTS = int(os.environ.get("STARTS", "3"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS", "1"))
LEAST = float(os.environ.get("LEAST", "0.95"))

PACKAGES = 100
VERSIONS = 20
PUSHES = 15  # Pushes of each size in a round.
ARCHIVE = {"Accept": "application/octet-stream"}


@dataclass(frozen=True)
class Subject:
    """One of the two registries while it runs, and the numbers of versions that were not pushed to
    it yet."""

    server: Server
    token: str
    versions: "count[int]"

    @property
    def base(self) -> str:
        return f"{self.server.url}{BASE}"

    def reads(self, path: str, **headers: str) -> float:
        """Return the processor time of a request of one path."""
        return self._cost(partial(load, f"{self.base}{path}", headers=headers))

    def pulls(self, org: str, *, has_token: bool) -> float:
        """Return that of the first hop of a pull, of one package after the other."""
        paths = [f"{BASE}/packages/{org}/p{number}/1.0.0" for number in range(PACKAGES)]
        headers = ARCHIVE | ({"Authorization": f"Bearer {self.token}"} if has_token else {})
        return self._cost(partial(load_each, self.server.url, paths, headers=headers))

    def resolves(self) -> float:
        """Return that of a resolution of 50 packages."""
        wanted = [{"org": "acme", "name": f"p{number}"} for number in range(50)]
        body = json.dumps({"packages": wanted}).encode()
        url = f"{self.base}/packages/resolve-dependencies"
        return self._cost(partial(load, url, body=body, connections=1))

    def pushes(self, size: int) -> float:
        """Return how many microseconds one client waits until a release of this size is
        published."""
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
        return statistics.median(taken) * 1_000_000

    def _cost(self, send: Callable[..., Load]) -> float:
        """Return the microseconds of the server's processor for each request that is sent."""
        before = processor_seconds(self.server.pid)
        sent = send(seconds=SECONDS, warm_seconds=0)
        used = processor_seconds(self.server.pid) - before
        return used / sent.requests * 1_000_000


READS: dict[str, Callable[[Subject], float]] = {
    "pulls, anonymous": lambda s: s.pulls("acme", has_token=False),
    "pulls, with a token": lambda s: s.pulls("acme", has_token=True),
    "pulls, private": lambda s: s.pulls("acme_private", has_token=True),
    "pulls, mirrored": lambda s: s.reads("/packages/ballerina/theirs/1.0.0", **ARCHIVE),
    "metadata": lambda s: s.reads("/packages/acme/many/1.0.3"),
    "versions": lambda s: s.reads("/packages/acme/many"),
    "resolving 50 packages": Subject.resolves,
    "search": lambda s: s.reads("/packages?q=p7"),
}
PUSHED: dict[str, Callable[[Subject], float]] = {
    "pushes, 10 KB": lambda s: s.pushes(10_000),
    "pushes, 1 MB": lambda s: s.pushes(1_000_000),
}
Rounds = list[tuple[float, float]]  # Of this tree and of the other one.


def main() -> None:
    if not REVISION:
        print("REVISION names the commit to measure beside this tree.")
        return
    require_wrk()
    upstream = FakeUpstream()
    upstream.publish("ballerina/theirs:1.0.0")
    measured = dict[str, Rounds]()
    with ExitStack() as running:
        running.enter_context(upstream.serving())
        folder = running.enter_context(workspace())
        tree = running.enter_context(checked_out(REVISION))
        (apart := folder / "before").mkdir()
        serve = partial(ballroom, upstream=upstream.url, limit_mirror="")
        serve_ours = partial(serve, folder)
        serve_theirs = partial(serve, apart, root=tree.root, python=tree.python)
        for each in (serve_ours, serve_theirs):
            with each() as server:
                fill(server)
        versions = (count(), count())
        for start in range(1, STARTS + 1):
            print(f"start {start} of {STARTS}", flush=True)
            with serve_ours() as ours, serve_theirs() as theirs:
                subjects = [
                    Subject(server, server.token, numbers)
                    for server, numbers in zip((ours, theirs), versions, strict=True)
                ]
                for name, rounds in measure_rows(subjects):
                    measured.setdefault(name, []).extend(rounds)
    print(f"{'microseconds':24} {'this tree':>9}  {REVISION[:9]:>9}   share")
    shares = [print_row(name, rounds) for name, rounds in measured.items()]
    if min(shares) < LEAST:
        sys.exit(f"A row is below {LEAST} of {REVISION}.")


def fill(server: Server) -> None:
    """Publish what is read, and pull the mirrored release."""
    with httpx.Client(timeout=60) as client:
        for org in ("acme", "acme_private"):
            create_organization(server, client, org)
            visibility = "private" if org != "acme" else "public"
            for number in range(PACKAGES):
                push(server, client, bala(f"{org}/p{number}:1.0.0", visibility=visibility))
        for patch in range(VERSIONS):
            push(server, client, bala(f"acme/many:1.0.{patch}"))
        path = f"{server.url}{BASE}/packages/ballerina/theirs/1.0.0"
        assert client.get(path, headers=ARCHIVE).status_code == 302
    wait_until_idle(server, of=b"")


def measure_rows(subjects: Sequence[Subject]) -> Iterator[tuple[str, Rounds]]:
    """Yield the rounds of each row with two registries that have just been started."""
    for each in subjects:
        wait_until_idle(each.server, of=b"")
    for name, measure in READS.items():
        for each in subjects:
            measure(each)  # So that answers are in memory.
        yield name, measure_rounds(measure, subjects)
    for name, measure in PUSHED.items():
        yield name, measure_rounds(measure, subjects)


def measure_rounds(measure: Callable[[Subject], float], subjects: Sequence[Subject]) -> Rounds:
    """Measure both registries in turns; each is the first one in every other round."""
    ours, theirs = subjects
    rounds = Rounds()
    for number in range(ROUNDS):
        if number % 2:
            other = measure(theirs)
            rounds.append((measure(ours), other))
        else:
            rounds.append((measure(ours), measure(theirs)))
    return rounds


def print_row(name: str, rounds: Rounds) -> float:
    """Print both medians of a row; return the median of how many times as long the other registry
    takes."""
    our_median, their_median = (statistics.median(each) for each in zip(*rounds, strict=True))
    share = statistics.median(their / our for our, their in rounds)
    print(f"{name:24} {our_median:9.1f}  {their_median:9.1f}  {share:6.2f}", flush=True)
    return share


if __name__ == "__main__":
    main()
