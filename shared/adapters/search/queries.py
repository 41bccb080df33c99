"""How the search index answers: one page of rows, the counts, facets and suggestions."""

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from itertools import chain, islice

import orjson

from shared.adapters.search.decoded_listings import shown_listing
from shared.adapters.search.indexed_words import listing_words
from shared.adapters.search.matching import Matching, hidden_packages
from shared.adapters.search.postings import AUXILIARY, DEPRECATED, PRIVATE, Postings, ids_of
from shared.adapters.search.public_counts import (
    count_of_dependents,
    frequent_keywords,
    public_facet_page,
    public_facets,
    public_spellings,
    public_totals,
)
from shared.adapters.search.public_packages import PublicPackages
from shared.adapters.search.query_plan import QueryPlan, with_plain_words, with_split_class_names
from shared.adapters.search.ranking import Ordering, scores_of_names
from shared.adapters.search.score_weights import LAST_NAME_WEIGHT
from shared.adapters.search.spelling import Speller
from shared.adapters.search.symbol_search import SymbolSearch, query_words, with_named_fields
from shared.adapters.search.symbols import SymbolFilter, SymbolPlace, SymbolRows
from shared.adapters.search.words import facet_word, stem
from shared.domain.api_docs.symbols import symbol_kinds, symbols_at
from shared.domain.listings import Facet, FacetValue, Listing, group_facets, merge_spellings
from shared.domain.names import OrgName
from shared.domain.search import (
    ANYONE,
    MAX_PACKAGES_PER_PAGE,
    MAX_PACKAGES_WITH_KINDS,
    FacetedResults,
    FacetPage,
    IndexTotals,
    KeywordCount,
    Query,
    ResultPage,
    Results,
    Suggestion,
    SymbolHit,
    SymbolQuery,
    SymbolResults,
    Viewer,
)

MANY_AUXILIARY = 12  # If more packages match, auxiliary packages are not told from the others.
TOO_FEW_MATCHES = 3  # With fewer matches, and none by name, what was typed is perhaps a mistake.

_ORGANIZATION = re.compile(r"\s*(\w+)/\s*", re.ASCII)  # A path whose name is not typed yet.


def find_packages(
    connection: sqlite3.Connection, query: Query, page: ResultPage, viewer: Viewer
) -> Results:
    """Answer one search from one snapshot of the index, so that hits and count agree."""
    with _snapshot(connection) as postings:
        listed = PublicPackages.of(connection, query, viewer)
        if listed and listed.has_order(page):
            return listed.results(page)
        return _Search(postings, query, viewer).results(page)


def counts_dependents(query: Query, page: ResultPage, viewer: Viewer) -> bool:
    """Check whether everybody asks how many packages depend on one, as each page of a package does:
    the index keeps that number, which `read_dependents_count` reads by its key."""
    of_package = Query(depends_on=query.depends_on, include_deprecated=True)
    return bool(query.depends_on) and (query, page.limit, viewer) == (of_package, 0, ANYONE)


def read_dependents_count(connection: sqlite3.Connection, query: Query) -> Results:
    """Answer a search that `counts_dependents`."""
    return Results((), count_of_dependents(connection, query.depends_on))


def find_with_facets(
    connection: sqlite3.Connection, query: Query, page: ResultPage, viewer: Viewer
) -> FacetedResults:
    """Answer one search with its facets from one snapshot of the index."""
    with _snapshot(connection) as postings:
        listed = PublicPackages.of(connection, query, viewer)
        if listed and listed.has_facets and listed.has_order(page):
            facets = public_facets(connection)
            return FacetedResults(listed.results(page), facets, listed.deprecated_count)
        search = _Search(postings, query, viewer)
        organization = _listed_organization(query)
        if organization and search.packages.isdisjoint(postings.ids(PRIVATE)):
            facets = public_facets(connection, organization)
        else:
            facets = group_facets(traits_of(connection, search.packages))
        return FacetedResults(search.results(page), facets, search.deprecated_count)


def _listed_organization(query: Query) -> str:
    """Return the key of the organization all of whose packages are listed, as on its page; empty
    for any other search."""
    match [*(query.orgs or ())]:
        case [organization] if query == Query(orgs=query.orgs, deprecated_last=True):
            return organization
        case _:
            return ""


def find_facet_page(
    connection: sqlite3.Connection, facet: Facet, text: str, page: ResultPage, viewer: Viewer
) -> FacetPage:
    """Return a page of the values of one facet that contain a text, from one snapshot of the
    index: what is kept of public packages, and what others add that the viewer may see."""
    folded = text.strip().casefold()
    with _snapshot(connection) as postings:
        if viewer == ANYONE:
            return public_facet_page(connection, facet, folded, page)
        private = set(postings.ids(PRIVATE)).difference(hidden_packages(postings, viewer))
        own = traits_of(connection, private).get(facet, ()) if private else ()
        if not own:
            return public_facet_page(connection, facet, folded, page)
        return _facet_page_with(own, connection, facet, folded, page)


