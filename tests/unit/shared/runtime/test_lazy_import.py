"""What is opened when it is first used."""

from shared.runtime.lazy_import import LazyImport


class Shop:
    """Something with a part."""

    def __init__(self) -> None:
        self.clock = FakeTime()


class FakeTime:
    """The part."""

    def now(self) -> int:
        return 12


def test_nothing_is_opened_before_it_is_asked_for_something() -> None:
    later = LazyImport(Shop)
    part = later.part(lambda shop: shop.clock)
    assert later.opened is None
    assert part.now() == 12
    assert later.opened is not None


def test_it_is_opened_once() -> None:
    later = LazyImport(Shop)
    first, second = later.part(lambda shop: shop.clock), later.part(lambda shop: shop.clock)
    first.now()
    opened = later.opened
    second.now()
    assert later.opened is opened
    assert later.get() is opened
