"""Packages side by side, for whoever chooses one of them."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from msgspec import Struct

from shared.domain.api_docs.records import ApiDocsRecord, DocsState
from shared.domain.checklists import Checklist, checklist_of
from shared.domain.coordinates import Package
from shared.domain.errors.base import Invalid, NotFound, Unavailable
from shared.domain.principals import Principal
from shared.services.api_docs.pieces import PieceReader
from shared.services.packages.package_details import PackageDetails, ReleaseDetails
from shared.services.packages.search import PackageSearch

MOST_COMPARED = 4  # Columns of a table that people read.

ReadT = TypeVar("ReadT")


class ComparedPackage(Struct, frozen=True):
    """A package in a comparison, by its latest release; what a store could not say is None."""

    details: ReleaseDetails
    checklist: Checklist
    docs: ApiDocsRecord | None  # None: not read yet.
    dependents: int | None
    recent_pulls: int | None

    @property
    def first_ms(self) -> int:
        """When the first of its live releases was published."""
        return min(each.created_ms for each in self.details.entries)


class PackageComparison(Struct, frozen=True):
    """Reads packages to compare them: a fixed number of requests for each, whatever it has."""

    details: PackageDetails
    search: PackageSearch
    pieces: PieceReader

    async def of(self, packages: Sequence[Package], *, by: Principal) -> list[ComparedPackage]:
        """Return those of the packages that `by` may see and that have a live release, in this
        order. What is hidden is left out as what is missing, and costs the same.

        Raises `too-many-packages`.
        """
        unique = {each.key: each for each in packages}
        if len(unique) > MOST_COMPARED:
            raise Invalid(
                "too-many-packages",
                f"{len(unique)} packages are too many to compare: {MOST_COMPARED} fit side by "
                "side. Remove some of them.",
            )
        found = await asyncio.gather(*(self._compared(each, by) for each in unique.values()))
        return [each for each in found if each]

    async def _compared(self, package: Package, by: Principal) -> ComparedPackage | None:
        try:
            details = await self.details.stored(package, by=by)
        except NotFound:
            return None
        docs, dependents, pulls = await asyncio.gather(
            _if_available(self.pieces.record(details.release.archive_digest)),
            _if_available(self.search.count_dependents(details.package, by=by)),
            _if_available(self.details.recent_pulls(details)),
        )
        return ComparedPackage(
            details,
            checklist_of(details.release, docs, details.dependencies),
            docs if docs and docs.state in (DocsState.DONE, DocsState.PARTIAL) else None,
            dependents,
            None if pulls is None else sum(pulls),
        )


async def _if_available(reading: Awaitable[ReadT]) -> ReadT | None:
    """Return None if a store does not answer: the comparison has all else."""
    try:
        return await reading
    except Unavailable:
        return None
