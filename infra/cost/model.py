"""The monthly cost of a registry in the cloud: traffic times usage times prices.

A model, not a bill. It knows the three sizes of infra/main.bicep and how Azure counts: an instance
of the app is paid for while it serves a request, for a second at least; Cosmos DB by the
request, or by the busiest second of each hour; bytes when they leave Azure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from math import ceil, exp
from types import MappingProxyType

from infra.cost.price_table import Prices
from infra.cost.usage import (
    COUNTED_PULL,
    COUNTED_WINDOW,
    FOLLOWED_PUSH,
    MEASURED,
    ROLLED_PACKAGE,
    STORED_USAGE,
    UPKEEP_USAGE,
    CountedRequest,
    Usage,
)

HOURS = 730  # Hours in a month, as Azure counts.
SECONDS = HOURS * 3_600
DAYS = HOURS / 24
GIGABYTE = 1_000_000_000
REQUESTS_AT_ONCE = 8  # Reads that one instance answers at once before Azure adds another instance.
# The share of the maximum request units that is billed even if none are used.
LEAST_OF_AUTOSCALE = 0.1
FREE_LOG_DAYS = 31
KEY_LOOKS_AN_HOUR = 12  # Each instance reads the signing key every five minutes.
# Instances that Azure keeps of each group, and bills, where there are zones:
# learn.microsoft.com/azure/reliability/reliability-functions.
READY_IN_ZONES = 2
COUNTING_SECONDS = 30  # An instance stores what it counted this often.
UNITS_OF_A_RANGE = 10_000  # Request units a second; above that, the change feed has several ranges.
LEAST_DAYS_BACK = 7  # Days of point-in-time restore that are free.
BLOB_PROBE_SECONDS = 240  # Between two probes of the archives by a place of Front Door.
HOST_LEASE_SECONDS = 12  # The Functions host renews its leases in its own storage.
# With platform metrics in the logs: the database, the vault, both storage accounts and the app.
METERED_RESOURCES = 5
TIMER_CALLS = 43_800.0  # A month: one a minute.
ENDPOINTS = 6  # Private endpoints of the stores, if they have their own network.
ZONES_OF_NAMES = 5
GROUPS = 2  # Groups of Functions with their own instances: HTTP, and the timer.
REQUEST_SECONDS = 0.0015  # Processor time in host and worker; an instance has one core.
# The most log bytes of a request that succeeds and only reads: a test counts them.
READ_LOG_BYTES = 60.0
# Log bytes of another request, or of a run of a task, without what the host adds.
LINE_LOG_BYTES = 400.0
ROLL_UPS = 30.4  # Roll-ups of each pulled package in a month.


READ_FROM_MEMORY = frozenset(
    (
        CountedRequest.PULL,
        CountedRequest.METADATA,
        CountedRequest.VERSIONS,
        CountedRequest.INDEX,
        CountedRequest.RESOLVE,
    )
)


class Size(Enum):
    """The deployment sizes of infra/main.bicep."""

    DEV = "dev"
    TEAM = "team"
    PUBLIC = "public"


class Zones(Enum):
    """The redundancy of storage."""

    ONE = "one"
    SEVERAL = "several"


class FrontDoorTier(Enum):
    """The service in front of the app."""

    NONE = "none"
    STANDARD = "standard"
    PREMIUM = "premium"


class Network(Enum):
    """How the app reaches its stores, and what else it asks."""

    OPEN = "open"
    ISOLATED = "isolated"
    GATEWAY = "isolated, with a NAT gateway"


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Alert rules over logs and metrics, and probes from outside, which run all the time."""

    often: int = 0  # Alert rules that run every five minutes.
    seldom: int = 0
    metric: int = 0
    probes_an_hour: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPlan:
    """One deployment."""

    most_units: int | None  # Request units a second, with autoscale; None is serverless.
    always_ready: int  # Instances of the group HTTP that are always ready.
    gigabytes: float  # Memory of an instance.
    zones: Zones
    edge: FrontDoorTier
    # Places of the edge that have clients nearby; other places hardly send any probes.
    edge_places: int
    days_back: int  # Days of point-in-time restore of Cosmos DB.
    log_days: int
    log_gigabytes: float  # The daily limit of logs.
    watch: Monitoring
    network: Network = Network.OPEN


_WATCHED = Monitoring(often=3, seldom=10, metric=11, probes_an_hour=44)

