"""How much of a text is rendered: bounds on what an author can make a server do."""

MOST_CHARACTERS = 128 * 1024  # The longest readme of the real index has a quarter of them.
MOST_SOURCE_CHARACTERS = 256 * 1024  # Of a file that is shown; a longer one is downloaded.
MOST_NESTING = 50  # Lists in lists, quotes in quotes; readers give up at five.
MOST_OPEN_TAGS = 32  # Raw HTML: a tree builder walks all that is open for each further tag.
MOST_IN_A_PARAGRAPH = 10_000  # Characters; parsing marks costs more than the length times.
MOST_BRACKETS = 1_000  # In one paragraph; each may begin a link, and is tried.
MOST_IN_ATTRIBUTES = 1024 * 1024  # Characters: one definition serves any number of links.
MOST_IN_AN_ADDRESS = 2_048  # Characters; what browsers and proxies agree on.
MOST_HIGHLIGHTED = 20_000  # Characters of one block of code, by regular expressions.
MOST_HIGHLIGHTED_OF_A_TEXT = 100_000  # Characters of all its blocks together.


def cut(text: str, most: int) -> str:
    """Return the text, or as many whole lines of its beginning as fit."""
    if len(text) <= most:
        return text
    return text[: text.rfind("\n", 0, most) + 1] or text[:most]
