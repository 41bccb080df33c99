"""The scores of the packages that a search finds, and their order."""

from collections.abc import Collection, Iterator, Mapping, Set
from heapq import nlargest, nsmallest
from itertools import chain, islice

from msgspec import Struct
from msgspec.structs import replace

from shared.adapters.search.decoded_listings import listings_of
from shared.adapters.search.postings import (
    AUXILIARY,
    FEW_PACKAGES,
    Column,
    Postings,
    ids_of,
)
from shared.adapters.search.query_plan import QueryPlan
from shared.adapters.search.score_weights import (
    ALL_WORDS_SCORE,
    AUXILIARY_SCORE,
    DEPRECATED_NAME_SCORE,
    DEPRECATED_SCORE,
    JOINED_NAME_SCORE,
    MAX_RANK,
    NAME_SCORE,
    PATH_SCORE,
    UNLIKE_SCORE,
    PlaceWeight,
    own_boosts,
)
from shared.adapters.search.words import facet_word
from shared.domain.listings import Listing
from shared.domain.search import Hit, ResultPage, Sort


class Found(Struct, frozen=True):
    """The packages that match."""

    word_scores: dict[int, float]  # The scores of all clauses together, by the id of the package.
    complete: frozenset[int] | None = None  # Which of them have all clauses; None: each has.
    deprecated: frozenset[int] = frozenset()  # Which of them are.
    hidden_deprecated: int = 0  # How many deprecated packages match besides.


# Up to this number, looking up packages is faster than reading all in their order, and keeping the
# best numbers is faster than sorting all.
MANY_PACKAGES = 1_000

_COLUMNS = {
    Sort.CREATED: Column.CREATED,
    Sort.ADDED: Column.ADDED,
    Sort.PULLS: Column.PULLS,
    Sort.DEPENDENTS: Column.DEPENDENTS,
}


class Scores:
    """The scores of the packages that a search finds, in parts."""

    def __init__(self, postings: Postings, plan: QueryPlan, found: Found) -> None:
        self._postings = postings
        self._word_scores = found.word_scores
        # The score that every package gets for having all words, if all of them do.
        self._common = ALL_WORDS_SCORE if plan.clauses and found.complete is None else 0.0
        packages = found.word_scores.keys()
        names = scores_of_names(postings, plan)
        last = dict.fromkeys(found.deprecated, DEPRECATED_SCORE)
        named = {each for each, score in names.items() if score in (PATH_SCORE, NAME_SCORE)}
        last |= dict.fromkeys(found.deprecated & named, DEPRECATED_NAME_SCORE)
        # They only accompany another one, and such packages were not asked for.
        others = () if plan.wants_auxiliary else packages & postings.ids(AUXILIARY)
        unlike = postings.of_word(plan.unlike, PlaceWeight.NAME) if plan.unlike else ()
        self._parts = {
            "name": {package: names[package] for package in packages & names.keys()},
            "others were asked for": dict.fromkeys(
                packages & ids_of(b"".join(ids for _, ids in unlike)), UNLIKE_SCORE
            ),
            "all words": dict.fromkeys(found.complete or (), ALL_WORDS_SCORE),
            "accompanies another package": dict.fromkeys(others, AUXILIARY_SCORE),
            "deprecated": last,
        }

    def of_first(self, count: int) -> dict[int, float]:
        """Return the score of each package that may be among the first `count`, in the order of
        `Postings.numbers`. It leaves out packages whose words are worth so much less that no rank
        makes up for it."""
        words = self._word_scores
        special = set[int]().union(*self._parts.values()) & words.keys()
        if (first := count + len(special)) < len(words):
            least = nlargest(first, words.values())[-1] - MAX_RANK
            words = {package: score for package, score in words.items() if score >= least}
            words |= {package: self._word_scores[package] for package in special}
        ranks = self._postings.numbers(Column.RANK, words.keys())
        scores = {package: words[package] + rank for package, rank in ranks}
        for part in self._parts.values():
            for package in part.keys() & scores.keys():
                scores[package] += part[package]
        return scores

    def explained(self, package: int, listing: Listing) -> dict[str, float]:
        """Return the parts of the score of a package by their names, without those that are 0."""
        parts = {name: part.get(package, 0.0) for name, part in self._parts.items()}
        parts["all words"] += self._common
        [(_, lift)] = self._postings.numbers(Column.DEPENDENTS, [package])
        parts |= {"words": self._word_scores[package], "dependents": lift}
        parts |= own_boosts(listing)
        rounded = {name: round(score, 3) for name, score in parts.items()}
        return {name: score for name, score in rounded.items() if score}


