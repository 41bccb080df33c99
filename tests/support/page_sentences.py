"""The sentences of a page in Markdown, and the tests that a sentence names itself."""

import re
from collections.abc import Iterator

PROOF = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_BLOCK = re.compile(r"```.*?```|<!-- outbound -->.*?<!-- end -->|<!--.*?-->", re.DOTALL)
_LIST_ITEM = re.compile(r"(?:-|\d+\.) ")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z*`(])")
_TABLE_RULE = re.compile(r"\|(?:---\|)+")


def sentences_of(page: str) -> Iterator[str]:
    """Yield the sentences of paragraphs, list items and rows of tables, without links, in their
    order. Headings, code and generated tables have none."""
    for block in re.split(r"\n{2,}", _BLOCK.sub("", page)):
        if not block.strip() or block.lstrip().startswith("#"):
            continue
        for text in _texts(block.strip()):
            joined = _LINK.sub(r"\1", " ".join(text.split()))
            yield from (each for each in _END.split(joined) if each)


def _texts(block: str) -> Iterator[str]:
    lines = block.splitlines()
    if lines[0].startswith("|"):
        rows = [line for line in lines[1:] if not _TABLE_RULE.fullmatch(line)]
        for row in rows:
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            if not cells[0].removeprefix("API").isdecimal():  # The contents of a section are none.
                yield " | ".join(cells)
        return
    item: list[str] = []
    for line in lines:
        if _LIST_ITEM.match(line) and item:
            yield "\n".join(item)
            item = []
        item.append(_LIST_ITEM.sub("", line, count=1) if _LIST_ITEM.match(line) else line)
    yield "\n".join(item)
