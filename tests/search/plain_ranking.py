"""The peer of our ranking: names, keywords and dependents, in forty lines."""

import re
from collections import Counter
from collections.abc import Iterable
from math import log10

from shared.domain.listings import Listing

_WORD = re.compile(r"[a-z0-9]+")


class PlainRanking:
    """What one writes on the first day: words in names and keywords, and what is used more first.

    It knows no stems, synonyms or typos, and nothing of who may see what.
    """

    def __init__(self, listings: Iterable[Listing]) -> None:
        newest = {listing.head.package.key: listing for listing in listings}
        self._dependents = Counter(
            f"{each.org}/{each.name}".lower()
            for listing in newest.values()
            for each in set(listing.release.dependencies)
        )
        self._packages = [
            (str(listing.head.package), *_words_of(listing)) for listing in newest.values()
        ]

    async def search(self, text: str) -> list[str]:
        words = _WORD.findall(text.lower())
        scored = ((self._score(words, *package), package[0]) for package in self._packages)
        return [
            name for score, name in sorted(scored, key=lambda each: (-each[0], each[1])) if score
        ]

    def _score(self, words: list[str], name: str, parts: set[str], keywords: set[str]) -> float:
        score = sum(
            3.0 * (word in parts) + 2.0 * (word in keywords) + (word in name.lower())
            for word in words
        )
        short = name.lower().partition("/")[2]
        exact = 10.0 * (short in ("".join(words), ".".join(words), "_".join(words)))
        return score and score + exact + log10(1 + self._dependents[name.lower()])


def _words_of(listing: Listing) -> tuple[set[str], set[str]]:
    keywords = " ".join(listing.release.keywords).lower()
    return set(_WORD.findall(listing.head.name.lower())), set(_WORD.findall(keywords))
