"""Readmes and source files of authors as HTML for a page: `render_markdown` and `highlight`.

A text is truncated, parsed as GitHub's Markdown, and cleaned by an allow-list. `TextPlace` resolves
links and pictures. The time and memory of hostile texts are bounded by the budget of the confined
process, where all texts of authors are rendered. The modules with heavy imports are loaded by the
first text.
"""

from functools import cache
from hashlib import sha256
from html import escape
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from shared.prose.safe_html import SafeHtml, show_bidi_characters
from shared.prose.text_links import TextPlace

MAX_CHARACTERS = 128 * 1024  # The longest readme of the real index has a quarter of this.
# The longest shown part of a source file; the whole file can be downloaded.
MAX_SOURCE_CHARACTERS = 256 * 1024

_TRUNCATED = f'<p class="cut">Only the first {MAX_CHARACTERS:,} characters are shown.</p>\n'


def render_markdown(text: str, place: TextPlace, prefix: str = "readme") -> SafeHtml:
    """Return the text as HTML that is safe in a page of this origin.

    `prefix` begins every id in it, so two texts of one page need two prefixes.
    """
    from shared.prose.markdown import parse_markdown  # noqa: PLC0415 - see above.
    from shared.prose.sanitizing import sanitize  # noqa: PLC0415

    shown = truncate(text, MAX_CHARACTERS)
    html = show_bidi_characters(sanitize(parse_markdown(shown, place), place, prefix))
    return SafeHtml(html + (_TRUNCATED if len(shown) < len(text) else ""))


def highlight(path: str, text: str) -> SafeHtml:
    """Return the lines of a source file as HTML, each with the id `L-` and its number."""
    from shared.prose.highlighting import highlight_code  # noqa: PLC0415 - see above.

    name = PurePosixPath(path.lower())
    language = name.suffix.removeprefix(".") or name.name
    shown = truncate(text, MAX_SOURCE_CHARACTERS).removesuffix("\n")
    return _numbered(highlight_code(shown, language))


def show_plain(text: str) -> SafeHtml:
    """Return the lines of a source file as `highlight` does, without colors."""
    shown = truncate(text, MAX_SOURCE_CHARACTERS).removesuffix("\n")
    plain = show_bidi_characters(escape(shown, quote=False))
    return _numbered(plain.replace("\r\n", "\n").replace("\r", "\n"))


def _numbered(html: str) -> SafeHtml:
    lines = html.split("\n")
    return SafeHtml(
        "\n".join(f'<span id="L-{number}">{line}</span>' for number, line in enumerate(lines, 1))
    )


@cache
def renderer_version() -> str:
    """Return a digest of the code and of the versions of the libraries that write the HTML."""
    code = sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        code.update(file.read_bytes())
    for library in ("markdown-it-py", "mdit-py-plugins", "nh3", "pygments"):
        code.update(f"{library} {version(library)}".encode())
    return code.hexdigest()


def truncate(text: str, limit: int) -> str:
    """Return the text, or as many whole lines of its beginning as fit."""
    if len(text) <= limit:
        return text
    return text[: text.rfind("\n", 0, limit) + 1] or text[:limit]
