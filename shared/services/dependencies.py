"""Dependencies: whether a release may need what this registry does not hold."""

import asyncio
from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.bala import Bala
from shared.domain.errors import MissingDependencies
from shared.domain.identity import Principal
from shared.domain.names import Coordinate
from shared.ports import MetadataStore


@dataclass(frozen=True)
class Dependencies:
    """Checks direct dependencies where the operator asks for it; most registries start without the
    standard library, so by default nothing is checked."""

    authorization: Authorization
    metadata: MetadataStore
    required: bool

    async def check(self, bala: Bala, by: Principal) -> None:
        """Raise `MissingDependencies` when the check is on and a direct dependency is missing."""
        if not self.required or not bala.dependencies:
            return
        wanted = [Coordinate.parse(each.org, each.name, each.version) for each in bala.dependencies]
        found = await asyncio.gather(*map(self.metadata.find, wanted))
        heads = [(each.package, here.head) for each, here in zip(wanted, found, strict=True)]
        readable = await self.authorization.readable(by, heads)
        missing = tuple(
            each
            for each, here in zip(wanted, found, strict=True)
            if here.release is None or each.package.key not in readable
        )
        if missing:
            raise MissingDependencies(bala.coordinate, missing)
