"""Scale: what Flex Consumption makes of 10 to 225,000 pulls a second. A simulation.

It drives service times through the published rules. A pull that an instance answers from memory
takes processor time alone; one whose package it has not seen yet, a trip to Cosmos DB, too: 4 ms at
the median, 10 at the 99th percentile, as Microsoft says of point reads
(learn.microsoft.com/azure/cosmos-db/consistency-levels). The processor time of the registry is
measured here, in the same run; that of the Functions host and its worker was measured on the real
host: 0.8 and 0.7 ms for each request. One worker process carries 1,300 to 1,700 small requests a
second, two carry 2,600 to 3,800 on four cores: a worker uses one core, the host all. The rules:

- All HTTP Functions of an app are one group, and an instance takes so many requests at once as
  `perInstanceConcurrency` says (infra/modules/functions.bicep;
  learn.microsoft.com/azure/azure-functions/flex-consumption-plan, 2024-05-24). What it has in hand
  shares its cores: one for each 2,048 MB.
- There are as many instances as the requests in hand need, from those that are always ready to the
  most that the size allows; the plan ends at 1,000, and a region at 512,000 MB (the same page).
- New ones come at a bounded rate. For Consumption the documentation says one a second
  (…/event-driven-scaling, 2020-10-29). For Flex Consumption it gives no number; Microsoft measured
  1,000 instances of a Python app in less than a minute ("How to achieve high HTTP scale with Azure
  Functions Flex Consumption", techcommunity.microsoft.com, 2024-06-17): 17 a second. `--rate`.
- A new instance serves after its cold start: what importing the app takes, measured here, and two
  seconds for the place and the host, which is assumed. `--cold-start`. It keeps redirects and
  records as the product does, within its limits in bytes (bench/instance_memory.py). Of 20,000
  packages the k-th has a k-th of the pulls of the first (Zipf). Changes of packages, and
  resolves, which take room in the same cache, are left out.
- Paid is the time that an instance has something in hand, with all of its memory; at least a second
  (the first page). Prices are those of infra/cost/prices.py.

A request goes to the instance with the least in hand; while all are full it waits for the first
that is free. The more an instance has in hand, the longer each request takes. Requests come at
random (Poisson), all of a sudden, to a registry that had none; every pull is one hop one, which
nothing caches; 20,000 pulls a second and more come to a registry that had the first of these rates
for ten minutes. Instances do not go again. The seed is fixed. Of 20,000 pulls a second and more,
one of 25 is simulated, on as large a part of the instances.

`python -m bench.scale` measures pulls from memory, then simulates; `--in-memory 0.25 --first 1.2`
simulates with so many milliseconds of the registry for a pull.
"""

import argparse
import math
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from random import Random

from bench.azure_local import in_the_cloud, pull_cost
from bench.instance_memory import (
    FILLED,
    Catalog,
    InstanceMemory,
    Misses,
    Wanted,
    misses_after,
    units_of,
)
from bench.load_generator import require_wrk
from bench.real_packages import PACKAGES, by_dependents
from bench.servers import workspace
from infra.cost.designs import DESIGN
from infra.cost.model import (
    COST_PLANS,
    COUNTING_SECONDS,
    REQUESTS_AT_ONCE,
    UNITS_OF_A_RANGE,
    CostPlan,
    Size,
)
from infra.cost.prices import Figure, Prices

HOST_MS, WORKER_MS = 0.8, 0.7  # Processor time of a request, without the registry.
CORE_GIGABYTES = 2.0
REGION_MEGABYTES = 512_000  # Of a subscription, unless it asks for more.
FIRST_MS = 2.0  # Of a process that was just started: docs/cloud-benchmarks.md.
PLACING = 2.0  # Seconds until a new instance has its place and its host.
SHORTEST = 1.0  # Seconds that are paid for.
A_SECOND = 17  # New instances.
READ_MS, SLOW_READ_MS = 4.0, 10.0  # Of Cosmos DB: the median, and one in a hundred.
P99 = 2.326  # Of a normal distribution.
SEED = 20_261_120


@dataclass(frozen=True)
class Phase:
    """So many pulls a second for so long."""

    rate: int
    seconds: float


@dataclass(frozen=True)
class Run:
    """Phases, one after the other, on a size; `most` instances, 0 for all that a region gives."""

    size: Size
    phases: tuple[Phase, ...]
    most: int = 0
    is_warm: bool = False  # The first phase goes on for ten minutes already.
    uploads: float = 0.0  # A second, each in hand for `UPLOAD_SECONDS`, in the same app.
    wanted: Wanted = Wanted.NEWEST


