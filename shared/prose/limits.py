"""Limits on rendering: what an author can make a server do."""

import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

MAX_MILLISECONDS = 150  # Of the processor; cleaning takes up to 50 more.
MAX_CHARACTERS = 128 * 1024  # The longest readme of the real index has a quarter of them.
MAX_SOURCE_CHARACTERS = 256 * 1024  # Of a file that is shown; a longer one is downloaded.
MAX_NESTING = 50  # Lists in lists, quotes in quotes; readers give up at five.
MAX_OPEN_TAGS = 32  # Raw HTML: a tree builder walks all that is open for each further tag.
MAX_PARAGRAPH_CHARACTERS = 10_000  # Characters; parsing marks costs more than the length times.
MAX_BRACKETS = 1_000  # In one paragraph; each may begin a link, and is tried.
MAX_BRACKET_DEPTH = 12  # Each that is open is looked for an end for, again at each further one.
MAX_CELLS = 4_000  # In all tables; a short row is filled up to the columns of its table.
MAX_HTML_CHARACTERS = (
    384 * 1024
)  # Characters before cleaning, which takes 0.1 ms for a thousand of them.
MAX_ATTRIBUTE_CHARACTERS = 1024 * 1024  # Characters: one definition serves any number of links.
MAX_LINK_CHARACTERS = 2_048  # Characters; what browsers and proxies agree on.
MAX_HIGHLIGHTED_CHARACTERS = 20_000  # Characters of one block of code, by regular expressions.
MAX_HIGHLIGHTED_CHARACTERS_OF_TEXT = 100_000  # Characters of all its blocks together.


def truncate(text: str, most: int) -> str:
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


class RenderingTimeout(Exception):
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
        return self._clock() - self._began > part * MAX_MILLISECONDS / 1000

    def check(self, part: float) -> None:
        """Raise `RenderingTimeout` when it is."""
        if self.is_over(part):
            raise RenderingTimeout

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Do not count what is done inside, which is done once in a process."""
        stopped = self._clock()
        yield
        self._began += self._clock() - stopped
