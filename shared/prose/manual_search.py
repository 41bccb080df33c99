"""The search over the manual: sections of its pages by words, the best first.

A word also finds its other forms ("tokens", "revoking") and what it begins. Each section that has
one of the words is found; a rare word weighs more than a frequent one, and a word of a title more
than one of the text.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import log

from msgspec import Struct

from shared.prose.manual import Manual, ManualPage, Section

MOST_FOUND = 20
MOST_WORDS = 20  # Words of a query that are searched for; the rest is ignored.
EXCERPT_CHARACTERS = 200

# How much more a word of a title weighs than one of the text.
_TITLE = 8.0
_HEADING = 6.0
_LEAST_ROOT = 3  # Characters of the shortest root of a word.
_ENDINGS = ("ations", "ation", "ings", "ing", "ers", "er", "ed", "es", "s", "e")
# Words of questions that no section is about.
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


class _Searched(Struct, frozen=True):
    """A section, and its texts in small letters, each with what it weighs to have a word there."""

    page: ManualPage
    section: Section
    text: str
    titles: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, page: ManualPage, section: Section) -> "_Searched":
        # The title of a page is that of its beginning, and says less of each section.
        of_page = _TITLE / 4 if section.title else _TITLE
        titles = (page.title.lower(), of_page), (section.title.lower(), _HEADING)
        return cls(page, section, section.text.lower(), titles)

    def weights(self, root: str, find: Callable[[str], list[str]]) -> Mapping[str, float]:
        """Return what each root that begins with this one weighs; `find` returns its words."""
        weights = dict[str, float]()
        if root in self.text:
            counts = _roots(find(self.text), root)
            weights = {each: 1 + log(count) for each, count in counts.items()}
        for title, weight in self.titles:
            if root in title:
                for each in _roots(find(title), root):
                    weights[each] = weights.get(each, 0.0) + weight
        return weights


def search_manual(manual: Manual, query: str) -> list[FoundSection]:
    """Return the sections that a query finds. Single letters are ignored: they are nearly
    everywhere, which takes long to find and says nothing.
    """
    words = [each for each in _words(query) if len(each) > 1]
    asked = [each for each in words if each not in _FILLERS] or words
    sections = [_Searched.of(page, each) for page in manual.pages for each in page.sections]
    scores = dict[int, float]()
    for word in dict.fromkeys(asked[:MOST_WORDS]):
        for number, score in _scores(sections, _root_of(word)).items():
            scores[number] = scores.get(number, 0.0) + score
    best = sorted(scores, key=lambda number: (-scores[number], number))[:MOST_FOUND]
    found = [sections[number] for number in best]
    return [
        FoundSection(each.page, each.section, _excerpt(each.section.text, asked)) for each in found
    ]


def _root_of(word: str) -> str:
    """Return what the forms of an English word have in common."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_ROOT:
            return word.removesuffix(ending)
    return word


def _scores(sections: Sequence[_Searched], root: str) -> dict[int, float]:
    """Return the score that a root gives to sections, by their numbers."""
    # The letters come first, because they are found faster than words.
    pattern = rf"{root}(?<![^\W_]{root})(?<![^\W_]_{root})"
    # One or two letters are a whole word, since nearly every word begins with them.
    pattern += r"[^\W_]*(?:_[^\W_]+)*" if len(root) >= _LEAST_ROOT else r"(?!\w)"
    find = re.compile(pattern).findall
    found = dict[int, float]()
    for number, section in enumerate(sections):
        weights = section.weights(root, find)
        if weights:
            found[number] = max(weight * _share(each, root) for each, weight in weights.items())
    rarity = log(1 + len(sections) / (1 + len(found)))
    return {number: weight * rarity for number, weight in found.items()}


def _share(found: str, root: str) -> float:
    """Return how much a root counts that begins with the one that was asked for."""
    return 1.0 if found == root else 0.5


def _roots(words: Iterable[str], beginning: str) -> Mapping[str, int]:
    """Return how often each root is there that begins so."""
    counts = Counter[str]()
    for word, count in Counter(words).items():
        counts[_root_of(word)] += count
    return {root: count for root, count in counts.items() if root.startswith(beginning)}


def _excerpt(text: str, asked: Iterable[str]) -> str:
    """Return the part of a text around the first of the words, cut between words."""
    roots = tuple({_root_of(each) for each in asked})
    words = ((found.start(), found[0].lower()) for found in _WORD.finditer(text))
    begun = ((place, word) for place, word in words if word.startswith(roots))
    at = next((place for place, word in begun if _root_of(word) in roots), 0)
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
