"""SVG charts of a package: pulls as stacked bars."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

# Bars have tooltips with their numbers; the page also has a table of them. The style sheet colours
# the charts.

_WIDTH, _HEIGHT = 720, 220
# Room for the labels of the axes. Values are on the right, beside the newest bar: a narrow screen
# shows that end.
_RIGHT, _TOP, _BOTTOM = 52, 12, 26
_GAP = 0.2  # Between two bars, as a fraction of their distance.
_MAX_BAR_WIDTH = 48
_LINES = 4  # Grid lines at most, besides the axis.
_LABELS = 7  # Days or months on the axis at most.
_STEPS = (1, 2, 5)  # Distances of grid lines, times a power of ten.


@dataclass(frozen=True, slots=True)
class ChartBar:
    """One bar: its label, and the height of each series from the bottom up."""

    name: str
    parts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.parts)


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars from left to right; `series` names the parts of each, `title` the whole."""

    title: str
    series: tuple[str, ...]
    bars: tuple[ChartBar, ...]

    def svg(self) -> str:
        """Return the drawing, or an empty text if all bars are empty."""
        highest = max((bar.total for bar in self.bars), default=0)
        if not highest:
            return ""
        step = _step(highest)
        top = step * -(-highest // step)
        return (
            f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
            f' aria-label="{escape(self.title)}">'
            f"{''.join(_lines(top, step))}{''.join(self._bars(top))}{''.join(self._labels())}"
            "</svg>"
        )

    def _bars(self, top: int) -> Iterator[str]:
        for at, bar in enumerate(self.bars):
            if bar.total:
                yield f"<g><title>{escape(self._tooltip(bar))}</title>"
                width = min(self._room * (1 - _GAP), _MAX_BAR_WIDTH)
                yield from _stack(bar, self._place(at), width, top)
                yield "</g>"

    def _labels(self) -> Iterator[str]:
        every = max(1, -(-len(self.bars) // _LABELS))
        for at in range(0, len(self.bars), every):
            x = self._place(at)
            name = escape(self.bars[at].name)
            yield f'<text class="plot-label" x="{x:.1f}" y="{_HEIGHT - 8}">{name}</text>'

    @property
    def _room(self) -> float:
        return (_WIDTH - _RIGHT) / len(self.bars)

    def _place(self, at: int) -> float:
        return self._room * (at + _GAP / 2)

    def _tooltip(self, bar: ChartBar) -> str:
        parts = [
            f"{name} {count:,}"
            for name, count in zip(self.series, bar.parts, strict=True)
            if count and len(self.series) > 1
        ]
        by_series = f" ({', '.join(parts)})" if parts else ""
        return f"{bar.name}: {bar.total:,}{by_series}"


def _stack(bar: ChartBar, x: float, width: float, top: int) -> Iterator[str]:
    below = 0
    for number, count in enumerate(bar.parts):
        if count:
            upper, lower = _height(below + count, top), _height(below, top)
            yield (
                f'<rect class="series-{number}" x="{x:.1f}" y="{upper:.1f}"'
                f' width="{width:.1f}" height="{lower - upper:.1f}"/>'
            )
            below += count


def _lines(top: int, step: int) -> Iterator[str]:
    for value in range(0, top + 1, step):
        y = _height(value, top)
        yield f'<path class="plot-line" d="M0 {y:.1f}H{_WIDTH - _RIGHT}"/>'
        yield f'<text class="plot-value" x="{_WIDTH - _RIGHT + 6}" y="{y + 4:.1f}">{value:,}</text>'


def _height(value: int, top: int) -> float:
    inside = _HEIGHT - _TOP - _BOTTOM
    return _TOP + inside * (1 - value / top)


def _step(highest: int) -> int:
    """Return the smallest round distance of grid lines that needs `_LINES` at most."""
    power = 1
    while True:
        for each in _STEPS:
            if highest <= each * power * _LINES:
                return each * power
        power *= 10


def stacked_chart(
    counts: Sequence[tuple[str, dict[str, int]]], limit: int, newest_first: Sequence[str] = ()
) -> tuple[tuple[str, ...], tuple[ChartBar, ...]]:
    """Return the series and the bars of counts by name, such as days with pulls by version.

    The first of `newest_first` and the names with the largest sums are series, `limit` in all; of
    equal sums those that are newer. All others are one more.
    """
    sums: dict[str, int] = {}
    for _, parts in counts:
        for name, count in parts.items():
            sums[name] = sums.get(name, 0) + count
    places = {name: place for place, name in enumerate(newest_first)}

    def rank(name: str) -> tuple[bool, int, int, str]:
        place = places.get(name, len(places))
        return place != 0, -sums[name], place, name

    ranked = sorted(sums, key=rank)
    named, others = tuple(ranked[:limit]), frozenset(ranked[limit:])
    series = (*named, "others") if others else named
    bars = tuple(ChartBar(label, _parts(parts, named, others)) for label, parts in counts)
    return series, bars


def _parts(
    counts: dict[str, int], named: tuple[str, ...], others: frozenset[str]
) -> tuple[int, ...]:
    parts = tuple(counts.get(name, 0) for name in named)
    return (*parts, sum(counts.get(name, 0) for name in others)) if others else parts
