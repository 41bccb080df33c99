"""The order of the packages that a search finds: their scores, and the packages of a page."""

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from heapq import nlargest, nsmallest
from threading import Lock

from shared.adapters.search.matching import Found
from shared.adapters.search.postings import AUXILIARY, Column, Postings, ids_of
from shared.adapters.search.query_plan import QueryPlan
from shared.adapters.search.ranking import (
    ALL_WORDS_SCORE,
    AUXILIARY_SCORE,
    DEPRECATED_NAME_SCORE,
    DEPRECATED_SCORE,
    JOINED_NAME_SCORE,
    LAST_NAME_WEIGHT,
    MAX_RANK,
    MENTIONED_SCORE,
    NAME_SCORE,
    PATH_SCORE,
    UNWANTED_SCORE,
    PlaceWeight,
    ranking_boosts,
)
from shared.adapters.search.stored_listings import read_listing
from shared.adapters.search.words import facet_word
from shared.domain.listings import Listing
from shared.domain.search import Hit, ResultPage, Sort
from shared.runtime.caching import LruCache, memory_of

LISTINGS_KEPT_BYTES = 16 * 1024 * 1024  # Of memory in each process: some 2,000, decoded.
FEW_PACKAGES = 1_000  # Sorting so many by name is faster than reading all names in order.

_COLUMNS = {
    Sort.CREATED: Column.CREATED,
    Sort.ADDED: Column.ADDED,
    Sort.PULLS: Column.PULLS,
    Sort.DEPENDENTS: Column.DEPENDENTS,
}
_NAME_SCORES = {PATH_SCORE: "path", NAME_SCORE: "exact name", JOINED_NAME_SCORE: "joined name"}

Number = Callable[[int], float]  # Of a package, by its id.


class Scores:
    """The scores of the packages that a search finds, in parts."""

    def __init__(self, postings: Postings, plan: QueryPlan, found: Found) -> None:
        self._postings = postings
        self._found = found
        # What every package has for having all words, and which ones have it if not all do.
        self._common = ALL_WORDS_SCORE if plan.clauses and found.complete is None else 0.0
        self._complete = found.complete or frozenset[int]()
        self._names = scores_of_names(postings, plan)
        self._accompanying = accompanying_packages(postings, plan)
        self._unwanted = unwanted_packages(postings, plan)
        # Those whose score has more parts than their words and rank.
        parts = (
            *(self._names, self._accompanying, self._unwanted),
            *(found.deprecated, self._complete, found.mentions),
        )
        packages = found.word_scores.keys()
        self._special = frozenset[int]().union(*(packages & part for part in parts if part))

    def of_all(self) -> dict[int, float]:
        return self._scored(self._found.word_scores)

    def of_first(self, count: int) -> dict[int, float]:
        """Return the score of each package that may be among so many first ones.

        By its rank a package rises no further than `MAX_RANK`, so none is among them whose words
        are worth less by more than that.
        """
        word_scores = self._found.word_scores
        first = nlargest(count + len(self._special), word_scores.values())
        least = first[-1] - MAX_RANK
        return self._scored(
            {
                package: word_score
                for package, word_score in word_scores.items()
                if word_score >= least or package in self._special
            }
        )

    def _scored(self, word_scores: Mapping[int, float]) -> dict[int, float]:
        ranks = self._postings.column(Column.RANK)
        common = self._common
        scores = {
            package: word_score + common + ranks[package]
            for package, word_score in word_scores.items()
        }
        for package in self._special:
            scores[package] += self._accompanies(package) + self._deprecated(package)
            scores[package] += self._not_wanted(package)
            scores[package] += self._name(package) + self._completeness(package)
        return scores

    def parts(self, package: int, lift: float, boosts: dict[str, float]) -> dict[str, float]:
        """Return the named parts of the score of a package with these parts of its rank."""
        name = self._name(package)
        return {
            _NAME_SCORES.get(name, "name"): name,
            "all words": self._common + self._completeness(package),
            "words": self._found.word_scores[package],
            "dependents": lift,
            **boosts,
            "accompanies another": self._accompanies(package),
            "not wanted": self._not_wanted(package),
            "deprecated": self._deprecated(package),
        }

    def _name(self, package: int) -> float:
        return self._names.get(package, 0.0)

    def _completeness(self, package: int) -> float:
        """Return the score for having all words, beside that of every package."""
        if package in self._found.mentions:
            return MENTIONED_SCORE - self._common
        return ALL_WORDS_SCORE if package in self._complete else 0.0

    def _accompanies(self, package: int) -> float:
        return AUXILIARY_SCORE if package in self._accompanying else 0.0

    def _not_wanted(self, package: int) -> float:
        return UNWANTED_SCORE if package in self._unwanted else 0.0

    def _deprecated(self, package: int) -> float:
        if package not in self._found.deprecated:
            return 0.0
        is_named = self._name(package) in (PATH_SCORE, NAME_SCORE)
        return DEPRECATED_NAME_SCORE if is_named else DEPRECATED_SCORE


