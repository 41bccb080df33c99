"""Files of archives in colours: `highlight`."""

from pathlib import PurePosixPath

from shared.prose.bounding import MOST_SOURCE_CHARACTERS, cut
from shared.prose.safe_html import SafeHtml

__all__ = ["SafeHtml", "highlight"]


def highlight(path: str, text: str) -> SafeHtml:
    """Return the lines of a file of an archive, each with the id `L-` and its number."""
    from shared.prose.colouring import coloured  # noqa: PLC0415 - most processes show no code.

    name = PurePosixPath(path.lower())
    language = name.suffix.removeprefix(".") or name.name
    shown = cut(text, MOST_SOURCE_CHARACTERS).removesuffix("\n")
    lines = coloured(shown, language, most=MOST_SOURCE_CHARACTERS).split("\n")
    return SafeHtml(
        "\n".join(f'<span id="L-{number}">{line}</span>' for number, line in enumerate(lines, 1))
    )
