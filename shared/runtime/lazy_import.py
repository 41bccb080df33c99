"""Lazy import: objects that are created, and libraries that are imported, on first use."""

from collections.abc import Callable
from typing import Generic, TypeVar

from shared.runtime.port_wrappers import forwarded, wrapped_port

T = TypeVar("T")
P = TypeVar("P")


class LazyImport(Generic[T]):
    """A reference to the result of `open_`, which is called when the object is first used."""

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

    def port(self, port: type[P], choose: Callable[[T], P]) -> P:
        """Return an implementation of a port, which `choose` takes out of the object on first use.

        It has the members that the port declares, and no others.
        """

        def source() -> P:
            return choose(self.get())

        return wrapped_port(port, lambda name: forwarded(name, source))
