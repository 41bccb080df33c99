"""The ports that count and the ports that fail, which other tests lean on."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from shared.domain.errors.requests import Busy
from tests.support.port_doubles import Fault, Moment, counting, failing


@dataclass
class Box:
    """A port of one method."""

    name: str = "box"
    held: list[str] = field(default_factory=list[str])

    async def put(self, text: str) -> int:
        """Hold the text, and return how many are held."""
        self.held.append(text)
        return len(self.held)


async def test_calls_are_counted_by_name_and_go_through() -> None:
    calls = Counter[str]()
    box = counting(Box(), calls)
    assert [await box.put("a"), await box.put("b")] == [1, 2]
    assert box.name == "box"
    assert calls == {"put": 2}


async def test_a_call_that_fails_before_changes_nothing() -> None:
    box = Box()
    with pytest.raises(Busy):
        await failing(box, Fault("put", Busy())).put("a")
    assert box.held == []


async def test_a_call_that_fails_after_has_changed_everything() -> None:
    box = Box()
    with pytest.raises(Busy):
        await failing(box, Fault("put", Busy(), Moment.AFTER)).put("a")
    assert box.held == ["a"]


async def test_only_the_call_that_was_named_fails() -> None:
    box = failing(Box(), Fault("put", Busy(), nth=2))
    assert await box.put("a") == 1
    with pytest.raises(Busy):
        await box.put("b")
    assert await box.put("c") == 2
    assert box.name == "box"
