"""Editions: whether what a process read of packages still stands, without asking for it again.

An edition has a number, which grows whenever packages are seen to have changed. What is read is
kept with the number from before it was read, and stands while none of its packages changed since
(docs/decisions/0020).
"""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Protocol

# How old a change may be that an edition does not know of. An exact version is there for everybody
# once its push has been answered: what is missing is always asked for.
CHANGES_KNOWN_WITHIN = timedelta(seconds=1)

# Of what was read: also what belongs to no single package, such as a list of packages.
EVERYTHING = "*"


class Edition(Protocol):
    """What a process may still say of packages. For one thread."""

    @property
    def number(self) -> int:
        """The number to keep with what is read from now on."""
        ...

    def is_confirmed(self) -> bool:
        """Check whether every change is known that was made up to a second ago; ask no store."""
        ...

    def ask(self) -> None:
        """Begin to ask for changes if that is due, and do not wait."""
        ...

    async def confirm(self) -> bool:
        """Ask for changes if that is due, wait for half a second at most, and return what
        `is_confirmed` returns then."""
        ...

    def holds(self, number: int, packages: Collection[str]) -> bool:
        """Check whether nothing is known to have changed in these packages, given by their keys,
        since the edition had this number."""
        ...

    def wrote(self, package: str) -> None:
        """Note that this process wrote, or tried to write, records of a package."""
        ...


# What the request in hand has read of packages, by their keys; None while nobody asks.
_read: ContextVar[set[str] | None] = ContextVar("packages_read", default=None)


def note_read(package: str) -> None:
    """Note that the answer in the making depends on a package, or on `EVERYTHING`."""
    packages = _read.get()
    if packages is not None:
        packages.add(package)


@contextmanager
def unnoted() -> Generator[None]:
    """Note nothing that is read in this block: the caller notes it."""
    token = _read.set(None)
    try:
        yield
    finally:
        _read.reset(token)


@contextmanager
def packages_read() -> Generator[set[str]]:
    """Collect the keys of the packages that are read in this block, and in the tasks it starts."""
    packages = set[str]()
    token = _read.set(packages)
    try:
        yield packages
    finally:
        _read.reset(token)
