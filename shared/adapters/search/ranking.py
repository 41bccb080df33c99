"""What ranks one result above another: every weight and its reason."""

from datetime import UTC, datetime
from math import log10

from shared.adapters.search.words import split_words
from shared.domain.packages import Listing

# What a match is worth by where it is. A name is chosen with care, keywords are chosen, a summary
# is written, and a readme mentions much that it is not about. What was perhaps meant comes below
# everything that was typed.
TIER_SCORES = {
    "path": 12.0,
    "exact name": 11.0,
    "name": 10.0,
    "start of name": 9.0,
    "part of name": 8.0,
    "organization": 7.0,
    "keywords": 6.0,
    "summary": 5.0,
    "readme": 4.0,
    "near name": 3.0,
    "near": 2.0,
    "any name": 1.0,
    "any word": 0.0,
    "everything": 0.0,
}
NAME_TIERS = frozenset({"path", "exact name", "name", "start of name"})

POPULARITY_WEIGHT = 0.7  # Most of the boost: what many use is most often what is meant.
POPULARITY_DECADES = 7  # Ten million pulls are as popular as it gets; ten times as many: 1/7.
BREVITY_WEIGHT = 0.1  # Divided by the words of the name: the shorter one is the more general.
RECENCY_WEIGHT = 0.15  # Decides among the unused, and where popularity differs by less than 10x.
DEPRECATED_WEIGHT = -0.5  # Below everything of its tier that is in use; still findable by its name.

# Recency is a date's place in this span, not an age: a boost that does not change with the clock
# needs no upkeep, and orders packages in the same way.
_SPAN_START_MS = datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1000
_SPAN_END_MS = datetime(2040, 1, 1, tzinfo=UTC).timestamp() * 1000


def ranking_boosts(listing: Listing) -> dict[str, float]:
    """Return the parts of the score that do not depend on what was typed."""
    parts = {
        "popularity": POPULARITY_WEIGHT * _popularity(listing.head.pulls),
        "brevity": BREVITY_WEIGHT / max(len(split_words(listing.head.name)), 1),
        "recency": RECENCY_WEIGHT * _recency(listing.release.created_ms),
    }
    if listing.deprecation is not None:
        parts["deprecated"] = DEPRECATED_WEIGHT
    return {name: round(part, 6) for name, part in parts.items()}


def _popularity(pulls: int) -> float:
    return min(log10(1 + max(pulls, 0)) / POPULARITY_DECADES, 1.0)


def _recency(created_ms: int) -> float:
    place = (created_ms - _SPAN_START_MS) / (_SPAN_END_MS - _SPAN_START_MS)
    return min(max(place, 0.0), 1.0)
