"""From a query to the expressions that answer it, best matches first.

A plan is a ladder of tiers. Each tier finds what the tiers above it find, and more: the last one
counts every match, and a page needs only the tiers down to its end. Who is asking and what is
hidden are parts of every expression, so that nothing has to be taken out of an answer afterwards.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.adapters.sqlite.searching.expressions import (
    EVERYWHERE,
    Word,
    all_of,
    any_facet,
    any_of,
    exact,
    phrase,
    prefix,
    words,
)
from shared.adapters.sqlite.searching.ranking import TIER_SCORES
from shared.adapters.sqlite.searching.words import Mark, facet, squashed, words_of
from shared.domain.query import Field, Kind, Match, Query, Term, Viewer

_LADDER: tuple[tuple[str, Mark], ...] = (
    ("start of name", Mark.NAME),
    ("organization", Mark.ORGANIZATION),
    ("keywords", Mark.KEYWORDS),
    ("summary", Mark.SUMMARY),
    ("readme", Mark.ANYWHERE),
)

# Words of a query up to which each may be a beginning. A longer one is a sentence, whose words are
# complete; and beginnings are what a search spends its time on.
MAX_BEGINNINGS = 6

# Words that say nothing of a package; looked for only where nothing else was typed.
_FILLERS = {"a", "an", "and", "for", "from", "in", "of", "on", "or", "the", "to", "using", "with"}


class Spelling(Protocol):
    """What is known of words."""

    def knows(self, word: str) -> bool:
        """Say whether a package has exactly this word."""
        ...

    def near(self, word: str) -> Sequence[str]:
        """Return the known words that were perhaps meant."""
        ...


@dataclass(frozen=True, slots=True)
class Tier:
    """Matches of one quality and of better ones: what the quality is called, and what finds it."""

    name: str
    expression: str

    @property
    def score(self) -> float:
        """Return what a match of this quality is worth."""
        return TIER_SCORES[self.name]


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a column of the table of packages must be LIKE."""

    column: str
    like: str


class Plan:
    """How one query is answered for one viewer."""

    def __init__(self, query: Query, viewer: Viewer, unusable: Iterable[str]) -> None:
        """Take the query apart; `unusable`: facets of what the client cannot use."""
        self._wishes = _wishes(query.terms)
        self._firm = [wish for wish in self._wishes if _is_firm(wish)]
        self._words = words_of(" ".join(_values(self._wishes)))
        self._begin = _beginning(query.terms)
        self._required = all_of([_visible(viewer), *_restrictions(query, self._begin)])
        self._patterns = [term for term in query.terms if term.match is Match.PATTERN]
        shows_deprecated = query.include_deprecated or query.deprecated_only
        deprecated = [] if shows_deprecated else [facet("deprecated")]
        self._hidden = any_facet([*deprecated, *unusable])
        self.patterns = tuple(_pattern(term) for term in self._patterns)
        self.tiers = tuple(self._typed())

    @property
    def has_words(self) -> bool:
        """Say whether there is anything that a typo could be in."""
        return any(wish.match is not Match.PHRASE for wish in self._wishes)

    @property
    def is_loosenable(self) -> bool:
        """Say whether something can be left out of what was typed."""
        return len(self._wishes) - len(self._firm) > 1

    def mistyped(self, spelling: Spelling) -> list[str]:
        """Return the words that no package has: those that are perhaps mistyped."""
        return [word for word in self._words if not spelling.knows(word)]

    def expression(self, tier: Tier) -> str:
        """Return the whole expression of a tier: the match, and what holds for all of them."""
        return f"({all_of([self._required, tier.expression])}) NOT ({self._hidden})"

    def meant(self, spelling: Spelling) -> Iterator[Tier]:
        """Yield the tiers of what was perhaps meant, for when what was typed finds too little."""
        found = self.tiers[-1].expression
        near = self._near(spelling)
        for name, mark in (("near name", Mark.ORGANIZATION), ("near", Mark.SUMMARY)):
            found = any_of([found, self._all_wishes(mark, near)])
            yield Tier(name, found)

    def loose(self, above: Tier) -> Iterator[Tier]:
        """Yield the tiers of what holds any of the plain words, below the lowest tier so far."""
        found = above.expression
        words = [wish for wish in self._wishes if wish not in self._firm]
        for name, mark in (("any name", Mark.NAME), ("any word", Mark.SUMMARY)):
            some = any_of(_found(word, mark, self._begin) for word in words)
            found = any_of([found, all_of([some, self._held()])])
            yield Tier(name, found)

    def _typed(self) -> Iterator[Tier]:
        """Yield the tiers of what was typed."""
        if self._wishes:
            yield from self._typed_words()
        elif self._patterns:
            typed = " ".join(_values(self._patterns))
            named = any_facet([facet("squashed", squashed(typed))])
            yield Tier("exact name", named)
            yield Tier("name", any_of([named, words(typed, Mark.NAME, exact)]))
            yield Tier("part of name", EVERYWHERE)
        else:
            yield Tier("everything", EVERYWHERE)

    def _typed_words(self) -> Iterator[Tier]:
        name, pinned = self._pin()
        yield Tier(name, pinned)
        yield Tier("name", any_of([pinned, self._all_wishes(Mark.NAME, exact)]))
        pinned = any_of([pinned, *self._joined()])
        for name, mark in _LADDER:
            yield Tier(name, any_of([pinned, self._all_wishes(mark, self._begin)]))

    def _joined(self) -> Iterator[str]:
        """Yield what finds names that begin with the words as one: `open ai` is openai.chat."""
        if len(self._words) > 1:
            yield all_of([prefix("".join(self._words), Mark.NAME), self._held()])

    def _pin(self) -> tuple[str, str]:
        """Return what is above all: the package that was named, or those of exactly this name."""
        paths = [wish for wish in self._wishes if wish.match is Match.PATH]
        if paths:
            return "path", any_facet(facet("path", path) for path in _values(paths))
        name = squashed(" ".join(_values(self._wishes)))
        return "exact name", all_of([any_facet([facet("squashed", name)]), self._held()])

    def _near(self, spelling: Spelling) -> Word:
        """Return how to look for words that may be mistyped: the unknown ones, if there are any."""
        mistyped = self.mistyped(spelling) or self._words

        def near(word: str, mark: Mark) -> str:
            meant = spelling.near(word) if word in mistyped else ()
            return any_of([self._begin(word, mark), *(exact(each, mark) for each in meant)])

        return near

    def _held(self) -> str:
        """Return what holds for every result, however it was found."""
        return all_of(_found(wish, Mark.ANYWHERE, self._begin) for wish in self._firm)

    def _all_wishes(self, mark: Mark, word: Word) -> str:
        return all_of(_found(wish, mark, word) for wish in self._wishes)


