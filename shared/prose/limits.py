"""What the text of an author may take of a server: sizes, and the processor time of a rendering."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

MAX_MILLISECONDS = 150  # Of processor time; cleaning takes up to 50 more.
MAX_CHARACTERS = 128 * 1024  # The longest readme of the real index has a quarter of this.
MAX_SOURCE_CHARACTERS = 256 * 1024  # Of a source file; longer ones are downloaded.
MAX_NESTING = 50  # Of lists and quotes; human readers give up at five.
MAX_OPEN_TAGS = 32  # Of raw HTML; a tree builder visits all open tags at each further tag.
MAX_PARAGRAPH_CHARACTERS = 10_000  # Parsing emphasis takes more than linear time.
MAX_BRACKETS = 1_000  # In one paragraph; the parser tries each as the start of a link.
MAX_BRACKET_DEPTH = 12  # The parser searches the end of each open bracket at each further one.
MAX_CELLS = 4_000  # In all tables; the parser pads short rows to the columns of their table.
MAX_HTML_CHARACTERS = 384 * 1024  # Before cleaning, which takes 0.1 ms for a thousand.
MAX_ATTRIBUTE_CHARACTERS = 1024 * 1024  # One link definition can serve any number of links.
MAX_HIGHLIGHTED_CHARACTERS = 20_000  # Of one block of code; lexers are regular expressions.
MAX_HIGHLIGHTED_CHARACTERS_OF_TEXT = 100_000  # Of all blocks of a text.


class RenderingTimeout(Exception):
    """A rendering has used up its processor time."""


# The part of the time after which each step stops, so that what it found can still be written.
UNTIL_BLOCKS, UNTIL_PARAGRAPHS, UNTIL_HTML = 0.4, 0.75, 1.0


class Stopwatch:
    """Measures the processor time of a rendering, so that a busy machine cuts no text short."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._began = clock()

    def is_over(self, part: float) -> bool:
        """Return whether this part of `MAX_MILLISECONDS` is used up."""
        return self._clock() - self._began > part * MAX_MILLISECONDS / 1000

    def check(self, part: float) -> None:
        """Raise `RenderingTimeout` if this part of `MAX_MILLISECONDS` is used up."""
        if self.is_over(part):
            raise RenderingTimeout

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Do not measure what happens inside, which happens once in a process."""
        stopped = self._clock()
        yield
        self._began += self._clock() - stopped
