"""Parts of doc comments, as Central's documentation has them: the description, what parameters and
what is returned mean, and sections.

Central drops all blanks after each `#`, which destroys nested lists; `DocComment.text` has the
comment as it was meant, with one blank dropped.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.ballerina.syntax import AttachedAnnotation, DocComment

_PARAMETER = re.compile(r"\+[ \t]*+((?:[^\s\\-]|\\.)++)[ \t]*+-[ \t]*+(.*)", re.DOTALL).match
_HEADING = "# "
_FENCE = "```"
_RETURN = "return"


def read_doc_comment(source: str) -> DocComment:
    """Read lines that begin with `#`, blanks before it aside. Empty lines are between blocks: the
    compiler joins these without a line between them, and Markdown needs one."""
    parts = _Parts()
    texts: list[str] = []
    for line in source.split("\n"):
        if not line:
            texts.append("\n")
            continue
        text = line.lstrip(" \t").removeprefix("#").rstrip("\r")
        texts.append(text.removeprefix(" ") + "\n")
        parts.add(text)
    return DocComment(
        description="".join(parts.description),
        parameters=tuple((name, "".join(lines)) for name, lines in parts.parameters),
        returns="".join(parts.returns),
        sections=tuple("".join(lines) for lines in parts.sections),
        text="".join(texts),
    )


@dataclass
class _Parts:
    """The parts read so far, and those that the next line belongs to."""

    description: list[str] = field(default_factory=list[str])
    parameters: list[tuple[str, list[str]]] = field(default_factory=list[tuple[str, list[str]]])
    returns: list[str] = field(default_factory=list[str])
    sections: list[list[str]] = field(default_factory=list[list[str]])

    def __post_init__(self) -> None:
        self._parameter: list[str] | None = None
        self._section: list[str] | None = None
        self._in_description = True
        self._in_fence = False

    def add(self, text: str) -> None:
        """Add a line without its `#`."""
        if self._in_fence:
            self._in_fence = not text.lstrip(" \t").startswith(_FENCE)
            self._append(text.removeprefix(" ") + "\n")
            return
        text = text.lstrip(" \t")
        if not text:
            self._parameter = self._section = None
        elif text.startswith("+") and (match := _PARAMETER(text)):
            self._begin_parameter(match[1], match[2])
            return
        elif text.startswith(_HEADING):
            self._in_description = False
            self._section = list[str]()
            self.sections.append(self._section)
        self._in_fence = text.startswith(_FENCE)
        self._append(text + "\n")

    def _begin_parameter(self, name: str, text: str) -> None:
        self._in_description = False
        self._section = None
        self._parameter = [text + "\n"]
        if name == _RETURN:
            self.returns = self._parameter
        else:
            self.parameters.append((name, self._parameter))

    def _append(self, line: str) -> None:
        """Add a line to each part that it belongs to."""
        if self._in_description:
            self.description.append(line)
        for part in (self._parameter, self._section):
            if part is not None:
                part.append(line)


_DEPRECATED = re.compile(r"^#{1,6}[ \t]+Deprecated\b[^\n]*\n?", re.MULTILINE | re.IGNORECASE)
_SECTION = re.compile(r"^#{1,6}[ \t]", re.MULTILINE)


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
    after = _SECTION.search(text, heading.end())
    return text[: heading.start()] + (text[after.start() :] if after else "")


def deprecation_in(texts: Iterable[str]) -> str:
    """Return the part in the first text that has one; empty if none has."""
    for text in texts:
        if heading := _DEPRECATED.search(text):
            after = _SECTION.search(text, heading.end())
            return text[heading.end() : after.start() if after else len(text)].strip()
    return ""