def scores_of_names(postings: Postings, plan: QueryPlan) -> dict[int, float]:
    """Return the scores of packages for being named as typed, by their ids."""
    if not plan.joined:
        return {}
    scores: dict[int, float] = {}
    for _, stored in postings.of_word(plan.joined, PlaceWeight.NAME):
        scores |= dict.fromkeys(ids_of(stored), JOINED_NAME_SCORE)
    scores |= dict.fromkeys(postings.ids(facet_word("name", plan.typed)), NAME_SCORE)
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
        if page.sort is not Sort.RELEVANCE:
            ids = self._by_sort(page, deprecated_last)
        else:
            last = page.offset + page.limit
            scores = self._scores.of_first(
                last if page.descending else len(self._found.word_scores)
            )
            ids = self._by_number(scores, page)
        return self._hits(ids, explains=page.explains)

    def _by_sort(self, page: ResultPage, deprecated_last: bool) -> list[int]:
        packages = self._found.word_scores.keys()
        deprecated = self._found.deprecated if deprecated_last else frozenset[int]()
        ids: list[int] = []
        offset = page.offset
        for group in (packages - deprecated, deprecated) if deprecated else (packages,):
            left = replace(page, offset=offset, limit=page.limit - len(ids))
            if left.limit and offset < len(group):
                ids += self._of_group(group, left)
            offset = max(0, offset - len(group))
        return ids

    def _of_group(self, ids: Set[int], page: ResultPage) -> list[int]:
        if page.sort is Sort.NAME:
            ordered = self._in_order(ids, "name DESC, key DESC" if page.descending else "name, key")
            return list(islice(ordered, page.offset, page.offset + page.limit))
        return self._by_number(dict(self._postings.numbers(_COLUMNS[page.sort], ids)), page)

    def _by_number(self, numbers: Mapping[int, float], page: ResultPage) -> list[int]:
        """Return the packages of a page by their numbers, which are in the order of
        `Postings.numbers`, and then by their keys: only the packages whose numbers are between the
        first and the last of the page are sorted."""
        best = _best(numbers.values(), page.offset + page.limit, is_descending=page.descending)
        low, high = sorted((best[page.offset], best[-1]))
        near = {package: number for package, number in numbers.items() if low <= number <= high}
        is_by_key = len(numbers) <= FEW_PACKAGES
        by_key = near if is_by_key else self._in_order(near.keys(), "key")
        if page.sort is Sort.RELEVANCE and not page.descending:
            by_key = reversed([*by_key])
        ordered = sorted(by_key, key=near.__getitem__, reverse=page.descending)
        before = best.index(best[page.offset])
        return ordered[page.offset - before :][: page.limit]

    def _in_order(self, ids: Set[int], order: str) -> Iterator[int]:
        """Yield the packages in an order that an index of the table has."""
        if len(ids) <= MANY_PACKAGES:
            these = "SELECT id FROM packages WHERE id IN (SELECT value FROM json_each(?))"
            found = self._connection.execute(f"{these} ORDER BY {order}", (str([*ids]),))
        else:
            found = self._connection.execute(f"SELECT id FROM packages ORDER BY {order}")  # noqa: S608
        return filter(ids.__contains__, chain.from_iterable(found))

    def _hits(self, ids: list[int], *, explains: bool) -> tuple[Hit, ...]:
        return tuple(
            Hit(listing, self._scores.explained(package, listing) if explains else None)
            for package, listing in listings_of(self._connection, ids).items()
        )


def _best(numbers: Collection[float], count: int, *, is_descending: bool) -> list[float]:
    """Return the `count` highest or lowest numbers, in their order."""
    if count > MANY_PACKAGES:
        return sorted(numbers, reverse=is_descending)[:count]
    return nlargest(count, numbers) if is_descending else nsmallest(count, numbers)
