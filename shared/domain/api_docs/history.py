"""The history of an API: since which version each symbol exists, and what a release changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.api_docs.comparison import ApiComparison, compare
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.outline import declared
from shared.domain.api_docs.verdicts import ApiVerdict
from shared.domain.names import Coordinate

# By module and path of a symbol, the version since which it exists. Symbols of which that is not
# known are left out.
SinceTable = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class DocumentedVersion:
    """The API of a version; if it is not complete, some sources could not be read."""

    coordinate: Coordinate
    modules: Sequence[ModuleDocs]
    is_complete: bool


def since_table(
    after: DocumentedVersion, before: DocumentedVersion | None, known: SinceTable
) -> SinceTable:
    """Return since which version each symbol exists; `before` is the version before, None for the
    first one, and `known` is its table."""
    earlier = {each.id: frozenset(_paths(each)) for each in before.modules} if before else {}
    # What an incomplete version does not have may have been in the lines that were not read.
    added = after.coordinate.version.text if not before or before.is_complete else None
    table = dict[str, dict[str, str]]()
    for module in after.modules:
        old, since = earlier.get(module.id, ()), known.get(module.id, {})
        found = {path: since.get(path) if path in old else added for path in _paths(module)}
        table[module.id] = {path: version for path, version in found.items() if version}
    return table


def _paths(module: ModuleDocs) -> Iterator[str]:
    for _, symbol in declared(module):
        yield symbol.path
        yield from (each.path for each in symbol.members())


def verdict(after: DocumentedVersion, before: DocumentedVersion) -> ApiVerdict | None:
    """Return the verdict on a version; None if one of the two is not complete, since what was not
    read would count as removed."""
    if not (after.is_complete and before.is_complete):
        return None
    old, new = ((each.coordinate.version, each.modules) for each in (before, after))
    return verdict_of(after.coordinate, compare(old, new))


def verdict_of(coordinate: Coordinate, compared: ApiComparison) -> ApiVerdict:
    """Return what a comparison says of the later release."""
    return ApiVerdict(
        org=coordinate.package.org,
        name=coordinate.package.name,
        version=coordinate.version.text,
        compared_with=compared.before.text,
        required=compared.required.name.lower(),
        published=compared.published.name.lower(),
        changes=len(compared.changes),
        breaking=len(compared.breaking),
        is_version_too_low=compared.is_version_too_low,
    )
