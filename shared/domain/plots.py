"""Plots: stacked bars over time, drawn as SVG that the style sheet of a page colours.

Every bar says its numbers to those who point at it; the page has a table of them for everybody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 720, 220
_LEFT, _TOP, _BOTTOM = 44, 12, 26  # Room for the numbers beside, and for the days below.
_GAP = 0.2  # Of the room of a bar: the distance to the next one.
_WIDEST = 48  # A bar of a month, where there are few.
_LINES = 4  # Lines across, at most, besides the ground.
_LABELS = 7  # Days or months that are written below.
_STEPS = (1, 2, 5)  # Times a power of ten: distances of lines that people count in.


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it stands for, and its parts from the ground up, a number a series."""

    name: str
    parts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Return the height of the whole bar."""
        return sum(self.parts)


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars from left to right; `series` names the parts of each, `title` the whole."""

    title: str
    series: tuple[str, ...]
    bars: tuple[Bar, ...]

    def svg(self) -> str:
        """Return the drawing, or nothing where no bar has any height."""
        highest = max((bar.total for bar in self.bars), default=0)
        if not highest:
            return ""
        step = _step(highest)
        top = step * -(-highest // step)
        return (
            f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
            f' aria-label="{escape(self.title)}">'
            f"{''.join(_lines(top, step))}{''.join(self._drawn(top))}{''.join(self._labels())}"
            "</svg>"
        )

    def _drawn(self, top: int) -> Iterator[str]:
        for at, bar in enumerate(self.bars):
            if bar.total:
                yield f"<g><title>{escape(self._words(bar))}</title>"
                width = min(self._room * (1 - _GAP), _WIDEST)
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
        return (_WIDTH - _LEFT) / len(self.bars)

    def _place(self, at: int) -> float:
        return _LEFT + self._room * (at + _GAP / 2)

    def _words(self, bar: Bar) -> str:
        parts = [
            f"{name} {count:,}"
            for name, count in zip(self.series, bar.parts, strict=True)
            if count and len(self.series) > 1
        ]
        said = f" ({', '.join(parts)})" if parts else ""
        return f"{bar.name}: {bar.total:,}{said}"


def _stack(bar: Bar, x: float, width: float, top: int) -> Iterator[str]:
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
        yield f'<path class="plot-line" d="M{_LEFT} {y:.1f}H{_WIDTH}"/>'
        yield f'<text class="plot-value" x="{_LEFT - 6}" y="{y + 4:.1f}">{value:,}</text>'


def _height(value: int, top: int) -> float:
    inside = _HEIGHT - _TOP - _BOTTOM
    return _TOP + inside * (1 - value / top)


def _step(highest: int) -> int:
    """Return the distance of lines: the smallest round number with which few are enough."""
    power = 1
    while True:
        for each in _STEPS:
            if highest <= each * power * _LINES:
                return each * power
        power *= 10


def stacked(
    counts: Sequence[tuple[str, dict[str, int]]], most: int
) -> tuple[tuple[str, ...], tuple[Bar, ...]]:
    """Return the series and the bars of counts by name, such as days with pulls by version.

    The `most` with the largest sums are series of their own, largest first; the rest is one more.
    """
    sums: dict[str, int] = {}
    for _, parts in counts:
        for name, count in parts.items():
            sums[name] = sums.get(name, 0) + count
    ranked = sorted(sums, key=lambda name: (-sums[name], name))
    named, others = tuple(ranked[:most]), frozenset(ranked[most:])
    series = (*named, "others") if others else named
    bars = tuple(Bar(label, _parts(parts, named, others)) for label, parts in counts)
    return series, bars


def _parts(
    counts: dict[str, int], named: tuple[str, ...], others: frozenset[str]
) -> tuple[int, ...]:
    parts = tuple(counts.get(name, 0) for name in named)
    return (*parts, sum(counts.get(name, 0) for name in others)) if others else parts
