"""Two signatures as one text, whose words were kept, deleted or inserted."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


class WordChange(Enum):
    """A change of words; its value is the HTML element that marks it."""

    KEPT = "span"
    DELETED = "del"
    INSERTED = "ins"


@dataclass(frozen=True, slots=True)
class ChangedWords:
    """Words that follow each other and share a fate."""

    change: WordChange
    text: str


@dataclass(slots=True)
class CompareRoom:
    """How many pairs of words may still be compared: the time grows with their number."""

    pairs: int

    def take(self, before: int, after: int) -> bool:
        """Check whether so many words of each text may be compared, and count them."""
        if before * after > self.pairs:
            return False
        self.pairs -= before * after
        return True


def changed_words(before: str, after: str, room: CompareRoom) -> list[ChangedWords]:
    """Return the words of both texts in order; where there is no room, all of one and then all of
    the other."""
    if not before or not after:
        return list(_replaced(before, after))
    old, new = _WORD.findall(before), _WORD.findall(after)
    if not room.take(len(old), len(new)):
        return list(_replaced(before, after))
    return list(_compared(old, new))


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[ChangedWords]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, begin, end, new_begin, new_end in matcher.get_opcodes():
        if kind == "equal":
            yield ChangedWords(WordChange.KEPT, "".join(old[begin:end]))
        else:
            yield from _replaced("".join(old[begin:end]), "".join(new[new_begin:new_end]))


def _replaced(before: str, after: str) -> Iterator[ChangedWords]:
    if before:
        yield ChangedWords(WordChange.DELETED, before)
    if after:
        yield ChangedWords(WordChange.INSERTED, after)
