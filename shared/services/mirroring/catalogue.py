"""The catalogue of the upstreams: what they have of packages that nobody pulled.

A *round* reads the lists of one upstream to their ends, one request at a time, before anything is
changed: a list that breaks off, repeats itself or is empty takes nothing away. A package leaves the
catalogue only when a round has not named it and the upstream then says that it has no such package.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TypeVar

from msgspec import Struct

from shared.domain.api_docs.item_summaries import (
    MAX_LISTED,
    ApiSummary,
    ConnectorSummary,
    TriggerSummary,
)
from shared.domain.coordinates import package_owner
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.packages import UpstreamUnavailable
from shared.domain.listings import Listing
from shared.domain.mirror_rules import public_since
from shared.domain.mirroring import CataloguedPackage, CatalogueRound, Summary, UpstreamPage
from shared.domain.principals import MIRROR
from shared.domain.search import ANYONE, Query, ResultPage, SearchKind
from shared.domain.tasks import TaskReport
from shared.domain.times import MS, is_younger
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.http_client import Unanswered
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import UpstreamSource
from shared.services.packages.derived_data import DerivedData
from shared.services.record_batches import ENTITIES_READ_AT_ONCE, all_entities, entity_batches

FRESH_FOR = timedelta(hours=1)  # Some twenty requests for public Central.
RUN_TIME = timedelta(minutes=7)  # Less than a run of a task may take.
PAGE_ENTRIES = 100  # With readmes, which Central may send, some megabytes.
MAX_PAGES = 400  # Pages of one list: an upstream may send fewer entries than it was asked for.
MAX_ENTRIES = 20_000  # Entries of one list: ten times the packages of public Central.
# Packages of one round for which the upstream is asked whether it removed them.
MAX_CONFIRMED = 100

_ASKER = Asker(MIRROR)
_NOT_STORED = Query(include_deprecated=True, not_stored_only=True)

EntryT = TypeVar("EntryT")
AskPage = Callable[[int, int], Awaitable[UpstreamPage[EntryT] | None]]  # By offset and limit.
Items = Mapping[str, Sequence[Summary]]  # By the key of their release.
Known = Mapping[str, CataloguedPackage]  # By the key of the package.


class ListUnreadable(Exception):
    """The upstream's list cannot be read to its end."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"its list of {name} {problem}")


