"""Who pulled young releases is written for each release by itself."""

import asyncio
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from shared.auth.signing_keys import KeyRing
from shared.domain.coordinates import Coordinate
from shared.domain.entities import Entity, Place
from shared.domain.errors.requests import Busy
from shared.domain.release_pullers import ReleasePullers
from shared.services.packages.release_pullers import RELEASES_WRITTEN_AT_ONCE, ReleasePullerRecorder
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock

E = TypeVar("E", bound=Entity)


@dataclass
class Directory(FakeDirectory):
    """A directory that does not answer for some packages, and counts concurrent reads."""

    silent: set[str] = field(default_factory=set[str])
    under_way: int = 0
    most: int = 0

    async def get(self, kind: type[E], place: Place) -> E | None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if any(f"{name}:" in f"{place.owner}:{place.key}:" for name in self.silent):
            raise Busy
        return await super().get(kind, place)

    def written(self) -> list[str]:
        return [str(each.coordinate) for each in self.every(ReleasePullers)]


def recorder(directory: Directory, *names: str) -> ReleasePullerRecorder:
    """Return a recorder to which ann's pulls of these packages were added."""
    clock = FakeClock()
    pullers = ReleasePullerRecorder(directory, clock, KeyRing.of_setting("x" * 32))
    for name in names:
        pullers.add(Coordinate.parse("acme", name, "1.0.0"), "ann", clock.now_ms())
    return pullers


async def test_a_release_that_cannot_be_written_keeps_no_other_from_being_written() -> None:
    directory = Directory(silent={"broken"})
    pullers = recorder(directory, "broken", "greet", "hello")
    with pytest.raises(Busy):
        await pullers.flush()
    assert directory.written() == ["acme/greet:1.0.0", "acme/hello:1.0.0"]
    directory.silent.clear()
    directory.calls.clear()
    await pullers.flush()
    assert directory.calls == ["get", "add"]  # Only of the one that was kept.
    assert directory.written() == ["acme/broken:1.0.0", "acme/greet:1.0.0", "acme/hello:1.0.0"]


async def test_releases_are_written_a_few_at_a_time() -> None:
    names = [f"p{number:03}" for number in range(2 * RELEASES_WRITTEN_AT_ONCE + 1)]
    directory = Directory()
    await recorder(directory, *names).flush()
    assert directory.written() == [f"acme/{name}:1.0.0" for name in names]
    assert directory.most == RELEASES_WRITTEN_AT_ONCE


async def test_after_a_flush_without_any_answer_the_next_begins_with_other_releases() -> None:
    names = [f"p{number:03}" for number in range(2 * RELEASES_WRITTEN_AT_ONCE)]
    first = names[:RELEASES_WRITTEN_AT_ONCE]
    directory = Directory(silent=set(first))
    pullers = recorder(directory, *names)
    with pytest.raises(Busy):
        await pullers.flush()
    assert directory.written() == []
    with pytest.raises(Busy):
        await pullers.flush()
    assert directory.written() == [f"acme/{name}:1.0.0" for name in names[len(first) :]]
