"""Implementations of ports that are made of another object, member by member, also of one that is
opened on first use."""

from collections.abc import Callable
from types import new_class
from typing import Generic, TypeVar

P = TypeVar("P")
T = TypeVar("T")


def wrapped_port(port: type[P], member: Callable[[str], object]) -> P:
    """Return an implementation of a port; `member` makes each member that the port declares."""
    members = {name: member(name) for name in dir(port) if not name.startswith("_")}
    wrapper = new_class(
        f"Wrapped{port.__name__}", (port,), exec_body=lambda own: own.update(members)
    )
    wrapped: P = wrapper()
    return wrapped


def forwarded(name: str, source: Callable[[], object]) -> property:
    """Return a property that reads this attribute of what `source` returns at that time."""
    return property(lambda _: getattr(source(), name))


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