def accompanying_packages(postings: Postings, plan: QueryPlan) -> Set[int]:
    """Return the packages that only accompany another one, unless such packages were asked for."""
    return frozenset() if plan.wants_auxiliary else postings.packages(AUXILIARY)


def unwanted_packages(postings: Postings, plan: QueryPlan) -> Set[int]:
    """Return the packages that have all words of a name which is not wanted in their own names."""
    unwanted = set[int]()
    for name in plan.unwanted:
        named = [
            {
                package
                for word in words
                for _, ids in postings.of_word(word, LAST_NAME_WEIGHT)
                for package in ids_of(ids)
            }
            for words in name
        ]
        unwanted |= set[int].intersection(*named)
    return unwanted


def scores_of_names(postings: Postings, plan: QueryPlan) -> dict[int, float]:
    """Return the scores of packages for being named as typed, by their ids."""
    if not plan.joined:
        return {}
    scores: dict[int, float] = {}
    for _, stored in postings.of_word(plan.joined, PlaceWeight.NAME):
        scores |= dict.fromkeys(ids_of(stored), JOINED_NAME_SCORE)
    scores |= dict.fromkeys(postings.packages(facet_word("name", plan.typed)), NAME_SCORE)
    for path in plan.paths:
        found = postings.connection.execute("SELECT id FROM packages WHERE key = ?", (path,))
        scores |= {package: PATH_SCORE for [package] in found}
    return scores


