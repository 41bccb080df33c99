"""Which packages a plan finds, with the scores of their words."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from functools import reduce
from itertools import chain, repeat
from math import log
from operator import add

from shared.adapters.search.indexed_words import SHORT_BEGINNINGS
from shared.adapters.search.postings import (
    AUXILIARY,
    DEPRECATED,
    EVERY_PACKAGE,
    INTERNAL,
    PRIVATE,
    UNREADABLE,
    Counted,
    Postings,
    counts_of,
    id_bytes,
    ids_of,
)
from shared.adapters.search.query_plan import Clause, Condition, QueryPlan
from shared.adapters.search.ranking import Found
from shared.adapters.search.score_weights import (
    LAST_BEGINNING_WEIGHT,
    LAST_NAME_WEIGHT,
    WEAK_FACTOR,
    WEIGHT_SCALE,
    PlaceWeight,
    beginning_factor,
)
from shared.adapters.search.vocabulary import WEAK_STEMS, translated
from shared.adapters.search.words import WordMark, facet_word, stem
from shared.domain.distributions import ANY_CLIENT, ANY_PLATFORM
from shared.domain.listings import Facet, FacetValue
from shared.domain.search import Viewer
from shared.domain.visibility import STAFF

# From this number of meaningful words on, packages below `MEANING_SHARE` are left out.
LONG_QUESTION = 4
# The least score of a package for its words, as a share of the highest one: with less, the package
# is about something else than the question.
MEANING_SHARE = 0.45
# If at least this many packages match, readmes are not searched for more.
ENOUGH_WITHOUT_README = 100
# The size of a registry, for the rarity of words. The real number would tell of private packages.
USUAL_PACKAGES = 2_000
# Keywords that a pattern stands for, the first by the alphabet; reading more takes too long.
MAX_KEYWORDS_LIKE = 2_000


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
        if restriction.keyword_pattern:
            met |= self._with_keyword_like(restriction.keyword_pattern)
        return met

    def _with_keyword_like(self, pattern: str) -> Set[int]:
        found = self._connection.execute(
            "SELECT value FROM spellings WHERE facet = ? AND lower(value) GLOB ? LIMIT ?",
            (Facet.KEYWORD.value, pattern, MAX_KEYWORDS_LIKE),
        )
        words = [facet_word(Facet.KEYWORD.value, value) for [value] in found]
        self._postings.read(words, 0)
        return self._postings.packages(*words)

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
