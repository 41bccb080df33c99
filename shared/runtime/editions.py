"""Editions: the changes of packages and records that a process knows, so that it can use what it
read before until that changes (docs/decisions/0020).
"""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Protocol

# How old a change may be that an edition does not know of. An exact version is there for everybody
# once its push has been answered: what is missing is always asked for.
CHANGES_KNOWN_WITHIN = timedelta(seconds=1)

# Used instead of the key of a package: every package, and everything that belongs to no single
# package, such as a list of packages.
EVERYTHING = "*"

# Used instead of the key of a package: every account, organization, membership and token. If an
# edition does not follow them one by one, it changes with each one that this process writes.
RECORDS = "@"


def records_of(owner: str) -> str:
    """Return the key of the account or organization of this id or name, in lower case, with its
    memberships and tokens; no package has such a key."""
    return f"{RECORDS}{owner}"


class Edition(Protocol):
    """The changes of packages that a process knows. For one thread."""

    @property
    def follows_records(self) -> bool:
        """Whether changes of what `records_of` names are known, too. If not, a cache of such
        records has to bound their age."""
        ...

    @property
    def number(self) -> int:
        """The number to store with what is read from now on. It grows with each change."""
        ...

    def is_current(self) -> bool:
        """Check whether every change that was made up to a second ago is known. Asks no store of
        the cloud."""
        ...

    def start_poll(self) -> None:
        """Start to read changes if a second has passed since the last poll; do not wait."""
        ...

    async def poll(self) -> bool:
        """Start a poll as `start_poll` does, wait for half a second at most, and return what
        `is_current` returns then."""
        ...

    def is_unchanged_since(self, number: int, keys: Collection[str]) -> bool:
        """Check whether nothing is known to have changed since the edition had this number. `keys`
        are keys of packages, and what `records_of` returns."""
        ...

    def note_write(self, package: str) -> None:
        """Note that this process wrote, or tried to write, records of a package."""
        ...


MOST_CHANGED = 100_000  # Keys whose last change is known; about 15 MB.


class Changes:
    """What editions know: their number, and after which number each key last changed."""

    def __init__(self) -> None:
        self.number = 0
        self._floor = 0  # Everything that was read at lower numbers counts as changed.
        self._changed: dict[str, int] = {}  # By key.

    def note(self, keys: Iterable[str]) -> None:
        """Note that packages or records changed."""
        self.number += 1
        self._changed.update(dict.fromkeys(keys, self.number))
        if len(self._changed) > MOST_CHANGED:
            self.forget()

    def forget(self) -> None:
        """Treat everything that was read before as changed."""
        self.number += 1
        self._floor = self.number
        self._changed.clear()

    def is_unchanged_since(self, number: int, keys: Collection[str]) -> bool:
        if number == self.number:
            return True
        changed = self._changed
        for key in keys:  # A loop takes half as long as `all`, and this is asked thrice a request.
            if changed.get(key, 0) > number:
                return False
        return number >= self._floor
