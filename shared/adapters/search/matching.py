"""Which packages a plan finds, their scores, and the packages of a page."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from functools import reduce
from heapq import nlargest, nsmallest
from itertools import chain, islice, repeat
from math import log
from operator import add
from threading import Lock

from msgspec import Struct
from msgspec.structs import replace

from shared.adapters.search.indexed_words import SHORT_BEGINNINGS
from shared.adapters.search.postings import (
    AUXILIARY,
    DEPRECATED,
    EVERY_PACKAGE,
    INTERNAL,
    PRIVATE,
    UNREADABLE,
    Column,
    Counted,
    Postings,
    counts_of,
    id_bytes,
    ids_of,
)
from shared.adapters.search.query_plan import Clause, Condition, QueryPlan
from shared.adapters.search.ranking import (
    ALL_WORDS_SCORE,
    AUXILIARY_SCORE,
    DEPRECATED_NAME_SCORE,
    DEPRECATED_SCORE,
    JOINED_NAME_SCORE,
    LAST_BEGINNING_WEIGHT,
    LAST_NAME_WEIGHT,
    MAX_RANK,
    NAME_SCORE,
    PATH_SCORE,
    UNLIKE_SCORE,
    WEAK_FACTOR,
    WEIGHT_SCALE,
    PlaceWeight,
    beginning_factor,
    own_boosts,
)
from shared.adapters.search.rows import parse_listing, unpack_listing
from shared.adapters.search.vocabulary import WEAK_STEMS, translated
from shared.adapters.search.words import WordMark, facet_word, stem
from shared.domain.distributions import ANY_CLIENT, ANY_PLATFORM
from shared.domain.listings import Facet, FacetValue, Listing
from shared.domain.search import Hit, ResultPage, Sort, Viewer
from shared.domain.visibility import STAFF
from shared.runtime.lru_cache import LruCache

# From this number of meaningful words on, packages below `MEANING_SHARE` are left out.
LONG_QUESTION = 4
# The least score of a package for its words, as a share of the highest one: with less, the package
# is about something else than the question.
MEANING_SHARE = 0.45
# If at least this many packages match, readmes are not searched for more.
ENOUGH_WITHOUT_README = 100
# The size of a registry, for the rarity of words. The real number would tell of private packages.
USUAL_PACKAGES = 2_000


class Found(Struct, frozen=True):
    """The packages that match."""

    word_scores: dict[int, float]  # The scores of all clauses together, by the id of the package.
    complete: frozenset[int] | None = None  # Which of them have all clauses; None: each has.
    deprecated: frozenset[int] = frozenset()  # Which of them are.
    hidden_deprecated: int = 0  # How many deprecated packages match besides.


def hidden_packages(postings: Postings, viewer: Viewer) -> Iterable[int]:
    """Return the packages that a viewer must not see."""
    if viewer.sees_everything:
        return ()
    private = postings.ids(PRIVATE)
    if not private or not viewer.orgs:
        return private
    shown = (INTERNAL if each == STAFF else facet_word("org", each) for each in viewer.orgs)
    return set(private).difference(postings.ids(*shown))


class Matching:
    """Finds the packages of a plan: with all of its clauses, or with some of them."""

    def __init__(self, postings: Postings, plan: QueryPlan) -> None:
        self._connection = postings.connection
        self._postings = postings
        self._plan = plan
        self._read_lists()
        self._packages = self._packages_of_clauses()
        self._shares = _shares(plan.clauses, self._packages)
        self._readmes = self._found_in_readmes()
        self._weighed = list(map(self._weigh, plan.clauses, self._shares))

    def _read_lists(self) -> None:
        """Read what nearly every search needs, and the words that count in all places."""
        words = [PRIVATE, DEPRECATED, AUXILIARY, facet_word("name", self._plan.typed)]
        beginnings = list[str]()
        for clause in self._plan.clauses:
            if not clause.in_names:
                for each in clause.alternatives:
                    (beginnings if each.is_beginning else words).append(each.word)
        self._postings.read(words, 0)
        longer = [each for each in beginnings if len(each) not in SHORT_BEGINNINGS]
        if longer:
            self._postings.read_longer(longer, LAST_BEGINNING_WEIGHT)

    def use_clauses(self, clauses: Iterable[Clause]) -> None:
        """Weigh those clauses again that differ from the ones of the plan."""
        for number, (clause, before) in enumerate(zip(clauses, self._plan.clauses, strict=True)):
            if clause != before:
                self._weighed[number] = self._weigh(clause, self._shares[number])

    def complete(self) -> Found:
        if self._plan.is_impossible:
            return Found({})
        if not self._weighed:
            return self._restricted(dict.fromkeys(self._packages_to_restrict(), 0.0))
        return self._restricted(self._summed(self._with_all_clauses()))

    def loose(self) -> Found:
        """Return the packages that have all required clauses and at least one; of a long question,
        those that have what carries its meaning.
        """
        packages = set[int]().union(*self._weighed)
        for clause, word_scores in zip(self._plan.clauses, self._weighed, strict=True):
            if clause.is_required:
                packages &= word_scores.keys()
        least_share = MEANING_SHARE if len(self._weighed) >= LONG_QUESTION else 0.0
        scores = self._summed(packages)
        return self._restricted(scores, frozenset(self._with_all_clauses()), least_share)

    def _summed(self, packages: Collection[int]) -> dict[int, float]:
        """Return the sum of the scores of all clauses in each of these packages. With only one
        clause, these are all packages that match it."""
        if len(self._weighed) == 1:
            return self._weighed[0].copy()
        word_scores = (map(each.get, packages, repeat(0.0)) for each in self._weighed)
        summed = reduce(lambda some, others: map(add, some, others), word_scores)
        return dict(zip(packages, summed, strict=True))

    def _with_all_clauses(self) -> Set[int]:
        first, *others = sorted(self._weighed, key=len)
        return reduce(lambda ids, word_scores: ids & word_scores.keys(), others, first.keys())

    # --- restrictions --------------------------------------------------------------------------

    def _packages_to_restrict(self) -> Iterable[int]:
        """Return the packages that meet a restriction, or all of them if there is none."""
        for restriction in self._plan.restrictions:
            if not restriction.is_excluded:
                return self._meeting(restriction)
        return self._postings.ids(EVERY_PACKAGE)

    def _restricted(
        self,
        word_scores: dict[int, float],
        complete: frozenset[int] | None = None,
        least_share: float = 0.0,
    ) -> Found:
        """Return the packages that the viewer may see and the restrictions allow, whose words are
        worth `least_share` of those of the best one."""
        for restriction in self._plan.restrictions:
            if restriction.is_excluded:
                _drop(word_scores, self._meeting(restriction))
                continue
            met = word_scores.keys() & self._meeting(restriction)
            word_scores = {package: word_scores[package] for package in met}
        _drop(word_scores, hidden_packages(self._postings, self._plan.viewer))
        _drop(word_scores, self._unusable())
        # Only now, so that packages the viewer may not see do not influence the others.
        if least_share:
            least = least_share * max(word_scores.values(), default=0.0)
            _drop(word_scores, [each for each, score in word_scores.items() if score < least])
        deprecated = frozenset(word_scores.keys() & self._postings.ids(DEPRECATED))
        if self._plan.shows_deprecated:
            return Found(word_scores, complete, deprecated)
        _drop(word_scores, deprecated)
        return Found(word_scores, complete, hidden_deprecated=len(deprecated))

    def _unusable(self) -> Iterable[int]:
        """Return the packages whose releases the client cannot use."""
        client = self._plan.client
        if client == ANY_CLIENT:
            return ()
        facets = Facet.PLATFORM.value, Facet.LANGUAGE.value
        found = self._connection.execute(
            "SELECT facet, value FROM spellings WHERE facet IN (?, ?)", facets
        )
        traits = [FacetValue(Facet(facet), value) for facet, value in found]
        unusable = [] if client.language is None else [UNREADABLE]
        for trait in traits:
            is_platform = trait.facet is Facet.PLATFORM
            needs = (trait.value, "") if is_platform else (ANY_PLATFORM, f"{trait.value}.0")
            if not client.can_use(*needs):
                unusable.append(facet_word("trait", trait.key))
        return self._postings.ids(*unusable)

    def _meeting(self, restriction: Condition) -> Set[int]:
        met = self._postings.packages(*restriction.lists)
        if restriction.expression:
            met |= set(self._found_in_texts(restriction.expression))
        if restriction.pattern is not None:
            column, pattern = restriction.pattern
            like = f"SELECT id FROM packages WHERE {column} GLOB ?"  # noqa: S608 - ours.
            met |= {package for [package] in self._connection.execute(like, (pattern,))}
        return met

    # --- clauses -------------------------------------------------------------------------------

    def _weigh(self, clause: Clause, share: float) -> dict[int, float]:
        """Return the score of a clause in each package that has it, by the best alternative."""
        lists = defaultdict[float, list[bytes]](list)
        for weight, ids in self._lists_of(clause):
            lists[weight * share / WEIGHT_SCALE].append(ids)
        # The best one is set last.
        scored = [
            dict.fromkeys(ids_of(b"".join(lists[word_score])), word_score)
            for word_score in sorted(lists)
        ]
        return reduce(dict[int, float].__ior__, scored) if scored else {}

    def _lists_of(self, clause: Clause) -> Iterator[tuple[float, bytes]]:
        """Yield what an alternative of the clause weighs, and the packages that have it so."""
        least = LAST_NAME_WEIGHT if clause.in_names else 0
        for alternative in clause.alternatives:
            words = self._beginning if alternative.is_beginning else self._postings.of_word
            for weight, ids in words(alternative.word, least):
                yield weight * alternative.factor, ids
        for phrase in clause.phrases:
            weight = PlaceWeight.SEGMENT if clause.in_names else PlaceWeight.SUMMARY
            yield weight, id_bytes(self._found_in_texts(phrase))
        if self._readmes:
            yield PlaceWeight.README, self._readmes

    def _beginning(self, typed: str, least: int) -> Iterator[tuple[float, bytes]]:
        """Yield the weights of words that begin like this, and the packages that have them."""
        if len(typed) in SHORT_BEGINNINGS:
            yield from self._postings.of_word(f"{WordMark.NAME_BEGINNING.value}{typed}", 0)
            if not least:
                yield from self._postings.of_word(f"{WordMark.BEGINNING.value}{typed}", 0)
            return
        least = max(least, LAST_BEGINNING_WEIGHT)
        for length, weight, ids in self._postings.of_longer_words(typed, least):
            yield weight * beginning_factor(len(typed), length), ids

    def _found_in_readmes(self) -> bytes:
        """Return the ids of the packages that have all clauses anywhere, if a clause is rare."""
        if min(self._packages, default=0) >= ENOUGH_WITHOUT_README:
            return b""
        expression = self._plan.readme_expression
        return id_bytes(self._found_in_texts(expression)) if expression else b""

    def _found_in_texts(self, expression: str) -> list[int]:
        found = self._connection.execute(
            "SELECT rowid FROM texts WHERE texts MATCH ?", (expression,)
        )
        return [package for [package] in found]

    def _packages_of_clauses(self) -> list[int]:
        """Return for each clause how many public packages have its word or the stem of it, not
        counting readmes."""
        words = [clause.word for clause in self._plan.clauses]
        forms = [{word, stem(word), *translated(word)} for word in words]
        counts = counts_of(self._connection, Counted.WORD, chain.from_iterable(forms))
        return [max(counts.get(each, 0) for each in several) for several in forms]


def _shares(clauses: Sequence[Clause], packages: Sequence[int]) -> tuple[float, ...]:
    """Return the share of each clause: the more the fewer packages have its word."""
    rarities = [
        log(2 + USUAL_PACKAGES / max(count, 1)) * (WEAK_FACTOR if _is_weak(clause.word) else 1)
        for clause, count in zip(clauses, packages, strict=True)
    ]
    return tuple(each / sum(rarities) for each in rarities)


def _is_weak(word: str) -> bool:
    """Say whether a word says little, or a word of another language that means such a one."""
    return not WEAK_STEMS.isdisjoint(map(stem, (word, *translated(word)[:1])))


def _drop(word_scores: dict[int, float], ids: Iterable[int]) -> None:
    for package in word_scores.keys() & ids:
        del word_scores[package]


# --- order -------------------------------------------------------------------------------------

# Memory for decoded listings in each process: about 1,500 listings.
LISTINGS_CACHED_BYTES = 16 * 1024 * 1024
# Looking up so many is faster than reading all in their order, and keeping as many of the best
# numbers is faster than sorting all.
FEW_PACKAGES = 1_000

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
        """Return the score of each package that may be among so many first ones: none whose words
        are worth less by more than a package rises by its rank."""
        words = self._word_scores
        special = set[int]().union(*self._parts.values()) & words.keys()
        if (first := count + len(special)) < len(words):
            least = nlargest(first, words.values())[-1] - MAX_RANK
            words = {package: score for package, score in words.items() if score >= least}
            words |= {package: self._word_scores[package] for package in special}
        ranks = self._postings.numbers(Column.RANK, words.keys())
        scores = dict(zip(words, map(add, words.values(), ranks), strict=True))
        for part in self._parts.values():
            for package in part.keys() & scores.keys():
                scores[package] += part[package]
        return scores

    def explained(self, package: int, listing: Listing) -> dict[str, float]:
        """Return the parts of the score of a package by their names, without those that are 0."""
        parts = {name: part.get(package, 0.0) for name, part in self._parts.items()}
        parts["all words"] += self._common
        [lift] = self._postings.numbers(Column.DEPENDENTS, [package])
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
            ids = self._by_number(scores.keys(), [*scores.values()], page)
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
        return self._by_number(ids, [*self._postings.numbers(_COLUMNS[page.sort], ids)], page)

    def _by_number(self, ids: Set[int], numbers: Sequence[float], page: ResultPage) -> list[int]:
        """Return the packages of a page by their numbers, and then by their keys: only the packages
        whose numbers are between the first and the last of the page are sorted."""
        best = _best(numbers, page.offset + page.limit, is_descending=page.descending)
        low, high = sorted((best[page.offset], best[-1]))
        near = {
            package: number
            for package, number in zip(ids, numbers, strict=True)
            if low <= number <= high
        }
        is_reverse = page.sort is Sort.RELEVANCE and not page.descending
        by_key = self._in_order(near.keys(), "key DESC" if is_reverse else "key")
        ordered = sorted(by_key, key=near.__getitem__, reverse=page.descending)
        before = best.index(best[page.offset])
        return ordered[page.offset - before :][: page.limit]

    def _in_order(self, ids: Set[int], order: str) -> Iterator[int]:
        """Yield the packages in an order that an index of the table has."""
        if len(ids) <= FEW_PACKAGES:
            statement = f"SELECT id FROM packages WHERE id IN ({_THESE}) ORDER BY {order}"  # noqa: S608
            found = self._connection.execute(statement, (str([*ids]),))
        else:
            found = self._connection.execute(f"SELECT id FROM packages ORDER BY {order}")  # noqa: S608
        return filter(ids.__contains__, chain.from_iterable(found))

    def _hits(self, ids: list[int], *, explains: bool) -> tuple[Hit, ...]:
        return tuple(
            Hit(listing, self._scores.explained(package, listing) if explains else None)
            for package, listing in listings_of(self._connection, ids).items()
        )


def _best(numbers: Sequence[float], count: int, *, is_descending: bool) -> list[float]:
    """Return so many of the highest numbers, or of the lowest, in their order."""
    if count > FEW_PACKAGES:
        return sorted(numbers, reverse=is_descending)[:count]
    return nlargest(count, numbers) if is_descending else nsmallest(count, numbers)


_THESE = "SELECT value FROM json_each(?)"  # Ids that are bound as one value.


class DecodedListings:
    """The listings that were shown last, decoded; only the newest of each package. Safe for
    threads.

    Several indexes may share them: a listing is compared with what is stored.
    """

    def __init__(self) -> None:
        self._listings = LruCache[int, tuple[bytes, Listing, int]](
            LISTINGS_CACHED_BYTES, weigh=lambda _, cached: cached[2]
        )
        self._lock = Lock()

    def decode(self, package: int, stored: bytes) -> Listing:
        """Return the stored listing of a package, by its id."""
        with self._lock:
            cached = self._listings.get(package)
        if cached is None or cached[0] != stored:
            document = unpack_listing(stored)
            listing = parse_listing(document)
            size = memory_of_listing(listing, len(document)) + len(stored)
            cached = stored, listing, size
            with self._lock:
                self._listings.put(package, cached)
        return cached[1]


# Bytes besides those of the JSON, measured with tracemalloc. A model has a set of the names of its
# fields, which takes much more memory from the fifth one on.
_LISTING_BYTES = 5_000
_DEPENDENCY_BYTES = 420
_MODULE_BYTES = 360
_ITEM_BYTES = 1_200  # Memory of a connector or trigger.
_TEXT_BYTES = 55


def memory_of_listing(listing: Listing, json_bytes: int) -> int:
    """Return about how many bytes of memory a listing takes that was decoded from so much JSON.

    Takes a fiftieth of the time of decoding it, where `memory_of` takes a third. Counts a fourth of
    a readme that is wide because of one character.
    """
    release = listing.release
    api = listing.api
    items = len(api.connectors) + len(api.triggers) if api else 0
    texts = len(release.keywords) + len(release.modules) + len(listing.mentions)
    return (
        _LISTING_BYTES
        + json_bytes
        + _DEPENDENCY_BYTES * len(release.dependencies)
        + _MODULE_BYTES * len(listing.texts.modules)
        + _ITEM_BYTES * items
        + _TEXT_BYTES * texts
    )


shown_listing = DecodedListings().decode


def listings_of(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, Listing]:
    """Return the listings of packages by their ids, in the order of these."""
    statement = f"SELECT id, listing FROM listings WHERE id IN ({_THESE})"  # noqa: S608 - ours.
    stored = dict(connection.execute(statement, (str([*ids]),)).fetchall())
    return {package: shown_listing(package, stored[package]) for package in ids}
