"""What is opened when it is first used."""

from typing import Protocol

import pytest

from shared.runtime.port_wrappers import LazyImport


class Ticks(Protocol):
    """A port that another one extends."""

    def ticks(self) -> int: ...


class Times(Ticks, Protocol):
    """The port of the part."""

    def now(self) -> int: ...


class Shop:
    """Something with a part."""

    def __init__(self) -> None:
        self.clock = FakeTime()


class FakeTime:
    """The part."""

    def now(self) -> int:
        return 12

    def ticks(self) -> int:
        return 1

    def others(self) -> int:
        return 0


def test_nothing_is_opened_before_it_is_asked_for_something() -> None:
    later = LazyImport(Shop)
    part = later.port(Times, lambda shop: shop.clock)
    assert later.opened is None
    assert part.now() == 12
    assert later.opened is not None


def test_it_is_opened_once() -> None:
    later = LazyImport(Shop)
    first, second = (
        later.port(Times, lambda shop: shop.clock),
        later.port(Times, lambda shop: shop.clock),
    )
    first.now()
    opened = later.opened
    second.now()
    assert later.opened is opened
    assert later.get() is opened


def test_it_has_the_members_of_its_port_and_no_others() -> None:
    part = LazyImport(Shop).port(Times, lambda shop: shop.clock)
    assert part.ticks() == 1
    with pytest.raises(AttributeError):
        part.others()  # pyright: ignore[reportAttributeAccessIssue] - that is the point.