UPLOAD_SECONDS = 20.0
UPLOAD_MEGABYTES = 512  # Of an instance for each request, where one may be an upload.

# `maximumInstances` of infra/main.bicep, but for `public`, where that is 200.
RUNS = (
    Run(Size.DEV, (Phase(10, 120),), 40),
    Run(Size.TEAM, (Phase(1_000, 60),), 40),
    Run(Size.TEAM, (Phase(1_000, 60),), 40, uploads=5),
    Run(Size.PUBLIC, (Phase(100_000, 60),), is_warm=True),
    Run(Size.PUBLIC, (Phase(100_000, 60),), is_warm=True, wanted=Wanted.LATEST),
    Run(Size.PUBLIC, (Phase(20_000, 30), Phase(225_000, 60)), is_warm=True),
    Run(Size.PUBLIC, (Phase(20_000, 30), Phase(225_000, 60)), 1_000, is_warm=True),
)
SETTLED = 0.75  # The part of a phase that is the beginning.
LATER_SECONDS = 600
WARM_LOAD = 0.7  # Of what instances can answer, where they have been there for that long.


@dataclass(frozen=True)
class Times:
    """Milliseconds of processor that the registry takes for a pull."""

    in_memory: float
    first: float


@dataclass(frozen=True)
class Machine:
    """What an instance makes of requests."""

    gigabytes: float
    times: Times
    workers: int = 1
    at_once: int = REQUESTS_AT_ONCE

    @property
    def cores(self) -> float:
        return self.gigabytes / CORE_GIGABYTES

    @property
    def most_a_second(self) -> float:
        """Return how many pulls from memory an instance answers a second."""
        return 1_000 / self.spacing_ms(self.times.in_memory)

    def spacing_ms(self, registry_ms: float) -> float:
        """Return the time between two answers of a busy instance: the cores are busy with host and
        workers, and each worker with one request."""
        of_cores = (HOST_MS + WORKER_MS + registry_ms) / self.cores
        return max(of_cores, (WORKER_MS + registry_ms) / self.workers)

    def draw(self, in_hand: int, chance: Random, *, reads: int) -> float:
        """Return the seconds of one pull with so many reads of the store, one after the other,
        beside others in hand."""
        registry = self.times.first if reads else self.times.in_memory
        alone = (HOST_MS + WORKER_MS + registry) / min(self.cores, 1)
        shared = max(alone, in_hand * self.spacing_ms(registry))
        slow = math.log(SLOW_READ_MS / READ_MS) / P99
        waits = (READ_MS * math.exp(slow * chance.gauss(0, 1)) for _ in range(reads))
        return (shared + sum(waits)) / 1_000


@dataclass(frozen=True)
class Rules:
    """How instances are added."""

    always_ready: int
    most: int
    a_second: float = A_SECOND
    cold_start: float = PLACING


@dataclass(eq=False)  # Two that are equally busy are still two.
class Instance:
    """One instance: what it has in memory and in hand, since when, and until when its time is paid
    for."""

    memory: InstanceMemory
    in_hand: int = 0
    since: float = 0.0
    paid: float = 0.0


@dataclass
class Outcome:
    """The result of one phase."""

    phase: Phase
    early: list[float] = field(default_factory=list)  # Waits and service times, in seconds.
    late: list[float] = field(default_factory=list)
    instances: int = 0
    waited: int = 0  # Requests that found no room.
    left: int = 0  # Requests that had not been answered at the end.
    busy: float = 0.0  # Seconds of instances in the later part.
    pulled: int = 0  # Pulls in the later part that were begun.
    missed: int = 0  # Those of them that were not in memory.
    units: float = 0.0  # Request units for those.


