"""Prices of Azure and assumptions of the cost model: the numbers of docs/run/azure/cost.md.

Dollars, North America and Europe, without tax and discounts. A price has the page that it was read
on and the date of that page; what has none is an assumption. Both are changed by a file of
`{"name": number}`, for another region, contract or year.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Self, cast


class BadPrices(ValueError):
    """A file of prices is invalid; `str()` is one sentence for its author."""


class NoPrices(BadPrices):
    """The file is not a JSON object of numbers."""

    def __init__(self) -> None:
        super().__init__(
            'The file of prices is no JSON object such as {"logs.gigabyte": 2.76}. '
            "`python -m infra.cost --show-prices` lists the names."
        )


class UnknownFigure(BadPrices):
    """The file has an unknown name, or a value that is not a number."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} in the file of prices is no price with a number of 0 or more. "
            "`python -m infra.cost --show-prices` lists the names."
        )


@dataclass(frozen=True, slots=True)
class Known:
    """A price or an assumption with its meaning and source."""

    amount: float
    unit: str
    source: str = ""
    dated: str = ""

    @property
    def is_assumed(self) -> bool:
        """Say whether it has no published source."""
        return not self.source


_FUNCTIONS = "modal.com/blog/azure-function-pricing-guide"
_COSMOS = "learn.microsoft.com/azure/cosmos-db/understand-your-bill"
_AUTOSCALE = "cloud-horizons.com/blog/cosmos-db-the-rus-vs-storage-tradeoff"
_BACKUP = "learn.microsoft.com/azure/cosmos-db/continuous-backup-restore-introduction"
_BLOBS = "learn.microsoft.com/azure/storage/blobs/blob-storage-estimate-costs"
_EGRESS = "c3x.dev/blog/azure-egress-bandwidth-cost"
_EDGE = "blog.cdnsun.com/microsoft-azure-front-door-pricing"
_VAULT = "learn.microsoft.com/answers/questions/5608202"
_LOGS = "monitoringcost.com/azure-monitor-cost"
_FLEX = "learn.microsoft.com/azure/azure-functions/flex-consumption-plan"


class Figure(Enum):
    """All prices and assumptions by name."""

    FUNCTION_SECOND = "functions.gigabyte-second"
    FUNCTION_EXECUTION = "functions.million-executions"
    FUNCTION_FREE_SECONDS = "functions.free-gigabyte-seconds"
    FUNCTION_FREE_EXECUTIONS = "functions.free-executions"
    FUNCTION_SHORTEST = "functions.shortest-seconds"
    READY_BASELINE = "functions.ready-baseline-gigabyte-second"
    READY_SECOND = "functions.ready-gigabyte-second"
    COSMOS_UNITS = "cosmos.serverless-million-units"
    COSMOS_AUTOSCALE = "cosmos.autoscale-hundred-units-hour"
    COSMOS_STORAGE = "cosmos.gigabyte"
    COSMOS_BACKUP = "cosmos.backup-gigabyte"
    BLOB_STORAGE = "blobs.gigabyte"
    BLOB_WRITES = "blobs.ten-thousand-writes"
    BLOB_READS = "blobs.ten-thousand-reads"
    BLOB_ZONES = "blobs.zones-factor"
    EGRESS = "egress.gigabyte"
    EGRESS_FREE = "egress.free-gigabytes"
    EDGE_STANDARD = "edge.standard-month"
    EDGE_PREMIUM = "edge.premium-month"
    EDGE_REQUESTS = "edge.standard-ten-thousand-requests"
    EDGE_PREMIUM_REQUESTS = "edge.premium-ten-thousand-requests"
    EDGE_EGRESS = "edge.gigabyte"
    VAULT = "vault.ten-thousand-operations"
    LOGS = "logs.gigabyte"
    LOGS_FREE = "logs.free-gigabytes"
    LOGS_KEPT = "logs.kept-gigabyte-month"
    ALERT_OFTEN = "alerts.rule-every-5-minutes"
    ALERT_SELDOM = "alerts.rule-every-15-minutes"
    ALERT_METRIC = "alerts.metric-rule"
    PROBE = "alerts.thousand-probes"
    PEAK = "assumed.busiest-hour-factor"
    IN_MEMORY = "assumed.reads-in-memory"
    LOG_REQUEST = "assumed.log-bytes-a-request"
    LOG_LINE = "assumed.log-bytes-around-a-line"
    LOG_RECORD = "assumed.log-bytes-a-database-request"
    LOG_EDGE = "assumed.log-bytes-an-edge-request"
    LOG_WRITE = "assumed.log-bytes-a-blob-write"
    LOG_METRICS = "assumed.log-bytes-of-metrics-a-minute"
    LOG_PLATFORM = "assumed.log-bytes-a-platform-metric"
    PLATFORM_METRICS = "assumed.platform-metrics-a-minute"
    HOST_LEASES = "assumed.leases-of-an-app"
    INDEX = "assumed.database-index-factor"
    STARTS = "assumed.starts-a-month"
    FEED_LOOK = "assumed.units-a-look-at-the-feed"
    FEED_LEASE = "assumed.units-a-lease-of-the-feed"


