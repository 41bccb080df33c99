"""The words that packages are found by, and which of them a mistyped word is near to."""

import sqlite3
from collections.abc import Sequence

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

MAX_NEAR = 8  # Known words that stand in for one; more of them are no longer what was meant.
MIN_LENGTH = 3  # Of two letters every other two are near.
LONG = 8  # From this length two mistakes are allowed, else one.


def near_words(connection: sqlite3.Connection, word: str) -> Sequence[str]:
    """Return the known words that differ from `word` by a mistake or two, the nearest first.

    A mistake is a letter too many, too few, another, or two that changed places (optimal string
    alignment), which is how people mistype: kafak, gihub, postgersql.
    """
    if len(word) < MIN_LENGTH:
        return ()
    mistakes = 2 if len(word) >= LONG else 1
    known = dict(
        connection.execute(
            "SELECT word, packages FROM words WHERE length BETWEEN ? AND ?",
            (len(word) - mistakes, len(word) + mistakes),
        ).fetchall()
    )
    found = extract(word, known.keys(), scorer=OSA.distance, score_cutoff=mistakes, limit=None)
    ranked = sorted(found, key=lambda each: (each[1], -known[each[0]], each[0]))
    return [each[0] for each in ranked if each[0] != word][:MAX_NEAR]
