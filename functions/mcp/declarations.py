"""The Markdown of a declaration as agents read it: each member once, its comment in the source.

The Markdown of `docs_text.py` has the source in its first fence, then the comment, a call, and a
section for each member with its signature and comment.
"""

import re
from collections.abc import Iterator

_FENCED = re.compile(r"^(`{3,})ballerina\n(.*?)\n\1$", re.DOTALL | re.MULTILINE)
_SECTION = re.compile(r"^## ([^\n]+)\n\n(?=`{3,}ballerina\n)", re.MULTILINE)
_PARAMETER = re.compile(r"- `([^`\n]+)`: (.+)")
_RECORD = re.compile(r"# .* \(record of ")
_CALL = "Call"


def source_of(markdown: str) -> str:
    """Return the source of a declaration, which is the first fenced text of its documentation."""
    found = _FENCED.search(markdown)
    return found[2].strip() if found else ""


def commented_source(markdown: str) -> str:
    """Return the source of a declaration with its comment, and with those of its members."""
    source = source_of(markdown)
    if not source:
        return ""
    head, *members = _sections(markdown)
    for _, signature, comment in members:
        source = _with_comment(source, signature, comment)
    return "".join(f"{line}\n" for line in _comment_lines(head[2])) + source


def without_fields(markdown: str) -> str:
    """Return the documentation of a record with its fields in the source alone; of others as it
    is."""
    found = _FENCED.search(markdown)
    if found is None or not _RECORD.match(markdown):
        return markdown
    source = found[2]
    head, *members = _sections(markdown)
    for name, signature, comment in members:
        if " (of *" in name:  # A field of an included record is not in the source.
            return markdown
        source = _with_comment(source, signature, comment)
    said = f"\n\n{head[2]}" if head[2] else ""
    return f"{markdown[: found.start(2)]}{source}\n{found[1]}{said}\n"


def _sections(markdown: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, signature and comment of the declaration itself, without a name, and of its
    members."""
    bounds = list(_SECTION.finditer(markdown))
    starts = [("", 0), *((each[1], each.end()) for each in bounds)]
    ends = [*(each.start() for each in bounds), len(markdown)]
    for (name, start), end in zip(starts, ends, strict=True):
        part = markdown[start:end]
        found = _FENCED.search(part)
        if found is not None and name != _CALL:
            yield name, found[2].strip(), part[found.end() :].strip()


def _with_comment(source: str, signature: str, comment: str) -> str:
    """Return the source with the comment above the line of a member, unless it has one."""
    first = signature.partition("\n")[0].rstrip(";")
    place = re.search(rf"^([ \t]*){re.escape(first)}", source, re.MULTILINE)
    lines = _comment_lines(comment)
    if place is None or not lines:
        return source
    before = source[: place.start()].rstrip("\n").rpartition("\n")[2].strip()
    if before.startswith("#"):
        return source
    said = "".join(f"{place[1]}{line}\n" for line in lines)
    return f"{source[: place.start()]}{said}{source[place.start() :]}"


def _comment_lines(comment: str) -> list[str]:
    """Return the first paragraph of a comment, and what it says of parameters, as lines of a
    comment in source."""
    paragraphs = [each for each in comment.split("\n\n") if each.strip()]
    lines = list[str]()
    if paragraphs and not _PARAMETER.match(paragraphs[0]):
        lines.append(f"# {' '.join(paragraphs[0].split())}")
    for said in filter(None, map(_PARAMETER.fullmatch, comment.splitlines())):
        name = "return" if said[1] == "returns" else said[1]
        lines.append(f"# + {name} - {said[2]}")
    return lines
