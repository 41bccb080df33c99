"""The catalogue of the upstreams: what they have of packages that nobody pulled.

A *round* reads the list of one upstream, a page after the other and one request at a time. Each
page is stored when it was read, and the next run goes on after it. What a page names is added or
changed; a package leaves the catalogue only when a whole round has not named it and the upstream
then says that it has no such package. So a list that breaks off, repeats itself or is empty takes
nothing away.
"""

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.api_docs.records import (
    MAX_LISTED,
    ApiSummary,
    ConnectorSummary,
    TriggerSummary,
)
from shared.domain.errors.mirroring import UpstreamUnavailable
from shared.domain.identity import Principal
from shared.domain.listings import Listing
from shared.domain.mirror_rules import public_since
from shared.domain.mirroring import (
    CataloguedPackage,
    CataloguePage,
    CatalogueRound,
    NameOwner,
    UpstreamItem,
    catalogue_place,
    catalogue_round_place,
)
from shared.domain.names import Package, package_owner
from shared.domain.search import ANYONE, Query, ResultPage, SearchKind
from shared.domain.times import MS
from shared.domain.versions import ANY_CLIENT, Range, Version
from shared.ports import Clock, DirectoryStore, PackageReader, Stale, Unanswered
from shared.services.mirroring.pinned_digests import MIRROR
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource
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
    """Keeps the connectors and triggers of the catalogue up to date.

    After each round both lists of the upstream are read whole, one request at a time, and each
    package gets those of its newest release. So a list of editors is a search of this registry, and
    what they search for is not sent to anybody. A list that breaks off, repeats a page or has no
    end changes nothing.
    """

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


FRESH_FOR = timedelta(hours=1)  # Some twenty requests for public Central.
RUN_TIME = timedelta(minutes=7)  # Less than a run of a task may take.
PAGE_PACKAGES = 100  # With their readmes, which Central may send, some megabytes.
MAX_PACKAGES = 20_000  # Ten times those of public Central.
MAX_CONFIRMED = 100  # Packages of a round that the upstream is asked whether it removed them.

_ASKER = Asker(Principal(id=MIRROR.id))
_NOT_STORED = Query(include_deprecated=True, not_stored_only=True)


@dataclass(frozen=True)
class UpstreamCatalogue:
    """Reads the catalogue of all upstreams."""

    reader: UpstreamReader
    directory: DirectoryStore
    records: PackageReader
    clock: Clock

    async def listing(self, package: Package, wanted: Version | Range) -> Listing | None:
        """Return a release as the catalogue describes it; None if it is stored, or unknown."""
        found = await self.package(package)
        if found is None or not _is_wanted(found.release.coordinate.version, wanted):
            return None
        stored = await self.records.find(found.release.coordinate)
        return None if stored.release else found.listing(())

    async def package(self, package: Package) -> CataloguedPackage | None:
        """Return the entry of a package; None as well if it does not come from that upstream."""
        found = await self.directory.get(CataloguedPackage, catalogue_place(package))
        return found if found and await self.lists(found) else None

    async def lists(self, entry: CataloguedPackage) -> bool:
        """Check whether the package comes from the upstream of the entry, and the release is old
        enough; raise `UpstreamUnavailable`."""
        release, rules = entry.release, await self.reader.upstreams.rules()
        first_seen_ms = release.upstream.first_seen_ms if release.upstream else release.created_ms
        since_ms, now_ms = public_since(release.created_ms, first_seen_ms), self.clock.now_ms()
        if rules.reason_to_refuse(release, since_ms, now_ms):
            return False
        source = await self.reader.source(entry.package, _ASKER)
        return source is not None and source.name == entry.upstream

    async def tool_owner(self, tool: str) -> Package | None:
        """Return the package that lists the tool in its newest release, or None."""
        for each in await self.directory.list_by_subject(CataloguedPackage, tool.lower()):
            if await self.lists(each):
                return each.package
        return None

    async def packages(self) -> list[CataloguedPackage]:
        """Return all of the catalogue, in order of name. The cost grows with it."""
        return await all_entities(self.directory, CataloguedPackage)

    async def state(self, upstream: str) -> CatalogueRound:
        """Return how far the list of an upstream is read, and when it was last read whole."""
        found = await self.directory.get(CatalogueRound, catalogue_round_place(upstream))
        return found or CatalogueRound(upstream=upstream)


def _is_wanted(version: Version, wanted: Version | Range) -> bool:
    return wanted.contains(version) if isinstance(wanted, Range) else version == wanted


