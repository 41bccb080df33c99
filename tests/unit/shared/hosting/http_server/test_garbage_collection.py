"""Full collections of a server visit new objects, and all of them once an hour."""

import gc
import weakref

from shared.hosting.http_server.garbage_collection import collect_all_garbage
from tests.support.server import served_app
from tests.unit.shared.hosting.http_server.test_server import idle


class Node:
    """An object that refers to itself, so that only the collector deletes it."""

    def __init__(self) -> None:
        self.itself = self


def test_full_collections_of_a_server_visit_new_objects_only() -> None:
    with served_app(idle):
        node = Node()
        assert is_visited(node)
        gc.collect()
        assert not is_visited(node)
        assert is_visited(Node())


def is_visited(node: Node) -> bool:
    return any(each is node for each in gc.get_objects())


def test_cycles_among_objects_that_were_set_aside_are_deleted_with_all_garbage() -> None:
    with served_app(idle):
        node = weakref.ref(kept := Node())
        gc.collect()
        del kept
        gc.collect()
        assert node() is not None
        collect_all_garbage()
        assert node() is None
