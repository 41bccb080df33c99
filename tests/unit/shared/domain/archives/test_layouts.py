"""The dependency graph that a bala records."""

import json
from typing import Any

import pytest

from shared.domain.archives.bala import read_bala
from shared.domain.packages import Dependency, Graph, GraphNode
from tests.support.archives import Spec, bala, files, zipped

GREET = "acme/greet:1.0.0"
X, Y, Z = (
    Dependency(org="acme", name=name, version=version)
    for name, version in (("x", "1.0.0"), ("y", "2.0.0"), ("z", "0.1.0"))
)


def node(of: Dependency, *needed: Dependency) -> GraphNode:
    """Return the node of a package."""
    return GraphNode(org=of.org, name=of.name, version=of.version, dependencies=needed)


OWN = Dependency(org="acme", name="greet", version="1.0.0")


def graph_of(packages: list[Any]) -> Graph:
    """Return what is read of a `dependency-graph.json` with these packages."""
    text = json.dumps({"packages": packages})
    return read_bala(bala(GREET, entries={"dependency-graph.json": text})).graph


@pytest.mark.parametrize("layout", [2, 3, 4])
def test_the_graph_holds_the_package_first_and_everything_that_it_needs(layout: int) -> None:
    content = bala(
        GREET,
        layout=layout,
        dependencies=["acme/x:1.0.0", "acme/y:2.0.0"],
        transitive={"acme/x:1.0.0": ["acme/z:0.1.0"]},
    )
    found = read_bala(content)
    assert found.graph == Graph(nodes=(node(OWN, X, Y), node(X, Z), node(Y), node(Z)))
    assert found.dependencies == (X, Y)


@pytest.mark.parametrize("layout", [2, 3])
def test_without_the_file_there_are_no_dependencies(layout: int) -> None:
    content = files(GREET, Spec(layout=layout))
    del content["dependency-graph.json"]
    assert read_bala(zipped(content)).graph == Graph(nodes=(node(OWN),))


def test_without_its_own_node_a_package_has_no_dependencies() -> None:
    assert graph_of([node(X, Z).model_dump(), node(Z).model_dump()]) == Graph(
        nodes=(node(OWN), node(X, Z), node(Z))
    )


def test_its_own_node_is_put_first_at_its_own_version() -> None:
    stale = Dependency(org="acme", name="greet", version="0.9.0")
    packages = [node(X).model_dump(), node(stale, X).model_dump(), node(OWN).model_dump()]
    assert graph_of(packages) == Graph(nodes=(node(OWN, X), node(X)))


def test_a_graph_may_lack_everything_that_is_optional() -> None:
    bare = {"org": "acme", "name": "greet", "version": "1.0.0"}
    assert graph_of([bare]) == Graph(nodes=(node(OWN),))