class UpstreamCatalogue(Struct, frozen=True):
    """Keeps the catalogue up to date. A round runs in one process at a time, and may stop
    anywhere."""

    reader: UpstreamReader
    directory: DirectoryStore
    derived_data: DerivedData

    async def packages(self) -> list[CataloguedPackage]:
        """Return all of the catalogue, in order of name. The cost grows with it."""
        return await all_entities(self.directory, CataloguedPackage)

    async def listings(self) -> AsyncGenerator[list[Listing]]:
        """Yield, some at a time, those of which nothing is stored, as search lists them."""
        names = self.derived_data.standard_names
        async for some in entity_batches(self.directory, CataloguedPackage, ENTITIES_READ_AT_ONCE):
            surveys = await self.derived_data.metadata.survey([each.package for each in some])
            found = zip(some, surveys, strict=True)
            yield [each.listing(names) for each, survey in found if survey is None]

    async def state(self, upstream: str) -> CatalogueRound:
        """Return when the lists of an upstream were last read whole, and why that failed since."""
        none = CatalogueRound(upstream=upstream)
        return await self.directory.get(CatalogueRound, none.place) or none

    async def store(self, package: CataloguedPackage) -> None:
        """Store a package, and show it in search, unless a release of it is stored."""
        # Search before record: after a crash between the two, the next round does both again.
        derived_data = self.derived_data
        if await derived_data.metadata.head(package.package) is None:
            await derived_data.search.offer(package.listing(derived_data.standard_names))
        await self.directory.put(package)

    async def run(self) -> TaskReport:
        """Begin a round of each upstream whose last one is old; one that fails does not stop the
        others."""
        sources = await self.reader.upstreams.sources()
        known, changed = await self._without_others({each.name for each in sources})
        seen = 0
        problems = list[str]()
        until_ms = self._now_ms() + RUN_TIME // MS
        for source in sources:
            if await self._is_due(source):
                theirs = {key: each for key, each in known.items() if each.upstream == source.name}
                report = await self._run_round(source, theirs, until_ms)
                seen += report.seen
                changed += report.changed
                problems += report.problems
        return TaskReport(seen, changed, tuple(problems))

    async def clear(self) -> int:
        """Remove the whole catalogue, as before an upstream is given up; return its size. The next
        round begins when this would be an hour old."""
        known = await self.packages()
        for each in known:
            await self._remove(each)
        for source in await self.reader.upstreams.sources():
            await self._note(source, completed_ms=self._now_ms())
        return len(known)

    def _now_ms(self) -> int:
        return self.reader.clock.now_ms()

    async def _is_due(self, source: UpstreamSource) -> bool:
        """Check whether the last round is old, or from before a change of the rules."""
        completed_ms = (await self.state(source.name)).completed_ms or 0
        changed_ms = (await self.reader.upstreams.rules()).changed_ms or 0
        is_fresh = is_younger(completed_ms, FRESH_FOR, self._now_ms())
        return changed_ms >= completed_ms or not is_fresh

    async def _note(self, source: UpstreamSource, **update: object) -> None:
        state = await self.state(source.name)
        await self.directory.put(state.model_copy(update=update))

    async def _without_others(self, upstreams: set[str]) -> tuple[Known, int]:
        """Remove the packages of upstreams that are no longer mirrored and of organizations that
        are another side's now; return the others, and how many were removed."""
        owners = {each.org.lower(): each.upstream for each in await self.reader.owners.all()}
        packages = await self.packages()
        known = dict[str, CataloguedPackage]()
        for each in packages:
            owner = owners.get(each.org.lower(), each.upstream)
            if each.upstream in upstreams and owner == each.upstream:
                known[each.package.key] = each
            else:
                await self._remove(each)
        return known, len(packages) - len(known)

    async def _lists(self, entry: CataloguedPackage) -> bool:
        """Check whether the package comes from the upstream of the entry, and the release is old
        enough; raise `UpstreamUnavailable`."""
        release = entry.release
        rules = await self.reader.upstreams.rules()
        first_seen_ms = release.upstream.first_seen_ms if release.upstream else release.created_ms
        since_ms = public_since(release.created_ms, first_seen_ms)
        if rules.reason_to_refuse(release, since_ms, self._now_ms()):
            return False
        source = await self.reader.ours_or_upstream.upstream_of(entry.package, _ASKER)
        return source is not None and source.name == entry.upstream

    async def _run_round(self, source: UpstreamSource, known: Known, until_ms: int) -> TaskReport:
        seen = 0
        changed = 0
        problem = ""
        noted = dict[str, object]()
        try:
            ask = source.upstream.catalogue
            packages = await self._whole_list(source, until_ms, "packages", ask) or {}
            try:
                items = await self._items(source, until_ms)
            except (Unanswered, ListUnreadable) as error:
                items = None
                problem = str(error)
            seen = len(packages)
            changed = await self._update(source, known, packages, items)
            noted = {"completed_ms": self._now_ms(), "problem": ""}
        except (Unanswered, UpstreamUnavailable) as error:  # The next run tries again.
            problem = str(error)
        except ListUnreadable as error:
            problem = str(error)
            noted = {"completed_ms": self._now_ms()}
        if problem:
            noted |= {"problem": problem, "failed_ms": self._now_ms()}
        await self._note(source, **noted)
        problems = (f"An upstream's list could not be read: {problem}.",) if problem else ()
        return TaskReport(seen, changed, problems)

    async def _update(
        self, source: UpstreamSource, known: Known, packages: Known, items: Items | None
    ) -> int:
        """Store what the lists say of each package, and return how many changed; keep the items
        that are known if they could not be read."""
        # If search shows nothing of the catalogue, its index was built again.
        search = self.derived_data.search
        changed = 0
        is_lost = not (await search.search(_NOT_STORED, ResultPage(limit=0), ANYONE)).count
        for key, found in packages.items():
            before = known.get(key)
            if not await self._lists(found):
                # An earlier release stays until the newest one is old enough.
                if before and not await self._lists(before):
                    await self._remove(before)
                continue
            whole = found.with_api_of(before) if items is None else _with_items(found, items)
            if is_lost or before is None or not before.says_the_same(whole):
                await self.store(whole)
                changed += 1
        unnamed = [each for key, each in known.items() if key not in packages]
        for each in await self._to_confirm(source, unnamed):
            ask = partial(source.upstream.versions, each.package, ANY_CLIENT, via="")
            is_theirs = await self._lists(each)
            if not is_theirs or await source.breaker.ask(package_owner(each.package), ask) is None:
                await self._remove(each)
                changed += 1
        return changed

    async def _to_confirm(
        self, source: UpstreamSource, unnamed: list[CataloguedPackage]
    ) -> Sequence[CataloguedPackage]:
        """Return the packages of which this round asks whether they were removed: of many, those
        that follow the ones of the last round."""
        if len(unnamed) <= MAX_CONFIRMED:
            return unnamed
        last = (await self.state(source.name)).confirmed_key
        unnamed.sort(key=lambda each: (each.package.key <= last, each.package.key))
        # Before they are asked for: a round that fails at one of them is not repeated there.
        chosen = unnamed[:MAX_CONFIRMED]
        await self._note(source, confirmed_key=chosen[-1].package.key)
        return chosen

    async def _items(self, source: UpstreamSource, until_ms: int) -> Items | None:
        """Return all connectors and triggers; None if the upstream has no such lists. So a list of
        editors is a search of this registry, and what they search for is sent to nobody."""
        items = defaultdict[str, list[Summary]](list)
        has_any = False
        for kind in (SearchKind.CONNECTORS, SearchKind.TRIGGERS):
            ask = partial(source.upstream.items, kind)
            found = await self._whole_list(source, until_ms, kind.value, ask)
            has_any = has_any or found is not None
            for each in (found or {}).values():
                items[each.release.key].append(each.summary)
        return items if has_any else None

    async def _whole_list(
        self, source: UpstreamSource, until_ms: int, name: str, ask: AskPage[EntryT]
    ) -> dict[str, EntryT] | None:
        """Return all entries by their keys, the first of each; None if there is no such list.

        Raises `Unanswered` and `ListUnreadable`.
        """
        found = dict[str, EntryT]()
        offset = 0
        for _ in range(MAX_PAGES):
            page = await source.breaker.ask(name, partial(ask, offset, PAGE_ENTRIES))
            if page is None:
                return None
            before = len(found)
            offset += page.listed
            for key, each in page.entries.items():
                found.setdefault(key, each)
            if page.total > MAX_ENTRIES:
                raise ListUnreadable(name, f"has {page.total:,} entries")
            if page.entries and len(found) == before:
                raise ListUnreadable(name, "has the same page again")
            if not page.listed or offset >= page.total:
                return found
            if self._now_ms() >= until_ms:
                raise ListUnreadable(name, "was not read in time")
        raise ListUnreadable(name, f"has more than {MAX_PAGES} pages")

    async def _remove(self, known: CataloguedPackage) -> None:
        derived_data = self.derived_data
        package = known.package
        if await derived_data.metadata.head(package) is None:
            await derived_data.search.remove(package)
            # It may have been pulled meanwhile; then its own listing is put back.
            await derived_data.update_search(package)
        with suppress(Stale):
            await self.directory.remove(known)


def _with_items(package: CataloguedPackage, items: Items) -> CataloguedPackage:
    summaries = items.get(package.release.coordinate.key, ())
    connectors = [each for each in summaries if isinstance(each, ConnectorSummary)]
    triggers = [each for each in summaries if isinstance(each, TriggerSummary)]
    api = ApiSummary(
        connectors=tuple(connectors[:MAX_LISTED]), triggers=tuple(triggers[:MAX_LISTED])
    )
    return package.model_copy(update={"api": api})
