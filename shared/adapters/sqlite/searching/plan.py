"""From a query to the full-text expressions that answer it, best matches first.

A plan is a ladder of tiers. Each tier finds what the tiers above it find, and more: the last one
counts every match, and a page needs only the tiers down to its end. Who is asking and what is
hidden are parts of every expression, so that nothing has to be taken out of an answer afterwards.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.adapters.sqlite.searching.words import facet, squashed, words_of
from shared.domain.query import Field, Kind, Match, Query, Term, Viewer

MIN_PREFIX = 2  # One letter begins too many words to be a wish.

# What a match is worth by where it is. A name is chosen with care, keywords are chosen, a summary
# is written, and a readme mentions much that it is not about. Tiers are one apart, so that no boost
# lifts a result over a better match.
TIER_SCORES = {
    "path": 10.0,
    "exact name": 9.0,
    "name": 8.0,
    "start of name": 7.0,
    "organization": 6.0,
    "keywords": 5.0,
    "summary": 4.0,
    "readme": 3.0,
    "near name": 2.0,
    "near": 1.0,
    "any word": 0.0,
    "everything": 0.0,
}
NAME_TIERS = frozenset({"path", "exact name", "name", "start of name"})

_NAME = "name"
_ORGANIZATION = "name org"
_KEYWORDS = "name org keywords modules"
_SUMMARY = "name org keywords modules summary"
_README = "name org keywords modules summary readme"

# Words that say nothing of a package; looked for only where nothing else was typed.
_FILLERS = {"a", "an", "and", "for", "from", "in", "of", "on", "or", "the", "to", "using", "with"}

# Expressions. The empty one holds everywhere, as a condition that is not there does.
_EVERYWHERE = ""
_NOWHERE = 'facets : "nothing"'

Spell = Callable[[str], Sequence[str]]  # Known words that are near to one that was typed.
_Word = Callable[[str], str]


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
        """Take the query apart; `unusable` are the facets of profiles that the client lacks."""
        self._terms = _wishes(query.terms)
        self._required = _all([_visible(viewer), *_restrictions(query)])
        self._hidden = _any_facet(
            [*([] if query.include_deprecated else ["deprecated"]), *unusable]
        )
        self.patterns = tuple(_patterns(query.terms))
        self.tiers = tuple(self._ladder())

    @property
    def has_words(self) -> bool:
        """Say whether there is anything that a typo could be in."""
        return any(term.match in (Match.WORDS, Match.PATH) for term in self._terms)

    def expression(self, tier: Tier) -> str:
        """Return the whole expression of a tier: the match, and what holds for all of them."""
        return f"({_all([self._required, tier.expression])}) NOT ({self._hidden})"

    def below(self, tier: Tier, above: Tier | None) -> str:
        """Return the expression of what `tier` finds and the tier above it does not."""
        if above is None:
            return self.expression(tier)
        return f"({self.expression(tier)}) NOT ({above.expression})"

    def near(self, spell: Spell) -> list[Tier]:
        """Return the tiers of what was perhaps meant, for when what was typed finds too little."""
        found = self.tiers[-1].expression
        rungs: list[Tier] = []
        for name, columns in (("near name", _ORGANIZATION), ("near", _SUMMARY)):
            meant = _all(_condition(term, columns, _near(spell)) for term in self._terms)
            found = _any([found, meant])
            rungs.append(Tier(name, found))
        return rungs

    def loose(self) -> Tier:
        """Return the tier of what holds any of the words, for when nothing holds all of them."""
        return Tier("any word", _any(_condition(term, _README, _prefix) for term in self._terms))

    def _ladder(self) -> Iterator[Tier]:
        if not self._terms:
            yield Tier("everything", _EVERYWHERE)
            return
        name, pinned = self._pin()
        yield Tier(name, pinned)
        for name, columns, word in _LADDER:
            wish = _all(_condition(term, columns, word) for term in self._terms)
            yield Tier(name, _any([pinned, wish]))

    def _pin(self) -> tuple[str, str]:
        """Return what is above all: the package that was named, or those of exactly this name."""
        paths = [value for term in self._terms if term.match is Match.PATH for value in term.values]
        if paths:
            return "path", _any_facet(facet("path", path) for path in paths)
        typed = " ".join(value for term in self._terms for value in term.values)
        return "exact name", _any_facet([facet("squashed", squashed(typed))])


def _wishes(terms: Sequence[Term]) -> list[Term]:
    """Return the terms that rank results, without words that say nothing."""
    wishes = [term for term in terms if term.match is not Match.WHOLE and term.field != Field.ORG]
    telling = [term for term in wishes if not _is_filler(term)]
    return telling or wishes


def _is_filler(term: Term) -> bool:
    typed = (term.field, term.match) == (Field.ANYWHERE, Match.WORDS)
    return typed and all(value.lower() in _FILLERS for value in term.values)


def _visible(viewer: Viewer) -> str:
    if viewer.sees_everything:
        return _any_facet(["public", "private"])
    return _any_facet(["public", *(facet("member", org) for org in sorted(viewer.orgs))])


def _restrictions(query: Query) -> Iterator[str]:
    """Yield what must hold and ranks nothing: whole organizations, keywords, names and kinds."""
    if query.orgs is not None:
        yield _any_facet(facet("org", org) for org in sorted(query.orgs))
    if query.package:
        yield _any_facet([facet("name", query.package)])
    if query.kind is Kind.TOOLS:
        yield _any_facet(["tool"])
    for term in query.terms:
        if term.match is Match.WHOLE:
            yield _any_facet(facet(term.field.value, value) for value in term.values)


def _patterns(terms: Iterable[Term]) -> Iterator[Pattern]:
    for term in terms:
        if term.match is Match.PATTERN:
            value = term.values[0].lower()
            yield Pattern(_pattern_column(term, value), _like(value))


def _pattern_column(term: Term, value: str) -> str:
    if term.field is Field.ORG:
        return "org"
    return "key" if "/" in value else "name"


def _like(pattern: str) -> str:
    escaped = pattern.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%")


def _condition(term: Term, columns: str, word: _Word) -> str:
    """Return the expression of a term, looked for in these columns; fields have their own."""
    if term.match is Match.PATTERN:
        # The pattern itself is a condition on the table; its words only rank.
        return _words(term.values[0], _NAME, word) if columns == _NAME else _EVERYWHERE
    within = {Field.NAME: _NAME, Field.MODULE: "modules"}.get(term.field, columns)
    if term.match is Match.PHRASE:
        return _any(_phrase(value, within) for value in term.values)
    return _any(_words(value, within, word) for value in term.values)


def _words(value: str, columns: str, word: _Word) -> str:
    found = _all(word(each) for each in words_of(value))
    return f"{{{columns}}} : ({found})" if found else _NOWHERE


def _phrase(value: str, columns: str) -> str:
    return f"{{{columns}}} : {_exact(' '.join(words_of(value)))}"


def _exact(word: str) -> str:
    return f'"{word}"'


def _prefix(word: str) -> str:
    return f'"{word}" *' if len(word) >= MIN_PREFIX else f'"{word}"'


def _near(spell: Spell) -> _Word:
    return lambda word: _any([_prefix(word), *(_exact(each) for each in spell(word))])


_LADDER: tuple[tuple[str, str, _Word], ...] = (
    ("name", _NAME, _exact),
    ("start of name", _NAME, _prefix),
    ("organization", _ORGANIZATION, _prefix),
    ("keywords", _KEYWORDS, _prefix),
    ("summary", _SUMMARY, _prefix),
    ("readme", _README, _prefix),
)


def _any_facet(words: Iterable[str]) -> str:
    found = " OR ".join(f'"{word}"' for word in words)
    return f"facets : ({found})" if found else _NOWHERE


def _all(expressions: Iterable[str]) -> str:
    """Join expressions that must all hold."""
    return " AND ".join(f"({each})" for each in expressions if each)


def _any(expressions: Iterable[str]) -> str:
    """Join expressions of which one must hold; no expression at all holds nowhere."""
    each = list(expressions)
    if _EVERYWHERE in each:
        return _EVERYWHERE
    return " OR ".join(f"({expression})" for expression in each) or _NOWHERE
