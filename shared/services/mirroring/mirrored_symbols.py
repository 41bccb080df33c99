"""Symbols for developers: those of packages that are stored here, then those of the upstreams.

Nobody can read all symbols of a registry, so the upstreams are asked for what is searched. They get
the words and the names of organizations that are not ours, and nothing of who asks. A search that
names an organization of ours or means a private package is not sent. The order is stable: ours
first, in the order of the search index, then those of each upstream in its order.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.archives.names import Digest
from shared.domain.errors.base import InvalidName
from shared.domain.errors.mirroring import UpstreamUnavailable
from shared.domain.errors.requests import SearchUnconfirmed, TooManyRequests
from shared.domain.identity import Principal
from shared.domain.mirroring import without_refused
from shared.domain.names import parse_org
from shared.domain.packages import Survey, Visibility
from shared.domain.search import (
    MAX_LIMIT,
    MAX_SYMBOLS_PER_PAGE,
    Hit,
    Query,
    ResultPage,
    SymbolHit,
    SymbolQuery,
    SymbolResults,
)
from shared.domain.upstream_items import CENTRAL_KINDS
from shared.ports import PackageReader
from shared.services.api_docs.pieces import PieceReader
from shared.services.mirroring.name_owners import OURS
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import UpstreamSource
from shared.services.packages.search import PackageSearch

SYMBOLS_ASKED = 100  # Of each upstream; an editor shows fewer.
WAITED_FOR = timedelta(seconds=3)  # Then the list is that of this registry.
MAX_WORDS = 8  # Of a search that is sent: each may name an organization of ours.

_SYMBOL_BYTES = 1_500  # Of memory.
_NAME, _DOTTED = re.compile(r"\w+"), re.compile(r"\w+(?:\.\w+)+")


@dataclass(frozen=True, slots=True)
class _Question:
    """A question for the upstreams: a text in the Central protocol, and a type of symbols."""

    text: str
    symbol_type: str


@dataclass(frozen=True)
class MirroredSymbols:
    """Finds symbols for one request, as `PackageSearch` does, also those of the upstreams.

    Symbols of an upstream that does not answer in time, or of which the caller has asked too much,
    are left out.
    """

    search: PackageSearch
    records: PackageReader
    pieces: PieceReader
    reader: UpstreamReader
    asker: Asker

    async def symbols(
        self, query: SymbolQuery, page: ResultPage, *, by: Principal
    ) -> SymbolResults:
        """Return a page of the symbols that match, with the number of all."""
        # One after the other, so that what is private changes no order of requests to the stores.
        ours = await self.search.symbols(query, page, by=by)
        theirs = await self._theirs(query, by)
        if not theirs:
            return ours
        if ours.corrections:  # They have names that are only like the searched one.
            ours = SymbolResults((), 0)
        limit = min(page.limit, MAX_SYMBOLS_PER_PAGE)  # As the search index does.
        first, end = (max(each - ours.count, 0) for each in (page.offset, page.offset + limit))
        return SymbolResults((*ours.hits, *theirs[first:end]), ours.count + len(theirs))

    async def _theirs(self, query: SymbolQuery, by: Principal) -> tuple[SymbolHit, ...]:
        if self.reader.passed_here(self.asker):
            return ()
        question = await self._question(query)
        if question is None or await self._is_about_private(query, by):
            return ()
        sources = await self.reader.upstreams.sources()
        answers = await asyncio.gather(*(self._answer(each, question) for each in sources))
        found = [each for answer in answers for each in answer if _is_wanted(query, each)]
        return tuple(await self._not_ours(found))

    async def _is_about_private(self, query: SymbolQuery, by: Principal) -> bool:
        """Check whether the caller means a private package: it has the best result, or is named.
        The same for every page of the search."""
        if by.is_anonymous:
            return False
        first = await self.search.symbols(query, ResultPage(limit=1), by=by)
        if any(map(_is_private, first.hits)):
            return True
        names = {*_NAME.findall(query.words), *_DOTTED.findall(query.words)}
        return any([await self._is_private_name(each, by) for each in sorted(names)])

    async def _is_private_name(self, name: str, by: Principal) -> bool:
        """Check whether a private package that the caller sees has the name."""
        query = Query(package=name, include_deprecated=True, stored_only=True)
        try:
            found = await self.search.search(query, ResultPage(limit=MAX_LIMIT), by=by)
        except SearchUnconfirmed:
            return True  # Nobody knows which packages are private.
        return any(map(_is_private, found.hits))

    async def _question(self, query: SymbolQuery) -> _Question | None:
        """Return the question for the upstreams; None if it is about an organization of ours, or
        cannot be said in their protocol."""
        words = _NAME.findall(query.words)
        if query.without or len(words) > MAX_WORDS or any([await self._is_ours(e) for e in words]):
            return None
        named = query.orgs
        if named is None:
            named = (await self.reader.upstreams.rules()).only_organizations
        orgs = [each for each in sorted(named or ()) if not await self._is_ours(each)]
        if not (orgs or (words and named is None)):
            return None
        within = (
            f" org:({' OR '.join(orgs)})" if len(orgs) > 1 else f" org:{orgs[0]}" if orgs else ""
        )
        kinds = CENTRAL_KINDS & (query.kinds or frozenset())
        return _Question(
            f"{query.words}{within}".strip(), next(iter(kinds)) if len(kinds) == 1 else ""
        )

    async def _is_ours(self, name: str) -> bool:
        """Check whether the name is that of an organization of ours, or cannot be one."""
        try:
            org = parse_org(name)
        except InvalidName:
            return False
        return await self.reader.owners.owner(org) == OURS

    async def _answer(self, source: UpstreamSource, question: _Question) -> Sequence[SymbolHit]:
        """Return the symbols that an upstream finds; none if it does not answer in time,
        while the answer is kept for the next request."""
        rules = await self.reader.upstreams.rules()

        async def request() -> list[SymbolHit]:
            text, symbol_type = question.text, question.symbol_type
            found = await source.upstream.symbols(
                text, symbol_type, SYMBOLS_ASKED, via=self.asker.via()
            )
            return [each for each in found[:SYMBOLS_ASKED] if await self._is_served(source, each)]

        key = ("symbols", str(rules.revision), question.text.lower(), question.symbol_type)
        try:
            async with asyncio.timeout(WAITED_FOR.total_seconds()):
                found = await self.reader.questions.ask(
                    source, key, request, self.asker, size=lambda each: _SYMBOL_BYTES * len(each)
                )
        except (UpstreamUnavailable, TooManyRequests, TimeoutError):
            return ()
        return found or ()

    async def _is_served(self, source: UpstreamSource, hit: SymbolHit) -> bool:
        """Check whether the release comes from this upstream, and neither rules nor a refusal leave
        it out."""
        coordinate = hit.listing.release.coordinate
        if (await self.reader.upstreams.rules()).is_frozen(hit.listing.release.created_ms):
            return False
        try:
            own = await self.reader.source(coordinate.package, self.asker)
        except UpstreamUnavailable:
            return False  # Nobody knows which upstream has it.
        if own is None or own.name != source.name:
            return False
        pinned = await self.reader.pins.of_package(coordinate.package)
        return bool(without_refused([coordinate.version], pinned))

    async def _not_ours(self, found: Sequence[SymbolHit]) -> list[SymbolHit]:
        """Return those of organizations that are not ours now, and of packages whose own symbols
        search does not have."""
        packages = {each.listing.head.package.key: each.listing.head.package for each in found}
        orgs = list(dict.fromkeys(each.org for each in packages.values()))
        owners, surveys = await asyncio.gather(
            asyncio.gather(*map(self.reader.owners.owner, orgs)),
            self.records.survey(list(packages.values())),
        )
        founded = {org for org, owner in zip(orgs, owners, strict=True) if owner == OURS}
        stored = [each for each in surveys if each]
        has_own = await asyncio.gather(*map(self._has_own_symbols, stored))
        own = {each.head.package.key for each, has in zip(stored, has_own, strict=True) if has}
        return [
            each
            for each in found
            if each.listing.head.org not in founded and each.listing.head.package.key not in own
        ]

    async def _has_own_symbols(self, survey: Survey) -> bool:
        """Check whether search has the symbols of a stored package, or nobody is to see them."""
        if survey.head.visibility is not Visibility.PUBLIC or not survey.live:
            return True
        return await self.pieces.record(Digest(survey.live[0].digest)) is not None


def _is_private(hit: Hit | SymbolHit) -> bool:
    return hit.listing.head.visibility is Visibility.PRIVATE


def _is_wanted(query: SymbolQuery, hit: SymbolHit) -> bool:
    in_orgs = query.orgs is None or hit.listing.head.org.lower() in query.orgs
    return in_orgs and (query.kinds is None or hit.symbol.kind in query.kinds)
