"""The dependency graph that a bala records, from either of the two files that hold it."""

from collections.abc import Iterator

from shared.domain.bad_archive import DependencyUnlocked
from shared.domain.manifest import (
    DEPENDENCIES_TOML,
    GRAPH_JSON,
    DependenciesToml,
    GraphJson,
    Node,
    NodeName,
    coordinate_in,
)
from shared.domain.names import Coordinate
from shared.domain.package import Dependency, Graph, GraphNode


def recorded_graph(own: Coordinate, recorded: GraphJson) -> Graph:
    """Return the graph of `dependency-graph.json`, the package's own node first."""
    nodes = (
        _node(f"{GRAPH_JSON}: packages[{at}]", package, package.dependencies)
        for at, package in enumerate(recorded.packages)
    )
    return _own_first(own, nodes)


def locked_graph(own: Coordinate, locked: DependenciesToml) -> Graph:
    """Return the graph of `Dependencies.toml`, the package's own node first."""
    versions = {(each.org, each.name): each.version for each in locked.package}
    nodes = (
        _node(
            f"{DEPENDENCIES_TOML}: package[{at}]",
            package,
            tuple(_locked(versions, needed) for needed in package.dependencies),
        )
        for at, package in enumerate(locked.package)
    )
    return _own_first(own, nodes)


def _locked(versions: dict[tuple[str, str], str], needed: NodeName) -> Node:
    version = versions.get((needed.org, needed.name))
    if version is None:
        raise DependencyUnlocked(DEPENDENCIES_TOML, f"{needed.org}/{needed.name}")
    return Node(org=needed.org, name=needed.name, version=version)


def _node(where: str, package: Node, dependencies: tuple[Node, ...]) -> GraphNode:
    coordinate_in(where, package.org, package.name, package.version)
    for at, each in enumerate(dependencies):
        coordinate_in(f"{where}.dependencies[{at}]", each.org, each.name, each.version)
    return GraphNode(
        org=package.org,
        name=package.name,
        version=package.version,
        dependencies=tuple(
            Dependency(org=each.org, name=each.name, version=each.version) for each in dependencies
        ),
    )


def _own_first(own: Coordinate, nodes: Iterator[GraphNode]) -> Graph:
    """Put the package's own node first, at its own version; without one it needs nothing."""
    package = own.package
    every = tuple(nodes)
    ours = [node for node in every if (node.org, node.name) == (package.org, package.name)]
    first = GraphNode(
        org=package.org,
        name=package.name,
        version=own.version.text,
        dependencies=ours[0].dependencies if ours else (),
    )
    others = (node for node in every if (node.org, node.name) != (package.org, package.name))
    return Graph(nodes=(first, *others))
