"""The order of Maven versions, as `ComparableVersion` of Maven 3.9 has it.

https://maven.apache.org/pom.html#version-order-specification describes it. Versions that are equal,
such as 1, 1.0 and 1.0-final, need not be spelled alike.
"""

from functools import lru_cache
from itertools import zip_longest
from typing import TypeAlias

MAX_MAVEN_VERSION = 256  # Characters. The longest in Maven Central has about 100.

_DIGITS = frozenset("0123456789")
_QUALIFIERS = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_RANKS = {word: str(rank) for rank, word in enumerate(_QUALIFIERS)}
_RELEASE = _RANKS[""]
_ALIASES = {"ga": "", "final": "", "release": "", "cr": "rc"}
_BEFORE_DIGIT = {"a": "alpha", "b": "beta", "m": "milestone"}


class _Word:
    """Letters. Unknown ones come after all that Maven knows, in the order of the alphabet."""

    def __init__(self, text: str, *, is_before_digit: bool = False) -> None:
        spelled = _BEFORE_DIGIT.get(text, text) if is_before_digit else text
        known = _ALIASES.get(spelled, spelled)
        self.rank = _RANKS.get(known, f"{len(_QUALIFIERS)}-{known}")


class _List(list["int | _Word | _List"]):
    """What stands between two hyphens, or between digits and letters."""

    def normalize(self) -> None:
        """Remove what is empty or zero from the end, and from before the lists at the end."""
        for at in range(len(self) - 1, -1, -1):
            if _is_null(self[at]):
                del self[at]
            elif not isinstance(self[at], _List):
                return


_Item: TypeAlias = int | _Word | _List


def _is_null(item: _Item) -> bool:
    return item.rank == _RELEASE if isinstance(item, _Word) else not item


class MavenVersion:
    """A version that can be compared with others."""

    def __init__(self, text: str) -> None:
        self._items = _parse(text.lower())

    def __lt__(self, other: "MavenVersion") -> bool:
        return _compare_lists(self._items, other._items) < 0

    def __le__(self, other: "MavenVersion") -> bool:
        return _compare_lists(self._items, other._items) <= 0


def parse_maven_version(text: str) -> MavenVersion | None:
    """Return the version, which any text is; None if it is too long."""
    return _parsed(text) if 0 < len(text) <= MAX_MAVEN_VERSION else None


# Cached, because the same boundaries are compared with each version.
@lru_cache(maxsize=16_384)
def _parsed(text: str) -> MavenVersion:
    return MavenVersion(text)


class _Lists:
    """A list that grows at its end, with lists inside lists."""

    def __init__(self) -> None:
        self.whole = _List()
        self._open = [self.whole]

    def add(self, text: str, *, is_digit: bool) -> None:
        if text:
            self._open[-1].append(int(text) if is_digit else _Word(text))
        else:
            self._open[-1].append(0)

    def add_before_digit(self, word: str) -> None:
        self._open[-1].append(_Word(word, is_before_digit=True))

    def begin(self) -> None:
        inner = _List()
        self._open[-1].append(inner)
        self._open.append(inner)

    def begin_after_items(self) -> None:
        """Begin a list before a word, so that 1.0.rc1 comes before 1.0-rc2."""
        if self._open[-1]:
            self.begin()

    def end(self) -> _List:
        for each in reversed(self._open):
            each.normalize()
        return self.whole


def _parse(text: str) -> _List:
    lists = _Lists()
    is_digit = False
    start = 0
    for at, sign in enumerate(text):
        if sign in ".-":
            lists.add(text[start:at], is_digit=is_digit)
            start = at + 1
            if sign == "-":
                lists.begin()
        elif sign in _DIGITS:
            if not is_digit and at > start:
                lists.begin_after_items()
                lists.add_before_digit(text[start:at])
                lists.begin()
                start = at
            is_digit = True
        else:
            if is_digit and at > start:
                lists.add(text[start:at], is_digit=True)
                lists.begin()
                start = at
            is_digit = False
    if len(text) > start:
        if not is_digit:
            lists.begin_after_items()
        lists.add(text[start:], is_digit=is_digit)
    return lists.end()


def _compare_lists(left: _List, right: _List) -> int:
    """Return a number below, at or above 0. Anybody's version may nest as deep as it is long, so
    this is a loop with a stack, and not a recursion."""
    waiting = [zip_longest(left, right)]
    while waiting:
        pair = next(waiting[-1], None)
        if pair is None:
            waiting.pop()
            continue
        first, second = pair
        if isinstance(first, _List | None) and isinstance(second, _List | None):
            waiting.append(zip_longest(first or (), second or ()))
        elif found := _compare(first, second):
            return found
    return 0


def _compare(left: _Item | None, right: _Item | None) -> int:
    """Return a number below, at or above 0; None is what one of two lists has no more, and one of
    both is no list."""
    if left is None:
        return 0 if right is None else -_compare(right, None)
    if isinstance(left, int):
        if right is None:
            return int(left != 0)
        return _sign(left, right) if isinstance(right, int) else 1
    if isinstance(left, _Word):
        if right is None:
            return _sign(left.rank, _RELEASE)
        return _sign(left.rank, right.rank) if isinstance(right, _Word) else -1
    return -1 if isinstance(right, int) else 1


def _sign(left: int | str, right: int | str) -> int:
    if left == right:
        return 0
    return -1 if left < right else 1  # pyright: ignore[reportOperatorIssue]