def _beginning(terms: Iterable[Term]) -> Word:
    """Return whether words may be beginnings: those of a long text are complete."""
    return prefix if len(words_of(" ".join(_values(terms)))) <= MAX_BEGINNINGS else exact


def _wishes(terms: Sequence[Term]) -> list[Term]:
    """Return the terms that rank results, without words that say nothing."""
    wishes = [
        term
        for term in terms
        if term.match in (Match.WORDS, Match.PHRASE, Match.PATH) and term.field is not Field.MODULE
    ]
    return [wish for wish in wishes if not _is_filler(wish)] or wishes


def _is_firm(wish: Term) -> bool:
    """Say whether it was asked for with a sign, and not just typed."""
    return wish.match is Match.PHRASE or wish.field is Field.NAME


def _is_filler(wish: Term) -> bool:
    typed = (wish.field, wish.match) == (Field.ANYWHERE, Match.WORDS)
    return typed and all(value.lower() in _FILLERS for value in wish.values)


def _values(terms: Iterable[Term]) -> Iterator[str]:
    return (value for term in terms for value in term.values)


def _visible(viewer: Viewer) -> str:
    if viewer.sees_everything:
        return any_facet([facet("public"), facet("private")])
    return any_facet([facet("public"), *(facet("member", org) for org in sorted(viewer.orgs))])


def _restrictions(query: Query, begin: Word) -> Iterator[str]:
    """Yield what must hold and ranks nothing."""
    if query.orgs is not None:
        yield any_facet(facet("org", org) for org in sorted(query.orgs))
    if query.package:
        yield any_facet([facet("name", query.package)])
    yield from (any_facet([word]) for word in _demanded(query))
    for term in query.terms:
        if term.match is Match.WHOLE:
            yield any_facet(facet(term.field.value, value) for value in term.values)
        elif term.field is Field.MODULE:
            yield _found(term, Mark.MODULES, begin)


def _demanded(query: Query) -> Iterator[str]:
    """Yield the facets that every result must have."""
    if query.needs:
        yield facet("needs", query.needs)
    if query.deprecated_only:
        yield facet("deprecated")
    if query.kind is Kind.TOOLS:
        yield facet("tool")
    yield from (facet("trait", trait.key) for trait in query.traits)


def _pattern(term: Term) -> Pattern:
    value = term.values[0].lower()
    escaped = value.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    like = escaped.replace("*", "%")
    if term.field is Field.ORG:
        return Pattern("org", like)
    return Pattern("key" if "/" in value else "name", like)


def _found(term: Term, mark: Mark, word: Word) -> str:
    """Return the expression of a term, looked for in the marked place, or where it says."""
    place = _place(term, mark)
    if term.match is Match.PHRASE:
        return any_of(phrase(value, place) for value in term.values)
    # Of several values each is meant as it stands; a single word may be the beginning of one.
    each = word if len(term.values) == 1 else exact
    return any_of(words(value, place, each) for value in term.values)


def _place(term: Term, mark: Mark) -> Mark:
    if term.field is Field.NAME:
        return Mark.NAME
    if term.match is Match.PATH and mark is not Mark.NAME:
        return Mark.ORGANIZATION
    return mark
