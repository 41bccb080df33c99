"""Checklists of releases, for everybody who may see them."""

from msgspec import Struct

from shared.domain.checklists import Checklist, checklist_of
from shared.domain.coordinates import Coordinate
from shared.domain.principals import Principal
from shared.services.api_docs.pieces import PieceReader
from shared.services.packages.package_details import PackageDetails, ReleaseDetails


class Checklists(Struct, frozen=True):
    """Makes checklists of records that are stored already; no archive is read."""

    details: PackageDetails
    pieces: PieceReader

    async def of(self, details: ReleaseDetails) -> Checklist:
        """Return the checklist of a release that was read. Takes one round trip to the store, for
        what its archive has."""
        docs = await self.pieces.record(details.release.archive_digest)
        return checklist_of(details.release, docs, details.dependencies)

    async def find(
        self, coordinate: Coordinate, *, by: Principal
    ) -> tuple[ReleaseDetails, Checklist]:
        """Return a release and its checklist; raise as `PackageDetails.stored` does."""
        details = await self.details.stored(coordinate.package, coordinate.version, by=by)
        return details, await self.of(details)