_DEV = CostPlan(
    most_units=None,
    always_ready=0,
    gigabytes=2,
    zones=Zones.ONE,
    edge=FrontDoorTier.NONE,
    edge_places=0,
    days_back=7,
    log_days=30,
    log_gigabytes=1,
    watch=Monitoring(),  # Without alerts.
)
_TEAM = CostPlan(
    most_units=4_000,
    always_ready=1,
    gigabytes=2,
    zones=Zones.ONE,
    edge=FrontDoorTier.STANDARD,
    edge_places=5,
    days_back=30,
    log_days=30,
    log_gigabytes=float("inf"),
    watch=_WATCHED,
)
_PUBLIC = replace(
    _TEAM, most_units=20_000, always_ready=2, zones=Zones.SEVERAL, edge_places=100, log_days=90
)

COST_PLANS: Mapping[Size, CostPlan] = MappingProxyType(
    {Size.DEV: _DEV, Size.TEAM: _TEAM, Size.PUBLIC: _PUBLIC}
)


def behind(edge: FrontDoorTier) -> Mapping[Size, CostPlan]:
    return MappingProxyType(
        {
            size: plan if plan.edge is FrontDoorTier.NONE else replace(plan, edge=edge)
            for size, plan in COST_PLANS.items()
        }
    )


