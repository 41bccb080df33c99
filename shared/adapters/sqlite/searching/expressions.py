"""Full-text expressions, as FTS5 reads them.

The empty expression holds everywhere, as a condition that is not there does.
"""

from collections.abc import Callable, Iterable

from shared.adapters.sqlite.searching.words import Mark, facet, marked, words_of

MIN_PREFIX = 2  # One letter begins too many words to be a wish.

EVERYWHERE = ""

Word = Callable[[str, Mark], str]  # From a word and its place to the expression that finds it.


def all_of(expressions: Iterable[str]) -> str:
    """Return what holds where all of these hold."""
    return " AND ".join(f"({each})" for each in expressions if each != EVERYWHERE)


def any_of(expressions: Iterable[str]) -> str:
    """Return what holds where any of these holds, and nowhere if there are none."""
    return " OR ".join(f"({each})" for each in expressions) or _quoted(facet("nothing"))


def any_facet(facets: Iterable[str]) -> str:
    """Return what finds packages with any of these facets."""
    return any_of(_quoted(each) for each in facets)


def words(value: str, mark: Mark, word: Word) -> str:
    """Return what finds every word of `value` in the marked place; no words are found nowhere."""
    return all_of(word(each, mark) for each in words_of(value)) or any_of([])


def phrase(value: str, mark: Mark) -> str:
    """Return what finds the words of `value` beside each other in the marked place."""
    found = words_of(value)
    return _quoted(marked(mark, found)) if found else any_of([])


def exact(word: str, mark: Mark) -> str:
    """Look for the word itself."""
    return _quoted(marked(mark, [word]))


def prefix(word: str, mark: Mark) -> str:
    """Look for words that begin with this one."""
    return f"{exact(word, mark)} *" if len(word) >= MIN_PREFIX else exact(word, mark)


def _quoted(words: str) -> str:
    return f'"{words}"'
