"""From a query to the full-text expressions that answer it, best matches first."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.adapters.search.ranking import TIER_SCORES
from shared.adapters.search.words import WordField, facet_word, joined_name, mark_words, split_words
from shared.domain.search import Field, Match, Query, SearchKind, Term, Viewer

# From a query to the expressions that answer it, best matches first.
#
# A plan is a ladder of tiers. Each tier finds what the tiers above it find, and more: the last one
# counts every match, and a page needs only the tiers down to its end. Who is asking and what is
# hidden are parts of every expression, so that nothing has to be taken out of an answer afterwards.

_LADDER: tuple[tuple[str, WordField], ...] = (
    ("start of name", WordField.NAME),
    ("organization", WordField.ORGANIZATION),
    ("keywords", WordField.KEYWORDS),
    ("summary", WordField.SUMMARY),
    ("readme", WordField.ANYWHERE),
)

# Words of a query up to which each may be a beginning. A longer one is a sentence, whose words are
# complete; and beginnings are what a search spends its time on.
MAX_PREFIX_WORDS = 6

# Words that say nothing of a package; looked for only where nothing else was typed.
_FILLERS = {"a", "an", "and", "for", "from", "in", "of", "on", "or", "the", "to", "using", "with"}


class KnownWords(Protocol):
    """What is known of words."""

    def knows(self, word: str) -> bool:
        """Say whether a package has exactly this word."""
        ...

    def near(self, word: str) -> Sequence[str]:
        """Return the known words that were perhaps meant."""
        ...


@dataclass(frozen=True, slots=True)
class MatchTier:
    """Matches of one quality and of better ones: what the quality is called, and what finds it."""

    name: str
    expression: str

    @property
    def score(self) -> float:
        """Return what a match of this quality is worth."""
        return TIER_SCORES[self.name]


@dataclass(frozen=True, slots=True)
class LikePattern:
    """What a column of the table of packages must be LIKE."""

    column: str
    like: str


# Full-text expressions, as FTS5 reads them.
#
# The empty expression holds everywhere, as a condition that is not there does.

WordMatcher = Callable[
    [str, WordField], str
]  # From a word and its place to the expression that finds it.


class QueryPlan:
    """How one query is answered for one viewer."""

    def __init__(self, query: Query, viewer: Viewer, unusable: Iterable[str]) -> None:
        """Take the query apart; `unusable`: facets of what the client cannot use."""
        self._wishes = _wishes(query.terms)
        self._firm = [wish for wish in self._wishes if _is_firm(wish)]
        self._words = split_words(" ".join(_values(self._wishes)))
        self._begin = _beginning(query.terms)
        self._required = match_all([_visible(viewer), *_restrictions(query, self._begin)])
        self._patterns = [term for term in query.terms if term.match is Match.PATTERN]
        shows_deprecated = query.include_deprecated or query.deprecated_only
        deprecated = [] if shows_deprecated else [facet_word("deprecated")]
        self._hidden = match_any_facet([*deprecated, *unusable])
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

    def mistyped(self, spelling: KnownWords) -> list[str]:
        """Return the words that no package has: those that are perhaps mistyped."""
        return [word for word in self._words if not spelling.knows(word)]

    def expression(self, tier: MatchTier) -> str:
        """Return the whole expression of a tier: the match, and what holds for all of them."""
        return f"({match_all([self._required, tier.expression])}) NOT ({self._hidden})"

    def meant(self, spelling: KnownWords) -> Iterator[MatchTier]:
        """Yield the tiers of what was perhaps meant, for when what was typed finds too little."""
        found = self.tiers[-1].expression
        near = self._near(spelling)
        for name, mark in (("near name", WordField.ORGANIZATION), ("near", WordField.SUMMARY)):
            found = match_any([found, self._all_wishes(mark, near)])
            yield MatchTier(name, found)

    def loose(self, above: MatchTier) -> Iterator[MatchTier]:
        """Yield the tiers of what holds any of the plain words, below the lowest tier so far."""
        found = above.expression
        words = [wish for wish in self._wishes if wish not in self._firm]
        for name, mark in (("any name", WordField.NAME), ("any word", WordField.SUMMARY)):
            some = match_any(_found(word, mark, self._begin) for word in words)
            found = match_any([found, match_all([some, self._held()])])
            yield MatchTier(name, found)

    def _typed(self) -> Iterator[MatchTier]:
        """Yield the tiers of what was typed."""
        if self._wishes:
            yield from self._typed_words()
        elif self._patterns:
            typed = " ".join(_values(self._patterns))
            named = match_any_facet([facet_word("squashed", joined_name(typed))])
            yield MatchTier("exact name", named)
            yield MatchTier(
                "name", match_any([named, match_words(typed, WordField.NAME, match_exact)])
            )
            yield MatchTier("part of name", EVERYWHERE)
        else:
            yield MatchTier("everything", EVERYWHERE)

    def _typed_words(self) -> Iterator[MatchTier]:
        name, pinned = self._pin()
        yield MatchTier(name, pinned)
        yield MatchTier("name", match_any([pinned, self._all_wishes(WordField.NAME, match_exact)]))
        pinned = match_any([pinned, *self._joined()])
        for name, mark in _LADDER:
            yield MatchTier(name, match_any([pinned, self._all_wishes(mark, self._begin)]))

    def _joined(self) -> Iterator[str]:
        """Yield what finds names that begin with the words as one: `open ai` is openai.chat."""
        if len(self._words) > 1:
            yield match_all([match_prefix("".join(self._words), WordField.NAME), self._held()])

    def _pin(self) -> tuple[str, str]:
        """Return what is above all: the package that was named, or those of exactly this name."""
        paths = [wish for wish in self._wishes if wish.match is Match.PATH]
        if paths:
            return "path", match_any_facet(facet_word("path", path) for path in _values(paths))
        name = joined_name(" ".join(_values(self._wishes)))
        return "exact name", match_all(
            [match_any_facet([facet_word("squashed", name)]), self._held()]
        )

    def _near(self, spelling: KnownWords) -> WordMatcher:
        """Return how to look for words that may be mistyped: the unknown ones, if there are any."""
        mistyped = self.mistyped(spelling) or self._words

        def near(word: str, mark: WordField) -> str:
            meant = spelling.near(word) if word in mistyped else ()
            return match_any(
                [self._begin(word, mark), *(match_exact(each, mark) for each in meant)]
            )

        return near

    def _held(self) -> str:
        """Return what holds for every result, however it was found."""
        return match_all(_found(wish, WordField.ANYWHERE, self._begin) for wish in self._firm)

    def _all_wishes(self, mark: WordField, word: WordMatcher) -> str:
        return match_all(_found(wish, mark, word) for wish in self._wishes)


def _beginning(terms: Iterable[Term]) -> WordMatcher:
    """Return whether words may be beginnings: those of a long text are complete."""
    return (
        match_prefix
        if len(split_words(" ".join(_values(terms)))) <= MAX_PREFIX_WORDS
        else match_exact
    )


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
        return match_any_facet([facet_word("public"), facet_word("private")])
    return match_any_facet(
        [facet_word("public"), *(facet_word("member", org) for org in sorted(viewer.orgs))]
    )


def _restrictions(query: Query, begin: WordMatcher) -> Iterator[str]:
    """Yield what must hold and ranks nothing."""
    if query.orgs is not None:
        yield match_any_facet(facet_word("org", org) for org in sorted(query.orgs))
    if query.package:
        yield match_any_facet([facet_word("name", query.package)])
    yield from (match_any_facet([word]) for word in _demanded(query))
    for term in query.terms:
        if term.match is Match.WHOLE:
            yield match_any_facet(facet_word(term.field.value, value) for value in term.values)
        elif term.field is Field.MODULE:
            yield _found(term, WordField.MODULES, begin)


def _demanded(query: Query) -> Iterator[str]:
    """Yield the facets that every result must have."""
    if query.depends_on:
        yield facet_word("needs", query.depends_on)
    if query.deprecated_only:
        yield facet_word("deprecated")
    if query.kind is SearchKind.TOOLS:
        yield facet_word("tool")
    yield from (facet_word("trait", trait.key) for trait in query.facet_values)


def _pattern(term: Term) -> LikePattern:
    value = term.values[0].lower()
    escaped = value.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    like = escaped.replace("*", "%")
    if term.field is Field.ORG:
        return LikePattern("org", like)
    return LikePattern("key" if "/" in value else "name", like)


def _found(term: Term, mark: WordField, word: WordMatcher) -> str:
    """Return the expression of a term, looked for in the marked place, or where it says."""
    place = _place(term, mark)
    if term.match is Match.PHRASE:
        return match_any(match_phrase(value, place) for value in term.values)
    # Of several values each is meant as it stands; a single word may be the beginning of one.
    each = word if len(term.values) == 1 else match_exact
    return match_any(match_words(value, place, each) for value in term.values)


def _place(term: Term, mark: WordField) -> WordField:
    if term.field is Field.NAME:
        return WordField.NAME
    if term.match is Match.PATH and mark is not WordField.NAME:
        return WordField.ORGANIZATION
    return mark


MIN_PREFIX = 2  # One letter begins too many words to be a wish.

EVERYWHERE = ""


def match_all(expressions: Iterable[str]) -> str:
    """Return what holds where all of these hold."""
    return " AND ".join(f"({each})" for each in expressions if each != EVERYWHERE)


def match_any(expressions: Iterable[str]) -> str:
    """Return what holds where any of these holds, and nowhere if there are none."""
    return " OR ".join(f"({each})" for each in expressions) or _quoted(facet_word("nothing"))


def match_any_facet(facets: Iterable[str]) -> str:
    """Return what finds packages with any of these facets."""
    return match_any(_quoted(each) for each in facets)


def match_words(value: str, mark: WordField, word: WordMatcher) -> str:
    """Return what finds every word of `value` in the marked place; no words are found nowhere."""
    return match_all(word(each, mark) for each in split_words(value)) or match_any([])


def match_phrase(value: str, mark: WordField) -> str:
    """Return what finds the words of `value` beside each other in the marked place."""
    found = split_words(value)
    return _quoted(mark_words(mark, found)) if found else match_any([])


def match_exact(word: str, mark: WordField) -> str:
    """Look for the word itself."""
    return _quoted(mark_words(mark, [word]))


def match_prefix(word: str, mark: WordField) -> str:
    """Look for words that begin with this one."""
    return f"{match_exact(word, mark)} *" if len(word) >= MIN_PREFIX else match_exact(word, mark)


def _quoted(words: str) -> str:
    return f'"{words}"'