def _facet_page_with(
    own: Sequence[tuple[str, int]],
    connection: sqlite3.Connection,
    facet: Facet,
    text: str,
    page: ResultPage,
) -> FacetPage:
    """Return a page of the values of public packages and of some others, whose values are `own`."""

    def key_of(value: str) -> str:
        return FacetValue(facet, value).folded

    keys = {key_of(value) for value, _ in own}
    known = {key: public_spellings(connection, facet, key) for key in keys}
    changed = merge_spellings((*own, *chain.from_iterable(known.values())))
    added = sum(text in key and not spellings for key, spellings in known.items())
    # So many values are read because some up to the end of the page may be among those that change.
    most = ResultPage(limit=page.offset + page.limit + len(keys))
    public = public_facet_page(connection, facet, text, most)
    shown = {key_of(each.value): each for each in public.values}
    shown |= {key: each for each in changed if text in (key := key_of(each.value))}
    ordered = sorted(shown, key=lambda key: (-shown[key].count, key))
    part = ordered[page.offset : page.offset + page.limit]
    return FacetPage(tuple(shown[key] for key in part), public.count + added)


def read_totals(connection: sqlite3.Connection) -> IndexTotals:
    """Return the numbers of what everybody may see and is stored."""
    with _snapshot(connection):
        return public_totals(connection)


def find_keywords(connection: sqlite3.Connection, most: int) -> tuple[KeywordCount, ...]:
    """Return the most frequent keywords of all public packages."""
    with _snapshot(connection):
        return frequent_keywords(connection, most)


def suggest_names(
    connection: sqlite3.Connection, text: str, viewer: Viewer, count: int
) -> list[Suggestion]:
    """Return packages that match by their names only, best first."""
    org = _ORGANIZATION.fullmatch(text)
    query = Query().within(frozenset({OrgName(org[1])})) if org else Query.parse(text).by_name()
    results = find_packages(connection, query, ResultPage(limit=count), viewer)
    return [Suggestion.of(hit.listing) for hit in results.hits]


def find_symbol_page(
    connection: sqlite3.Connection, query: SymbolQuery, page: ResultPage, viewer: Viewer
) -> SymbolResults:
    """Return a page of symbols; those of deprecated packages come last."""
    with _snapshot(connection) as postings:
        search = SymbolSearch(postings, viewer, _symbol_filter(postings, query))
        if not query_words(query.words):
            return _symbols_of_organizations(postings, search, query, page)
        answer = search.find(query.words)
        if not page.limit and query.kinds is None:  # A count needs no order.
            return SymbolResults((), len(answer.places))
        deprecated = postings.packages(DEPRECATED)
        found = sorted(answer.places, key=lambda each: each.package in deprecated)
        if query.kinds is not None:
            found = _of_kinds(connection, found, query.kinds)
        shown = _of_few_packages(found[page.offset : page.offset + page.limit])
        hits = tuple(
            SymbolHit(each.listing, with_named_fields(each.symbol, answer.text))
            for each in _symbol_hits(connection, shown)
        )
        return SymbolResults(hits, len(found), answer.corrections, answer.unknown)


def _of_few_packages(places: Sequence[SymbolPlace]) -> Sequence[SymbolPlace]:
    """Return the first symbols, of as many packages as a page may have."""
    packages = set[int]()
    for at, each in enumerate(places):
        packages.add(each.package)
        if len(packages) > MAX_PACKAGES_PER_PAGE:
            return places[:at]
    return places


def _symbols_of_organizations(
    postings: Postings, search: SymbolSearch, query: SymbolQuery, page: ResultPage
) -> SymbolResults:
    """Return a page of all symbols of the organizations: clients read page after page until one is
    not full, so the order depends only on names."""
    deprecated = postings.packages(DEPRECATED)
    found = sorted(search.of_packages(query.kinds), key=lambda each: each.package in deprecated)
    shown = found[page.offset : page.offset + page.limit]
    return SymbolResults(tuple(_symbol_hits(postings.connection, shown)), len(found))


def _symbol_filter(postings: Postings, query: SymbolQuery) -> SymbolFilter:
    """Return the conditions of a query beside its words; a word that it excludes must be neither in
    a symbol nor in the name of its package."""
    packages = None
    if query.orgs is not None:
        packages = postings.packages(*(facet_word("org", org) for org in sorted(query.orgs)))
    without = [word for each in query.without for word in query_words(each)]
    named = (ids for word in without for _, ids in postings.of_word(word, LAST_NAME_WEIGHT))
    return SymbolFilter(packages, frozenset(ids_of(b"".join(named))), without)


def _of_kinds(
    connection: sqlite3.Connection, places: Sequence[SymbolPlace], kinds: Set[str]
) -> list[SymbolPlace]:
    """Return the symbols of these kinds in the best packages."""
    rows = SymbolRows(connection)
    found = set[SymbolPlace]()
    packages = dict.fromkeys(each.package for each in places)
    for package in islice(packages, MAX_PACKAGES_WITH_KINDS):
        packed = symbol_kinds(rows.packed(package))
        own = (each for each in places if each.package == package)
        found |= {each for each in own if packed[each.place] in kinds}
    return [each for each in places if each in found]


