"""Scale: what Flex Consumption makes of 10, 1,000 and 100,000 pulls a second. A simulation.

It drives service times through the published rules. They are made of the processor time that hop
one takes of the registry as it is in the cloud, measured here, in the same run; and of the time of
Cosmos DB, which is not here: 4 ms at the median, 10 at the 99th percentile, as Microsoft says
of point reads (learn.microsoft.com/azure/cosmos-db/consistency-levels). The two reads of a pull are
side by side, and what an instance has in hand shares one processor. The rules:

- All HTTP Functions are one group, and an instance takes so many requests at once as
  `perInstanceConcurrency` says: 8 (infra/modules/functions.bicep;
  learn.microsoft.com/azure/azure-functions/flex-consumption-plan, 2024-05-24).
- There are as many instances as the requests in hand need, from those that are always ready to the
  most that the size allows; the plan ends at 1,000, and a region at 512,000 MB (the same page).
- New ones come at a bounded rate. For Consumption the documentation says one a second
  (…/event-driven-scaling, 2020-10-29). For Flex Consumption it gives no number; Microsoft measured
  1,000 instances of a Python app in less than a minute ("How to achieve high HTTP scale with Azure
  Functions Flex Consumption", techcommunity.microsoft.com, 2024-06-17): 17 a second. `--rate`.
- A new instance serves after its cold start: what importing the app takes, measured here, and two
  seconds for the place and the host, which is assumed. `--cold-start`.
- Paid is the time that an instance has something in hand, with all of its memory; at least a second
  (the first page). Prices are those of infra/cost/prices.py.

A request goes to the instance with the least in hand; while all are full it waits for the first
that is free. The more an instance has in hand, the longer each request takes. Requests come at
random (Poisson), all of a sudden, to a registry that had none; every pull is one hop one, which
nothing caches. Instances do not go again. The seed is fixed.

`python -m bench.scale` measures, then simulates; `--processor 2.5` simulates with so many
milliseconds a pull.
"""

import argparse
import math
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from bench.azure_local import in_the_cloud, pull_cost
from bench.load_generator import require_wrk
from bench.servers import workspace
from infra.cost.model import COST_PLANS, REQUESTS_AT_ONCE, Size
from infra.cost.prices import Figure, Prices
from infra.cost.usage import MEASURED, OperationUsage

# Pulls a second, size, and most instances: maximumInstances of infra/main.bicep, but for `public`,
# where that is 200, what a region gives a subscription; then as many as it takes.
RUNS = (
    (10, Size.DEV, 40),
    (1_000, Size.TEAM, 40),
    (100_000, Size.PUBLIC, 125),
    (100_000, Size.PUBLIC, 1_000),
)
SECONDS = {10: 120, 1_000: 60, 100_000: 40}
SETTLED = 0.75  # The part of the time that is the beginning.
PLACING = 2.0  # Seconds until a new instance has its place and its host.
SHORTEST = 1.0  # Seconds that are paid for.
A_SECOND = 17  # New instances.
READ_MS, SLOW_READ_MS = 4.0, 10.0  # Of Cosmos DB: the median, and one in a hundred.
SEED = 20_261_120


@dataclass(frozen=True)
class Times:
    """How long a request is in hand, in milliseconds, by how many an instance has."""

    alone: float
    together: float  # With seven others.
    slowest: float  # One in a hundred of those.

    def draw(self, in_hand: int, chance: Random) -> float:
        """Return the seconds of one request."""
        middle = self.alone + (self.together - self.alone) * (in_hand - 1) / (REQUESTS_AT_ONCE - 1)
        spread = math.log(max(self.slowest / self.together, 1.01)) / 2.326  # Of a normal's p99.
        return middle * math.exp(spread * chance.gauss(0, 1)) / 1_000


@dataclass(frozen=True)
class Rules:
    """How instances are added."""

    always_ready: int
    most: int
    a_second: int = A_SECOND
    cold_start: float = PLACING


