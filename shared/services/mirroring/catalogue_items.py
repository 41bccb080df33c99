"""Connectors and triggers of the catalogue: those of packages that nobody pulled.

After each round of the catalogue both lists of the upstream are read whole, one request at a time,
and each package gets those of its newest release. So a list of editors is a search of this
registry, and what they search for is not sent to anybody. A list that breaks off, repeats a page or
has no end changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.domain.api_docs.records import (
    MAX_LISTED,
    ApiSummary,
    ConnectorSummary,
    TriggerSummary,
)
from shared.domain.mirroring import CataloguedPackage, UpstreamItem
from shared.domain.search import SearchKind
from shared.ports import Clock, DirectoryStore
from shared.services.mirroring.upstreams import UpstreamSource
from shared.services.packages.derived_data import DerivedData
from shared.services.records import all_entities

MAX_PAGES = 400  # Of a list: an upstream may send less than was asked for.
MAX_ITEMS = 20_000  # Of each list.
PAGE_ITEMS = 100  # Each comes with the description of its package.

_NO_ITEMS: Sequence[UpstreamItem] = ()


class ListUnreadable(Exception):
    """The upstream's list cannot be read to its end."""


@dataclass(frozen=True)
class CatalogueItems:
    """Keeps the connectors and triggers of the catalogue up to date."""

    directory: DirectoryStore
    derived_data: DerivedData
    clock: Clock

    async def update(self, source: UpstreamSource, until_ms: int) -> int:
        """Give each package of the upstream's catalogue its connectors and triggers; return how
        many packages changed. Raises `Unanswered` and `ListUnreadable`."""
        connectors = await self._read(source, SearchKind.CONNECTORS, until_ms)
        triggers = await self._read(source, SearchKind.TRIGGERS, until_ms)
        if connectors is None and triggers is None:
            return 0  # It has no such lists, as some registries in this protocol.
        changed = 0
        for known in await all_entities(self.directory, CataloguedPackage):
            found = _with_items(known, connectors or {}, triggers or {})
            if known.upstream == source.name and found != known:
                await store_catalogued(found, self.directory, self.derived_data)
                changed += 1
        return changed

    async def _read(
        self, source: UpstreamSource, kind: SearchKind, until_ms: int
    ) -> Mapping[str, Sequence[UpstreamItem]] | None:
        """Return the items of the list by the key of their release; None if there is no list."""
        found: dict[str, dict[int, UpstreamItem]] = {}
        offset, upstream = 0, source.upstream
        for _ in range(MAX_PAGES):
            page = await source.gate.ask(
                kind.value, lambda at=offset: upstream.items(kind, at, PAGE_ITEMS)
            )
            if page is None:
                return None
            if page.total > MAX_ITEMS:
                message = f"its list of {kind.value} has {page.total:,} entries"
                raise ListUnreadable(message)
            is_new = [_add(found, each) for each in page.items]
            offset += page.listed
            if not page.listed or offset >= page.total:
                return {key: list(items.values()) for key, items in found.items()}
            if page.items and not any(is_new):
                message = f"it sent the same page of its {kind.value} again"
                raise ListUnreadable(message)
            if self.clock.now_ms() >= until_ms:
                message = f"its list of {kind.value} was not read in time"
                raise ListUnreadable(message)
        message = f"its list of {kind.value} has more than {MAX_PAGES} pages"
        raise ListUnreadable(message)


def _add(found: dict[str, dict[int, UpstreamItem]], item: UpstreamItem) -> bool:
    """Add an item to those of its release, unless there is one of its number; say if it is new."""
    items = found.setdefault(f"{item.package.key}:{item.version}", {})
    if item.summary.id in items:
        return False
    items[item.summary.id] = item
    return True


def _with_items(
    package: CataloguedPackage,
    connectors: Mapping[str, Sequence[UpstreamItem]],
    triggers: Mapping[str, Sequence[UpstreamItem]],
) -> CataloguedPackage:
    key = package.release.coordinate.key
    items = [
        *connectors.get(key, _NO_ITEMS)[:MAX_LISTED],
        *triggers.get(key, _NO_ITEMS)[:MAX_LISTED],
    ]
    summaries = [each.summary for each in items]
    api = ApiSummary(
        connectors=tuple(each for each in summaries if isinstance(each, ConnectorSummary)),
        triggers=tuple(each for each in summaries if isinstance(each, TriggerSummary)),
    )
    numbers = {str(each.summary.id): each.number for each in items}
    return package.model_copy(update={"api": api, "numbers": numbers})


async def store_catalogued(
    package: CataloguedPackage, directory: DirectoryStore, derived_data: DerivedData
) -> None:
    """Store a package of the catalogue, and show it in search, unless a release is stored."""
    # Search before record: after a crash between the two, the next round does both again.
    if await derived_data.metadata.head(package.package) is None:
        await derived_data.search.offer(package.listing(derived_data.standard_names))
    await directory.put(package)
