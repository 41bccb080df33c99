"""What docs/architecture.md draws of a request and of a push is what happens."""

import re
import sys
from types import FrameType

from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.port_doubles import Journal
from tests.support.world import OpenWorld, World

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
DRAWN = re.compile(r"^( +)([\w.]+)(?:\(call\))? +[a-z]", re.MULTILINE)
# The functions that the drawing names by what they are there.
NAMES = {
    "face.call_type": "Call.__init__",
    "face.answer": "Face.answer",
    "handler": "central_package",
}


class Returned:
    """Notes the functions of the product in the order in which they return."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def note(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "return" and code.co_filename.startswith(str(ROOT)):
            self.names.append(code.co_qualname)


def in_order_of_their_end(drawing: str) -> list[str]:
    """Return the functions that are drawn; an indented one runs inside of the one above it."""
    ended: list[str] = []
    running: list[tuple[int, str]] = []
    for indent, name in DRAWN.findall(drawing):
        while running and running[-1][0] >= len(indent):
            ended.append(running.pop()[1])
        running.append((len(indent), name))
    return [*ended, *(name for _, name in reversed(running))]


async def test_a_request_passes_the_functions_that_are_drawn_in_their_order(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    [drawing] = re.findall(r"## A request\n\n```\n(.+?)```", PAGE, re.DOTALL)
    named = [name for name in in_order_of_their_end(drawing) if name != "host"]
    drawn = [NAMES.get(name, name) for name in named]
    assert len(drawn) == 8

    returned = Returned()
    sys.setprofile(returned.note)
    try:
        await world.get("/packages/acme/greet/1.0.0")
    finally:
        sys.setprofile(None)
    # A coroutine returns where it waits, too: the last time counts.
    last = {name: number for number, name in enumerate(returned.names)}
    assert sorted(drawn, key=lambda name: last[name]) == drawn


async def test_a_push_asks_for_the_right_then_stores_then_commits_then_lists(
    worlds: OpenWorld,
) -> None:
    journal = Journal()
    world = await worlds(wrap=journal.wrap)
    journal.taken()
    await world.push(bala("acme/greet:1.0.0"))
    stored = ("archives.put", "documents.put")
    steps = ("directory.access_context", "metadata.claim", *stored, "metadata.add_release")
    listed = ("metadata.put_entries", "search.offer", "events.publish")
    assert [each for each in journal.taken() if each in (*steps, *listed)][: len(steps)] in (
        [*steps[:2], *stored, steps[-1]],
        [*steps[:2], *reversed(stored), steps[-1]],  # Both are stored at the same time.
    )
