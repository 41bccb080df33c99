"""The verdicts on the releases of packages: how far each changed the API."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from shared.domain.api_docs.records import ApiVerdict
from shared.domain.names import Coordinate, Package, package_owner, release_place
from shared.ports import DirectoryStore, Stale


@dataclass(frozen=True)
class ApiHistory:
    """Reads the verdict on each documented release, from a comparison with the version before it.

    A withdrawn release keeps what is stored of it, which is shown no more than the release.
    """

    directory: DirectoryStore

    async def verdicts(self, package: Package) -> Mapping[str, ApiVerdict]:
        """Return the verdicts on the releases of a package, by version. One trip."""
        found = await self.directory.list_by_owner(ApiVerdict, package_owner(package))
        return {each.version: each for each in found}

    async def verdict(self, coordinate: Coordinate) -> ApiVerdict | None:
        return await self.directory.get(ApiVerdict, release_place(coordinate))

    async def put(self, coordinate: Coordinate, verdict: ApiVerdict | None) -> None:
        """Store the verdict on a release; without one, delete the one that was stored."""
        if verdict:
            await self.directory.put(verdict)
        else:
            await self.remove(coordinate)

    async def remove(self, coordinate: Coordinate) -> None:
        """Delete the verdict on a release, if there is one."""
        verdict = await self.verdict(coordinate)
        if verdict:
            with suppress(Stale):  # Another process has removed it.
                await self.directory.remove(verdict)
