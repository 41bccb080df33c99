"""Markdown of authors as HTML for a page: `render_markdown`.

The way of a text: it is cut to what is rendered at all, parsed to GitHub's flavour, its raw HTML
reduced to balanced tags of an allow-list, and the whole cleaned by another allow-list. Each step
assumes that the one before let something through.
"""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from time import thread_time

from shared.prose.addresses import Place
from shared.prose.bounding import MOST_CHARACTERS, Stopwatch, cut
from shared.prose.safe_html import SafeHtml, with_turns_shown

__all__ = ["Place", "SafeHtml", "render_markdown", "renderer_version"]

_CUT = f'<p class="cut">Only the first {MOST_CHARACTERS:,} characters are shown.</p>\n'
_CUT_IN_TIME = (
    '<p class="cut">The rest of this text takes too long to show. Read it in the files of the '
    "release.</p>\n"
)


def render_markdown(
    text: str, place: Place, prefix: str = "readme", clock: Callable[[], float] = thread_time
) -> SafeHtml:
    """Return the text as HTML that is safe in a page of this origin.

    `prefix` begins every id in it; two texts of one page need two prefixes. `clock` measures the
    processor: a text that takes more than about 200 ms of it is cut, and says so.
    """
    # Imported by the first text: most processes serve clients that never ask for one.
    from shared.prose.cleaning import cleaned  # noqa: PLC0415
    from shared.prose.parsing import parsed  # noqa: PLC0415

    shown = cut(text, MOST_CHARACTERS)
    raw, is_cut = parsed(shown, place, Stopwatch(clock))
    html = with_turns_shown(cleaned(raw, place, prefix))
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
