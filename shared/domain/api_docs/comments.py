"""What the documentation says of doc comments and of the annotations beside them."""

import re
from collections.abc import Iterable

from shared.ballerina.syntax import AttachedAnnotation

_DEPRECATED = re.compile(r"^#{1,6}[ \t]+Deprecated\b[^\n]*\n?", re.MULTILINE | re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}[ \t]", re.MULTILINE)


def is_marked_deprecated(annotations: tuple[AttachedAnnotation, ...]) -> bool:
    """Check for `@deprecated`."""
    return any(not each.prefix and each.name == "deprecated" for each in annotations)


def markdown(text: str) -> str:
    """Return the part of a doc comment before its parameters and sections."""
    lines: list[str] = []
    is_code = False
    for line in text.splitlines(keepends=True):
        if not is_code and line.startswith(("+ ", "# ")):
            break
        is_code ^= line.startswith("```")
        lines.append(line)
    return "".join(lines)


def without_deprecation(text: str) -> str:
    """Return a text without the part that says what to use instead, which pages show apart."""
    heading = _DEPRECATED.search(text)
    if heading is None:
        return text
    after = _HEADING.search(text, heading.end())
    return text[: heading.start()] + (text[after.start() :] if after else "")


def deprecation_in(texts: Iterable[str]) -> str:
    """Return the part in the first text that has one; empty if none has."""
    for text in texts:
        if heading := _DEPRECATED.search(text):
            after = _HEADING.search(text, heading.end())
            return text[heading.end() : after.start() if after else len(text)].strip()
    return ""
