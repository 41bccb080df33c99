"""The statements that find and weigh the packages of a plan."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log

from shared.adapters.search.query_plan import (
    MIN_TEXT_PREFIX,
    Alternative,
    QueryPlan,
    Wish,
)
from shared.adapters.search.ranking import (
    ALL_WORDS_SCORE,
    AUXILIARY_SCORE,
    DEPRECATED_NAME_SCORE,
    DEPRECATED_SCORE,
    JOINED_NAME_SCORE,
    LAST_NAME_WEIGHT,
    NAME_SCORE,
    PATH_SCORE,
    PREFIX_FACTOR,
    PREFIX_SHARE_FACTOR,
    WEAK_FACTOR,
    WEAK_STEMS,
    WEIGHT_SCALE,
    PlaceWeight,
)
from shared.adapters.search.words import stem

ENOUGH_WITHOUT_README = 100  # With so many packages nobody needs those that only readmes add.
MANY_PACKAGES = 1_000  # A word of so many says little where others were typed.
MANY_POSTINGS = 1_000  # Counting on would take longer than beginning with the fewest saves.
# The size of a registry, for the rarity of words. The real number would tell of private packages.
USUAL_PACKAGES = 2_000

_AFTER_EVERY_LETTER = chr(0x10FFFF)


@dataclass(frozen=True, slots=True)
class Statement:
    """A part of a statement, and its values. What was typed is always among the values."""

    sql: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Matches:
    """The packages that a plan finds: with all of its wishes, or with some of them."""

    plan: QueryPlan
    wishes: tuple[Wish, ...]
    packages: tuple[int, ...]  # How many public packages have the word of each wish.
    shares: tuple[float, ...]  # What each wish counts for; together one.
    rarest: int  # The number of the wish that the fewest packages have, private ones included.
    readmes: str  # The full-text expression for all wishes in readmes; empty: not read.
    is_loose: bool = False

    @classmethod
    def of(cls, connection: sqlite3.Connection, plan: QueryPlan) -> "Matches":
        wishes = plan.wishes
        packages = tuple(_packages_with(connection, wish.word) for wish in wishes)
        reads_readmes = min(packages, default=0) < ENOUGH_WITHOUT_README
        return cls(
            plan,
            wishes,
            packages,
            _shares(wishes, packages),
            _rarest(connection, wishes),
            plan.readme_expression if reads_readmes else "",
        )

    def with_wishes(self, wishes: Iterable[Wish]) -> "Matches":
        return replace(self, wishes=tuple(wishes))

    def loosened(self) -> "Matches":
        """Return the matches with those that lack some of the wishes."""
        return replace(self, is_loose=True)

    def select(self, columns: Statement, end: str = "") -> Statement:
        """Return a statement over the packages that match. Besides the columns of packages it can
        select `matched` (how many wishes), `worth`, and `worst`, which is the lowest weight.
        """
        source = self._source()
        conditions = self.plan.conditions
        where = " AND ".join([*(each.sql for each in conditions), *self._matched()]) or "1"
        bound = (value for each in conditions for value in each.values)
        sql = f"SELECT {columns.sql} FROM {source.sql} WHERE {where} {end}"  # noqa: S608
        return Statement(sql, (*columns.values, *source.values, *bound))

    def _matched(self) -> Iterator[str]:
        """Yield which wishes a package must have."""
        firm = sum(1 << number for number, wish in enumerate(self.wishes) if wish.is_firm)
        if self.is_loose and firm:
            yield f"(held & {firm}) = {firm}"
        elif self.wishes and not self.is_loose:
            yield f"matched = {len(self.wishes)}"

    def _source(self) -> Statement:
        if not self.wishes:
            return Statement("(SELECT *, 0.0 AS worth, 0 AS worst FROM packages)")
        arms = [arm for number in range(len(self.wishes)) for arm in self._arms(number)]
        if self.readmes:
            arms.append(_text_arm(self.readmes, list(enumerate(self.shares)), PlaceWeight.README))
        listed = " UNION ALL ".join(arm.sql for arm in arms)
        values = tuple(value for arm in arms for value in arm.values)
        if len(self.wishes) == 1:
            sql = (
                "SELECT package, 1 AS matched, max(worth) AS worth, weight AS worst, 1 AS held"  # noqa: S608
                f" FROM ({listed}) GROUP BY package"
            )
            return Statement(f"({sql}) CROSS JOIN packages ON id = package", values)
        candidates = self._candidates()
        # The sign keeps the condition in one place: each list would make a set of its own.
        best = (
            "SELECT package, wish, max(worth) AS worth, weight"  # noqa: S608
            f" FROM ({listed}) WHERE +package IN ({candidates.sql}) GROUP BY package, wish"
        )
        sql = (
            "SELECT package, count(*) AS matched, sum(worth) AS worth, min(weight) AS worst,"  # noqa: S608
            f" sum(1 << wish) AS held FROM ({best}) GROUP BY package"
        )
        return Statement(
            f"({sql}) CROSS JOIN packages ON id = package", (*values, *candidates.values)
        )

    def _candidates(self) -> Statement:
        """Return what finds every package that may match, so that others need not be weighed.

        If all wishes are needed, these are the packages with the rarest. Otherwise they have one
        that is rare enough to say something, which leaves out those that only have a usual word.
        """
        numbers = self._telling() if self.is_loose else [self.rarest]
        arms = [arm for number in numbers for arm in self._arms(number)]
        if self.readmes:
            arms.append(_text_arm(self.readmes, [(0, 0.0)], PlaceWeight.README))
        listed = " UNION ALL ".join(f"SELECT package FROM ({arm.sql})" for arm in arms)  # noqa: S608
        values = tuple(value for arm in arms for value in arm.values)
        return Statement(listed, values)

    def _telling(self) -> list[int]:
        telling = [number for number, count in enumerate(self.packages) if count < MANY_PACKAGES]
        return telling or [self.packages.index(min(self.packages))]

    def _least_weight(self, number: int) -> int:
        """Return the weight below which places do not count: a word that very many packages have
        says nothing in a summary.
        """
        if self.wishes[number].in_names:
            return LAST_NAME_WEIGHT
        return PlaceWeight.KEYWORD_PART if self.packages[number] >= MANY_PACKAGES else 0

    def _arms(self, number: int) -> Iterator[Statement]:
        """Yield what finds each alternative of a wish: (package, wish, worth, weight)."""
        wish, share = self.wishes[number], self.shares[number]
        least = self._least_weight(number)
        for alternative in wish.alternatives:
            if alternative.is_beginning:
                yield _beginning_arm(number, alternative, share, least)
            else:
                yield _word_arm(number, alternative, share, least)
        for phrase in wish.phrases:
            weight = PlaceWeight.SEGMENT if wish.in_names else PlaceWeight.SUMMARY
            yield _text_arm(phrase, [(number, share)], weight)


def _word_arm(number: int, alternative: Alternative, share: float, least: int) -> Statement:
    sql = (
        f"SELECT package, {number} AS wish, weight * ? AS worth, weight FROM postings"  # noqa: S608
        " WHERE word = ? AND weight >= ?"
    )
    return Statement(sql, (alternative.factor * share / WEIGHT_SCALE, alternative.word, int(least)))


def _beginning_arm(number: int, alternative: Alternative, share: float, least: int) -> Statement:
    word, factor = alternative.word, alternative.factor * share / WEIGHT_SCALE
    least_here = LAST_NAME_WEIGHT if len(word) < MIN_TEXT_PREFIX else PlaceWeight.KEYWORD_PART
    sql = (
        f"SELECT package, {number} AS wish, weight * (? + ? / length(word)) AS worth, weight"  # noqa: S608
        " FROM postings WHERE word > ? AND word < ? AND weight >= ?"
    )
    factors = (factor * PREFIX_FACTOR, factor * PREFIX_SHARE_FACTOR * len(word))
    last = word + _AFTER_EVERY_LETTER
    return Statement(sql, (*factors, word, last, max(int(least_here), int(least))))


def _text_arm(
    expression: str, shares: Sequence[tuple[int, float]], weight: PlaceWeight
) -> Statement:
    counted = ", ".join(f"({number}, ?)" for number, _ in shares)
    worths = (share * weight / WEIGHT_SCALE for _, share in shares)
    sql = (
        "SELECT texts.rowid AS package, column1 AS wish, column2 AS worth, "  # noqa: S608
        f"{int(weight)} AS weight FROM texts CROSS JOIN (VALUES {counted}) WHERE texts MATCH ?"
    )
    return Statement(sql, (*worths, expression))


def _shares(wishes: Sequence[Wish], packages: Sequence[int]) -> tuple[float, ...]:
    """Return what each wish counts for: the more the fewer packages have its word."""
    rarities = [
        log(2 + USUAL_PACKAGES / max(count, 1))
        * (WEAK_FACTOR if stem(wish.word) in WEAK_STEMS else 1)
        for wish, count in zip(wishes, packages, strict=True)
    ]
    return tuple(each / sum(rarities) for each in rarities)


def _rarest(connection: sqlite3.Connection, wishes: Sequence[Wish]) -> int:
    """Return where a statement for all wishes begins; that changes its time, not its results."""
    if len(wishes) < 2:  # noqa: PLR2004 - one is all there is.
        return 0
    counts = [_postings_of(connection, wish.word) for wish in wishes]
    return counts.index(min(counts))


def _packages_with(connection: sqlite3.Connection, word: str) -> int:
    """Return how many public packages have the word or its stem, not counting readmes."""
    counts = [
        connection.execute(
            "SELECT packages FROM words WHERE length = ? AND word = ?", (len(each), each)
        ).fetchone()
        for each in {word, stem(word)}
    ]
    return max((found[0] for found in counts if found), default=0)


def _postings_of(connection: sqlite3.Connection, word: str) -> int:
    """Count the postings of words that begin so, up to a limit; a phrase has few of them."""
    if not word:
        return 0
    found = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM postings WHERE word >= ? AND word < ? LIMIT ?)",
        (word, word + _AFTER_EVERY_LETTER, MANY_POSTINGS),
    )
    return found.fetchone()[0]


# --- scores ------------------------------------------------------------------------------------


def score_columns(matches: Matches) -> tuple[Statement, ...]:
    """Return the parts of a score that depend on the query: the name, the wishes, the words, and
    the deductions for packages that accompany others and for deprecated ones.
    """
    wishes = len(matches.wishes)
    complete = f"CASE WHEN matched = {wishes} THEN {ALL_WORDS_SCORE} ELSE 0.0 END"
    return (
        name_column(matches.plan),
        Statement(complete if wishes else "0.0"),
        Statement("worth"),
        Statement("0.0" if matches.plan.wants_auxiliary else f"auxiliary * {AUXILIARY_SCORE}"),
        _deprecation_column(matches.plan),
    )


def name_column(plan: QueryPlan) -> Statement:
    """Return what a package counts for by being called what was typed."""
    if not plan.joined:
        return Statement("0.0")
    by_path = f"WHEN {_is_path(plan)} THEN {PATH_SCORE}" if plan.paths else ""
    return Statement(
        f"CASE {by_path} WHEN name = ? THEN {NAME_SCORE} WHEN id IN"  # noqa: S608
        f" (SELECT package FROM postings WHERE word = ? AND weight = {int(PlaceWeight.NAME)})"
        f" THEN {JOINED_NAME_SCORE} ELSE 0.0 END",
        (*plan.paths, plan.typed, plan.joined),
    )


def _deprecation_column(plan: QueryPlan) -> Statement:
    if not plan.shows_deprecated:
        return Statement("0.0")
    named = f"name = ? OR {_is_path(plan)}" if plan.paths else "name = ?"
    return Statement(
        f"CASE WHEN deprecated = 0 THEN 0.0 WHEN {named} THEN {DEPRECATED_NAME_SCORE}"
        f" ELSE {DEPRECATED_SCORE} END",
        (plan.typed, *plan.paths),
    )


def _is_path(plan: QueryPlan) -> str:
    return f"key IN ({', '.join('?' * len(plan.paths))})"
