"""Lazy import: objects that are created, and libraries that are imported, on first use."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
P = TypeVar("P")


class LazyImport(Generic[T]):
    """A reference to what `open_` returns, which is called when the object is first used."""

    def __init__(self, open_: Callable[[], T]) -> None:
        self._open = open_
        self._opened: T | None = None

    @property
    def opened(self) -> T | None:
        """The object, or None if it has not been used."""
        return self._opened

    def get(self) -> T:
        """Return the object; open it on the first call."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def part(self, choose: Callable[[T], P]) -> P:
        """Return a proxy for a part of the object."""
        return cast("P", _Attribute(lambda: choose(self.get())))


class _Attribute:
    """Forwards attributes to what `find` returns."""

    def __init__(self, find: Callable[[], object]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)
