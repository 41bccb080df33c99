"""The weights of search results: what a match is worth, and the boosts of a package.

A score is the sum of these parts:
- how completely the package matches: it has the typed name, or all of the words, or some of them;
- the words: each counts by the best place in which it stands, and more the rarer it is;
- boosts that do not depend on the query, together at most `MAX_RANK`;
- deductions for packages that accompany others, and for deprecated ones, which come last unless
  they have exactly the typed name.
"""

import re
from datetime import UTC, datetime
from enum import IntEnum
from math import log10

from shared.adapters.search.words import split_words
from shared.domain.distributions import LanguageVersion
from shared.domain.listings import Listing

PATH_SCORE = 60.0  # `org/name` is one package.
NAME_SCORE = 50.0  # The name or a tool's id, as it was typed.
JOINED_NAME_SCORE = 40.0  # The same without its signs: `azure functions` is azure.functions.
ALL_WORDS_SCORE = 20.0  # More than the words and the boosts of a package that has only some.
AUXILIARY_SCORE = -22.0  # More than all words: it comes after a package that has most of them.
# For the product itself if a query asks for alternatives to it, so that it comes after all of them.
UNLIKE_SCORE = -45.0
DEPRECATED_SCORE = -100.0  # After every package that is not deprecated.
DEPRECATED_NAME_SCORE = -5.0  # With the typed name: after others of that name only.


class PlaceWeight(IntEnum):
    """The weight of a word by its place in a package. Stored with each word."""

    NAME = 100  # The whole name or tool id, without its signs.
    SEGMENT = 90  # `s3` in aws.s3.
    NAME_PART = 65  # `service` in echo_service or EchoService.
    ORGANIZATION = 55
    KEYWORD = 52  # The whole keyword.
    KEYWORD_PART = 42  # `databases` in "IT Operations/Databases".
    MODULE = 40
    SUMMARY = 38
    MENTION = 35  # A host, an exception or the ending of a file in its documents.
    LEAD = 30  # The first paragraph of the readme.
    OFTEN_IN_SYMBOLS = 27  # What several symbols are about, by their names and doc comments.
    SYMBOL = 20  # A word of a symbol, or the end of a mentioned host.
    README = 10  # Not stored: the full-text table knows.


WEIGHT_SCALE = 10  # A word in the best place adds ten to the score.
# The lowest weight of words in names and tool ids, including their stems.
LAST_NAME_WEIGHT = PlaceWeight.ORGANIZATION + 1
# The lowest weight of words that are also found by their beginning.
LAST_BEGINNING_WEIGHT = PlaceWeight.KEYWORD_PART

# Factors of matches that are not of the typed word itself.
JOINED_FACTOR = 0.97  # Two words as one: `key vault` is keyvault.
STEM_FACTOR = 0.9  # Another form of it: `logging` is log. Stems are stored with less weight too.
SYNONYM_FACTOR = 0.85
NEAR_FACTOR = 0.6  # What was perhaps meant.
PREFIX_FACTOR = 0.45
PREFIX_SHARE_FACTOR = 0.35

NAMED_FACTOR = 0.3  # For the name of the product itself if a query asks for alternatives to it.
WEAK_FACTOR = 0.4  # For a word that says little about a package.

DEPENDENTS_WEIGHT = 1.2  # A package that others depend on is most often the one that is meant.
DEPENDENTS_DECADES = 3.5  # 3,000 dependents; more count the same.
PULLS_WEIGHT = 0.8
# From ten million pulls on, the popularity is the highest; each factor of ten adds 1/7.
PULLS_DECADES = 7
STANDARD_WEIGHT = 0.5
# Divided by the number of words in the name, because a shorter name is more general.
BREVITY_WEIGHT = 0.4
RECENCY_WEIGHT = 0.2
LANGUAGE_WEIGHT = 0.2
MAX_RANK = 3.5  # More than all of these together.
# The standard organizations in listings from before that was a setting.
_FIRST_STANDARD_ORGANIZATIONS = frozenset({"ballerina", "ballerinax"})

# Parts of names of packages that accompany another one, or show how to use it. They come after it,
# unless such a part was typed as well.
AUXILIARY_PARTS = frozenset(
    "demo driver example examples sample samples template templates test tests trigger".split()  # noqa: SIM905 - short.
)
_SAMPLE_NAME = re.compile(r"_to_", re.IGNORECASE)  # `new_issue_to_email` shows an integration.

# Recency is a date's place in this span, not an age: a boost that does not change with the clock
# needs no upkeep, and orders packages in the same way. The same holds for language versions.
_SPAN_START_MS = datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1000
_SPAN_END_MS = datetime(2040, 1, 1, tzinfo=UTC).timestamp() * 1000
# The last update of Swan Lake for which the score still grows; there are four updates a year.
_LAST_UPDATE = 40


def beginning_factor(typed: int, length: int) -> float:
    """Return the factor of a word of which only the first letters were typed. It grows with their
    share of the word: `mongo` is nearly `mongodb`."""
    return PREFIX_FACTOR + PREFIX_SHARE_FACTOR * typed / length


def own_boosts(listing: Listing) -> dict[str, float]:
    """Return the parts of the score that come from the package itself, by their names."""
    return {
        "pulls": PULLS_WEIGHT * _decades(listing.head.pulls, PULLS_DECADES),
        "standard organization": STANDARD_WEIGHT * _is_standard(listing),
        "short name": BREVITY_WEIGHT / max(len(split_words(listing.head.name)), 1),
        "date": RECENCY_WEIGHT * _recency(listing.release.created_ms),
        "Ballerina version": LANGUAGE_WEIGHT * _language(listing.release.ballerina_version),
    }


def own_boost(listing: Listing) -> float:
    """Return the part of the score that comes from the package itself."""
    return round(sum(own_boosts(listing).values()), 6)


def dependents_boost(dependents: int) -> float:
    """Return the part of the score that comes from the packages that depend on it."""
    return round(DEPENDENTS_WEIGHT * _decades(dependents, DEPENDENTS_DECADES), 6)


def is_auxiliary(listing: Listing) -> bool:
    """Say whether a package accompanies another one, or shows how to use it."""
    name = listing.head.name
    words = split_words(name)
    has_part = len(words) > 1 and not AUXILIARY_PARTS.isdisjoint(words)
    return has_part or listing.release.template or _SAMPLE_NAME.search(name) is not None


def _is_standard(listing: Listing) -> bool:
    if listing.is_standard is None:
        return listing.head.org.lower() in _FIRST_STANDARD_ORGANIZATIONS
    return listing.is_standard


def _decades(count: int, most: float) -> float:
    return min(log10(1 + max(count, 0)) / most, 1.0)


def _recency(created_ms: int) -> float:
    place = (created_ms - _SPAN_START_MS) / (_SPAN_END_MS - _SPAN_START_MS)
    return min(max(place, 0.0), 1.0)


def _language(ballerina_version: str) -> float:
    version = LanguageVersion.parse(ballerina_version)
    return min((1 + version.update) / _LAST_UPDATE, 1.0) if version else 0.0
