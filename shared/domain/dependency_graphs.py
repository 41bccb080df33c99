"""The dependency graph in an archive, and the document that is stored of it."""

from pydantic import ConfigDict, TypeAdapter

from shared.domain.packages import Dependency
from shared.domain.records import Record


class GraphNode(Record):
    org: str
    name: str
    version: str
    dependencies: tuple[Dependency, ...] = ()


class Graph(Record):
    """The dependency graph in an archive: the package itself and all transitive dependencies."""

    nodes: tuple[GraphNode, ...] = ()


_NODES = TypeAdapter(tuple[GraphNode, ...], config=ConfigDict(defer_build=True))
_OURS_ALONE = {"__all__": {"schema_version": True, "dependencies": {"__all__": {"schema_version"}}}}


def graph_document(graph: Graph) -> bytes:
    """Return the JSON list of nodes `[{"org","name","version","dependencies":[…]}]`."""
    return _NODES.dump_json(graph.nodes, exclude=_OURS_ALONE)


def read_graph(document: bytes) -> tuple[GraphNode, ...]:
    """Parse a document of `graph_document`."""
    return _NODES.validate_json(document)