@dataclass(frozen=True, slots=True)
class CatalogueUpdate:
    """How many packages a run read and changed, why it stopped, and whether more is to be done."""

    seen: int = 0
    changed: int = 0
    problems: tuple[str, ...] = ()
    unfinished: bool = False

    def __add__(self, other: "CatalogueUpdate") -> "CatalogueUpdate":
        return CatalogueUpdate(
            self.seen + other.seen,
            self.changed + other.changed,
            self.problems + other.problems,
            self.unfinished or other.unfinished,
        )


Known = dict[str, CataloguedPackage]  # By the key of the package.


@dataclass(frozen=True)
class CatalogueUpdates:
    """Keeps the catalogue up to date. It runs in one process at a time, and may stop anywhere."""

    catalogue: UpstreamCatalogue
    upstreams: Upstreams
    derived_data: DerivedData
    clock: Clock
    items: CatalogueItems

    async def run(self) -> CatalogueUpdate:
        """For each upstream, begin a round if the last one is old, or go on with the one that was
        begun; one that fails does not stop the others."""
        sources = await self.upstreams.sources()
        done = await self._leave_out_others({each.name for each in sources})
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        for source in sources:
            done += await self._run_round(source, until_ms)
        return done

    async def _run_round(self, source: UpstreamSource, until_ms: int) -> CatalogueUpdate:
        state, now_ms = await self.catalogue.state(source.name), self.clock.now_ms()
        dropped = await self._leave_out_founded(source, state)
        done = CatalogueUpdate(dropped, dropped)
        if not await self._is_due(state):
            return done
        if state.begun_ms is None:
            state = state.model_copy(update={"begun_ms": now_ms})
        try:
            done += await self._read_on(source, state, until_ms)
            if not done.unfinished:
                done += CatalogueUpdate(changed=await self.items.update(source, until_ms))
            return done  # noqa: TRY300 - what was done counts, whatever fails later.
        except (Unanswered, UpstreamUnavailable) as error:  # The next run goes on here.
            return done + await self._failed(source, {}, str(error))
        except ListUnreadable as error:
            ended = _NEXT_ROUND | {"completed_ms": now_ms}
            return done + await self._failed(source, ended, str(error))

    async def clear(self) -> int:
        """Remove the whole catalogue, as before an upstream is given up; return its size. The next
        round begins when this would be an hour old."""
        known = await self.catalogue.packages()
        for each in known:
            await self._remove(each)
        ended = _NEXT_ROUND | {"completed_ms": self.clock.now_ms()}
        for source in await self.upstreams.sources():
            state = await self.catalogue.state(source.name)
            await self.catalogue.directory.put(state.model_copy(update=ended))
        return len(known)

    async def _is_due(self, state: CatalogueRound) -> bool:
        """Check whether a round was begun, or the last one is old or from before a change of the
        rules."""
        if state.begun_ms is not None or state.completed_ms is None:
            return True
        changed_ms = (await self.upstreams.rules()).changed_ms or 0
        is_old = self.clock.now_ms() - state.completed_ms >= FRESH_FOR // MS
        return is_old or changed_ms >= state.completed_ms

    async def _failed(
        self, source: UpstreamSource, change: dict[str, object], problem: str
    ) -> CatalogueUpdate:
        noted = {**change, "problem": problem, "failed_ms": self.clock.now_ms()}
        state = (await self.catalogue.state(source.name)).model_copy(update=noted)
        await self.catalogue.directory.put(state)
        return CatalogueUpdate(problems=(problem,), unfinished=state.begun_ms is not None)

    # --- a round -------------------------------------------------------------------------------

    async def _read_on(
        self, source: UpstreamSource, state: CatalogueRound, until_ms: int
    ) -> CatalogueUpdate:
        upstream = source.upstream
        known = {each.package.key: each for each in await self.catalogue.packages()}
        is_lost = bool(known) and state.offset == 0 and await self._is_search_empty()
        read, changed = 0, 0
        while True:
            offset = state.offset
            page = await source.gate.ask(
                "catalogue", lambda at=offset: upstream.catalogue(at, PAGE_PACKAGES)
            )
            state = _after_page(state, page)
            read += len(page.packages)
            for each in page.packages:
                before = known.get(each.package.key)
                changed += await self._put(each.with_api_of(before), None if is_lost else before)
            if not page.listed or state.offset >= page.total:
                break
            await self.catalogue.directory.put(state)
            if self.clock.now_ms() >= until_ms:
                return CatalogueUpdate(read, changed, unfinished=True)
        changed += await self._remove_unseen(source, known, frozenset(state.seen))
        ended = _NEXT_ROUND | {"completed_ms": self.clock.now_ms(), "problem": ""}
        await self.catalogue.directory.put(state.model_copy(update=ended))
        return CatalogueUpdate(read, changed)

    async def _is_search_empty(self) -> bool:
        """Check whether search shows nothing of the catalogue, as after it was built anew."""
        search = self.derived_data.search
        return not (await search.search(_NOT_STORED, ResultPage(limit=0), ANYONE)).count

    async def _put(self, found: CataloguedPackage, known: CataloguedPackage | None) -> int:
        """Store what a page says of a package; return how many records that changed."""
        if not await self.catalogue.lists(found):
            # An earlier release stays until the newest one is old enough.
            is_theirs = known is not None and known.upstream == found.upstream
            if known and is_theirs and not await self.catalogue.lists(known):
                await self._remove(known)
            return 0
        if known and known.says_the_same(found):
            return 0
        await store_catalogued(found, self.catalogue.directory, self.derived_data)
        return 1

    async def _remove_unseen(
        self, source: UpstreamSource, known: Known, seen: frozenset[str]
    ) -> int:
        """Remove the packages that the round has not named and the upstream does not have."""
        theirs = ((key, each) for key, each in known.items() if each.upstream == source.name)
        unseen = [each for key, each in theirs if key not in seen]
        removed = 0
        for each in unseen[:MAX_CONFIRMED]:
            if await self._is_gone(source, each):
                await self._remove(each)
                removed += 1
        return removed

    async def _is_gone(self, source: UpstreamSource, known: CataloguedPackage) -> bool:
        if not await self.catalogue.lists(known):
            return True
        ask, package = source.upstream.versions, known.package
        return (
            await source.gate.ask(package_owner(package), lambda: ask(package, ANY_CLIENT, via=""))
            is None
        )

    async def _leave_out_others(self, upstreams: Set[str]) -> CatalogueUpdate:
        """Remove the packages of upstreams that are no longer mirrored."""
        others = [
            each for each in await self.catalogue.packages() if each.upstream not in upstreams
        ]
        for each in others:
            await self._remove(each)
        return CatalogueUpdate(len(others), len(others))

    async def _leave_out_founded(self, source: UpstreamSource, state: CatalogueRound) -> int:
        """Remove the packages of organizations that were founded here since the last round."""
        last_ms = state.begun_ms or state.completed_ms
        if last_ms is None:
            return 0
        since_ms, directory = last_ms - FRESH_FOR // MS, self.catalogue.directory
        owned = await all_entities(directory, NameOwner)
        removed = 0
        for owner in owned:
            if not owner.upstream and owner.since_ms >= since_ms:
                listed = await directory.list_by_owner(CataloguedPackage, owner.org.lower())
                theirs = [each for each in listed if each.upstream == source.name]
                for each in theirs:
                    await self._remove(each)
                removed += len(theirs)
        return removed

    async def _remove(self, known: CataloguedPackage) -> None:
        derived_data, package = self.derived_data, known.package
        if await derived_data.metadata.head(package) is None:
            await derived_data.search.remove(package)
            # It may have been pulled meanwhile; then its own listing is put back.
            await derived_data.update_search(package)
        with suppress(Stale):
            await self.catalogue.directory.remove(known)


_NEXT_ROUND: dict[str, object] = {"begun_ms": None, "offset": 0, "pages": 0, "seen": ()}


def _after_page(state: CatalogueRound, page: CataloguePage) -> CatalogueRound:
    """Return how far the round is after a page; raise `ListUnreadable` if it would have no end."""
    seen = frozenset(state.seen)
    new = dict.fromkeys(each.package.key for each in page.packages if each.package.key not in seen)
    if page.total > MAX_PACKAGES:
        message = f"the list of the upstream has {page.total:,} packages"
        raise ListUnreadable(message)
    if page.packages and not new:
        message = "the upstream sent the same page of its list again"
        raise ListUnreadable(message)
    if state.pages >= MAX_PAGES:
        message = f"the list of the upstream has more than {MAX_PAGES} pages"
        raise ListUnreadable(message)
    further: dict[str, object] = {
        "offset": state.offset + page.listed,
        "pages": state.pages + 1,
        "seen": (*state.seen, *new),
    }
    return state.model_copy(update=further)