PUBLISHED: Mapping[Figure, Known] = MappingProxyType(
    {
        Figure.FUNCTION_SECOND: Known(0.000026, "GB-s on demand", _FUNCTIONS, "2025-05-22"),
        Figure.FUNCTION_EXECUTION: Known(0.40, "million executions"),
        Figure.FUNCTION_FREE_SECONDS: Known(100_000, "GB-s on demand a month, of a subscription"),
        Figure.FUNCTION_FREE_EXECUTIONS: Known(
            250_000, "executions on demand a month, of a subscription"
        ),
        Figure.FUNCTION_SHORTEST: Known(1.0, "s, the shortest time billed", _FLEX, "2024-05-24"),
        Figure.READY_BASELINE: Known(0.000004, "GB-s that an instance is always ready"),
        Figure.READY_SECOND: Known(0.000016, "GB-s that such an instance is busy"),
        Figure.COSMOS_UNITS: Known(0.25, "million request units", _COSMOS, "2022-03-31"),
        Figure.COSMOS_AUTOSCALE: Known(0.012, "100 RU/s an hour", _AUTOSCALE, "2026-05-08"),
        Figure.COSMOS_STORAGE: Known(0.25, "GB a month", _COSMOS, "2022-03-31"),
        Figure.COSMOS_BACKUP: Known(0.20, "GB a month, 30 days back", _BACKUP, "2023-04-15"),
        Figure.BLOB_STORAGE: Known(0.0208, "GB a month, hot, LRS", _BLOBS, "2024-07-26"),
        Figure.BLOB_WRITES: Known(0.055, "10,000 writes", _BLOBS, "2024-07-26"),
        Figure.BLOB_READS: Known(0.0044, "10,000 reads and others", _BLOBS, "2024-07-26"),
        Figure.BLOB_ZONES: Known(1.25, "times the price of LRS for ZRS"),
        Figure.EGRESS: Known(0.087, "GB to the internet", _EGRESS, "2026"),
        Figure.EGRESS_FREE: Known(100, "GB to the internet a month", _EGRESS, "2026"),
        Figure.EDGE_STANDARD: Known(35, "month, Front Door Standard", _EDGE, "2026"),
        Figure.EDGE_PREMIUM: Known(330, "month, Front Door Premium", _EDGE, "2026"),
        Figure.EDGE_REQUESTS: Known(0.009, "10,000 requests, Standard", _EDGE, "2026"),
        Figure.EDGE_PREMIUM_REQUESTS: Known(0.015, "10,000 requests, Premium", _EDGE, "2026"),
        Figure.EDGE_EGRESS: Known(0.083, "GB from Front Door to clients", _EDGE, "2026"),
        Figure.VAULT: Known(0.03, "10,000 operations", _VAULT, "2025"),
        Figure.LOGS: Known(2.30, "GB of logs, Application Insights included", _LOGS, "2026"),
        Figure.LOGS_FREE: Known(5, "GB of logs a month", _LOGS, "2026"),
        Figure.LOGS_KEPT: Known(0.10, "GB a month kept beyond 31 days", _LOGS, "2026"),
        Figure.ALERT_OFTEN: Known(1.50, "rule over logs, every 5 minutes, a month"),
        Figure.ALERT_SELDOM: Known(0.50, "rule over logs, less often, a month"),
        Figure.ALERT_METRIC: Known(0.10, "rule over a metric, a month"),
        Figure.PROBE: Known(0.50, "thousand probes from outside"),
        Figure.PEAK: Known(4, "times the mean of the month in a busy hour"),
        Figure.IN_MEMORY: Known(0.7, "part of the reads that an instance answers from memory"),
        Figure.LOG_REQUEST: Known(1_500, "bytes of the host's record of a request"),
        Figure.LOG_LINE: Known(700, "bytes that the host adds to a line of the log"),
        Figure.LOG_RECORD: Known(1_000, "bytes that a request to Cosmos DB logs"),
        Figure.LOG_EDGE: Known(1_500, "bytes that a request to Front Door logs"),
        Figure.LOG_WRITE: Known(1_000, "bytes that a write of a blob logs"),
        Figure.LOG_METRICS: Known(20_000, "bytes of metrics a minute that an instance is busy"),
        Figure.LOG_PLATFORM: Known(500, "bytes of a metric of a resource in the logs, each minute"),
        Figure.PLATFORM_METRICS: Known(12, "metrics of a resource with a value in a minute"),
        Figure.HOST_LEASES: Known(
            2, "leases of the host of an app: its own, and that of the timer"
        ),
        Figure.INDEX: Known(1.15, "times the items for items and their index"),
        Figure.STARTS: Known(1_000, "starts of instances a month, each reads the vault"),
        Figure.FEED_LOOK: Known(2, "request units of a look at the change feed"),
        Figure.FEED_LEASE: Known(10, "request units of renewing the lease on it"),
    }
)


@dataclass(frozen=True)
class Prices:
    """The value of each figure."""

    amounts: Mapping[Figure, float]

    @classmethod
    def published(cls) -> Self:
        """Return the published prices and the default assumptions."""
        return cls(MappingProxyType({figure: PUBLISHED[figure].amount for figure in Figure}))

    def changed(self, text: bytes) -> Self:
        """Return the values with those of a JSON file in their place."""
        try:
            given: object = json.loads(text)
        except (ValueError, RecursionError):
            raise NoPrices from None
        if not isinstance(given, dict):
            raise NoPrices
        changes = [_parse(*each) for each in cast(Mapping[str, object], given).items()]
        return type(self)(MappingProxyType({**self.amounts, **dict(changes)}))

    def without(self, figures: Iterable[Figure]) -> Self:
        """Return the values with these at zero."""
        return type(self)(MappingProxyType({**self.amounts, **dict.fromkeys(figures, 0.0)}))

    def __getitem__(self, figure: Figure) -> float:
        return self.amounts[figure]


_NAMED = {figure.value: figure for figure in Figure}


def _parse(name: str, amount: object) -> tuple[Figure, float]:
    if name not in _NAMED or isinstance(amount, bool) or not isinstance(amount, int | float):
        raise UnknownFigure(name)
    if not 0 <= amount < float("inf"):
        raise UnknownFigure(name)
    return _NAMED[name], float(amount)
