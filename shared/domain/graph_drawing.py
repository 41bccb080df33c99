"""Drawing a dependency graph as SVG: a package on the left, what it needs to the right of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from shared.domain.package import Dependency, GraphNode

MOST_NODES = 40  # A drawing of more is a tangle; the table has them all.

_BOX_WIDTH, _BOX_HEIGHT = 190, 34
_COLUMN, _ROW = 250, 46  # From one box to the next.
_MARGIN = 6
_LETTERS = 25  # Of a name in a box.

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Box:
    """A package and where it is drawn."""

    node: GraphNode
    column: int
    row: float

    @property
    def left(self) -> float:
        return _MARGIN + self.column * _COLUMN

    @property
    def top(self) -> float:
        return _MARGIN + self.row * _ROW

    @property
    def middle(self) -> float:
        return self.top + _BOX_HEIGHT / 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn graph, and how many of its packages had no room in it."""

    svg: str
    left_out: int


def draw(nodes: Sequence[GraphNode]) -> Drawing:
    """Draw the graph whose first node is the package itself; an empty one is no drawing.

    Those that are fewest steps away are drawn first, up to `MOST_NODES`.
    """
    if len(nodes) < 2:  # noqa: PLR2004 - a package that needs none.
        return Drawing("", 0)
    boxes = _placed(_near(nodes))
    columns = 1 + max(box.column for box in boxes.values())
    rows = 1 + max(box.row for box in boxes.values())
    width = 2 * _MARGIN + (columns - 1) * _COLUMN + _BOX_WIDTH
    height = 2 * _MARGIN + (rows - 1) * _ROW + _BOX_HEIGHT
    label = f"{len(boxes) - 1} packages that {nodes[0].org}/{nodes[0].name} needs"
    svg = (
        f'<svg class="graph" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" role="img" aria-label="{escape(label)}">'
        f"{''.join(_edges(boxes))}{''.join(map(_box, boxes.values()))}</svg>"
    )
    return Drawing(svg, len(nodes) - len(boxes))


def _near(nodes: Sequence[GraphNode]) -> dict[Key, GraphNode]:
    """Return the packages by their steps from the first one, as many as there is room for."""
    known = {_key(node): node for node in nodes}
    found = {_key(nodes[0]): nodes[0]}
    waiting = [nodes[0]]
    for node in waiting:
        for key in sorted(map(_key, node.dependencies)):
            if key in known and key not in found and len(found) < MOST_NODES:
                found[key] = known[key]
                waiting.append(known[key])
    return found


def _placed(nodes: dict[Key, GraphNode]) -> dict[Key, _Box]:
    """Place each package in a column right of all that need it, beside what needs it."""
    columns = _columns(nodes)
    tallest = max(list(columns.values()).count(column) for column in columns.values())
    boxes: dict[Key, _Box] = {}
    for column in range(max(columns.values()) + 1):
        keys = [key for key in nodes if columns[key] == column]
        keys.sort(key=lambda key: (_middle(key, boxes), key))
        above = (tallest - len(keys)) / 2
        boxes |= {key: _Box(nodes[key], column, row + above) for row, key in enumerate(keys)}
    return boxes


def _columns(nodes: dict[Key, GraphNode]) -> dict[Key, int]:
    """Return the longest way to each package; a graph that leads back to itself ends somewhere."""
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


def _middle(key: Key, boxes: dict[Key, _Box]) -> float:
    """Return the mean row of what needs the package, so that lines cross little."""
    rows = [box.row for box in boxes.values() if key in map(_key, box.node.dependencies)]
    return sum(rows) / len(rows) if rows else 0.0


def _edges(boxes: dict[Key, _Box]) -> Iterator[str]:
    for box in boxes.values():
        for each in box.node.dependencies:
            other = boxes.get(_key(each))
            if other is not None and other.column > box.column:
                yield _edge(box, other)


def _edge(one: _Box, other: _Box) -> str:
    start, end = one.left + _BOX_WIDTH, other.left
    bend = end - (_COLUMN - _BOX_WIDTH) / 2
    points = (
        f"M{start:g} {one.middle:g}C{bend:g} {one.middle:g} {bend:g} {other.middle:g}"
        f" {end:g} {other.middle:g}"
    )
    return f'<path class="graph-edge" d="{points}"/>'


def _box(box: _Box) -> str:
    node = box.node
    name, version = f"{node.org}/{node.name}", node.version
    kind = "graph-root" if box.column == 0 else "graph-node"
    shown = name if len(name) <= _LETTERS else f"…{name[1 - _LETTERS :]}"
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
