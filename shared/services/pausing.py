"""Pausing: whether the registry takes changes, asked before each of them."""

from dataclasses import dataclass

from shared.domain.errors import TakesNoChanges
from shared.services.bulletins import Bulletins


@dataclass(frozen=True, slots=True)
class Pausing:
    """Refuses changes while the registry is read-only.

    Where no store has said yet whether it is, changes are let through: a store that does not answer
    takes none anyway.
    """

    bulletins: Bulletins

    async def admit(self) -> None:
        """Raise `TakesNoChanges` while the registry is read-only; mostly, no store is asked."""
        read_only = (await self.bulletins.current()).read_only
        if read_only is not None:
            raise TakesNoChanges(read_only.reason)
