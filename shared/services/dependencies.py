"""Dependencies: whether a release may need what this registry does not hold."""

import asyncio
from dataclasses import dataclass

from shared.domain.bala import Bala
from shared.domain.errors import MissingDependencies
from shared.domain.names import Coordinate
from shared.ports import MetadataStore


@dataclass(frozen=True)
class Dependencies:
    """Checks direct dependencies where the operator asks for it; most registries start without the
    standard library, so by default nothing is checked."""

    metadata: MetadataStore
    required: bool

    async def check(self, bala: Bala) -> None:
        """Raise `MissingDependencies` when the check is on and a direct dependency is missing."""
        if not self.required or not bala.dependencies:
            return
        wanted = [Coordinate.parse(each.org, each.name, each.version) for each in bala.dependencies]
        found = await asyncio.gather(*map(self.metadata.find, wanted))
        missing = tuple(each for each, here in zip(wanted, found, strict=True) if not here.release)
        if missing:
            raise MissingDependencies(bala.coordinate, missing)
