"""The costs of a registry in the cloud as people read them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from shared.domain.costs import Line, Load, Plan, Size, bill, total, usual
from shared.domain.prices import PUBLISHED, Figure, Prices

Row = Mapping[str, str]
Plans = Mapping[Size, Plan]

MILLION = 1_000_000
EXACT = 100  # From which on parts of one tell nothing.
SHARES = (0.0, 0.5, 0.9, 0.99)  # Of archives that the edge has.


def overview(plans: Plans, load: Load, prices: Prices) -> list[Row]:
    """Return what each service costs in each size; then the sum, and what moves it."""
    bills = {size: bill(plans[size], load, prices) for size in Size}
    services = list(dict.fromkeys(line.service for lines in bills.values() for line in lines))
    rows = [_row(each, {s: _of(each, lines) for s, lines in bills.items()}) for each in services]
    idle, more = usual(load.packages, 0), _with_another_million(load)
    return [
        *rows,
        _row("a month", {size: total(lines) for size, lines in bills.items()}),
        _row("a month, idle", {s: total(bill(plans[s], idle, prices)) for s in Size}),
        _row(
            "a million pulls more",
            {s: total(bill(plans[s], more, prices)) - total(bills[s]) for s in Size},
        ),
    ]


def sensitivity(plans: Plans, load: Load, prices: Prices) -> list[Row]:
    """Return what a month costs by the part of the archives that the edge has."""
    return [
        _row(
            f"{share:.0%}",
            {s: total(bill(plans[s], replace(load, cache_hits=share), prices)) for s in Size},
            "archives at the edge",
        )
        for share in SHARES
    ]


def details(plan: Plan, load: Load, prices: Prices) -> list[Row]:
    """Return every line of the bill of a plan that costs or counts something."""
    lines = bill(plan, load, prices)
    shown = [line for line in lines if line.quantity]
    sum_ = Line("a month", "", 0, total(lines))
    return [_detail(line) for line in [*shown, sum_]]


def price_list(prices: Prices) -> list[Row]:
    """Return every price and assumption with its name, and where it was read."""
    return list(_listed(prices))


def _listed(prices: Prices) -> Iterator[Row]:
    for figure in Figure:
        known, amount = PUBLISHED[figure], prices[figure]
        given = amount != known.amount
        source = "given" if given else known.source or "assumed"
        yield {
            "name": figure.value,
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


def _of(service: str, lines: list[Line]) -> float:
    return total([line for line in lines if line.service == service])


def _row(name: str, dollars: Mapping[Size, float], title: str = "dollars") -> Row:
    return {title: name, **{size.value: f"{dollars[size]:,.2f}" for size in Size}}


def _detail(line: Line) -> Row:
    quantity = f"{line.quantity:,.{0 if line.quantity >= EXACT else 2}f}"
    return {
        "service": line.service,
        "what": line.what,
        "quantity": quantity if line.what else "",
        "dollars": f"{line.dollars:,.2f}",
    }