class Simulation:
    """Requests, instances, and what is between them."""

    def __init__(self, run: Run, machine: Machine, rules: Rules, catalog: Catalog) -> None:
        """Begin with the instances that are always ready."""
        self.phases, self.machine, self.rules = run.phases, machine, rules
        self.catalog, self.wanted = catalog, run.wanted
        self.uploads = run.uploads
        self.chance = Random(SEED)  # noqa: S311 - a simulation, the same each time.
        # Instances by how many requests they have in hand; those that are full are in none.
        self.open: list[dict[Instance, None]] = [{} for _ in range(machine.at_once)]
        ready = warm_instances(run, machine, rules) if run.is_warm else rules.always_ready
        known = int(run.phases[0].rate / ready * LATER_SECONDS) if run.is_warm else 0
        self.open[0] = {self._new(known): None for _ in range(ready)}
        self.count = ready
        self.waiting: deque[float] = deque()
        self.ending: list[tuple[float, int, Instance, float]] = []
        self.starting: deque[float] = deque()
        self.in_hand = self.number = 0
        self.now = self.next_look = self.settled = self.may_start = 0.0

    def run(self) -> Iterator[Outcome]:
        """Simulate, and yield the result of each phase."""
        for phase in self.phases:
            self.outcome = Outcome(phase)
            end = self.now + phase.seconds
            self.settled = self.now + phase.seconds * SETTLED
            for at, came in merged(self.now, end, phase.rate, self.uploads, self.chance):
                self._look(at)
                self._until(at)
                self._arrive(at, came)
            self._until(end)
            self.now = end
            yield self._finished(end)

    def _new(self, answered: int = 0) -> Instance:
        memory = InstanceMemory(self.catalog, self.wanted)
        memory.fill(answered, self.chance)
        return Instance(memory)

    def _finished(self, end: float) -> Outcome:
        self.outcome.instances = self.count
        self.outcome.left = len(self.waiting)
        for instance in {instance for _, _, instance, _ in self.ending}:
            self._rest(instance, end)
            instance.since = end
        return self.outcome

    def _look(self, now: float) -> None:
        while self.next_look <= now:
            self._until(self.next_look)
            self._scale(self.next_look)
            self.next_look += 1.0

    def _until(self, now: float) -> None:
        while self._next_event() <= now:
            if self.starting and self.starting[0] <= self._next_end():
                self._start(self.starting.popleft())
            else:
                self._end(*heappop(self.ending))

    def _next_end(self) -> float:
        return self.ending[0][0] if self.ending else math.inf

    def _next_event(self) -> float:
        return min(self.starting[0] if self.starting else math.inf, self._next_end())

    def _scale(self, now: float) -> None:
        asked = math.ceil((self.in_hand + len(self.waiting)) / self.machine.at_once)
        new = min(asked, self.rules.most) - self.count - len(self.starting)
        self.may_start = self.may_start % 1 + self.rules.a_second
        for _ in range(max(0, min(new, int(self.may_start)))):
            self.starting.append(now + self.rules.cold_start)

    def _start(self, now: float) -> None:
        self.count += 1
        self.open[0][self._new()] = None
        self._take_waiting(now)

    def _arrive(self, now: float, came: float) -> None:
        if self.waiting or not any(self.open):
            self.outcome.waited += came >= 0
            self.waiting.append(came)
            if self.count + len(self.starting) == 0:  # Somebody has to begin.
                self.starting.append(now + self.rules.cold_start)
        else:
            self._serve(came, now)

    def _take_waiting(self, now: float) -> None:
        while self.waiting and any(self.open):
            self._serve(self.waiting.popleft(), now)

    def _serve(self, came: float, now: float) -> None:
        level = next(level for level, there in enumerate(self.open) if there)
        instance, _ = self.open[level].popitem()
        if level == 0:
            instance.since = now
        instance.in_hand = level + 1
        if level + 1 < self.machine.at_once:
            self.open[level + 1][instance] = None
        self.number += 1
        self.in_hand += 1
        end = now + (UPLOAD_SECONDS if came < 0 else self._pull_seconds(instance, now))
        heappush(self.ending, (end, self.number, instance, came))

    def _pull_seconds(self, instance: Instance, now: float) -> float:
        reads = instance.memory.pull(self.chance)
        if now >= self.settled:
            self.outcome.pulled += 1
            self.outcome.missed += bool(reads)
            self.outcome.units += units_of(reads)
        return self.machine.draw(instance.in_hand, self.chance, reads=len(reads))

    def _end(self, now: float, _: int, instance: Instance, came: float) -> None:
        if instance.in_hand < self.machine.at_once:
            del self.open[instance.in_hand][instance]
        instance.in_hand -= 1
        self.in_hand -= 1
        self.open[instance.in_hand][instance] = None
        if instance.in_hand == 0:
            self._rest(instance, now)
        if came >= 0:
            late = now >= self.settled
            (self.outcome.late if late else self.outcome.early).append(now - came)
        self._take_waiting(now)

    def _rest(self, instance: Instance, now: float) -> None:
        end = max(now, instance.since + SHORTEST)
        begin = max(instance.since, instance.paid, self.settled)
        self.outcome.busy += max(end - begin, 0.0)
        instance.paid = max(instance.paid, end)


