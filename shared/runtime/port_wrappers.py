"""Implementations of ports that are made of another object, member by member."""

from collections.abc import Callable
from types import new_class
from typing import TypeVar

P = TypeVar("P")


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
