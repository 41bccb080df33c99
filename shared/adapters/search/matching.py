"""Which packages a plan finds, and the scores of the words of the query in each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import reduce
from itertools import repeat
from math import log
from operator import add
from typing import NamedTuple

from shared.adapters.search.indexed_words import ClientNeeds
from shared.adapters.search.places import SHORT_BEGINNINGS
from shared.adapters.search.postings import (
    DEPRECATED,
    EVERY_PACKAGE,
    INTERNAL,
    PRIVATE,
    Postings,
    id_bytes,
    ids_of,
)
from shared.adapters.search.query_plan import Alternative, Clause, Condition, QueryPlan
from shared.adapters.search.ranking import (
    LAST_NAME_WEIGHT,
    WEAK_FACTOR,
    WEAK_STEMS,
    WEIGHT_SCALE,
    PlaceWeight,
    beginning_factor,
)
from shared.adapters.search.words import WordMark, facet_word, stem
from shared.domain.packages import EVERY_ACCOUNT
from shared.domain.versions import ANY_CLIENT

ENOUGH_WITHOUT_README = 100  # With so many packages nobody needs those that only readmes add.
MANY_PACKAGES = 1_000  # A word of so many says little where others were typed.
_LAST_MENTION = int(PlaceWeight.LEAD)  # Up to this weight a package only mentions a word.
# The size of a registry, for the rarity of words. The real number would tell of private packages.
USUAL_PACKAGES = 2_000


@dataclass(frozen=True, slots=True)
class Weighed:
    """The score of a clause in each package that has it, by the best alternative."""

    word_scores: dict[int, float]
    of_names: frozenset[float]  # Which of these scores words of names have.
    mentions: frozenset[int]  # The packages that only mention it: in prose, or in their symbols.


@dataclass(frozen=True, slots=True)
class Found:
    """The packages that match."""

    word_scores: dict[int, float]  # Of all clauses together, by the id of the package.
    complete: frozenset[int] | None = None  # Which of them have all clauses; None: each has.
    mentions: frozenset[int] = frozenset()  # Which of these only mention a clause.
    deprecated: frozenset[int] = frozenset()  # Which of them are.
    hidden_deprecated: int = 0  # How many deprecated packages match besides.


class Matching:
    """Finds the packages of a plan: with all of its clauses, or with some of them."""

    def __init__(self, postings: Postings, plan: QueryPlan) -> None:
        self._connection = postings.connection
        self._postings = postings
        self._plan = plan
        self._packages = [self._packages_with(clause.word) for clause in plan.clauses]
        self._shares = _shares(plan.clauses, self._packages)
        self._readmes = self._found_in_readmes()
        self._weighed = [self._weigh(number, clause) for number, clause in enumerate(plan.clauses)]

    def use_clauses(self, clauses: Iterable[Clause]) -> None:
        """Weigh those clauses again that differ from the ones of the plan."""
        for number, (clause, before) in enumerate(zip(clauses, self._plan.clauses, strict=True)):
            if clause != before:
                self._weighed[number] = self._weigh(number, clause)

    def complete(self) -> Found:
        if self._plan.is_impossible:
            return Found({})
        if not self._weighed:
            return self._restricted(dict.fromkeys(self._every_package(), 0.0))
        packages = self._with_all_clauses()
        return self._restricted(self._summed(packages), mentions=self._mentions(packages))

    def loose(self) -> Found:
        """Return the packages that have all required clauses, and one that says something."""
        word_scores = [weighed.word_scores for weighed in self._weighed]
        packages = set[int]().union(*(word_scores[number] for number in self._selective()))
        for number, clause in enumerate(self._plan.clauses):
            if clause.is_required:
                packages &= word_scores[number].keys()
        complete = frozenset(self._with_all_clauses())
        return self._restricted(self._summed(packages), complete, self._mentions(complete))

    def _mentions(self, packages: Set[int]) -> frozenset[int]:
        """Return which of these only mention a clause."""
        mentions = [packages & each.mentions for each in self._weighed if each.mentions]
        return frozenset[int]().union(*mentions)

    def _summed(self, packages: Collection[int]) -> dict[int, float]:
        """Return the score of all clauses together in each of these packages."""
        word_scores = (map(each.word_scores.get, packages, repeat(0.0)) for each in self._weighed)
        summed = reduce(lambda some, others: map(add, some, others), word_scores)
        return dict(zip(packages, summed, strict=True))

    def has_name(self, found: Found) -> bool:
        """Say whether a package that has all clauses has each of them in its names."""
        return any(
            all(weighed.word_scores.get(package) in weighed.of_names for weighed in self._weighed)
            for package in found.word_scores
        )

    def _with_all_clauses(self) -> Set[int]:
        first, *others = sorted((weighed.word_scores for weighed in self._weighed), key=len)
        return reduce(lambda ids, word_scores: ids & word_scores.keys(), others, first.keys())

    def _selective(self) -> list[int]:
        selective = [number for number, count in enumerate(self._packages) if count < MANY_PACKAGES]
        return selective or [self._packages.index(min(self._packages))]

    # --- restrictions --------------------------------------------------------------------------

    def _every_package(self) -> Set[int]:
        """Return the packages that meet the restrictions, or all of them if there are none."""
        for restriction in self._plan.restrictions:
            if not restriction.is_excluded:
                return self._meeting(restriction)
        return self._postings.packages(EVERY_PACKAGE)

    def _restricted(
        self,
        word_scores: dict[int, float],
        complete: frozenset[int] | None = None,
        mentions: frozenset[int] = frozenset(),
    ) -> Found:
        """Return the packages that the viewer may see and the restrictions allow."""
        for restriction in self._plan.restrictions:
            if restriction.is_excluded:
                _drop(word_scores, self._meeting(restriction))
                continue
            met = word_scores.keys() & self._meeting(restriction)
            word_scores = {package: word_scores[package] for package in met}
        _drop(word_scores, self._hidden())
        _drop(word_scores, self._unusable())
        deprecated = frozenset(word_scores.keys() & self._postings.packages(DEPRECATED))
        if self._plan.shows_deprecated:
            return Found(word_scores, complete, mentions, deprecated)
        _drop(word_scores, deprecated)
        return Found(word_scores, complete, mentions, hidden_deprecated=len(deprecated))

    def _hidden(self) -> Set[int]:
        """Return the packages that the viewer must not see."""
        viewer = self._plan.viewer
        if viewer.sees_everything:
            return set()
        private = self._postings.packages(PRIVATE)
        if not private or not viewer.orgs:
            return private
        shown = (
            INTERNAL if each == EVERY_ACCOUNT else facet_word("org", each) for each in viewer.orgs
        )
        return private - self._postings.packages(*shown)

    def _unusable(self) -> Set[int]:
        """Return the packages whose releases the client cannot use."""
        client = self._plan.client
        if client == ANY_CLIENT:
            return set()
        stored = self._connection.execute("SELECT platform, built_with FROM profiles")
        needs = [ClientNeeds(*each) for each in stored]
        unusable = [each for each in needs if not client.can_use(each.platform, each.built_with)]
        return self._postings.packages(*(each.word for each in unusable))

    def _meeting(self, restriction: Condition) -> Set[int]:
        if restriction.expression:
            return set(self._found_in_texts(restriction.expression))
        if restriction.pattern is not None:
            return self._like(*restriction.pattern)
        return self._postings.packages(*restriction.lists)

    def _like(self, column: str, pattern: str) -> Set[int]:
        like = f"SELECT id FROM packages WHERE {column} GLOB ?"  # noqa: S608 - ours.
        return {package for [package] in self._connection.execute(like, (pattern,))}

    # --- clauses -------------------------------------------------------------------------------

    def _weigh(self, number: int, clause: Clause) -> Weighed:
        lists = defaultdict[float, list[bytes]](list)
        of_names = set[float]()
        weak, strong = set[int](), list[bytes]()
        for posting in self._lists_of(number, clause):
            word_score = posting.weight * posting.factor * self._shares[number] / WEIGHT_SCALE
            lists[word_score].append(posting.ids)
            if posting.is_name:
                of_names.add(word_score)
            if posting.weight <= _LAST_MENTION:
                weak.update(ids_of(posting.ids))
            else:
                strong.append(posting.ids)
        word_scores: dict[int, float] = {}
        for word_score in sorted(lists):  # The best one is set last.
            word_scores.update(dict.fromkeys(ids_of(b"".join(lists[word_score])), word_score))
        weak.difference_update(*map(ids_of, strong) if weak else ())
        return Weighed(word_scores, frozenset(of_names), frozenset(weak))

    def _lists_of(self, number: int, clause: Clause) -> Iterator["_List"]:
        least = self._least_weight(number)
        for alternative in clause.alternatives:
            if alternative.is_beginning:
                yield from self._lists_of_beginning(alternative, least)
            else:
                for weight, ids in self._postings.of_word(alternative.word, least):
                    yield _List(alternative.factor, weight, ids, weight >= LAST_NAME_WEIGHT)
        for phrase in clause.phrases:
            weight = PlaceWeight.SEGMENT if clause.in_names else PlaceWeight.SUMMARY
            ids = id_bytes(self._found_in_texts(phrase))
            yield _List(1.0, weight, ids, clause.in_names)
        if self._readmes:
            yield _List(1.0, PlaceWeight.README, self._readmes, is_name=False)

    def _lists_of_beginning(self, alternative: Alternative, least: int) -> Iterator["_List"]:
        typed, factor = alternative.word, alternative.factor
        if len(typed) in SHORT_BEGINNINGS:
            for weight, ids in self._postings.of_word(f"{WordMark.NAME_BEGINNING.value}{typed}", 0):
                yield _List(factor, weight, ids, is_name=True)
            if least < LAST_NAME_WEIGHT:
                for weight, ids in self._postings.of_word(f"{WordMark.BEGINNING.value}{typed}", 0):
                    yield _List(factor, weight, ids, is_name=False)
            return
        least = max(least, PlaceWeight.KEYWORD_PART)
        for length, weight, ids in self._postings.of_longer_words(typed, least):
            part = factor * beginning_factor(len(typed), length)
            yield _List(part, weight, ids, weight >= LAST_NAME_WEIGHT)

    def _least_weight(self, number: int) -> int:
        """Return the weight below which places do not count: a word that very many packages have
        says nothing in a summary.
        """
        if self._plan.clauses[number].in_names:
            return LAST_NAME_WEIGHT
        return PlaceWeight.KEYWORD_PART if self._packages[number] >= MANY_PACKAGES else 0

    def _found_in_readmes(self) -> bytes:
        """Return the ids of the packages that have all clauses anywhere, if a clause is rare."""
        expression = self._plan.readme_expression
        if not expression or min(self._packages) >= ENOUGH_WITHOUT_README:
            return b""
        return id_bytes(self._found_in_texts(expression))

    def _found_in_texts(self, expression: str) -> list[int]:
        found = self._connection.execute(
            "SELECT rowid FROM texts WHERE texts MATCH ?", (expression,)
        )
        return [package for [package] in found]

    def _packages_with(self, word: str) -> int:
        """Return how many public packages have the word or its stem, not counting readmes."""
        counts = [
            self._connection.execute(
                "SELECT packages FROM words WHERE length = ? AND word = ?", (len(each), each)
            ).fetchone()
            for each in {word, stem(word)}
        ]
        return max((found[0] for found in counts if found), default=0)


class _List(NamedTuple):
    """The packages that have an alternative of a clause in places of one weight."""

    factor: float
    weight: int
    ids: bytes
    is_name: bool


def _shares(clauses: Sequence[Clause], packages: Sequence[int]) -> tuple[float, ...]:
    """Return the share of each clause: the more the fewer packages have its word."""
    rarities = [
        log(2 + USUAL_PACKAGES / max(count, 1))
        * (WEAK_FACTOR if stem(clause.word) in WEAK_STEMS else 1)
        for clause, count in zip(clauses, packages, strict=True)
    ]
    return tuple(each / sum(rarities) for each in rarities)


def _drop(word_scores: dict[int, float], ids: Iterable[int]) -> None:
    for package in ids:
        word_scores.pop(package, None)
