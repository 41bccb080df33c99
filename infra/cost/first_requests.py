"""What a million requests of a kind cost that nothing in memory answers.

Calculated, not measured: the request units are those of the model in `infra/cost/usage.py`, and the
prices those of `prices.csv`. An instance is taken as busy, so that a request takes its processor
and the look at the change feed is that of all requests of a second; how long an instance is paid
for when requests are far apart is in the costs of a month.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from infra.cost.model import COST_PLANS, GIGABYTE, REQUEST_SECONDS, Size
from infra.cost.price_table import Prices
from infra.cost.usage import MEASURED, RESOLVED, CountedRequest, Usage

MILLION = 1_000_000
RESOLVED_AT_ONCE = 50
# The most that counting a pull costs, with its roll-up: tests/in_the_cloud/test_pull_budget.py.
COUNTED = Usage(0.1)
# A resolution queries the packages and their graphs. That costs the same for any number of them,
# and the rest grows with it: Azure's documentation, tests/fakes/cosmos/charges.py.
QUERIES = 2 * 2.3


class FirstRequest(Enum):
    """The kinds of requests, of which each is for something else."""

    PULL = "pull"
    PAGE = "package page"
    API_PAGE = "API page"
    SEARCH = "search"
    RESOLUTION = "resolution of 50"


# Counted in the same way over the tree of 81950573, in which all was read at the level of the
# account. A first pull has to take at most 4 request units and cost 2 dollars a million; the others
# at most what they took there.
UNITS_BEFORE: Mapping[FirstRequest, float] = MappingProxyType(
    {
        FirstRequest.PULL: 7.65 + COUNTED.units,  # Counting the pull cost the same before.
        FirstRequest.PAGE: 20.15,
        FirstRequest.API_PAGE: 16.2,
        FirstRequest.SEARCH: 0.0,
        # 145.2 of 20 packages, at the level of the account: queries cost twice as much there.
        FirstRequest.RESOLUTION: 2 * QUERIES + (145.2 - 2 * QUERIES) * RESOLVED_AT_ONCE / RESOLVED,
    }
)


@dataclass(frozen=True, slots=True)
class FirstRequestCost:
    """The request units of one request, and the dollars of a million."""

    units: float
    database: float
    executions: float
    memory: float  # Gigabyte-seconds of the instance.
    storage: float  # Reads of blobs.
    egress: float  # The size of answers, without the archives of pulls.

    @property
    def total(self) -> float:
        """Return all but egress, which depends on the edge and on what was asked for."""
        return self.database + self.executions + self.memory + self.storage


def first_requests(prices: Prices) -> Mapping[FirstRequest, FirstRequestCost]:
    """Return what each kind costs where the database is paid for by the request."""
    return {kind: _cost(usage, prices) for kind, usage in _usages()}


def _usages() -> Iterator[tuple[FirstRequest, Usage]]:
    # A pull is counted, and its archive is one read of a blob by the client or the edge.
    yield (FirstRequest.PULL, MEASURED[CountedRequest.PULL] + COUNTED + Usage(blob_reads=1))
    yield FirstRequest.PAGE, MEASURED[CountedRequest.PAGE]
    yield FirstRequest.API_PAGE, MEASURED[CountedRequest.API_PAGE]
    yield FirstRequest.SEARCH, MEASURED[CountedRequest.SEARCH]
    resolve = MEASURED[CountedRequest.RESOLVE]
    each = (resolve + Usage(QUERIES) * -1) * (RESOLVED_AT_ONCE / RESOLVED)
    yield FirstRequest.RESOLUTION, each + Usage(QUERIES)


def _cost(usage: Usage, prices: Prices) -> FirstRequestCost:
    seconds = MILLION * REQUEST_SECONDS * COST_PLANS[Size.DEV].gigabytes
    return FirstRequestCost(
        usage.units,
        database=usage.units * prices["cosmos.serverless-million-units"],
        executions=prices["functions.million-executions"],
        memory=seconds * prices["functions.gigabyte-second"],
        storage=MILLION * usage.blob_reads / 1e4 * prices["blobs.ten-thousand-reads"],
        egress=MILLION * usage.answer_bytes / GIGABYTE * prices["egress.gigabyte"],
    )
