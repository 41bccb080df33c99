"""Files of archives in colours: `highlight`."""

from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath
from time import thread_time

from shared.prose.bounding import MOST_SOURCE_CHARACTERS, UNTIL_HTML, Stopwatch, cut
from shared.prose.safe_html import SafeHtml

__all__ = ["SafeHtml", "highlight"]


def highlight(path: str, text: str, clock: Callable[[], float] = thread_time) -> SafeHtml:
    """Return the lines of a file of an archive, each with the id `L-` and its number.

    What cannot be coloured in time, by `clock`, is plain.
    """
    from shared.prose.colouring import (  # noqa: PLC0415 - most processes show no code.
        coloured,
        load_lexer,
    )

    name = PurePosixPath(path.lower())
    language = name.suffix.removeprefix(".") or name.name
    shown = cut(text, MOST_SOURCE_CHARACTERS).removesuffix("\n")
    load_lexer(language)
    is_over = partial(Stopwatch(clock).is_over, UNTIL_HTML)
    lines = coloured(shown, language, is_over, most=MOST_SOURCE_CHARACTERS).split("\n")
    return SafeHtml(
        "\n".join(f'<span id="L-{number}">{line}</span>' for number, line in enumerate(lines, 1))
    )
