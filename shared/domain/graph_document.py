"""The dependency graph as resolve answers carry it, and as stores keep it."""

from pydantic import TypeAdapter

from shared.domain.package import Graph, GraphNode

_NODES = TypeAdapter(tuple[GraphNode, ...])
_OURS_ALONE = {"__all__": {"schema_version": True, "dependencies": {"__all__": {"schema_version"}}}}


def graph_document(graph: Graph) -> bytes:
    """Return the JSON list of nodes `[{"org","name","version","dependencies":[…]}]`."""
    return _NODES.dump_json(graph.nodes, exclude=_OURS_ALONE)


def read_graph(document: bytes) -> tuple[GraphNode, ...]:
    """Return the nodes of a document that `graph_document` made."""
    return _NODES.validate_json(document)