@dataclass(eq=False)  # Two that are equally busy are still two.
class Instance:
    """One instance: what it has in hand, since when, and until when its time is paid for."""

    in_hand: int = 0
    since: float = 0.0
    paid: float = 0.0


@dataclass
class Outcome:
    """The result of one rate."""

    rate: int
    seconds: float
    early: list[float] = field(default_factory=list)  # Waits and service times, in seconds.
    late: list[float] = field(default_factory=list)
    instances: int = 0
    waited: int = 0  # Requests that found no room.
    left: int = 0  # Requests that had not been answered at the end.
    busy: float = 0.0  # Seconds of instances in the later part.


class Simulation:
    """Requests, instances, and what is between them."""

    def __init__(self, rate: int, times: Times, rules: Rules) -> None:
        """Begin with the instances that are always ready."""
        self.rules, self.times = rules, times
        self.chance = Random(SEED)  # noqa: S311 - a simulation, the same each time.
        self.outcome = Outcome(rate, SECONDS[rate])
        # Instances by how many requests they have in hand; those that are full are in none.
        self.open: list[dict[Instance, None]] = [{} for _ in range(REQUESTS_AT_ONCE)]
        self.open[0] = {Instance(): None for _ in range(rules.always_ready)}
        self.count = rules.always_ready
        self.waiting: deque[float] = deque()
        self.ending: list[tuple[float, int, Instance, float]] = []
        self.starting: deque[float] = deque()
        self.in_hand = self.number = 0

    def run(self) -> Outcome:
        """Simulate, and return the result."""
        seconds, next_look = self.outcome.seconds, 0.0
        for now in arrivals(self.outcome.rate, seconds, self.chance):
            while next_look <= now:
                self._until(next_look)
                self._scale(next_look)
                next_look += 1.0
            self._until(now)
            self._arrive(now)
        self._until(seconds)
        self.outcome.instances = self.count
        self.outcome.left = len(self.waiting) + self.in_hand
        for instance in {instance for _, _, instance, _ in self.ending}:
            self._rest(instance, seconds)
        return self.outcome

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
        asked = math.ceil((self.in_hand + len(self.waiting)) / REQUESTS_AT_ONCE)
        new = min(asked, self.rules.most) - self.count - len(self.starting)
        for _ in range(max(0, min(new, self.rules.a_second))):
            self.starting.append(now + self.rules.cold_start)

    def _start(self, now: float) -> None:
        self.count += 1
        self.open[0][Instance()] = None
        self._take_waiting(now)

    def _arrive(self, now: float) -> None:
        if self.waiting or not any(self.open):
            self.outcome.waited += 1
            self.waiting.append(now)
            if self.count + len(self.starting) == 0:  # Somebody has to begin.
                self.starting.append(now + self.rules.cold_start)
        else:
            self._serve(now, now)

    def _take_waiting(self, now: float) -> None:
        while self.waiting and any(self.open):
            self._serve(self.waiting.popleft(), now)

    def _serve(self, came: float, now: float) -> None:
        level = next(level for level, there in enumerate(self.open) if there)
        instance, _ = self.open[level].popitem()
        if level == 0:
            instance.since = now
        instance.in_hand = level + 1
        if level + 1 < REQUESTS_AT_ONCE:
            self.open[level + 1][instance] = None
        self.number += 1
        self.in_hand += 1
        end = now + self.times.draw(level + 1, self.chance)
        heappush(self.ending, (end, self.number, instance, came))

    def _end(self, now: float, _: int, instance: Instance, came: float) -> None:
        if instance.in_hand < REQUESTS_AT_ONCE:
            del self.open[instance.in_hand][instance]
        instance.in_hand -= 1
        self.in_hand -= 1
        self.open[instance.in_hand][instance] = None
        if instance.in_hand == 0:
            self._rest(instance, now)
        late = now >= self.outcome.seconds * SETTLED
        (self.outcome.late if late else self.outcome.early).append(now - came)
        self._take_waiting(now)

    def _rest(self, instance: Instance, now: float) -> None:
        end = max(now, instance.since + SHORTEST)
        begin = max(instance.since, instance.paid, self.outcome.seconds * SETTLED)
        self.outcome.busy += max(end - begin, 0.0)
        instance.paid = max(instance.paid, end)


