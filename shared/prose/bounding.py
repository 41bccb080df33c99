"""How much of a text is rendered: bounds on what an author can make a server do."""

import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

MOST_MILLISECONDS = 150  # Of the processor; cleaning takes up to 50 more.
MOST_CHARACTERS = 128 * 1024  # The longest readme of the real index has a quarter of them.
MOST_SOURCE_CHARACTERS = 256 * 1024  # Of a file that is shown; a longer one is downloaded.
MOST_NESTING = 50  # Lists in lists, quotes in quotes; readers give up at five.
MOST_OPEN_TAGS = 32  # Raw HTML: a tree builder walks all that is open for each further tag.
MOST_IN_A_PARAGRAPH = 10_000  # Characters; parsing marks costs more than the length times.
MOST_BRACKETS = 1_000  # In one paragraph; each may begin a link, and is tried.
MOST_BRACKET_DEPTH = 12  # Each that is open is looked for an end for, again at each further one.
MOST_CELLS = 4_000  # In all tables; a short row is filled up to the columns of its table.
MOST_HTML = 384 * 1024  # Characters before cleaning, which takes 0.1 ms for a thousand of them.
MOST_IN_ATTRIBUTES = 1024 * 1024  # Characters: one definition serves any number of links.
MOST_IN_AN_ADDRESS = 2_048  # Characters; what browsers and proxies agree on.
MOST_HIGHLIGHTED = 20_000  # Characters of one block of code, by regular expressions.
MOST_HIGHLIGHTED_OF_A_TEXT = 100_000  # Characters of all its blocks together.


def cut(text: str, most: int) -> str:
    """Return the text, or as many whole lines of its beginning as fit."""
    if len(text) <= most:
        return text
    return text[: text.rfind("\n", 0, most) + 1] or text[:most]


_BRACKET = re.compile(r"[\[\]]")


def bracket_depth(text: str) -> int:
    """Return how many brackets are open at most, whatever they mean."""
    deepest = depth = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found[0] == "[" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


class OutOfTime(Exception):
    """A rendering has used up its time."""


# Up to which part of the time each step may go on, so that what is found is also shown.
UNTIL_BLOCKS, UNTIL_PARAGRAPHS, UNTIL_HTML = 0.4, 0.75, 1.0


class Stopwatch:
    """Measures a rendering, by the time of the processor: a busy machine cuts no text short."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        """Begin now."""
        self._clock = clock
        self._began = clock()

    def is_over(self, part: float) -> bool:
        """Say whether this part of the time is used up."""
        return self._clock() - self._began > part * MOST_MILLISECONDS / 1000

    def check(self, part: float) -> None:
        """Raise `OutOfTime` when it is."""
        if self.is_over(part):
            raise OutOfTime

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Do not count what is done inside, which is done once in a process."""
        stopped = self._clock()
        yield
        self._began += self._clock() - stopped
