"""Charts of the pulls of a package: bars by day and version, and a line of the last days.

This module computes shapes, which `web/package/_charts.html` draws as SVG. The style sheet has the
colors. Coordinates are those of the view box of each drawing.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

WIDTH = 720
HEIGHT = 220
# Room for the labels of the axes. Values stand on the right, beside the newest bar: a narrow screen
# shows that end first.
_RIGHT = 52
_TOP = 12
_BOTTOM = 26
_BOTTOM_OF_BARS = HEIGHT - _BOTTOM
_END_OF_BARS = WIDTH - _RIGHT
_GAP = 0.2  # Between two bars, as a fraction of their distance.
_GRID_LINES = 4  # At most, besides the axis.
_LABELS = 7  # Days on the axis, at most.
_STEPS = (1, 2, 5)  # Distances of grid lines, times a power of ten.
OTHERS = "others"  # The series of all versions that have none of their own.

LINE_WIDTH = 240
LINE_HEIGHT = 48
_LINE_MARGIN = 2  # So that a line of two units is drawn whole at its extremes.


class BarPart(NamedTuple):
    """The rectangle of one series in a bar; `series` is its number."""

    series: int
    x: float
    y: float
    width: float
    height: float


class Bar(NamedTuple):
    """One day: its numbers as text, and its parts from the bottom up, without empty ones."""

    text: str
    parts: tuple[BarPart, ...]


class GridLine(NamedTuple):
    y: float
    value: int


class AxisLabel(NamedTuple):
    x: float
    text: str


class DailyChart:
    """Counts by day as stacked bars. A day without any has no bar, and its place on the axis."""

    def __init__(
        self, days: Mapping[str, Mapping[str, int]], names: Sequence[str], limit: int
    ) -> None:
        """Take the counts of each day by name, in the order of days; `names` are the first ones to
        choose among equals. The first name and those with the largest sums are series, `limit` in
        all, and all others are one more."""
        self.days = days
        self._named = _largest(days.values(), names, limit)
        known = {each for counts in days.values() for each in counts}
        self.series = self._named if known <= set(self._named) else (*self._named, OTHERS)
        self._highest = max((sum(counts.values()) for counts in days.values()), default=0)
        self._step = _round_step(self._highest)

    @cached_property
    def counts(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Each day with its counts, in the order of `series`."""
        return tuple((day, self._of_series(counts)) for day, counts in self.days.items())

    @property
    def bars(self) -> Iterable[Bar]:
        for place, (day, counts) in enumerate(self.counts):
            if any(counts):
                x = self._distance * (place + _GAP / 2)
                yield Bar(self._described(day, counts), self._parts(counts, x))

    @property
    def grid(self) -> Iterable[GridLine]:
        for value in range(0, self._top + 1, self._step):
            yield GridLine(self._y(value), value)

    @property
    def labels(self) -> Iterable[AxisLabel]:
        every = max(1, -(-len(self.days) // _LABELS))
        for place, day in enumerate(self.days):
            if place % every == 0:
                yield AxisLabel(round(self._distance * place, 1), day)

    @property
    def _distance(self) -> float:
        """From the beginning of one day to that of the next."""
        return _END_OF_BARS / max(1, len(self.days))

    @property
    def _top(self) -> int:
        """The value of the uppermost line of the grid."""
        return self._step * max(1, -(-self._highest // self._step))

    def _of_series(self, counts: Mapping[str, int]) -> tuple[int, ...]:
        named = tuple(counts.get(name, 0) for name in self._named)
        if len(self.series) == len(named):
            return named
        return (*named, sum(counts.values()) - sum(named))

    def _parts(self, counts: Sequence[int], x: float) -> tuple[BarPart, ...]:
        below = 0
        parts = list[BarPart]()
        for series, count in enumerate(counts):
            if count:
                upper = self._y(below + count)
                lower = self._y(below)
                width = self._distance * (1 - _GAP)
                shape = (round(each, 1) for each in (x, upper, width, lower - upper))
                parts.append(BarPart(series, *shape))
                below += count
        return tuple(parts)

    def _y(self, value: int) -> float:
        return round(_TOP + (_BOTTOM_OF_BARS - _TOP) * (1 - value / self._top), 1)

    def _described(self, day: str, counts: Sequence[int]) -> str:
        """Return the numbers of a day, such as `2026-11-20: 1,203 (1.0.0: 1,200, others: 3)`."""
        text = f"{day}: {sum(counts):,}"
        if len(self.series) == 1:
            return text
        pairs = zip(self.series, counts, strict=True)
        return f"{text} ({', '.join(f'{name}: {count:,}' for name, count in pairs if count)})"


def line_points(counts: Sequence[int]) -> str:
    """Return the points of a line through counts, the oldest first, as `points` of a polyline;
    those between two of the same height are left out."""
    highest = max(max(counts, default=0), 1)
    across = (LINE_WIDTH - 2 * _LINE_MARGIN) / max(1, len(counts) - 1)
    down = LINE_HEIGHT - 2 * _LINE_MARGIN
    points = list[str]()
    for place, (before, count, after) in enumerate(
        zip([None, *counts], counts, [*counts[1:], None], strict=False)
    ):
        if not before == count == after:
            x = _LINE_MARGIN + across * place
            y = _LINE_MARGIN + down * (1 - count / highest)
            points.append(f"{x:.1f},{y:.1f}")
    return " ".join(points)


def _largest(
    days: Iterable[Mapping[str, int]], names: Sequence[str], limit: int
) -> tuple[str, ...]:
    sums: dict[str, int] = {}
    for counts in days:
        for name, count in counts.items():
            sums[name] = sums.get(name, 0) + count
    places = {name: place for place, name in enumerate(names)}

    def rank(name: str) -> tuple[bool, int, int, str]:
        place = places.get(name, len(places))
        return place != 0, -sums[name], place, name

    return tuple(sorted(sums, key=rank)[:limit])


def _round_step(highest: int) -> int:
    """Return the smallest round distance of lines that needs `_GRID_LINES` at most."""
    power = 1
    while True:
        for each in _STEPS:
            if highest <= each * power * _GRID_LINES:
                return each * power
        power *= 10
