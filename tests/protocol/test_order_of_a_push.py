"""The order of the steps of a push, on which its safety in crashes rests."""

from tests.support.archives import bala
from tests.support.port_doubles import CallRecorder
from tests.support.world import OpenWorld


async def test_a_push_asks_for_the_right_then_stores_then_commits_then_lists(
    worlds: OpenWorld,
) -> None:
    port_calls = CallRecorder()
    world = await worlds(wrap=port_calls.wrap)
    port_calls.taken()
    await world.push(bala("acme/greet:1.0.0"))
    stored = ("archives.put", "documents.put")
    steps = ("directory.access_context", "metadata.claim", *stored, "metadata.add_release")
    listed = ("metadata.put_entries", "search.offer", "events.append_outbox")
    assert [each for each in port_calls.taken() if each in (*steps, *listed)][: len(steps)] in (
        [*steps[:2], *stored, steps[-1]],
        [*steps[:2], *reversed(stored), steps[-1]],  # Both are stored at the same time.
    )