def within(network: Network, plans: Mapping[Size, CostPlan]) -> Mapping[Size, CostPlan]:
    """Return the plans with their stores in such a network."""
    return MappingProxyType({size: replace(plan, network=network) for size, plan in plans.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The stored packages, and the requests of a month."""

    packages: int
    pulls: int
    pushes: int
    resolves: int
    searches: int
    releases_each: float = 4.0  # 6,785 releases of 1,708 packages in the real index.
    archive_bytes: int = 100 * 1024
    cache_hits: float = 0.9  # Share of the archives that the edge serves from its cache.
    # Share of the pulls whose client sends its token to the archive URL, too.
    with_token: float = 0.5

    @property
    def releases(self) -> float:
        return self.packages * self.releases_each


def usual(packages: int, pulls: int) -> Load:
    """Return what comes with so many pulls: a resolve for ten, a search for fifty; and a push a
    month for each third package, if anybody is there."""
    pushes = packages // 3 if pulls else 0
    return Load(
        packages=packages, pulls=pulls, pushes=pushes, resolves=pulls // 10, searches=pulls // 50
    )


@dataclass(frozen=True, slots=True)
class Traffic:
    """The traffic of a registry in a month."""

    plan: CostPlan
    load: Load
    prices: Prices

    @property
    def isolated(self) -> bool:
        """Return whether the app alone reaches the archives."""
        return self.plan.network is not Network.OPEN

    @property
    def edge_misses(self) -> float:
        """Return how many archives the edge reads from its origin."""
        no_edge = self.plan.edge is FrontDoorTier.NONE
        return 0 if no_edge else self.load.pulls * (1 - self.load.cache_hits)

    @property
    def through_app(self) -> float:
        """Return how many archives the app sends itself."""
        if self.plan.edge is not FrontDoorTier.NONE:
            return self.edge_misses if self.isolated else 0
        return self.load.pulls if self.isolated else self.load.pulls * self.load.with_token

    @property
    def links(self) -> float:
        """Return how many archives clients read directly from Blob Storage."""
        return self.load.pulls - self.through_app if self.plan.edge is FrontDoorTier.NONE else 0

    @property
    def through_endpoints(self) -> float:
        """Return how many gigabytes of archives pass the private endpoints: sent, pushed, and read
        by `audit-archives`."""
        audited = self.load.releases * UPKEEP_USAGE["audit-archives"].runs_a_month
        archives = self.through_app + self.load.pushes + audited
        return archives * self.load.archive_bytes / GIGABYTE

    @property
    def asked(self) -> Mapping[CountedRequest, float]:
        """Return the number of requests of each kind."""
        return {
            CountedRequest.PULL: self.load.pulls,
            CountedRequest.ARCHIVE: self.through_app,
            CountedRequest.RESOLVE: self.load.resolves,
            CountedRequest.SEARCH: self.load.searches,
            CountedRequest.PUSH: self.load.pushes,
        }

    @property
    def requests(self) -> float:
        """Return how many requests the app answers, including probes."""
        probes = self.plan.watch.probes_an_hour * HOURS
        return sum(self.asked.values()) + probes

    @property
    def blob_probes(self) -> float:
        """Return how often the edge asks Blob Storage whether it answers."""
        return 0 if self.isolated else self.plan.edge_places * SECONDS / BLOB_PROBE_SECONDS

    @property
    def apps(self) -> int:
        return 1 + self.apps_beside_reads

    @property
    def host_leases(self) -> float:
        """Return how often hosts renew their leases."""
        return self.prices["assumed.leases-of-an-app"] * self.apps * SECONDS / HOST_LEASE_SECONDS

    @property
    def platform_metrics(self) -> float:
        """Return how many platform metrics are logged."""
        has_edge = self.plan.edge is not FrontDoorTier.NONE
        resources = METERED_RESOURCES + self.apps_beside_reads + has_edge
        return resources * self.prices["assumed.platform-metrics-a-minute"] * SECONDS / 60

    @property
    def runs(self) -> float:
        """Return how often Functions run without a request."""
        return TIMER_CALLS

    @property
    def apps_beside_reads(self) -> int:
        """Return how many apps there are beside the one that answers reads: for changes, and for
        uploads."""
        return 0 if self.plan.edge is FrontDoorTier.NONE else 2

    @property
    def ready(self) -> float:
        """Return how many instances are always ready, of all groups."""
        if not self.plan.always_ready:
            return 0
        if self.plan.zones is Zones.ONE:
            return self.plan.always_ready + self.apps_beside_reads
        others = READY_IN_ZONES * (GROUPS - 1 + self.apps_beside_reads)
        return max(self.plan.always_ready, READY_IN_ZONES) + others

    @property
    def ready_runs(self) -> float:
        """Return how many runs without a request are those of instances that are always ready."""
        if not self.plan.always_ready:
            return 0
        return self.load.pushes if self.plan.zones is Zones.ONE else self.runs

    @property
    def busy_seconds(self) -> float:
        """Return the active time of the instances that answer requests."""
        return busy_seconds(self.requests, max(self.plan.always_ready, 1), self.prices)

    @property
    def at_edge(self) -> float:
        """Return how many requests the edge receives."""
        if self.plan.edge is FrontDoorTier.NONE:
            return 0
        return self.requests - self.through_app + self.load.pulls

    @property
    def usage(self) -> Usage:
        """Return the usage of the stores by all traffic."""
        direct = Usage(blob_reads=self.links + (0 if self.isolated else self.edge_misses))
        total = direct + self.upkeep + self.counting + self.edition + self.told
        for use, times in self.asked.items():
            kept = self.prices["assumed.reads-in-memory"] if use in READ_FROM_MEMORY else 0
            total += MEASURED[use] * (times * (1 - kept))
        return total

    @property
    def edition(self) -> Usage:
        """Return the usage by asking whether anything changed: once a second while an instance
        is asked itself."""
        ranges = ceil((self.plan.most_units or 0) / UNITS_OF_A_RANGE) or 1
        asked = min(self.busy_seconds, self.requests) * ranges
        return Usage(self.prices["assumed.units-a-look-at-the-feed"], 1) * asked

    @property
    def told(self) -> Usage:
        """Return the usage by those who read each push in the change feed: instances that answer
        from memory."""
        answering = max(self.plan.always_ready, self.busy_seconds / SECONDS)
        return FOLLOWED_PUSH * (self.load.pushes * answering)

    @property
    def upkeep(self) -> Usage:
        """Return the usage by timers, without the counting of pulls."""
        total = Usage()
        for task in UPKEEP_USAGE.values():
            total += task.usage(self.load.releases)
        return total

    @property
    def counting(self) -> Usage:
        """Return the usage by counting pulls; a rarely pulled package costs more for each pull."""
        packages = max(self.load.packages, 1)
        pulled = packages * (1 - exp(-self.load.pulls / ROLL_UPS / packages))
        windows = SECONDS / COUNTING_SECONDS * max(self.plan.always_ready, 1)
        counted = windows * (1 - exp(-self.load.pulls / windows))
        each = COUNTED_PULL * self.load.pulls + COUNTED_WINDOW * counted
        return each + ROLLED_PACKAGE * (pulled * ROLL_UPS)

    @property
    def out_gigabytes(self) -> float:
        """Return how many gigabytes are sent to clients."""
        answers = sum(MEASURED[use].answer_bytes * times for use, times in self.asked.items())
        return (answers + self.load.pulls * self.load.archive_bytes) / GIGABYTE


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of a bill."""

    service: str
    what: str
    quantity: float
    dollars: float


def bill(plan: CostPlan, load: Load, prices: Prices) -> list[CostLine]:
    """Return the bill of a month, with a line for each meter."""
    traffic = Traffic(plan, load, prices)
    return [
        *_functions(traffic, prices),
        *_cosmos(traffic, prices),
        *_blobs(traffic, prices),
        *_bandwidth(traffic, prices),
        *_network(traffic, prices),
        *_watching(traffic, prices),
    ]


def total(lines: list[CostLine]) -> float:
    return sum(line.dollars for line in lines)


def shortfalls(plan: CostPlan, load: Load, prices: Prices) -> list[str]:
    """Return a sentence for each limit of the plan that the load exceeds."""
    busiest = busiest_units(Traffic(plan, load, prices), prices)
    most = plan.most_units
    if most is None or busiest <= most:
        return []
    asked = f"The busiest second asks Cosmos DB for {busiest:,.0f} RU/s, and this size has {most:,}"
    return [f"{asked}: raise maximumThroughput, or clients wait."]


def busiest_units(traffic: Traffic, prices: Prices) -> float:
    """Return the request units in the busiest second."""
    return traffic.usage.units / SECONDS * prices["assumed.busiest-hour-factor"]


def busy_seconds(requests: float, instances: int, prices: Prices) -> float:
    """Return the active time of all instances together, in a month.

    Requests that come evenly spread keep an instance busy for the shortest time billed after each;
    when there are more, it is the time that an instance needs for each.
    """
    each = requests / SECONDS / instances
    sparse = instances * (1 - exp(-each * prices["functions.shortest-seconds"]))
    dense = requests / SECONDS * REQUEST_SECONDS
    return SECONDS * max(sparse, dense)


def _functions(traffic: Traffic, prices: Prices) -> Iterator[CostLine]:
    each = traffic.plan.gigabytes
    runs = traffic.runs
    busy = traffic.busy_seconds * each
    room = traffic.plan.always_ready * SECONDS * each
    idle = traffic.ready * SECONDS * each
    shortest = prices["functions.shortest-seconds"] * each
    on_demand = max(busy - room, 0) + (runs - traffic.ready_runs) * shortest
    ready_busy = min(busy, room) + traffic.ready_runs * shortest
    executions = traffic.requests + runs
    free = 0 if idle else prices["functions.free-executions"]
    paid = max(on_demand - prices["functions.free-gigabyte-seconds"], 0)
    for what, quantity, billed, price in (
        ("GB-s on demand", on_demand, paid, "functions.gigabyte-second"),
        ("GB-s always ready", idle, idle, "functions.ready-baseline-gigabyte-second"),
        ("GB-s busy of those", ready_busy, ready_busy, "functions.ready-gigabyte-second"),
        ("executions", executions, max(executions - free, 0) / 1e6, "functions.million-executions"),
    ):
        yield CostLine("Functions", what, quantity, billed * prices[price])


def _cosmos(traffic: Traffic, prices: Prices) -> Iterator[CostLine]:
    units = traffic.usage.units
    most = traffic.plan.most_units
    if most is None:
        dollars = units / 1e6 * prices["cosmos.serverless-million-units"]
        yield CostLine("Cosmos DB", "request units", units, dollars)
    else:
        provided = max(busiest_units(traffic, prices), most * LEAST_OF_AUTOSCALE)
        dollars = provided / 100 * HOURS * prices["cosmos.autoscale-hundred-units-hour"]
        yield CostLine("Cosmos DB", "RU/s in the busiest second", provided, dollars)
    stored = traffic.load.releases * STORED_USAGE.record_bytes / GIGABYTE
    stored *= prices["assumed.database-index-factor"]
    backup = prices["cosmos.backup-gigabyte"] if traffic.plan.days_back > LEAST_DAYS_BACK else 0
    yield CostLine("Cosmos DB", "GB stored", stored, stored * prices["cosmos.gigabyte"])
    yield CostLine("Cosmos DB", "GB of backup", stored, stored * backup)


def _blobs(traffic: Traffic, prices: Prices) -> Iterator[CostLine]:
    """Yield archives and documents, and what Front Door and the hosts do in storage; a run of the
    timer is noted there."""
    load = traffic.load
    several = traffic.plan.zones is Zones.SEVERAL
    factor = prices["blobs.zones-factor"] if several else 1
    stored = load.releases * (load.archive_bytes + STORED_USAGE.document_bytes) / GIGABYTE
    yield CostLine("Blobs", "GB stored", stored, stored * factor * prices["blobs.gigabyte"])
    write = factor * prices["blobs.ten-thousand-writes"] / 1e4
    read = factor * prices["blobs.ten-thousand-reads"] / 1e4
    for what, times, each in (
        ("writes", traffic.usage.blob_writes, write),
        ("reads", traffic.usage.blob_reads, read),
        ("probes of blobs", traffic.blob_probes, read),
        ("leases of hosts", traffic.host_leases, read),
        ("runs of the timer", TIMER_CALLS, write),
    ):
        yield CostLine("Blobs", what, times, times * each)


def _network(traffic: Traffic, prices: Prices) -> Iterator[CostLine]:
    if not traffic.isolated:
        return
    endpoints = ENDPOINTS * HOURS
    passed = traffic.through_endpoints
    for what, quantity, price in (
        ("hours of private endpoints", endpoints, "network.endpoint-hour"),
        ("zones of names", ZONES_OF_NAMES, "network.zone-month"),
        ("GB through endpoints", passed, "network.endpoint-gigabyte"),
    ):
        yield CostLine("Network", what, quantity, quantity * prices[price])
    if traffic.plan.network is Network.GATEWAY:
        hours = HOURS
        sent = logged_gigabytes(traffic, prices)
        for what, quantity, price in (
            ("hours of the NAT gateway", hours, "network.gateway-hour"),
            ("hours of its address", hours, "network.address-hour"),
            ("GB through the gateway", sent, "network.gateway-gigabyte"),
        ):
            yield CostLine("Network", what, quantity, quantity * prices[price])


def _bandwidth(traffic: Traffic, prices: Prices) -> Iterator[CostLine]:
    out = traffic.out_gigabytes
    tier = traffic.plan.edge.value
    if traffic.plan.edge is FrontDoorTier.NONE:
        paid = max(out - prices["egress.free-gigabytes"], 0)
        yield CostLine("Bandwidth", "GB to clients", out, paid * prices["egress.gigabyte"])
        return
    requests = traffic.at_edge / 1e4 * prices[f"edge.{tier}-ten-thousand-requests"]
    yield CostLine("Front Door", f"{tier}, a month", 1, prices[f"edge.{tier}-month"])
    yield CostLine("Front Door", "requests", traffic.at_edge, requests)
    yield CostLine("Front Door", "GB to clients", out, out * prices["edge.gigabyte"])


def _watching(traffic: Traffic, prices: Prices) -> Iterator[CostLine]:
    watch = traffic.plan.watch
    logged = logged_gigabytes(traffic, prices)
    kept = logged * max(traffic.plan.log_days - FREE_LOG_DAYS, 0) / DAYS
    paid = max(logged - prices["logs.free-gigabytes"], 0)
    yield CostLine("Logs", "GB", logged, paid * prices["logs.gigabyte"])
    yield CostLine("Logs", "GB kept longer", kept, kept * prices["logs.kept-gigabyte-month"])
    rules = (
        watch.often * prices["alerts.rule-every-5-minutes"]
        + watch.seldom * prices["alerts.rule-every-15-minutes"]
        + watch.metric * prices["alerts.metric-rule"]
    )
    probes = watch.probes_an_hour * HOURS
    yield CostLine("Alerts", "rules", watch.often + watch.seldom + watch.metric, rules)
    yield CostLine("Alerts", "probes", probes, probes / 1e3 * prices["alerts.thousand-probes"])
    looks = prices["assumed.starts-a-month"]
    looks += traffic.plan.always_ready * KEY_LOOKS_AN_HOUR * HOURS
    dollars = looks / 1e4 * prices["vault.ten-thousand-operations"]
    yield CostLine("Key Vault", "operations", looks, dollars)


def logged_gigabytes(traffic: Traffic, prices: Prices) -> float:
    """Return how much is logged in a month, up to the limit of the plan."""
    pushes = traffic.load.pushes
    whole = pushes + sum(task.runs_a_month for task in UPKEEP_USAGE.values())
    logged = (
        (traffic.requests - pushes) * READ_LOG_BYTES
        + whole * (LINE_LOG_BYTES + prices["assumed.log-bytes-around-a-line"])
        + traffic.usage.blob_writes * prices["assumed.log-bytes-a-blob-write"]
        + traffic.busy_seconds / 60 * prices["assumed.log-bytes-of-metrics-a-minute"]
        + traffic.platform_metrics * prices["assumed.log-bytes-a-platform-metric"]
    )
    return min(logged / GIGABYTE, traffic.plan.log_gigabytes * DAYS)
