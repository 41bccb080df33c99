"""Searches: what is asked, for whom, and what comes back."""

import re
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Self

from shared.domain.facets import Trait
from shared.domain.language import EVERYTHING, ClientProfile
from shared.domain.package import Listing
from shared.domain.query_grammar import Field, Match, Term, parse_terms

__all__ = [
    "ANYONE",
    "Field",
    "Hit",
    "Kind",
    "Match",
    "Page",
    "Query",
    "Results",
    "Sort",
    "Suggestion",
    "Term",
    "Viewer",
]

DEFAULT_LIMIT = 10  # What Central gives a client that does not say.
MAX_LIMIT = 1_000  # Stores page by 500; above this one answer holds megabytes.
MAX_OFFSET = 2**31 - 1  # Clients read it as a Java int.

_NUMBER = re.compile(r"\d{1,10}", re.ASCII)


class Sort(Enum):
    """Orders of results."""

    RELEVANCE = "relevance"
    NAME = "name"
    CREATED = "createdDate"  # Of the release that is shown: what was updated last.
    ADDED = "addedDate"  # Of the package: what is new.
    PULLS = "pullCount"


_SORTS = {each.value.lower(): each for each in Sort}


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the results, in which order."""

    offset: int = 0
    limit: int = DEFAULT_LIMIT
    sort: Sort = Sort.RELEVANCE
    descending: bool = True

    @classmethod
    def parse(cls, limit: str = "", offset: str = "", sort: str = "") -> Self:
        """Read the list parameters as clients send them; what cannot be read is the default."""
        order, descending = _parse_sort(sort)
        return cls(
            offset=min(_parse_number(offset, 0), MAX_OFFSET),
            limit=min(_parse_number(limit, DEFAULT_LIMIT), MAX_LIMIT),
            sort=order,
            descending=descending,
        )


def _parse_number(text: str, default: int) -> int:
    stripped = text.strip()
    return int(stripped) if _NUMBER.fullmatch(stripped) else default


def _parse_sort(text: str) -> tuple[Sort, bool]:
    """Read `createdDate`, `created_date,ASC` and the like; names alone begin with the first."""
    named, _, direction = text.strip().partition(",")
    sort = _SORTS.get(named.strip().lower().replace("_", ""), Sort.RELEVANCE)
    asked = direction.strip().lower()
    if asked in ("asc", "desc"):
        return sort, asked == "desc"
    return sort, sort is not Sort.NAME


_TYPED = {(Field.ANYWHERE, Match.WORDS), (Field.ANYWHERE, Match.PHRASE)}


class Kind(Enum):
    """What is looked for."""

    PACKAGES = "packages"
    TOOLS = "tools"  # Packages that publish a tool.


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search; an empty one matches everything.

    A package matches when every term does, and every restriction below the terms.
    """

    terms: tuple[Term, ...] = ()
    kind: Kind = Kind.PACKAGES
    orgs: frozenset[str] | None = None  # Keys of organizations; None: any.
    package: str = ""  # One package's whole name, in any case.
    needs: str = ""  # The key of a package that those which are looked for depend on directly.
    own_only: bool = False  # Only the caller's organizations; `Searching` turns it into `orgs`.
    include_deprecated: bool = False
    deprecated_only: bool = False
    traits: tuple[Trait, ...] = ()  # All of these hold.
    client: ClientProfile = EVERYTHING
    is_wordless: bool = False  # Something was typed, and no word is in it: nothing matches.

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what was typed or sent as `q`; whatever it holds, it is a query."""
        terms = parse_terms(text)
        return cls(terms=terms, is_wordless=not terms and bool(text.strip()))

    @property
    def problem(self) -> str:
        """Return why nothing can match, in a sentence; nothing where something can."""
        if not self.is_wordless:
            return ""
        return (
            "The query holds no words, so nothing was searched for. A word has letters or digits. "
            "Search for one, or leave the query empty to list everything."
        )

    def by_name(self) -> Self:
        """Return the query with every word looked for in names alone, as while a name is typed."""
        named = (
            replace(term, field=Field.NAME) if (term.field, term.match) in _TYPED else term
            for term in self.terms
        )
        return replace(self, terms=tuple(named))

    def within(self, orgs: frozenset[str]) -> Self:
        """Return the query restricted to these organizations, besides what restricts it already."""
        keys = frozenset(org.lower() for org in orgs)
        return replace(self, orgs=keys if self.orgs is None else self.orgs & keys)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who sees the results: keys of the organizations whose private packages are theirs to see."""

    orgs: frozenset[str] = frozenset()
    sees_everything: bool = False


ANYONE = Viewer()


@dataclass(frozen=True, slots=True)
class Hit:
    """One result, with the parts of its score; its documentation is an excerpt."""

    listing: Listing
    score: float = 0.0
    parts: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits and the count of all."""

    hits: tuple[Hit, ...]
    count: int
    meant: tuple[tuple[str, str], ...] = ()  # Words that nobody uses, and the nearest ones.


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A package whose name is near to what was typed."""

    org: str
    name: str
    summary: str

    @classmethod
    def of(cls, listing: Listing) -> Self:
        """Return the suggestion of a listed package."""
        return cls(listing.head.org, listing.head.name, listing.release.summary)
