"""From a query to the full-text expressions that answer it, best matches first.

A plan is a list of tiers. Each tier's expression finds what the tiers before it find, and more, so
the last one counts every match and a page needs the tiers up to its end only.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.adapters.sqlite.search_words import facet
from shared.domain.query import Viewer

# The columns that each tier looks into, and what a match there is worth. A name is chosen with
# care, keywords are chosen, a summary is written, and a readme mentions much that it is not about.
_COLUMNS = {
    "name": ("name",),
    "organization": ("name", "org"),
    "keywords": ("name", "org", "keywords", "modules"),
    "summary": ("name", "org", "keywords", "modules", "summary"),
    "readme": ("name", "org", "keywords", "modules", "summary", "readme"),
}
_SCORES = {
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
}
NAME_TIERS = frozenset({"path", "exact name", "name", "start of name"})
EVERYTHING_SCORE = 0.0

_NOTHING = 'facets : "nothing"'
_FILLERS = frozenset(
    ["a", "an", "and", "for", "from", "in", "of", "on", "or", "the", "to", "using", "with"]
)
MIN_PREFIX = 2  # One letter begins too many words to be a wish.

Spell = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Tier:
    """Matches of one quality: what they are called, are worth, and are found by."""

    name: str
    score: float
    expression: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Tiers, best first, and the patterns that names must fit besides."""

    tiers: tuple[Tier, ...]
    patterns: tuple[tuple[str, str], ...] = ()  # Column and LIKE pattern.


def all_of(expressions: Iterable[str]) -> str:
    """Return an expression that holds where all of these do."""
    return " AND ".join(f"({each})" for each in expressions)


def any_of(expressions: Iterable[str]) -> str:
    """Return an expression that holds where any of these does; none of them holds nowhere."""
    return " OR ".join(f"({each})" for each in expressions) or _NOTHING


def facets(*words: str) -> str:
    """Return an expression for rows with any of these facets."""
    return f"facets : ({any_of(_quoted(word) for word in words)})"


def _quoted(word: str) -> str:
    return f'"{word}"'


def visible_to(viewer: Viewer) -> str:
    """Return the expression for what the viewer may see; every query contains it."""
    if viewer.sees_everything:
        return facets("public", "private")
    return facets("public", *(facet("member", org) for org in sorted(viewer.orgs)))
