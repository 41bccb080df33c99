"""Markdown of authors as HTML for a page: `render_markdown`.

The way of a text: it is cut to what is rendered at all, parsed to GitHub's flavour, its raw HTML
reduced to balanced tags of an allow-list, and the whole cleaned by another allow-list. Each step
assumes that the one before let something through.
"""

import asyncio
from functools import lru_cache

from shared.prose.addresses import Place
from shared.prose.bounding import MOST_CHARACTERS, cut
from shared.prose.safe_html import SafeHtml, with_turns_shown

__all__ = ["Place", "SafeHtml", "render_markdown", "rendered"]

ON_THE_LOOP = 2_048  # Characters; they take about two milliseconds.
KEPT = 64  # Texts with their HTML: some 60 MB when all are as hostile as can be.
_CUT = f'<p class="cut">Only the first {MOST_CHARACTERS:,} characters are shown.</p>\n'


def render_markdown(text: str, place: Place, prefix: str = "readme") -> SafeHtml:
    """Return the text as HTML that is safe in a page of this origin.

    `prefix` begins every id in it; two texts of one page need two prefixes.
    """
    # Imported by the first text: most processes serve clients that never ask for one.
    from shared.prose.cleaning import cleaned  # noqa: PLC0415
    from shared.prose.parsing import parsed  # noqa: PLC0415

    shown = cut(text, MOST_CHARACTERS)
    html = with_turns_shown(cleaned(parsed(shown, place), place, prefix))
    return SafeHtml(html + (_CUT if len(shown) < len(text) else ""))


async def rendered(text: str, place: Place, prefix: str = "readme") -> SafeHtml:
    """Return the same from a thread, where the text is long; what was rendered lately is kept."""
    if len(text) <= ON_THE_LOOP:
        return _kept(text, place, prefix)
    return await asyncio.to_thread(_kept, text, place, prefix)


_kept = lru_cache(maxsize=KEPT)(render_markdown)
