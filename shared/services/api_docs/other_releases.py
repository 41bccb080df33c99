"""Releases of other packages that documentation has fields of: only those that are public and live,
in the exact version of the dependency graph."""

from collections.abc import Sequence

from shared.domain.api_docs.records import GENERATOR_VERSION
from shared.domain.archives.names import Digest
from shared.domain.names import Coordinate
from shared.domain.packages import ReleaseEntry, State, Survey, Visibility
from shared.ports import PackageReader
from shared.services.api_docs.pieces import PieceReader


async def available(
    packages: PackageReader, coordinates: Sequence[Coordinate]
) -> list[tuple[Coordinate, ReleaseEntry | None]]:
    """Return each release with its entry; None unless it is public and live. One trip."""
    names = [each.package for each in coordinates]
    surveys = await packages.survey(names, coordinates) if names else []
    found = zip(coordinates, surveys, strict=True)
    return [(each, _public_entry(survey, each)) for each, survey in found]


async def are_available(packages: PackageReader, coordinates: Sequence[Coordinate]) -> bool:
    """Check that all releases are public and live."""
    return all(entry for _, entry in await available(packages, coordinates))


async def arrived(
    packages: PackageReader, pieces: PieceReader, coordinates: Sequence[Coordinate]
) -> list[Coordinate]:
    """Return which releases are public, live and documented by now."""
    found = await available(packages, coordinates)
    return [each for each, entry in found if entry and await is_documented(pieces, entry)]


async def is_documented(pieces: PieceReader, entry: ReleaseEntry) -> bool:
    """Check that a release has documentation by the generator of today."""
    record = await pieces.record(Digest(entry.digest))
    return (
        record is not None and record.pieces is not None and record.generator >= GENERATOR_VERSION
    )


def _public_entry(survey: Survey | None, coordinate: Coordinate) -> ReleaseEntry | None:
    if survey is None or survey.head.visibility is not Visibility.PUBLIC:
        return None
    version = coordinate.version.text
    found = (each for each in survey.entries if each.version == version)
    return next((each for each in found if each.state is State.LIVE), None)