def arrivals(rate: int, seconds: float, chance: Random) -> Iterator[float]:
    """Yield when requests come."""
    now = chance.expovariate(rate)
    while now < seconds:
        yield now
        now += chance.expovariate(rate)


def percentile(values: Sequence[float], part: float) -> float:
    """Return a quantile of the values, in milliseconds."""
    if not values:
        return math.nan
    return sorted(values)[min(int(len(values) * part), len(values) - 1)] * 1_000


def report(outcome: Outcome, size: Size, times: Times) -> None:
    """Print the result of one rate."""
    prices = Prices.published()
    print(f"  instances {outcome.instances}; {outcome.waited:,} pulls waited for one")
    for name, values in (("at first", outcome.early), ("then", outcome.late)):
        figures = "  ".join(
            f"p{part:.0%}".rstrip("%") + f" {percentile(values, part):,.1f} ms"
            for part in (0.5, 0.95, 0.99)
        )
        print(f"  {name:9} {figures}")
    if outcome.left > outcome.rate:
        needed = math.ceil(outcome.rate * times.together / 1_000 / REQUESTS_AT_ONCE)
        print(f"  {outcome.left:,} pulls still wait at the end: it takes {needed} instances")
    print(f"  {cost_line(outcome, size, prices)}")


def cost_line(outcome: Outcome, size: Size, prices: Prices) -> str:
    """Print the cost of a million of these pulls, and their load on the database."""
    served = max(len(outcome.late), 1)
    gigabyte_seconds = outcome.busy * COST_PLANS[size].gigabytes / served
    ready = COST_PLANS[size].always_ready >= outcome.instances
    price = prices[Figure.READY_SECOND if ready else Figure.FUNCTION_SECOND]
    functions = 1e6 * gigabyte_seconds * price + prices[Figure.FUNCTION_EXECUTION]
    units = MEASURED[OperationUsage.PULL].units * outcome.rate
    have = COST_PLANS[size].most_units or math.inf
    short = f", and the size has {have:,}" if units > have else ""
    return f"${functions:,.2f} a million for the app; {units:,.0f} RU/s of Cosmos DB{short}"


def measured() -> tuple[Times, float]:
    """Measure what a pull takes of the registry in the cloud, and the import of the app."""
    require_wrk()
    with workspace() as folder, in_the_cloud(folder) as server:
        processor_ms = pull_cost(server).processor_ms
    return times_of(processor_ms), import_seconds()


def times_of(processor_ms: float) -> Times:
    """Return how long a pull is in hand: alone, and while the processor is shared by all."""
    alone = processor_ms + READ_MS
    together = max(REQUESTS_AT_ONCE * processor_ms, alone)
    return Times(alone, together, together + SLOW_READ_MS - READ_MS)


def import_seconds() -> float:
    """Return how long a new process takes to import the app."""
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import function_app"], check=True)
    return time.perf_counter() - before


def main() -> None:
    """Measure, simulate and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--processor", type=float, metavar="MS")
    options.add_argument("--rate", type=int, default=A_SECOND)
    options.add_argument("--cold-start", type=float)
    given = options.parse_args()
    times, imported = (times_of(given.processor), 0.5) if given.processor else measured()
    cold = given.cold_start or PLACING + imported
    print(
        f"a pull is in hand for {times.alone:.2f} ms with one client, {times.together:.2f} ms with"
    )
    print(f"{REQUESTS_AT_ONCE} (p99 {times.slowest:.2f}); a new instance serves after {cold:.1f} s")
    for rate, size, most in RUNS:
        rules = Rules(COST_PLANS[size].always_ready, most, given.rate, cold)
        print(f"\n{rate:,} pulls a second, size {size.value}, at most {most:,} instances")
        report(Simulation(rate, times, rules).run(), size, times)


if __name__ == "__main__":
    main()
