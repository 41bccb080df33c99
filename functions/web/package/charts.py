"""SVG charts of a package: pulls as stacked bars, dependencies as a graph."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from shared.domain.packages import Dependency, GraphNode

# Bars have tooltips with their numbers; the page also has a table of them. The style sheet colours
# both kinds of charts.

_WIDTH, _HEIGHT = 720, 220
_LEFT, _TOP, _BOTTOM = 44, 12, 26  # Room for the labels of the axes.
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
        return (_WIDTH - _LEFT) / len(self.bars)

    def _place(self, at: int) -> float:
        return _LEFT + self._room * (at + _GAP / 2)

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
        yield f'<path class="plot-line" d="M{_LEFT} {y:.1f}H{_WIDTH}"/>'
        yield f'<text class="plot-value" x="{_LEFT - 6}" y="{y + 4:.1f}">{value:,}</text>'


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
    counts: Sequence[tuple[str, dict[str, int]]], limit: int
) -> tuple[tuple[str, ...], tuple[ChartBar, ...]]:
    """Return the series and the bars of counts by name, such as days with pulls by version.

    The `limit` names with the largest sums are series, largest first; all others are one more.
    """
    sums: dict[str, int] = {}
    for _, parts in counts:
        for name, count in parts.items():
            sums[name] = sums.get(name, 0) + count
    ranked = sorted(sums, key=lambda name: (-sums[name], name))
    named, others = tuple(ranked[:limit]), frozenset(ranked[limit:])
    series = (*named, "others") if others else named
    bars = tuple(ChartBar(label, _parts(parts, named, others)) for label, parts in counts)
    return series, bars


def _parts(
    counts: dict[str, int], named: tuple[str, ...], others: frozenset[str]
) -> tuple[int, ...]:
    parts = tuple(counts.get(name, 0) for name in named)
    return (*parts, sum(counts.get(name, 0) for name in others)) if others else parts


MAX_GRAPH_NODES = 40  # The table of the page lists all.

_BOX_WIDTH, _BOX_HEIGHT = 190, 34
_COLUMN, _ROW = 250, 46  # Distances of boxes.
_GRAPH_MARGIN = 6
_MAX_NODE_LETTERS = 25  # Of a name in a box.

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _NodeBox:
    node: GraphNode
    column: int
    row: float

    @property
    def left(self) -> float:
        return _GRAPH_MARGIN + self.column * _COLUMN

    @property
    def top(self) -> float:
        return _GRAPH_MARGIN + self.row * _ROW

    @property
    def middle(self) -> float:
        return self.top + _BOX_HEIGHT / 2


@dataclass(frozen=True, slots=True)
class GraphDrawing:
    """A drawn graph, and how many packages were left out."""

    svg: str
    left_out: int


def draw_graph(nodes: Sequence[GraphNode]) -> GraphDrawing:
    """Draw the graph whose first node is the package itself, up to `MAX_GRAPH_NODES` nodes."""
    if len(nodes) < 2:  # noqa: PLR2004 - a package without dependencies.
        return GraphDrawing("", 0)
    boxes = _place_boxes(_nearest(nodes))
    columns = 1 + max(box.column for box in boxes.values())
    rows = 1 + max(box.row for box in boxes.values())
    width = 2 * _GRAPH_MARGIN + (columns - 1) * _COLUMN + _BOX_WIDTH
    height = 2 * _GRAPH_MARGIN + (rows - 1) * _ROW + _BOX_HEIGHT
    label = f"{len(boxes) - 1} packages that {nodes[0].org}/{nodes[0].name} needs"
    svg = (
        f'<svg class="graph" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" role="img" aria-label="{escape(label)}">'
        f"{''.join(_edges(boxes))}{''.join(map(_box, boxes.values()))}</svg>"
    )
    return GraphDrawing(svg, len(nodes) - len(boxes))


def _nearest(nodes: Sequence[GraphNode]) -> dict[Key, GraphNode]:
    """Return the packages nearest to the first one, breadth first, up to `MAX_GRAPH_NODES`."""
    known = {_key(node): node for node in nodes}
    found = {_key(nodes[0]): nodes[0]}
    queue = [nodes[0]]
    for node in queue:
        for key in sorted(map(_key, node.dependencies)):
            if key in known and key not in found and len(found) < MAX_GRAPH_NODES:
                found[key] = known[key]
                queue.append(known[key])
    return found


def _place_boxes(nodes: dict[Key, GraphNode]) -> dict[Key, _NodeBox]:
    """Place each package in a column to the right of all that need it."""
    columns = _columns(nodes)
    tallest = max(list(columns.values()).count(column) for column in columns.values())
    boxes: dict[Key, _NodeBox] = {}
    for column in range(max(columns.values()) + 1):
        keys = [key for key in nodes if columns[key] == column]
        keys.sort(key=lambda key: (_middle(key, boxes), key))
        above = (tallest - len(keys)) / 2
        boxes |= {key: _NodeBox(nodes[key], column, row + above) for row, key in enumerate(keys)}
    return boxes


def _columns(nodes: dict[Key, GraphNode]) -> dict[Key, int]:
    """Return the length of the longest path to each package; cycles are cut at some column."""
    columns, before = dict.fromkeys(nodes, 0), dict[Key, int]()
    while columns != before:
        before = dict(columns)
        for key, node in nodes.items():
            for each in map(_key, node.dependencies):
                if each in columns and each != key:
                    columns[each] = min(max(columns[each], columns[key] + 1), len(nodes) - 1)
    return _without_gaps(columns)


def _without_gaps(columns: dict[Key, int]) -> dict[Key, int]:
    places = {column: place for place, column in enumerate(sorted(set(columns.values())))}
    return {key: places[column] for key, column in columns.items()}


def _middle(key: Key, boxes: dict[Key, _NodeBox]) -> float:
    """Return the mean row of the packages that need this one, so that few edges cross."""
    rows = [box.row for box in boxes.values() if key in map(_key, box.node.dependencies)]
    return sum(rows) / len(rows) if rows else 0.0


def _edges(boxes: dict[Key, _NodeBox]) -> Iterator[str]:
    for box in boxes.values():
        for each in box.node.dependencies:
            other = boxes.get(_key(each))
            if other is not None and other.column > box.column:
                yield _edge(box, other)


def _edge(one: _NodeBox, other: _NodeBox) -> str:
    start, end = one.left + _BOX_WIDTH, other.left
    bend = end - (_COLUMN - _BOX_WIDTH) / 2
    points = (
        f"M{start:g} {one.middle:g}C{bend:g} {one.middle:g} {bend:g} {other.middle:g}"
        f" {end:g} {other.middle:g}"
    )
    return f'<path class="graph-edge" d="{points}"/>'


def _box(box: _NodeBox) -> str:
    node = box.node
    name, version = f"{node.org}/{node.name}", node.version
    kind = "graph-root" if box.column == 0 else "graph-node"
    shown = name if len(name) <= _MAX_NODE_LETTERS else f"…{name[1 - _MAX_NODE_LETTERS :]}"
    return (
        f'<g class="{kind}"><title>{escape(f"{name} {version}")}</title>'
        f'<rect x="{box.left:g}" y="{box.top:g}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}"'
        ' rx="5"/>'
        f'<text x="{box.left + 9:g}" y="{box.top + 15:g}">{escape(shown)}</text>'
        f'<text class="graph-version" x="{box.left + 9:g}" y="{box.top + 28:g}">{escape(version)}'
        "</text></g>"
    )


def _key(named: GraphNode | Dependency) -> Key:
    return named.org, named.name