def warm_instances(run: Run, machine: Machine, rules: Rules) -> int:
    """Return how many instances there are after ten minutes of the first phase."""
    needed = math.ceil(run.phases[0].rate / machine.most_a_second / WARM_LOAD)
    return min(max(needed, rules.always_ready), rules.most)


UPLOAD = -1.0  # In place of when a pull came.


def merged(
    start: float, end: float, rate: float, uploads: float, chance: Random
) -> Iterator[tuple[float, float]]:
    """Yield when requests come, and again when a pull comes, or `UPLOAD`."""
    now = start + chance.expovariate(rate)
    next_upload = start + chance.expovariate(uploads) if uploads else math.inf
    while now < end:
        while next_upload < now:
            yield next_upload, UPLOAD
            next_upload += chance.expovariate(uploads)
        yield now, now
        now += chance.expovariate(rate)


def percentile(values: Sequence[float], part: float) -> float:
    """Return a quantile of the values, in milliseconds."""
    if not values:
        return math.nan
    return sorted(values)[min(int(len(values) * part), len(values) - 1)] * 1_000


@dataclass(frozen=True)
class Scene:
    """What a run is reported with."""

    run: Run
    plan: CostPlan
    machine: Machine
    most: int
    catalog: Catalog


def report(outcome: Outcome, scene: Scene) -> None:
    """Print the result of one phase."""
    rate = outcome.phase.rate
    print(
        f"  {rate:,} a second: instances {outcome.instances}; {outcome.waited:,} pulls waited, ",
        end="",
    )
    print(f"{outcome.left:,} at the end; {dollars_line(outcome, scene)}")
    needed = math.ceil(rate / scene.machine.most_a_second)
    if needed > scene.most:
        print(f"    limit: {needed:,} instances are needed, and {scene.most:,} are allowed")
    print(f"    at first {percentiles(outcome.early)}; then {percentiles(outcome.late)}")
    for when, misses in misses_of(outcome, scene):
        print(
            f"    {when} {misses.share:.1%} are not in memory: {units_line(outcome, misses, scene)}"
        )


def percentiles(values: Sequence[float]) -> str:
    """Return three quantiles of the values, as the report shows them."""
    return ", ".join(
        f"p{part:.0%}".rstrip("%") + f" {percentile(values, part):,.1f} ms"
        for part in (0.5, 0.95, 0.99)
    )


def dollars_line(outcome: Outcome, scene: Scene) -> str:
    """Return the cost of a million of these pulls."""
    prices, served = Prices.published(), max(len(outcome.late), 1)
    gigabyte_seconds = outcome.busy * scene.machine.gigabytes / served
    ready = scene.plan.always_ready >= outcome.instances
    price = prices[Figure.READY_SECOND if ready else Figure.FUNCTION_SECOND]
    dollars = 1e6 * gigabyte_seconds * price + prices[Figure.FUNCTION_EXECUTION]
    return f"${dollars:,.2f} a million for the app"


def misses_of(outcome: Outcome, scene: Scene) -> Iterator[tuple[str, Misses]]:
    """Yield what is not in memory in the later part, and after ten minutes more."""
    pulled = max(outcome.pulled, 1)
    yield "then", Misses(outcome.missed / pulled, outcome.units / pulled)
    later = int(outcome.phase.rate / max(outcome.instances, 1) * LATER_SECONDS)
    chance = Random(SEED)  # noqa: S311 - a simulation, the same each time.
    yield "ten minutes later", misses_after(scene.catalog, scene.run.wanted, later, chance)


def units_line(outcome: Outcome, misses: Misses, scene: Scene) -> str:
    """Return the request units a second of pulls that are not in memory, of asking for changes once
    a second and instance, and of counting."""
    most_units = scene.plan.most_units
    ranges = math.ceil((most_units or 0) / UNITS_OF_A_RANGE) or 1
    look = Prices.published()[Figure.FEED_LOOK]
    each = ranges * look + DESIGN.counting.window.units / COUNTING_SECONDS
    pulls = outcome.phase.rate * (misses.units + DESIGN.counting.pull.units)
    units, have = pulls + outcome.instances * each, most_units or math.inf
    return f"{units:,.0f} RU/s" + (f", and the size has {have:,}" if units > have else "")


