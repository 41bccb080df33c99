"""Connectors and triggers of the latest releases, for editors that list them and ask for one."""

import json
from collections.abc import Sequence
from enum import Enum
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.api_docs.item_summaries import (
    NO_API,
    ApiSummary,
    ConnectorSummary,
    TriggerSummary,
)
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.coordinates import Coordinate
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import NotFound
from shared.domain.errors.packages import ApiDocsFailed, ApiDocsNotFound
from shared.domain.errors.requests import SearchUnconfirmed
from shared.domain.listings import Listing
from shared.domain.principals import Principal
from shared.domain.search import MAX_LIMIT, Query, ResultPage, SearchKind
from shared.ports.metadata import MetadataStore
from shared.services.api_docs.api_docs import ApiDocs, DocumentedModule, ModuleName
from shared.services.api_docs.pieces import are_available, arrived
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.search import PackageSearch
from shared.services.packages.source import PackageSource

Summary = ConnectorSummary | TriggerSummary

LARGEST_ID = 2**31 - 1  # Clients parse a Java int.


class ItemKind(Enum):
    """The kind of a list; its value is the path."""

    CONNECTORS = "connectors"
    TRIGGERS = "triggers"

    @property
    def searched(self) -> SearchKind:
        """The word of the search index for packages of this kind."""
        return SearchKind(self.value)

    @property
    def singular(self) -> str:
        return self.value.removesuffix("s")


class EditorItem(Struct, frozen=True):
    """A connector or trigger with the release that has it."""

    summary: Summary
    listing: Listing


class ItemFilter(Struct, frozen=True):
    """Which packages' items are listed."""

    query: Query
    platform: str = ""  # As in the archive, in any case; empty for any.

    def has(self, listing: Listing) -> bool:
        return self.platform.lower() in ("", listing.release.platform.lower())


class ItemPage(Struct, frozen=True):
    items: tuple[EditorItem, ...]
    count: int


class ItemDetails(Struct, frozen=True):
    """One item with its functions and the types that they use."""

    item: EditorItem
    parts: str  # JSON.


class ItemName(Struct, frozen=True):
    """A connector or trigger of a version, as a client names it."""

    org: str
    package: str
    version: str
    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.org}/{self.module}:{self.version} {self.name}"

    def modules(self) -> tuple[ModuleName, ...]:
        """Return the modules that may be meant: some editors repeat the module in place of the
        package, and some leave the package out of the module."""
        names = dict.fromkeys((self.module, f"{self.package}.{self.module}"))
        return tuple(ModuleName(self.org, each, self.version) for each in names)


