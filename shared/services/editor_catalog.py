"""Connectors and triggers of the latest releases, for editors that list them and ask for one."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from shared.domain.api_docs.records import NO_API, ConnectorSummary, TriggerSummary
from shared.domain.errors.base import NotFound
from shared.domain.errors.packages import ApiDocsNotFound
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.identity import Principal
from shared.domain.packages import Listing
from shared.domain.search import MAX_LIMIT, Query, ResultPage, SearchKind
from shared.domain.versions import ANY_CLIENT
from shared.services.api_docs import ApiDocs, ModuleName
from shared.services.packages import PackageLookup
from shared.services.search import PackageSearch

if TYPE_CHECKING:
    from shared.domain.api_docs.editor_types import Json
    from shared.domain.api_docs.model import ModuleDocs

Summary = ConnectorSummary | TriggerSummary

MODULES_READ = 8  # Of other packages, for the fields of the records that one connector uses.
LARGEST_ID = 2**31 - 1  # Clients parse a Java int.


class CatalogKind(Enum):
    """What is listed, by its path."""

    CONNECTORS = "connectors"
    TRIGGERS = "triggers"

    @property
    def searched(self) -> SearchKind:
        """Return what the search index calls the packages of this kind."""
        return SearchKind(self.value)

    @property
    def singular(self) -> str:
        return self.value.removesuffix("s")


@dataclass(frozen=True, slots=True)
class CatalogItem:
    """A connector or trigger with the release that has it."""

    summary: Summary
    listing: Listing


@dataclass(frozen=True, slots=True)
class CatalogFilter:
    """Which packages' items are listed."""

    query: Query
    platform: str = ""  # As in the archive, in any case; empty for any.

    def has(self, listing: Listing) -> bool:
        return self.platform.lower() in ("", listing.release.platform.lower())


@dataclass(frozen=True, slots=True)
class CatalogPage:
    items: tuple[CatalogItem, ...]
    count: int


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One item with its functions and the types that they use."""

    item: CatalogItem
    parts: "Json"


@dataclass(frozen=True, slots=True)
class ItemName:
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


@dataclass(frozen=True)
class EditorCatalog:
    """Lists connectors and triggers of the latest releases, and describes one of any version.

    The search index knows which packages have any, so a list costs what a search costs. Private
    and withheld packages are not listed, and their items are the same `ApiDocsNotFound` as missing
    ones.
    """

    search: PackageSearch
    packages: PackageLookup
    api_docs: ApiDocs

    async def list(
        self, kind: CatalogKind, wanted: CatalogFilter, page: ResultPage, *, by: Principal
    ) -> CatalogPage:
        """Return a page of the items of the packages that match, and the number of all."""
        items = [
            each
            for each in await self._items(kind, wanted.query, page, by)
            if wanted.has(each.listing)
        ]
        end = page.offset + page.limit
        return CatalogPage(tuple(items[page.offset : end]), len(items))

    async def by_id(self, kind: CatalogKind, text: str, *, by: Principal) -> CatalogEntry:
        """Return the item of the latest release by its number, or raise `ApiDocsNotFound`."""
        missing = ApiDocsNotFound(f"{kind.singular} {text[:40]}")
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))):
            raise missing
        query = Query(item=(str(int(text)),), include_deprecated=True)
        found = await self._items(kind, query, ResultPage(), by)
        item = next((each for each in found if each.summary.id == int(text)), None)
        if item is None:
            raise missing
        listing = item.listing
        name = ModuleName(listing.release.org, item.summary.module, listing.release.version)
        return await self._entry(kind, await self.api_docs.module(name, by=by), item, by)

    async def by_name(self, kind: CatalogKind, name: ItemName, *, by: Principal) -> CatalogEntry:
        """Return the item of a version, or raise `ApiDocsNotFound`."""
        missing = ApiDocsNotFound(f"{kind.singular} {name}")
        for module in name.modules():
            with suppress(NotFound):
                found = await self.api_docs.find(module, by=by)
                listing = await self.packages.describe(
                    found.head.package, found.entry.parsed, client=ANY_CLIENT, by=by
                )
                docs = await self.api_docs.read(found)
                if summary := _summary(kind, docs, name.name):
                    return await self._entry(kind, docs, CatalogItem(summary, listing), by)
        raise missing

    async def _items(
        self, kind: CatalogKind, query: Query, page: ResultPage, by: Principal
    ) -> "list[CatalogItem]":
        """Return all items; the order of packages is that of a search."""
        query, items, offset = replace(query, kind=kind.searched), list[CatalogItem](), 0
        while True:
            packages = replace(page, offset=offset, limit=MAX_LIMIT)
            results = await self.search.search(query, packages, by=by)
            items += (
                CatalogItem(summary, hit.listing)
                for hit in results.hits
                for summary in _summaries(kind, hit.listing)
            )
            offset += len(results.hits)
            if not results.hits or offset >= results.count:
                return items

    async def _entry(
        self, kind: CatalogKind, docs: "ModuleDocs", item: CatalogItem, by: Principal
    ) -> CatalogEntry:
        others = await self._modules_used(kind, docs, item, by)
        parts = await asyncio.to_thread(_parts, kind, docs, item.summary.name, others)
        return CatalogEntry(item, parts)

    async def _modules_used(
        self, kind: CatalogKind, docs: "ModuleDocs", item: CatalogItem, by: Principal
    ) -> "list[ModuleDocs]":
        """Return the documented modules of other packages that the functions use, as far as the
        caller may see them."""
        from shared.domain.api_docs.connectors import modules_used_by  # noqa: PLC0415 - see `_parts`.

        name = item.summary.name if kind is CatalogKind.CONNECTORS else ""
        used = sorted(modules_used_by(docs, name))[:MODULES_READ]
        return [each for each in [await self._module(each, by) for each in used] if each]

    async def _module(self, name: tuple[str, str, str], by: Principal) -> "ModuleDocs | None":
        try:
            return await self.api_docs.module(ModuleName(*name), by=by)
        except (NotFound, ApiDocsPending):
            return None


def _summaries(kind: CatalogKind, listing: Listing) -> tuple[Summary, ...]:
    api = listing.api or NO_API
    return api.connectors if kind is CatalogKind.CONNECTORS else api.triggers


def _summary(kind: CatalogKind, docs: "ModuleDocs", name: str) -> Summary | None:
    from shared.domain.api_docs.connectors import api_summary  # noqa: PLC0415 - see `_parts`.

    api, wanted = api_summary([docs]), name.lower()
    if kind is CatalogKind.CONNECTORS:
        return next((each for each in api.connectors if each.name.lower() == wanted), None)
    services = {each.name.lower() for each in (*docs.listeners, *docs.service_types)}
    return next(iter(api.triggers), None) if wanted in services else None


def _parts(kind: CatalogKind, docs: "ModuleDocs", name: str, others: "list[ModuleDocs]") -> "Json":
    # The models take long to import, and few processes need them.
    from shared.domain.api_docs.connectors import connector_parts, trigger_parts  # noqa: PLC0415

    known = {(each.org_name, each.id): each for each in (*others, docs)}
    if kind is CatalogKind.CONNECTORS:
        return connector_parts(docs, name, known)
    return trigger_parts(docs, known)
