"""The search over the manual: sections of its pages by words, the best first.

A word also finds its other forms ("tokens", "revoking") and what it begins. Each section that has
one of the words is found; a rare word weighs more than a frequent one, and a word of a title more
than one of the text.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import log

from msgspec import Struct

from shared.prose.manual import MANUALS_KEPT, Manual, ManualPage, plain_text

MOST_FOUND = 20
MOST_WORDS = 20  # Of a query; the rest is ignored.
EXCERPT_CHARACTERS = 200

# How much more a word of a title weighs than one of the text.
_TITLE, _HEADING = 8.0, 6.0
_LEAST_ROOT = 3  # Characters.
_ENDINGS = ("ations", "ation", "ings", "ing", "ers", "er", "ed", "es", "s", "e")
# Words of questions, which nothing is about.
_FILLERS = frozenset(
    (
        *("a", "an", "and", "are", "at", "be", "by", "can", "do", "does", "for", "from", "how"),
        *("i", "if", "in", "into", "is", "it", "me", "my", "of", "on", "or", "our", "should"),
        *("that", "the", "their", "this", "to", "use", "we", "what", "when", "where", "which"),
        *("who", "why", "will", "with", "you", "your"),
    )
)

_WORD = re.compile(r"[^\W_]+(?:_[^\W_]+)*")
_SECTION = re.compile(r'(?=<h2 id=")')
_HEADING_ID = re.compile(r'<h2 id="([^"]+)">(.*?)</h2>', re.DOTALL)


class FoundSection(Struct, frozen=True):
    """A section of a page, or its beginning, which has no title of its own."""

    page: ManualPage
    title: str
    address: str
    excerpt: str


class _Section(Struct, frozen=True):
    page: ManualPage
    title: str
    address: str
    text: str
    weights: Mapping[str, float]  # By root.


class _Index(Struct, frozen=True):
    sections: tuple[_Section, ...]
    roots: tuple[str, ...]

    def weights_of(self, word: str) -> dict[str, float]:
        """Return the roots that a word finds, with how much each of them counts."""
        root = root_of(word)
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
    return [_found(index.sections[number], asked) for number in best]


def root_of(word: str) -> str:
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
    sections = tuple(section for page in manual.pages for section in _sections(page))
    roots = {root for section in sections for root in section.weights}
    return _Index(sections, tuple(sorted(roots)))


def _sections(page: ManualPage) -> Iterable[_Section]:
    for number, part in enumerate(_SECTION.split(page.html)):
        heading = _HEADING_ID.match(part)
        title = plain_text(heading[2]) if heading else ""
        address = f"{page.address}#{heading[1]}" if heading else page.address
        text = plain_text(part[heading.end() :] if heading else part)
        if title or text or number == 0:
            yield _Section(page, title, address, text, _weights(page.title, title, text))


def _weights(title: str, heading: str, text: str) -> dict[str, float]:
    counts = dict[str, int]()
    for word in _words(text):
        root = root_of(word)
        counts[root] = counts.get(root, 0) + 1
    weights = {root: 1 + log(count) for root, count in counts.items()}
    # The title of a page is that of its beginning, and says less of each section.
    for words, weight in ((title, _TITLE if not heading else _TITLE / 4), (heading, _HEADING)):
        for root in {root_of(each) for each in _words(words)}:
            weights[root] = weights.get(root, 0.0) + weight
    return weights


def _found(section: _Section, asked: Iterable[str]) -> FoundSection:
    return FoundSection(section.page, section.title, section.address, _excerpt(section.text, asked))


def _excerpt(text: str, asked: Iterable[str]) -> str:
    """Return the part of a text around the first of the words, cut between words."""
    roots = {root_of(each) for each in asked}
    at = next((m.start() for m in _WORD.finditer(text) if root_of(m[0].lower()) in roots), 0)
    start = 0 if at < EXCERPT_CHARACTERS // 2 else text.rfind(" ", 0, at - 40) + 1
    if len(text) - start <= EXCERPT_CHARACTERS:
        end = len(text)
    else:
        end = text.rfind(" ", start, start + EXCERPT_CHARACTERS)
    before, after = "… " if start else "", " …" if end < len(text) else ""
    return f"{before}{text[start:end]}{after}"


def _words(text: str) -> Iterable[str]:
    return (each[0].lower() for each in _WORD.finditer(text))