def show_memory(catalogs: Sequence[tuple[int, Catalog]]) -> None:
    """Print what an instance whose cache is full does not have in memory, and how many pulls a
    second use up the database of `public` with that."""
    print(
        f"\nnot in memory after {FILLED:,} pulls; RU/s for that at {MOST_PULLS:,} pulls a second;"
    )
    print("and the pulls a second that use up the RU/s of public")
    have = COST_PLANS[Size.PUBLIC].most_units or math.inf
    for wanted in Wanted:
        for count, catalog in catalogs:
            chance = Random(SEED)  # noqa: S311 - a simulation, the same each time.
            misses = misses_after(catalog, wanted, FILLED, chance)
            units = misses.units + DESIGN.counting.pull.units
            figures = f"{misses.share:6.1%} {units * MOST_PULLS:8,.0f} RU/s {have / units:9,.0f}"
            print(f"  {wanted.value:34} {count:6,} packages {figures}")


def measured() -> tuple[Times, float]:
    """Measure what a pull takes of the registry in the cloud, and the import of the app."""
    require_wrk()
    with workspace() as folder, in_the_cloud(folder) as server:
        processor_ms = pull_cost(server).processor_ms
    return Times(processor_ms, FIRST_MS), import_seconds()


def import_seconds() -> float:
    """Return how long a new process takes to import the app."""
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import function_app"], check=True)
    return time.perf_counter() - before


def main() -> None:
    """Measure, simulate and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--in-memory", type=float, metavar="MS")
    options.add_argument("--first", type=float, metavar="MS", default=FIRST_MS)
    options.add_argument("--rate", type=int, default=A_SECOND)
    options.add_argument("--cold-start", type=float)
    given = options.parse_args()
    known = Times(given.in_memory, given.first), 0.5
    times, imported = known if given.in_memory else measured()
    cold = given.cold_start or PLACING + imported
    print(f"a pull takes {times.in_memory:.2f} ms of the registry from memory, {times.first:.2f}")
    print(f"ms the first time, and {HOST_MS + WORKER_MS:.1f} ms of host and worker;")
    print(f"a new instance serves after {cold:.1f} s")
    real = list(by_dependents())
    catalogs = [(count, Catalog(real, count)) for count in (FEWER_PACKAGES, PACKAGES)]
    show_memory(catalogs)
    for run in RUNS:
        simulate(run, times, Rules(0, 0, given.rate, cold), catalogs[-1][1])


FEWER_PACKAGES, MOST_PULLS = 2_000, 100_000  # Of the table.
MANY, PART = 20_000, 25  # From so many pulls a second on, one of so many is simulated.


def part_of(run: Run, rules: Rules) -> tuple[Run, Rules, int]:
    """Return what is simulated, and for how many each pull and instance of it stands."""
    if max(phase.rate for phase in run.phases) < MANY:
        return run, rules, 1
    phases = tuple(replace(phase, rate=phase.rate // PART) for phase in run.phases)
    ready = round(rules.always_ready / PART)
    fewer = replace(
        rules, always_ready=ready, most=rules.most // PART, a_second=rules.a_second / PART
    )
    return replace(run, phases=phases), fewer, PART


def whole(outcome: Outcome, part: int) -> Outcome:
    """Return the outcome of all pulls."""
    return replace(
        outcome,
        phase=replace(outcome.phase, rate=outcome.phase.rate * part),
        instances=outcome.instances * part,
        waited=outcome.waited * part,
        left=outcome.left * part,
    )


def simulate(run: Run, times: Times, pace: Rules, catalog: Catalog) -> None:
    """Simulate one run at the pace of new instances, and print its phases."""
    plan = COST_PLANS[run.size]
    workers = max(int(plan.gigabytes / CORE_GIGABYTES), 1)
    at_once = int(plan.gigabytes * 1024 / UPLOAD_MEGABYTES) if run.uploads else REQUESTS_AT_ONCE
    machine = Machine(plan.gigabytes, times, workers, at_once)
    most = run.most or int(REGION_MEGABYTES // (plan.gigabytes * 1024))
    slow = f", {run.uploads:.0f} uploads a second of {UPLOAD_SECONDS:.0f} s" if run.uploads else ""
    pace_of_one = f"{machine.most_a_second:,.0f} a second from memory, {machine.at_once} at once"
    print(f"\nsize {run.size.value}, at most {most:,} instances of {plan.gigabytes:g} GB{slow}:")
    print(f"{run.wanted.value}; one answers {pace_of_one}")
    simulated, fewer, part = part_of(run, replace(pace, always_ready=plan.always_ready, most=most))
    scene = Scene(run, plan, machine, most, catalog)
    for outcome in Simulation(simulated, machine, fewer, catalog).run():
        report(whole(outcome, part), scene)


if __name__ == "__main__":
    main()
