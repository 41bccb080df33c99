"""Drawings of dependency graphs."""

from xml.etree import ElementTree

from shared.domain.graph_drawing import MOST_NODES, draw
from shared.domain.package import Dependency, GraphNode


def node(name: str, *needs: str) -> GraphNode:
    """Return a package with what it needs."""
    dependencies = tuple(Dependency(org="acme", name=each, version="1.0.0") for each in needs)
    return GraphNode(org="acme", name=name, version="1.0.0", dependencies=dependencies)


def places(*nodes: GraphNode) -> dict[str, tuple[float, float]]:
    """Return where the box of each package is: from the left, and from the top."""
    picture = ElementTree.fromstring(draw(nodes).svg)
    found: dict[str, tuple[float, float]] = {}
    for group in picture.iter("g"):
        [title], [rect] = group.findall("title"), group.findall("rect")
        name = (title.text or "").split()[0].removeprefix("acme/")
        found[name] = (float(rect.get("x", "")), float(rect.get("y", "")))
    return found


def edges(*nodes: GraphNode) -> int:
    """Return how many lines are drawn."""
    return len(list(ElementTree.fromstring(draw(nodes).svg).iter("path")))


def test_a_package_that_needs_none_is_not_drawn() -> None:
    assert draw([node("a")]).svg == ""
    assert draw([]).svg == ""


def test_what_is_needed_is_right_of_all_that_need_it() -> None:
    found = places(node("a", "b", "c"), node("b", "c"), node("c"))
    assert found["a"][0] < found["b"][0] < found["c"][0]


def test_there_is_a_line_for_each_dependency() -> None:
    assert edges(node("a", "b", "c"), node("b", "c"), node("c")) == 3


def test_what_nobody_needs_has_no_place() -> None:
    assert set(places(node("a", "b"), node("b"), node("stray"))) == {"a", "b"}


def test_what_the_graph_does_not_hold_is_not_drawn() -> None:
    assert edges(node("a", "b", "lost"), node("b")) == 1


def test_boxes_do_not_overlap() -> None:
    names = [f"n{number}" for number in range(12)]
    found = places(node("a", *names), *(node(each, "z") for each in names), node("z"))
    assert len(set(found.values())) == 14


def test_beside_each_other_are_those_that_the_same_package_needs() -> None:
    found = places(node("a", "b", "c"), node("b", "z"), node("c", "m"), node("m"), node("z"))
    assert found["z"][1] < found["m"][1]


def test_a_circle_ends_somewhere() -> None:
    found = places(node("a", "b"), node("b", "c"), node("c", "b", "c", "a"))
    assert len(found) == 3


def test_of_a_large_graph_the_nearest_are_drawn_and_the_rest_is_counted() -> None:
    chain = [node(f"n{number}", f"n{number + 1}") for number in range(100)]
    drawing = draw([*chain, node("n100")])
    assert drawing.left_out == 101 - MOST_NODES
    assert "n39 " in drawing.svg
    assert "n40 " not in drawing.svg


def test_a_long_name_keeps_its_end_and_no_name_is_markup() -> None:
    svg = draw([node("a", "x" * 80), node("x" * 80)]).svg
    assert f"…{'x' * 24}<" in svg
    hostile = GraphNode(org="<script>", name='"', version="&", dependencies=())
    root = node("a").model_copy(
        update={"dependencies": (Dependency(org="<script>", name='"', version="&"),)}
    )
    assert ElementTree.fromstring(draw([root, hostile]).svg).find(".//script") is None
