"""The words that packages are found by, and which of them a mistyped word is near to."""

import sqlite3
from collections.abc import Iterator

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

MAX_NEAR = 8  # Known words that stand in for one; more of them are no longer what was meant.
MAX_SPELLED = 4  # Words of one search that are mended: each is a scan of the vocabulary.
MIN_LENGTH = 3  # Of two letters every other two are near.
LONG = 8  # From this length two mistakes are allowed, else one.


class Speller:
    """Finds what was perhaps meant, for one search."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Look into the vocabulary of the index that `connection` has open."""
        self._connection = connection
        self._found: dict[str, list[str]] = {}

    def knows(self, word: str) -> bool:
        """Say whether a package has exactly this word."""
        found = self._connection.execute(
            "SELECT 1 FROM words WHERE length = ? AND word = ?", (len(word), word)
        )
        return found.fetchone() is not None

    def near(self, word: str) -> list[str]:
        """Return the known words that differ from `word` by a mistake or two, the nearest first.

        A mistake is a letter too many, too few, another, or two that changed places (optimal
        string alignment), which is how people mistype: kafak, gihub, postgersql.
        """
        if word not in self._found:
            within = len(word) >= MIN_LENGTH and len(self._found) < MAX_SPELLED
            self._found[word] = self._compared(word) if within else []
        return self._found[word]

    def _compared(self, word: str) -> list[str]:
        mistakes = 2 if len(word) >= LONG else 1
        known = dict(self._candidates(word, mistakes))
        found = extract(word, list(known), scorer=OSA.distance, score_cutoff=mistakes, limit=None)
        ranked = sorted(found, key=lambda each: (each[1], -known[each[0]], each[0]))
        return [each[0] for each in ranked if each[1]][:MAX_NEAR]

    def _candidates(self, word: str, mistakes: int) -> Iterator[tuple[str, int]]:
        """Yield words of about this length that begin with one of its first two letters, each with
        the number of its packages. People seldom mistype how a word begins, and comparing with the
        whole vocabulary of 100,000 packages would take 100 ms.
        """
        for length in range(len(word) - mistakes, len(word) + mistakes + 1):
            for first in {word[0], word[1]}:
                yield from self._connection.execute(
                    "SELECT word, packages FROM words WHERE length = ? AND word >= ? AND word < ?",
                    (length, first, chr(ord(first) + 1)),
                )