class Ordering:
    """Sorts the packages that a search finds. Every order ends in the key: two packages never tie,
    so pages neither repeat nor miss one."""

    def __init__(self, postings: Postings, plan: QueryPlan, found: Found) -> None:
        self._connection = postings.connection
        self._postings = postings
        self._found = found
        self._scores = Scores(postings, plan, found)

    def hits(self, page: ResultPage, *, deprecated_last: bool) -> tuple[Hit, ...]:
        """Return the packages of a page."""
        last = page.offset + page.limit
        if page.sort is Sort.RELEVANCE:
            is_first = page.descending and last < len(self._found.word_scores)
            scores = self._scores.of_first(last) if is_first else self._scores.of_all()
            ids = self._first(scores, last, scores.__getitem__, page)
        else:
            ids = self._first_by_sort(last, page, deprecated_last)
        return self._hits(ids[page.offset : last])

    def _first_by_sort(self, count: int, page: ResultPage, deprecated_last: bool) -> list[int]:
        deprecated = self._found.deprecated if deprecated_last else frozenset[int]()
        ids: list[int] = []
        for group in (self._found.word_scores.keys() - deprecated, deprecated):
            if len(ids) < count and group:
                ids += self._first_of_group(group, count - len(ids), page)
        return ids

    def _first_of_group(self, ids: Collection[int], count: int, page: ResultPage) -> list[int]:
        if page.sort is Sort.NAME:
            return self._first_by_name(ids, count, "DESC" if page.descending else "ASC")
        numbers = self._postings.column(_COLUMNS[page.sort])
        return self._first(ids, count, numbers.__getitem__, page)

    def _first(
        self, ids: Collection[int], count: int, number: Number, page: ResultPage
    ) -> list[int]:
        """Return the first packages by a number, and all that tie with the last of them."""
        if len(ids) > count:
            if page.descending:
                last = nlargest(count, map(number, ids))[-1]
                ids = [package for package in ids if number(package) >= last]
            else:
                last = nsmallest(count, map(number, ids))[-1]
                ids = [package for package in ids if number(package) <= last]
        keys = self._keys(ids)
        is_reverse = page.sort is Sort.RELEVANCE and not page.descending
        by_key = sorted(ids, key=keys.__getitem__, reverse=is_reverse)
        return sorted(by_key, key=number, reverse=page.descending)

    def _first_by_name(self, ids: Collection[int], count: int, direction: str) -> list[int]:
        order = f"ORDER BY name {direction}, key {direction}"
        if len(ids) <= FEW_PACKAGES:
            statement = f"SELECT id FROM packages WHERE id IN ({_THESE}) {order}"  # noqa: S608
            return [package for [package] in self._connection.execute(statement, (str([*ids]),))]
        first: list[int] = []
        for [package] in self._connection.execute(f"SELECT id FROM packages {order}"):  # noqa: S608
            if package in ids:
                first.append(package)
                if len(first) == count:
                    break
        return first

    def _keys(self, ids: Iterable[int]) -> dict[int, str]:
        statement = f"SELECT id, key FROM packages WHERE id IN ({_THESE})"  # noqa: S608 - ours.
        return dict(self._connection.execute(statement, (str([*ids]),)).fetchall())

    def _hits(self, ids: list[int]) -> tuple[Hit, ...]:
        statement = f"SELECT id, listing FROM listings WHERE id IN ({_THESE})"  # noqa: S608 - ours.
        stored = dict(self._connection.execute(statement, (str(ids),)).fetchall())
        lifts = self._postings.column(Column.DEPENDENTS)
        return tuple(self._hit(package, stored[package], lifts[package]) for package in ids)

    def _hit(self, package: int, stored: bytes, lift: float) -> Hit:
        listing, boosts = _listings.decode(package, stored)
        parts = self._scores.parts(package, lift, boosts)
        shown = {part: round(value, 6) for part, value in parts.items() if value}
        return Hit(listing, round(sum(parts.values()), 6), shown)


_THESE = "SELECT value FROM json_each(?)"  # Ids that are bound as one value.


_Shown = tuple[Listing, dict[str, float]]  # And what ranks it whatever was typed.


class DecodedListings:
    """The listings that were shown last, decoded; of a package the newest alone. Safe for threads.

    Several indexes may share them: a listing is compared with what is stored.
    """

    def __init__(self) -> None:
        self._kept = LruCache[int, tuple[bytes, _Shown, int]](
            LISTINGS_KEPT_BYTES, weigh=lambda _, kept: kept[2]
        )
        self._lock = Lock()

    def decode(self, package: int, stored: bytes) -> _Shown:
        """Return a stored listing with its boosts, by the id of its package."""
        with self._lock:
            kept = self._kept.get(package)
        if kept is None or kept[0] != stored:
            listing = read_listing(stored)
            parts = (listing.head, listing.release, listing.texts, listing.api, listing.symbols)
            size = len(stored) + memory_of(parts)
            kept = stored, (listing, ranking_boosts(listing)), size
            with self._lock:
                self._kept.put(package, kept)
        return kept[1]


_listings = DecodedListings()


def shown_listing(package: int, stored: bytes) -> Listing:
    """Return the stored listing of a package, by its id."""
    return _listings.decode(package, stored)[0]
