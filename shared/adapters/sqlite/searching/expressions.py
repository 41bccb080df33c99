"""Full-text expressions, as FTS5 reads them.

The empty expression holds everywhere, as a condition that is not there does.
"""

from collections.abc import Callable, Iterable

from shared.adapters.sqlite.searching.words import words_of

MIN_PREFIX = 2  # One letter begins too many words to be a wish.

EVERYWHERE = ""
NOWHERE = 'facets : "nothing"'

Word = Callable[[str], str]  # From a word to the expression that looks for it.


def all_of(expressions: Iterable[str]) -> str:
    """Return what holds where all of these hold."""
    return " AND ".join(f"({each})" for each in expressions if each != EVERYWHERE)


def any_of(expressions: Iterable[str]) -> str:
    """Return what holds where any of these holds; none of them holds nowhere."""
    each = list(expressions)
    if EVERYWHERE in each:
        return EVERYWHERE
    return " OR ".join(f"({expression})" for expression in each) or NOWHERE


def any_facet(facets: Iterable[str]) -> str:
    """Return what finds rows with any of these facets."""
    found = " OR ".join(exact(facet) for facet in facets)
    return f"facets : ({found})" if found else NOWHERE


def words(value: str, columns: str, word: Word) -> str:
    """Return what finds every word of `value` in the columns; no words are found nowhere."""
    found = all_of(word(each) for each in words_of(value))
    return f"{{{columns}}} : ({found})" if found else NOWHERE


def phrase(value: str, columns: str) -> str:
    """Return what finds the words of `value` beside each other in one of the columns."""
    return f"{{{columns}}} : {exact(' '.join(words_of(value)))}"


def exact(word: str) -> str:
    """Look for the word itself."""
    return f'"{word}"'


def prefix(word: str) -> str:
    """Look for words that begin with this one."""
    return f"{exact(word)} *" if len(word) >= MIN_PREFIX else exact(word)
