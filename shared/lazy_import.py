"""Objects that are created, and whose libraries are imported, when they are first used."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
P = TypeVar("P")


class LazyImport(Generic[T]):
    """Stands for what `open_` returns, and calls it when something is asked of it."""

    def __init__(self, open_: Callable[[], T]) -> None:
        """Open nothing yet."""
        self._open = open_
        self._opened: T | None = None

    @property
    def opened(self) -> T | None:
        """Return what was opened, or None if nothing was asked of it."""
        return self._opened

    def get(self) -> T:
        """Return it, opened now if it was not."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def part(self, choose: Callable[[T], P]) -> P:
        """Return what stands for a part of it."""
        return cast("P", _Attribute(lambda: choose(self.get())))


class _Attribute:
    """Has the attributes of what `find` returns."""

    def __init__(self, find: Callable[[], object]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)
