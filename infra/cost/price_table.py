"""Prices of Azure and assumptions of the cost model: the numbers of docs/run/azure/cost.md.

`prices.csv` has them in dollars, North America and Europe, without tax and discounts. A price has
the page that it was read on and the date of that page; what has none is an assumption. Both are
changed by a file of `{"name": number}`, for another region, contract or year.
"""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
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
    """A price or an assumption with its meaning and source; an assumption has none."""

    amount: float
    unit: str
    source: str
    dated: str


def _published() -> Mapping[str, Known]:
    with (Path(__file__).parent / "prices.csv").open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    return MappingProxyType({name: Known(float(amount), *rest) for name, amount, *rest in rows})


PUBLISHED = _published()


@dataclass(frozen=True)
class Prices:
    """The value of each price and assumption by its name."""

    amounts: Mapping[str, float]

    @classmethod
    def published(cls) -> Self:
        """Return the published prices and the default assumptions."""
        return cls({name: known.amount for name, known in PUBLISHED.items()})

    def changed(self, text: bytes) -> Self:
        """Return the values with those of a JSON file in their place."""
        try:
            given: object = json.loads(text)
        except (ValueError, RecursionError):
            raise NoPrices from None
        if not isinstance(given, dict):
            raise NoPrices
        changes = dict(self.amounts)
        for name, amount in cast(Mapping[str, object], given).items():
            if isinstance(amount, bool) or not isinstance(amount, int | float):
                raise UnknownFigure(name)
            if name not in PUBLISHED or not 0 <= amount < float("inf"):
                raise UnknownFigure(name)
            changes[name] = float(amount)
        return type(self)(changes)

    def without(self, names: Iterable[str]) -> Self:
        """Return the values with these at zero."""
        return type(self)({**self.amounts, **dict.fromkeys(names, 0.0)})

    def __getitem__(self, name: str) -> float:
        return self.amounts[name]