def _symbol_hits(
    connection: sqlite3.Connection, places: Sequence[SymbolPlace]
) -> Iterator[SymbolHit]:
    rows = SymbolRows(connection)
    statement = "SELECT listing FROM listings WHERE id = ?"
    hits = dict[SymbolPlace, SymbolHit]()
    by_package = defaultdict[int, list[SymbolPlace]](list)
    for each in places:
        by_package[each.package].append(each)
    for package, own in by_package.items():
        listing = shown_listing(package, connection.execute(statement, (package,)).fetchone()[0])
        symbols = symbols_at(rows.packed(package), [each.place for each in own])
        hits |= {
            place: SymbolHit(listing, symbol) for place, symbol in zip(own, symbols, strict=True)
        }
    return map(hits.__getitem__, places)


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Generator[Postings]:
    connection.execute("BEGIN")
    try:
        yield Postings(connection)
    finally:
        connection.execute("ROLLBACK")  # Nothing was written.


def traits_of(
    connection: sqlite3.Connection, packages: Iterable[int]
) -> Mapping[Facet, Sequence[tuple[str, int]]]:
    """Return the values of each facet that packages have, each with the number of them."""
    [traits] = connection.execute(
        "SELECT group_concat(hex(traits), '') FROM packages"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (str([*packages]),),
    ).fetchone()
    counts = Counter(ids_of(bytes.fromhex(traits or "")))
    [spellings] = connection.execute(
        "SELECT json_group_array(json_array(id, facet, value)) FROM spellings"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (str([*counts]),),
    ).fetchone()
    counted = defaultdict[str, list[tuple[str, int]]](list)
    for spelling, facet, value in orjson.loads(spellings):
        counted[facet].append((value, counts[spelling]))
    return {Facet(facet): values for facet, values in counted.items()}


class _Search:
    """One query of one viewer, and the packages that it finds."""

    def __init__(self, postings: Postings, query: Query, viewer: Viewer) -> None:
        self._postings = postings
        self._viewer = viewer
        self._corrections: tuple[tuple[str, str], ...] = ()
        self._ask(query)
        if not self.packages:
            is_text = self._plan.paths or self._plan.is_loosenable
            plain = with_plain_words(query) if is_text else query
            plain = with_split_class_names(plain, self._postings.is_public_name)
            if plain != query:
                self._ask(plain)
        if self._plan.clauses and self._has_too_few():
            self._widen()

    @property
    def packages(self) -> Set[int]:
        return self._found.word_scores.keys()

    @property
    def deprecated_count(self) -> int:
        """How many deprecated packages match in the same way."""
        return len(self._found.deprecated) + self._found.hidden_deprecated

    def results(self, page: ResultPage) -> Results:
        count = len(self.packages)
        if not page.limit or page.offset >= count:
            return Results((), count)
        ordering = Ordering(self._postings, self._plan, self._found)
        hits = ordering.hits(page, deprecated_last=self._query.deprecated_last)
        return Results(hits, count, self._corrections_of(hits[0].listing))

    def _corrections_of(self, first: Listing) -> tuple[tuple[str, str], ...]:
        """Return the corrections that a first result has; others helped nobody."""
        if not self._corrections:
            return ()
        has = listing_words(first)
        return tuple((typed, meant) for typed, meant in self._corrections if meant in has)

    def _ask(self, query: Query) -> None:
        self._query = query
        self._plan = QueryPlan(query, self._viewer, self._postings.is_public_name)
        self._matching = Matching(self._postings, self._plan)
        self._found = self._matching.complete()

    def _has_too_few(self) -> bool:
        """Say whether few packages match, not counting those that only accompany others."""
        found = len(self.packages)
        if found < TOO_FEW_MATCHES or found > MANY_AUXILIARY or self._plan.wants_auxiliary:
            return found < TOO_FEW_MATCHES
        others = set(self.packages).intersection(self._postings.ids(AUXILIARY))
        return found - len(others) < TOO_FEW_MATCHES

    def _widen(self) -> None:
        """Look for more, when what was typed is in few packages: it is perhaps mistyped, and
        perhaps too much at once, unless a package is called just that."""
        if self.packages.isdisjoint(scores_of_names(self._postings, self._plan)):
            self._correct(Speller(self._postings.connection))
            if self._has_too_few() and self._plan.is_loosenable:
                self._found = self._matching.loose()

    def _correct(self, speller: Speller) -> None:
        """Add what was perhaps meant by the words that no package has; else by all of them."""
        words = [clause.word for clause in self._plan.clauses if clause.word]
        mistyped = [word for word in words if not speller.knows_form(word)]
        near = {word: speller.meant_by(word) for word in mistyped or words}
        clauses = [each.or_near(near.get(each.word, ())) for each in self._plan.clauses]
        if clauses != list(self._plan.clauses):
            self._matching.use_clauses(clauses)
            self._found = self._matching.complete()
        # Another form of the word, as `emails`, is no correction.
        self._corrections = tuple(
            (word, near[word][0])
            for word in mistyped
            if near[word] and stem(near[word][0]) != stem(word)
        )
