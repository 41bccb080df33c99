"""cost: what a registry in the cloud costs, by the sizes of its templates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import BinaryIO

import click
import orjson

from shared.commands.running import Output, as_json, show
from shared.domain.cost_tables import Row, details, overview, price_list, sensitivity
from shared.domain.costs import Edge, Load, Plan, Size, behind, shortfalls, usual
from shared.domain.prices import BadPrices, Prices

KIB = 1024
HUNDRED = 100


class Shown(Enum):
    """What is printed."""

    COSTS = "costs"
    PRICES = "prices"


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
    type=click.Choice([Edge.STANDARD.value, Edge.PREMIUM.value]),
    default=Edge.STANDARD.value,
    help="Front Door of the sizes that have one; standard.",
)
@click.option("--prices", "file", type=click.File("rb"), help="A file of other prices.")
@click.option(
    "--show-prices",
    "shown",
    flag_value=Shown.PRICES,
    type=click.UNPROCESSED,
    default=Shown.COSTS,
    help="Print the prices, with their pages and dates.",
)
@as_json
def cost(
    *,
    size: str | None,
    edge: str,
    file: BinaryIO | None,
    shown: Shown,
    output: Output,
    **given: float | None,
) -> None:
    """Print what a month in the cloud costs: a model, from published prices, in dollars.

    docs/cost.md says what is counted, and what a file of other prices looks like.

    \b
    Examples:
      python -m shared.cli cost --packages 2000 --pulls 1000000
      python -m shared.cli cost --pulls 5000000 --size team --cache-hits 95
      python -m shared.cli cost --show-prices
    """
    plans, prices, load = behind(Edge(edge)), _prices(file), _load(given)
    if shown is Shown.PRICES:
        show(price_list(prices), output)
    elif size is None:
        _show_all([overview(plans, load, prices), sensitivity(plans, load, prices)], output)
        _warn(plans, load, prices)
    else:
        plan = plans[Size(size)]
        show(details(plan, load, prices), output)
        _warn({Size(size): plan}, load, prices)


def _warn(plans: Mapping[Size, Plan], load: Load, prices: Prices) -> None:
    for size, plan in plans.items():
        for sentence in shortfalls(plan, load, prices):
            click.echo(f"{size.value}: {sentence}", err=True)


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


def _show_all(tables: Sequence[Sequence[Row]], output: Output) -> None:
    if output is Output.JSON:
        click.echo(orjson.dumps(tables, option=orjson.OPT_INDENT_2))
        return
    for number, table in enumerate(tables):
        if number:
            click.echo()
        show(table, output)
