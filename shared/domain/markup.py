"""Writing XML: elements with their texts escaped, and nothing in them that XML cannot hold."""

import re

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def element(name: str, *content: str) -> str:
    """Return an element around markup, such as other elements."""
    inside = "".join(content)
    return f"<{name}>{inside}</{name}>" if inside else f"<{name}/>"


def leaf(name: str, value: object) -> str:
    """Return an element around a text or a number."""
    return element(name, _FORBIDDEN.sub("", str(value)).translate(_ESCAPES))


def flag(name: str, value: object) -> str:
    """Return an element that is true or false."""
    return element(name, "true" if value else "false")


def document(root: str) -> bytes:
    """Return a whole document of this root element."""
    return f"{_DECLARATION}{root}\n".encode()
