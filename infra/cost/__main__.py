"""`python -m infra.cost`: the monthly cost of a registry in the cloud, for each deployment size."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import BinaryIO

import click

from infra.cost.first_requests import UNITS_BEFORE, first_requests
from infra.cost.model import (
    CostLine,
    CostPlan,
    FrontDoorTier,
    Load,
    Network,
    Size,
    behind,
    bill,
    shortfalls,
    total,
    usual,
    within,
)
from infra.cost.price_table import PUBLISHED, BadPrices, Prices

KIB = 1024
HUNDRED = 100


class CostOutput(Enum):
    COSTS = "costs"
    FIRST_REQUESTS = "first requests"
    PRICES = "prices"


class NoNetwork(click.ClickException):
    """A gateway is asked for without a network."""

    def __init__(self) -> None:
        super().__init__("A NAT gateway belongs to a network: --nat-gateway needs --isolated.")


_count = click.IntRange(min=0)
_percent = click.FloatRange(0, 100)


@click.command()
@click.option("--packages", type=_count, default=2_000, help="Packages; 2,000 by default.")
@click.option("--pulls", type=_count, default=1_000_000, help="Pulls a month; a million.")
@click.option("--pushes", type=_count, help="Pushes a month; one for three packages.")
@click.option("--resolves", type=_count, help="Resolves a month; one for ten pulls.")
@click.option("--searches", type=_count, help="Searches a month; one for fifty pulls.")
@click.option("--archive-kib", type=_count, default=100, help="KiB of a mean archive; 100.")
@click.option("--cache-hits", type=_percent, default=90, help="Percent that the edge has; 90.")
@click.option("--with-token", type=_percent, default=50, help="Percent that send a token; 50.")
@click.option("--size", type=click.Choice([each.value for each in Size]), help="Lines of a size.")
@click.option(
    "--edge",
    type=click.Choice([FrontDoorTier.STANDARD.value, FrontDoorTier.PREMIUM.value]),
    default=FrontDoorTier.STANDARD.value,
    help="Front Door of the sizes that have one; standard.",
)
@click.option("--isolated", is_flag=True, help="With the stores in a network of their own.")
@click.option("--nat-gateway", is_flag=True, help="With --isolated: a NAT gateway for it.")
@click.option("--prices", "file", type=click.File("rb"), help="A file of other prices.")
@click.option(
    "--show-prices",
    "shown",
    flag_value=CostOutput.PRICES,
    type=click.UNPROCESSED,
    default=CostOutput.COSTS,
    help="Print the prices, with their pages and dates.",
)
@click.option(
    "--first-requests",
    "shown",
    flag_value=CostOutput.FIRST_REQUESTS,
    type=click.UNPROCESSED,
    help="Print what a million requests cost that nothing in memory answers.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def cost(
    *,
    size: str | None,
    edge: str,
    isolated: bool,
    nat_gateway: bool,
    file: BinaryIO | None,
    shown: CostOutput,
    as_json: bool,
    **given: float | None,
) -> None:
    """Print the estimated cost of a month in the cloud, from published prices, in US dollars.

    docs/run/azure/cost.md says what is counted, and what a file of other prices looks like.

    \b
    Examples:
      python -m infra.cost --packages 2000 --pulls 1000000
      python -m infra.cost --pulls 5000000 --size team --cache-hits 95
      python -m infra.cost --first-requests
      python -m infra.cost --show-prices
    """
    plans = within(_network(isolated=isolated, gateway=nat_gateway), behind(FrontDoorTier(edge)))
    prices = _prices(file)
    load = _load(given)
    if shown is CostOutput.PRICES:
        tables = [price_list(prices)]
    elif shown is CostOutput.FIRST_REQUESTS:
        tables = [first_request_list(prices)]
    elif size is None:
        tables = [overview(plans, load, prices), sensitivity(plans, load, prices)]
    else:
        plans = {Size(size): plans[Size(size)]}
        tables = [details(plans[Size(size)], load, prices)]
    if as_json:
        click.echo(json.dumps(tables if len(tables) > 1 else tables[0], indent=2))
    else:
        click.echo("\n\n".join(map(_table, tables)))
    if shown is CostOutput.COSTS:
        _warn(plans, load, prices)


def _warn(plans: Mapping[Size, CostPlan], load: Load, prices: Prices) -> None:
    for size, plan in plans.items():
        for sentence in shortfalls(plan, load, prices):
            click.echo(f"{size.value}: {sentence}", err=True)


def _network(*, isolated: bool, gateway: bool) -> Network:
    if gateway and not isolated:
        raise NoNetwork
    if not isolated:
        return Network.OPEN
    return Network.GATEWAY if gateway else Network.ISOLATED


def _prices(file: BinaryIO | None) -> Prices:
    try:
        published = Prices.published()
        return published.changed(file.read()) if file else published
    except BadPrices as bad:
        raise click.ClickException(str(bad)) from None


def _load(given: Mapping[str, float | None]) -> Load:
    told = {name: value for name, value in given.items() if value is not None}
    load = usual(int(told.pop("packages")), int(told.pop("pulls")))
    return replace(
        load,
        archive_bytes=int(told.pop("archive_kib") * KIB),
        cache_hits=told.pop("cache_hits") / HUNDRED,
        with_token=told.pop("with_token") / HUNDRED,
        **{name: int(value) for name, value in told.items()},
    )


CostRow = Mapping[str, str]


def _table(rows: Sequence[CostRow]) -> str:
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


Plans = Mapping[Size, CostPlan]

MILLION = 1_000_000
OF_BYTES = frozenset(("Bandwidth", "Front Door"))
FREE_GRANT = ("functions.free-gigabyte-seconds", "functions.free-executions")
EXACT = 100  # Quantities from 100 on are shown without decimals.
SHARES = (0.0, 0.5, 0.9, 0.99)  # Shares of archives that the edge has in its cache.


def overview(plans: Plans, load: Load, prices: Prices) -> list[CostRow]:
    """Return the cost of each service for each size, then the sum and its largest factors."""
    bills = {size: bill(plans[size], load, prices) for size in Size}
    services = list(dict.fromkeys(line.service for lines in bills.values() for line in lines))
    rows = [_row(each, {s: _of(each, lines) for s, lines in bills.items()}) for each in services]
    idle = usual(load.packages, 0)
    granted = prices.without(FREE_GRANT)
    return [
        *rows,
        _row("a month", {size: total(lines) for size, lines in bills.items()}),
        _row("a month, idle", {s: total(bill(plans[s], idle, prices)) for s in Size}),
        _row("a month, free grant used", {s: total(bill(plans[s], load, granted)) for s in Size}),
        _row("a million pulls more", {s: _another_million(plans[s], load, prices) for s in Size}),
        _row(
            "without bytes and edge",
            {s: _another_million(plans[s], load, prices, left_out=OF_BYTES) for s in Size},
        ),
    ]


def sensitivity(plans: Plans, load: Load, prices: Prices) -> list[CostRow]:
    """Return the cost of a month for several cache hit rates of the edge."""
    return [
        _row(
            f"{share:.0%}",
            {s: total(bill(plans[s], replace(load, cache_hits=share), prices)) for s in Size},
            "archives at the edge",
        )
        for share in SHARES
    ]


def _another_million(
    plan: CostPlan, load: Load, prices: Prices, *, left_out: Collection[str] = ()
) -> float:
    """Return the cost of a million pulls more, without that of some services."""
    one, more = (
        total([line for line in bill(plan, each, prices) if line.service not in left_out])
        for each in (load, _with_another_million(load))
    )
    return more - one


def details(plan: CostPlan, load: Load, prices: Prices) -> list[CostRow]:
    """Return the lines of a bill that are not zero."""
    lines = bill(plan, load, prices)
    shown = [line for line in lines if line.quantity]
    sum_ = CostLine("a month", "", 0, total(lines))
    return [_detail(line) for line in [*shown, sum_]]


def first_request_list(prices: Prices) -> list[CostRow]:
    """Return the request units of each kind of first request, now and before, and the dollars of a
    million."""
    return [
        {
            "first request": kind.value,
            "request units": f"{cost.units:,.2f}",
            "before": f"{UNITS_BEFORE[kind]:,.2f}",
            "Cosmos DB": f"{cost.database:,.2f}",
            "executions": f"{cost.executions:,.2f}",
            "GB-s": f"{cost.memory:,.2f}",
            "storage": f"{cost.storage:,.2f}",
            "a million": f"{cost.total:,.2f}",
            "egress": f"{cost.egress:,.2f}",
        }
        for kind, cost in first_requests(prices).items()
    ]


def price_list(prices: Prices) -> list[CostRow]:
    """Return each price and assumption with its name and source."""
    return list(_listed(prices))


def _listed(prices: Prices) -> Iterator[CostRow]:
    for name, known in PUBLISHED.items():
        amount = prices[name]
        given = amount != known.amount
        source = "given" if given else known.source or "assumed"
        yield {
            "name": name,
            "amount": f"{amount:,.6f}".rstrip("0").rstrip("."),
            "for": known.unit,
            "source": source,
            "date": "" if given else known.dated,
        }


def _with_another_million(load: Load) -> Load:
    more = usual(load.packages, MILLION)
    return replace(
        load,
        pulls=load.pulls + more.pulls,
        resolves=load.resolves + more.resolves,
        searches=load.searches + more.searches,
    )


def _of(service: str, lines: list[CostLine]) -> float:
    return total([line for line in lines if line.service == service])


def _row(name: str, dollars: Mapping[Size, float], title: str = "dollars") -> CostRow:
    return {title: name, **{size.value: f"{dollars[size]:,.2f}" for size in Size}}


def _detail(line: CostLine) -> CostRow:
    quantity = f"{line.quantity:,.{0 if line.quantity >= EXACT else 2}f}"
    return {
        "service": line.service,
        "what": line.what,
        "quantity": quantity if line.what else "",
        "dollars": f"{line.dollars:,.2f}",
    }


if __name__ == "__main__":
    cost(prog_name="python -m infra.cost")
