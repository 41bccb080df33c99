"""The list of revocations."""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.revocations import Revocation


class RevocationStore(Protocol):
    """The list of revocations of this registry, outside its database."""

    async def add(self, revocations: Sequence[Revocation]) -> None:
        """Append entries. A repeat may append them twice, which changes nothing."""
        ...

    async def read(self) -> list[Revocation]:
        """Return all entries, in any order."""
        ...

    async def compact(self) -> None:
        """Store the entries in as few files as possible, and renew their times."""
        ...
