"""Searches: what is asked, for whom, and what comes back."""

from dataclasses import dataclass, field
from enum import Enum

from shared.domain.language import EVERYTHING, ClientProfile
from shared.domain.package import Listing


class Sort(Enum):
    """Orders of results."""

    RELEVANCE = "relevance"
    NAME = "name"
    CREATED = "createdDate"
    PULLS = "pullCount"


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the results, in which order."""

    offset: int = 0
    limit: int = 10
    sort: Sort = Sort.RELEVANCE
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search; an empty one matches everything."""

    text: str = ""
    orgs: frozenset[str] | None = None
    include_deprecated: bool = False
    client: ClientProfile = EVERYTHING


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who sees the results: keys of the organizations whose private packages are theirs to see."""

    orgs: frozenset[str] = frozenset()
    sees_everything: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One result, with the parts of its score."""

    listing: Listing
    score: float = 0.0
    parts: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits and the count of all."""

    hits: tuple[Hit, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A package whose name is near to what was typed."""

    org: str
    name: str
    summary: str
