"""Readmes and source files of authors as HTML for a page: `render_markdown` and `highlight`.

A text is cut to what is rendered at all, parsed as GitHub's Markdown, its raw HTML reduced to
balanced tags of an allow-list, and the whole cleaned by another allow-list. Each step assumes that
the one before missed something. The heavy modules are imported at the first use.
"""

from collections.abc import Callable
from functools import cache, partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from time import thread_time

from shared.prose.limits import (
    MAX_CHARACTERS,
    MAX_SOURCE_CHARACTERS,
    UNTIL_HTML,
    Stopwatch,
    truncate,
)
from shared.prose.links import TextPlace

# Markdown of authors as HTML for a page: `render_markdown`.
#
# The way of a text: it is cut to what is rendered at all, parsed to GitHub's flavour, its raw HTML
# reduced to balanced tags of an allow-list, and the whole cleaned by another allow-list. Each step
# assumes that the one before let something through.

_CUT = f'<p class="cut">Only the first {MAX_CHARACTERS:,} characters are shown.</p>\n'
_CUT_IN_TIME = (
    '<p class="cut">The rest of this text takes too long to show. Read it in the files of the '
    "release.</p>\n"
)


class SafeHtml(str):
    """Markup in which everything of an author is escaped or cleaned."""

    __slots__ = ()

    def __html__(self) -> "SafeHtml":
        """Say to templates that this is not to be escaped again."""
        return self


def render_markdown(
    text: str, place: TextPlace, prefix: str = "readme", clock: Callable[[], float] = thread_time
) -> SafeHtml:
    """Return the text as HTML that is safe in a page of this origin.

    `prefix` begins every id in it; two texts of one page need two prefixes. `clock` measures the
    processor: a text that takes more than about 200 ms of it is cut, and says so.
    """
    # Imported by the first text: most processes serve clients that never ask for one.
    from shared.prose.markdown import parse_markdown as parsed  # noqa: PLC0415
    from shared.prose.sanitizing import sanitize as cleaned  # noqa: PLC0415

    shown = truncate(text, MAX_CHARACTERS)
    raw, is_cut = parsed(shown, place, Stopwatch(clock))
    html = show_bidi_characters(cleaned(raw, place, prefix))
    if is_cut:
        return SafeHtml(html + _CUT_IN_TIME)
    return SafeHtml(html + (_CUT if len(shown) < len(text) else ""))


@cache
def renderer_version() -> str:
    """Return the digest of the code and the versions of the libraries that write the HTML."""
    code = sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        code.update(file.read_bytes())
    for library in ("markdown-it-py", "mdit-py-plugins", "nh3", "pygments"):
        code.update(f"{library} {version(library)}".encode())
    return code.hexdigest()


def highlight(path: str, text: str, clock: Callable[[], float] = thread_time) -> SafeHtml:
    """Return the lines of a file of an archive, each with the id `L-` and its number.

    What cannot be coloured in time, by `clock`, is plain.
    """
    from shared.prose.highlighting import highlight_code as coloured  # noqa: PLC0415
    from shared.prose.highlighting import load_lexer  # noqa: PLC0415

    name = PurePosixPath(path.lower())
    language = name.suffix.removeprefix(".") or name.name
    shown = truncate(text, MAX_SOURCE_CHARACTERS).removesuffix("\n")
    load_lexer(language)
    is_over = partial(Stopwatch(clock).is_over, UNTIL_HTML)
    lines = coloured(shown, language, is_over, most=MAX_SOURCE_CHARACTERS).split("\n")
    return SafeHtml(
        "\n".join(f'<span id="L-{number}">{line}</span>' for number, line in enumerate(lines, 1))
    )


# What turns the direction of a line of text: an author can make code read other than it runs
# (CVE-2021-42574). Marks that only hint at a direction, U+200E and U+200F, stay as they are.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_SHOWN = {code: f"[U+{code:04X}]" for code in _TURNING}


def show_bidi_characters(text: str) -> str:
    """Show each character that turns the direction of a line by its number."""
    return text.translate(_SHOWN)