class EditorItems(Struct, frozen=True):
    """Lists connectors and triggers of the latest releases, and describes one of any version.

    The search index knows which packages have any, so a list costs what a search costs. Private
    and withheld packages are not listed, and their items are the same `ApiDocsNotFound` as missing
    ones.
    """

    search: PackageSearch
    hosted: HostedPackages
    api_docs: ApiDocs
    metadata: MetadataStore

    async def list(
        self, kind: ItemKind, wanted: ItemFilter, page: ResultPage, *, by: Principal
    ) -> ItemPage:
        """Return a page of the items of the packages that match, and the number of all."""
        items = [
            each
            for each in await self._items(kind, wanted.query, page, by)
            if wanted.has(each.listing)
        ]
        end = page.offset + page.limit
        return ItemPage(tuple(items[page.offset : end]), len(items))

    async def by_id(
        self, kind: ItemKind, text: str, source: PackageSource, *, by: Principal
    ) -> ItemDetails:
        """Return the item of the latest release by its number, or raise `ApiDocsNotFound`.

        `source` may have to fetch the release; raises as `ApiDocs.document` does.
        """
        item = await self._item(kind, text, by=by)
        release = item.listing.release
        name = ModuleName(release.org, item.summary.module, release.version)
        return await self._details(kind, await self.api_docs.module(name, source, by=by), item)

    async def _item(self, kind: ItemKind, text: str, *, by: Principal) -> EditorItem:
        """Return the item with this number as lists have it, or raise `ApiDocsNotFound`."""
        missing = ApiDocsNotFound(f"{kind.singular} {text[:40]}")
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))):
            raise missing
        query = Query(item=(str(int(text)),), include_deprecated=True)
        found = await self._items(kind, query, ResultPage(), by)
        item = next((each for each in found if each.summary.id == int(text)), None)
        if item is None:
            raise missing
        return item

    async def by_name(
        self, kind: ItemKind, name: ItemName, source: PackageSource, *, by: Principal
    ) -> ItemDetails:
        """Return the item of a version, or raise `ApiDocsNotFound`, or `ApiDocsFailed` with the
        reason why it is not described; let `source` fetch the release as `by_id` does."""
        for module in name.modules():
            try:
                found = await self.api_docs.module(module, source, by=by)
            except NotFound:
                continue
            summary = await self._summary(kind, found, name.name.lower())
            if summary is not None:
                package = found.head.package
                version = found.entry.parsed
                listing = await self.hosted.describe(package, version, client=ANY_CLIENT, by=by)
                return await self._details(kind, found, EditorItem(summary, listing))
        missing = f"{kind.singular} {name}"
        raise ApiDocsNotFound(missing)

    async def _items(
        self, kind: ItemKind, query: Query, page: ResultPage, by: Principal
    ) -> "list[EditorItem]":
        """Return all items; the order of packages is that of a search."""
        query = replace(query, kind=kind.searched)
        items = list[EditorItem]()
        offset = 0
        while True:
            packages = replace(page, offset=offset, limit=MAX_LIMIT)
            try:
                results = await self.search.search(query, packages, by=by)
            except SearchUnconfirmed:  # An editor would show a failure to everybody.
                return items
            items += (
                EditorItem(summary, hit.listing)
                for hit in results.hits
                for summary in _of_kind(kind, hit.listing.api or NO_API)
            )
            offset += len(results.hits)
            if not results.hits or offset >= results.count:
                return items

    async def _summary(self, kind: ItemKind, found: DocumentedModule, name: str) -> Summary | None:
        """Return a connector by its name, or the trigger that has a listener or service of this
        name."""
        api = await self.api_docs.summaries(found.digest, found.coordinate)
        items = (each for each in _of_kind(kind, api) if each.module == found.module)
        if kind is ItemKind.CONNECTORS:
            return next((each for each in items if each.name.lower() == name), None)
        of = (PieceKind.TRIGGER_NAME, found.module, name)
        place = await self.api_docs.place(found.digest, found.coordinate, *of)
        return next(items, None) if place else None

    async def _details(
        self, kind: ItemKind, found: DocumentedModule, item: EditorItem
    ) -> ItemDetails:
        """Return an item with the fields of other packages' records, unless one of those packages
        is not public and live any more."""
        whole = await self._parts(kind, found, item, "all")
        if whole is None or not await are_available(self.metadata, _coordinates(whole.took)):
            whole = await self._parts(kind, found, item, "own")
        if whole is None:
            raise ApiDocsFailed(found.coordinate, "the description is too large")
        missing = _coordinates(whole.missing)
        if missing and (new := await arrived(self.metadata, self.api_docs.pieces, missing)):
            self.api_docs.queue.renew(found.coordinate, new)
        return ItemDetails(item, whole.text)

    async def _parts(
        self, kind: ItemKind, found: DocumentedModule, item: EditorItem, form: str
    ) -> "_Parts | None":
        name = item.summary.name.lower() if kind is ItemKind.CONNECTORS else ""
        piece = await self.api_docs.piece(
            found.digest, found.coordinate, _PIECES[kind], found.module, name, form
        )
        return _Parts.parse(piece.unpack().decode()) if piece else None


def _coordinates(releases: Sequence[Sequence[str]]) -> list[Coordinate]:
    return [Coordinate.parse(*each) for each in releases]


_PIECES = {ItemKind.CONNECTORS: PieceKind.CONNECTOR, ItemKind.TRIGGERS: PieceKind.TRIGGER}


class _Parts(Struct, frozen=True):
    """The functions and types of an item as JSON, the releases that they have fields of, and those
    whose fields are missing."""

    took: Sequence[Sequence[str]]
    missing: Sequence[Sequence[str]]
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        head, _, parts = text.partition("\n")
        releases = json.loads(head)
        return cls(releases["took"], releases["missing"], parts)


def _of_kind(kind: ItemKind, api: ApiSummary) -> tuple[Summary, ...]:
    return api.connectors if kind is ItemKind.CONNECTORS else api.triggers
