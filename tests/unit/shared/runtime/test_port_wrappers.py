"""Implementations of ports that are made of another object."""

from types import SimpleNamespace
from typing import Protocol

from shared.runtime.port_wrappers import forwarded, wrapped_port


class Ticks(Protocol):
    """A port that another one extends."""

    def ticks(self) -> int: ...


class Times(Ticks, Protocol):
    """A port."""

    def now(self) -> int: ...


def test_each_declared_member_is_made_by_its_name() -> None:
    made = list[str]()

    def member(name: str) -> object:
        made.append(name)
        return lambda _: len(name)

    times = wrapped_port(Times, member)
    assert (times.ticks(), times.now(), made) == (5, 3, ["now", "ticks"])


def test_a_forwarded_member_is_looked_up_each_time() -> None:
    source = SimpleNamespace(now=lambda: 1, ticks=lambda: 2)
    times = wrapped_port(Times, lambda name: forwarded(name, lambda: source))
    assert (times.now(), times.ticks()) == (1, 2)
    source.now = lambda: 3
    assert times.now() == 3
