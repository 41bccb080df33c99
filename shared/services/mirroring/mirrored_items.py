"""Single connectors and triggers for editors: those stored here, and those of the upstream.

Lists need no service of their own: search has what the catalogue knows. Of a release that nobody
pulled the upstream is asked, and of one that was pulled until its documentation is made.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.errors.base import InvalidName, InvalidVersion
from shared.domain.errors.packages import ApiDocsNotFound
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.identity import Principal
from shared.domain.mirroring import DescribedItem, without_refused
from shared.domain.names import Coordinate, parse_module_name
from shared.ports import PackageReader
from shared.services.api_docs.editor_catalog import (
    CatalogEntry,
    CatalogItem,
    CatalogKind,
    EditorCatalog,
    ItemName,
)
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import UpstreamSource

_IDENTIFIER = re.compile(r"\w{1,200}")  # It becomes a part of an address.


@dataclass(frozen=True)
class MirroredItems:
    """An `EditorCatalog` of single items for one request, that also finds what the upstream has.

    Both methods also raise `UpstreamUnavailable` and `TooManyRequests` for what is not stored.
    """

    local: EditorCatalog
    records: PackageReader
    reader: UpstreamReader
    catalogue: UpstreamCatalogue
    asker: Asker

    async def by_id(self, kind: CatalogKind, text: str, *, by: Principal) -> CatalogEntry:
        """Return the item by its number here; raise as `EditorCatalog.by_id` does."""
        item = await self.local.item(kind, text, by=by)
        missing: ApiDocsNotFound | ApiDocsPending = ApiDocsNotFound(_named(kind, text))
        if item.listing.release.is_stored:
            try:
                return await self.local.entry(kind, item, by=by)
            except ApiDocsPending as pending:
                missing = pending
        found = await self._of_catalogue(kind, item)
        if found is None:
            raise missing
        return found

    async def by_name(self, kind: CatalogKind, name: ItemName, *, by: Principal) -> CatalogEntry:
        """Return the item of a version; raise as `EditorCatalog.by_name` does."""
        try:
            return await self.local.by_name(kind, name, by=by)
        except (ApiDocsNotFound, ApiDocsPending) as missing:
            is_pending = isinstance(missing, ApiDocsPending)
            found = await self._of_version(kind, name, is_stored=is_pending)
            if found is None:
                raise
            return found

    async def _of_catalogue(self, kind: CatalogKind, item: CatalogItem) -> CatalogEntry | None:
        """Return an item of a list by the upstream's number of it."""
        coordinate = item.listing.release.coordinate
        known = await self.catalogue.package(coordinate.package)
        number = known.numbers.get(str(item.summary.id)) if known else None
        source = await self.reader.source(coordinate.package, self.asker)
        if number is None or source is None:
            return None
        found = await self._asked(source, kind, coordinate, [str(number)])
        if found is None or found.summary.id != item.summary.id:
            return None  # The upstream gave the number to another one.
        return CatalogEntry(CatalogItem(found.summary, item.listing), found.parts)

    async def _of_version(
        self, kind: CatalogKind, name: ItemName, *, is_stored: bool
    ) -> CatalogEntry | None:
        """Return an item of a version by its name, unless the version is stored here and is not
        said to be: then it is withheld, or has no such item."""
        wanted = _coordinate(name)
        # The source first: of what is ours nothing more is read, whether it is there or not.
        source = await self.reader.source(wanted.package, self.asker) if wanted else None
        if wanted is None or source is None or await self._has(wanted) != is_stored:
            return None
        path = [
            wanted.package.org,
            wanted.package.name,
            wanted.version.text,
            name.module,
            name.name,
        ]
        found = await self._asked(source, kind, wanted, path)
        # Some editors repeat the module in place of the package, so it may be of another one.
        if found is None or await self._has(found.package.release.coordinate) != is_stored:
            return None
        return CatalogEntry(CatalogItem(found.summary, found.package.listing(())), found.parts)

    async def _has(self, coordinate: Coordinate) -> bool:
        """Check whether the release was stored here, whatever became of it. For callers who must
        not find its package it was not, so that the upstream is asked as for a missing one."""
        found = await self.records.find(coordinate)
        return found.release is not None and self.asker.may_see(found.head)

    async def _asked(
        self, source: UpstreamSource, kind: CatalogKind, wanted: Coordinate, path: Sequence[str]
    ) -> DescribedItem | None:
        """Return the answer of the upstream of the package; None if it is about another
        release, or if rules, the frozen time or a refusal leave this one out."""
        found = await self.reader.questions.ask(
            source,
            [kind.value, *(each.lower() for each in path)],
            lambda: source.upstream.item(kind.searched, path, via=self.asker.via()),
            self.asker,
            size=lambda item: 4_000 + len(item.parts),
        )
        if found is None:
            return None
        release, package = found.package.release, found.package.package
        is_meant = package.org.lower() == wanted.package.org.lower()
        if not is_meant or release.coordinate.version != wanted.version:
            return None
        own = await self.reader.source(package, self.asker)
        rules = await self.reader.upstreams.rules()
        if own is None or own.name != source.name or rules.is_frozen(release.created_ms):
            return None
        pinned = await self.reader.pins.of_package(package)
        return found if without_refused([wanted.version], pinned) else None


def _coordinate(name: ItemName) -> Coordinate | None:
    """Return the release that is named; None if a part of the name cannot be one."""
    try:
        parse_module_name(name.module)
        wanted = Coordinate.parse(name.org, name.package, name.version)
    except (InvalidName, InvalidVersion):
        return None
    return wanted if _IDENTIFIER.fullmatch(name.name) else None


def _named(kind: CatalogKind, text: str) -> str:
    return f"{kind.singular} {text[:40]}"
