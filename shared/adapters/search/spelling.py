"""Spelling: the known words that a mistyped word of a query is near to."""

import sqlite3
from collections.abc import Iterator

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from shared.adapters.search.postings import Counted, count_of
from shared.adapters.search.words import stem

MAX_NEAR = 8  # Known words that stand in for one; more of them are no longer what was meant.
MAX_SPELLED = 4  # Words of one search that are mended: each is a scan of the vocabulary.
MIN_LENGTH = 3  # Any word of two letters is similar to every other.
# Letters up to which a word is replaced by longer ones, or by one in which two letters changed
# places: `aes` and `db2` are no misspellings of the many names of three or four letters.
SHORT_WORD = 4
LONG_WORD = 8  # From this length two mistakes are allowed, else one.


class Speller:
    """Finds what was perhaps meant, for one search."""

    def __init__(self, connection: sqlite3.Connection, counted: Counted = Counted.WORD) -> None:
        self._connection = connection
        self._counted = counted
        self._found: dict[str, list[str]] = {}

    def knows(self, word: str) -> bool:
        """Say whether a package has exactly this word."""
        return count_of(self._connection, self._counted, word) > 0

    def knows_form(self, word: str) -> bool:
        """Say whether a package has this word, or its stem."""
        return self.knows(word) or self.knows(stem(word))

    def meant_by(self, word: str) -> list[str]:
        """Return the words perhaps meant by this one, or by the word that it is a form of."""
        form = stem(word)
        return self.near(word) or (self.near(form) if form != word else [])

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
        mistakes = 2 if len(word) >= LONG_WORD else 1
        known = dict(self._candidates(word, mistakes))
        found = extract(word, list(known), scorer=OSA.distance, score_cutoff=mistakes, limit=None)
        ranked = sorted(found, key=lambda each: (each[1], -known[each[0]], each[0]))
        near = (each[0] for each in ranked if each[1])
        return [each for each in near if not _is_too_short(each, word)][:MAX_NEAR]

    def _candidates(self, word: str, mistakes: int) -> Iterator[tuple[str, int]]:
        """Yield words of about this length that begin with one of its first two letters, each with
        the number of its packages. People seldom mistype how a word begins, and comparing with the
        whole vocabulary of 100,000 packages would take 100 ms.
        """
        least = len(word) - mistakes if len(word) > SHORT_WORD else len(word)
        for length in range(least, len(word) + mistakes + 1):
            for first in {word[0], word[1]}:
                yield from self._connection.execute(
                    "SELECT name, packages FROM counts"
                    " WHERE counted = ? AND length = ? AND name >= ? AND name < ?",
                    (self._counted.value, length, first, chr(ord(first) + 1)),
                )


def _is_too_short(known: str, word: str) -> bool:
    """Check whether a known word is no longer than a short one, and has other letters."""
    return len(word) <= SHORT_WORD >= len(known) and sorted(known) != sorted(word)
