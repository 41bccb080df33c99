"""The search over the manual: sections of its pages by words, the best first.

A word also finds its other forms ("tokens", "revoking") and what it begins. Each section that has
one of the words is found; a rare word weighs more than a frequent one, and a word of a title more
than one of the text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import log

from msgspec import Struct

from shared.prose.manual import MANUALS_KEPT, Manual, ManualPage, Section

MOST_FOUND = 20
MOST_WORDS = 20  # Of a query; the rest is ignored.
EXCERPT_CHARACTERS = 200

# How much more a word of a title weighs than one of the text.
_TITLE = 8.0
_HEADING = 6.0
_LEAST_ROOT = 3  # Characters.
_ENDINGS = ("ations", "ation", "ings", "ing", "ers", "er", "ed", "es", "s", "e")
# Words of questions, which nothing is about.
_FILLERS = frozenset(
    (
        "a",
        "an",
        "and",
        "are",
        "at",
        "be",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "should",
        "that",
        "the",
        "their",
        "this",
        "to",
        "use",
        "we",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "you",
        "your",
    )
)

_WORD = re.compile(r"[^\W_]+(?:_[^\W_]+)*")


class FoundSection(Struct, frozen=True):
    """A section of a page, and the part of its text that the query is about."""

    page: ManualPage
    section: Section
    excerpt: str

    @property
    def address(self) -> str:
        fragment = f"#{self.section.id}" if self.section.id else ""
        return f"{self.page.address}{fragment}"


class _IndexedSection(Struct, frozen=True):
    page: ManualPage
    section: Section
    weights: Mapping[str, float]  # By root.


class _Index(Struct, frozen=True):
    sections: tuple[_IndexedSection, ...]
    roots: tuple[str, ...]

    def weights_of(self, word: str) -> dict[str, float]:
        """Return the roots that a word finds, with how much each of them counts."""
        root = _root_of(word)
        found = {each: 0.5 for each in self.roots if each.startswith(root)}
        return found | ({root: 1.0} if root in found else {})


def search_manual(manual: Manual, query: str) -> list[FoundSection]:
    """Return the sections that a query finds, which takes half a second the first time, since
    every page is rendered."""
    asked = [each for each in _words(query) if each not in _FILLERS] or list(_words(query))
    index = _index(manual)
    scores = dict[int, float]()
    for word in dict.fromkeys(asked[:MOST_WORDS]):
        for number, score in _scores(index, word).items():
            scores[number] = scores.get(number, 0.0) + score
    best = sorted(scores, key=lambda number: (-scores[number], number))[:MOST_FOUND]
    sections = [index.sections[number] for number in best]
    return [
        FoundSection(each.page, each.section, _excerpt(each.section.text, asked))
        for each in sections
    ]


def _root_of(word: str) -> str:
    """Return what the forms of an English word have in common."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_ROOT:
            return word.removesuffix(ending)
    return word


def _scores(index: _Index, word: str) -> dict[int, float]:
    """Return the score that a word gives to sections, by their numbers."""
    roots = index.weights_of(word)
    found = dict[int, float]()
    for number, section in enumerate(index.sections):
        weight = max((section.weights.get(each, 0.0) * roots[each] for each in roots), default=0.0)
        if weight:
            found[number] = weight
    rarity = log(1 + len(index.sections) / (1 + len(found)))
    return {number: weight * rarity for number, weight in found.items()}


@lru_cache(maxsize=MANUALS_KEPT)
def _index(manual: Manual) -> _Index:
    sections = tuple(
        _IndexedSection(page, section, _weights(page.title, section))
        for page in manual.pages
        for section in page.render().sections
    )
    roots = {root for each in sections for root in each.weights}
    return _Index(sections, tuple(sorted(roots)))


def _weights(title: str, section: Section) -> dict[str, float]:
    counts = Counter(map(_root_of, _words(section.text)))
    weights = {root: 1 + log(count) for root, count in counts.items()}
    # The title of a page is that of its beginning, and says less of each section.
    of_title = _TITLE / 4 if section.title else _TITLE
    for words, weight in ((title, of_title), (section.title, _HEADING)):
        for root in set(map(_root_of, _words(words))):
            weights[root] = weights.get(root, 0.0) + weight
    return weights


def _excerpt(text: str, asked: Iterable[str]) -> str:
    """Return the part of a text around the first of the words, cut between words."""
    roots = {_root_of(each) for each in asked}
    at = next((m.start() for m in _WORD.finditer(text) if _root_of(m[0].lower()) in roots), 0)
    start = 0 if at < EXCERPT_CHARACTERS // 2 else text.rfind(" ", 0, at - 40) + 1
    shown = text[start : start + EXCERPT_CHARACTERS]
    is_cut = start + len(shown) < len(text)
    if is_cut:
        shown = shown.rpartition(" ")[0] or shown
    before = "… " if start else ""
    after = " …" if is_cut else ""
    return f"{before}{shown}{after}"


def _words(text: str) -> Iterable[str]:
    return (each[0].lower() for each in _WORD.finditer(text))
