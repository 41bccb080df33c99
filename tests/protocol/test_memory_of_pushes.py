"""What pushes leave in the memory of a process."""

import gc
import tracemalloc

import pytest

from tests.support.documented_packages import documented_bala
from tests.support.storage import one_machine
from tests.support.world import World

pytestmark = [
    pytest.mark.slow,
    one_machine("doubles of the cloud keep what is stored in the memory of this process"),
]

WARM = 15
PUSHES = 20
BYTES_OF_A_PUSH = 15_000  # It took 8,000, and 37,000 while jobs kept what they read.
SOURCE = "\n".join(f"public function greet{number}() {{}}" for number in range(20))


async def test_a_push_leaves_little_more_than_its_records_in_memory(world: World) -> None:
    await _push(world, range(WARM))
    tracemalloc.start()
    try:
        before = _taken()
        await _push(world, range(WARM, WARM + PUSHES))
        assert (_taken() - before) / PUSHES < BYTES_OF_A_PUSH
    finally:
        tracemalloc.stop()


async def _push(world: World, minors: range) -> None:
    for minor in minors:
        await world.push(documented_bala(f"acme/greet:1.{minor}.0", {"greet.bal": SOURCE}))
        await world.document()


def _taken() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
