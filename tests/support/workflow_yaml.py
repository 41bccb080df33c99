"""The part of YAML that workflows in the documentation use, parsed strictly."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

Node = str | list["Node"] | dict[str, "Node"]

_PAIR = re.compile(r"(?P<key>[A-Za-z_][\w.-]*):(?: (?P<value>\S.*))?")
_PLAIN = re.compile(r"[A-Za-z0-9$/.][^\t#]*")


@dataclass(frozen=True)
class Line:
    """A line without its indentation."""

    indent: int
    text: str


class Unreadable(Exception):
    """The text is not in that part of YAML."""


def read_workflow(text: str) -> Node:
    """Return the mapping that a document holds."""
    lines = [_line(each) for each in text.splitlines()]
    node, rest = _node(lines, 0)
    if _trimmed(rest):
        raise Unreadable(rest[0].text)
    return node


def _line(text: str) -> Line:
    if "\t" in text or text.rstrip() != text:
        raise Unreadable(text)
    stripped = text.lstrip(" ")
    return Line(len(text) - len(stripped), stripped)


def _trimmed(lines: list[Line]) -> list[Line]:
    while lines and not lines[0].text:
        lines = lines[1:]
    return lines


def _node(lines: list[Line], indent: int) -> tuple[Node, list[Line]]:
    lines = _trimmed(lines)
    if lines[0].text.startswith("- "):
        return _list(lines, indent)
    return _mapping(lines, indent)


def _list(lines: list[Line], indent: int) -> tuple[Node, list[Line]]:
    items: list[Node] = []
    while (lines := _trimmed(lines)) and lines[0].indent == indent:
        if not lines[0].text.startswith("- "):
            raise Unreadable(lines[0].text)
        item = Line(indent + 2, lines[0].text[2:])
        if _PAIR.fullmatch(item.text):
            node, lines = _mapping([item, *lines[1:]], indent + 2)
        else:
            node, lines = _value(item.text, lines[1:], indent)
        items.append(node)
    return items, lines


def _mapping(lines: list[Line], indent: int) -> tuple[Node, list[Line]]:
    found: dict[str, Node] = {}
    while (lines := _trimmed(lines)) and lines[0].indent == indent:
        pair = _PAIR.fullmatch(lines[0].text)
        if pair is None or pair["key"] in found:
            raise Unreadable(lines[0].text)
        found[pair["key"]], lines = _value(pair["value"] or "", lines[1:], indent)
    if lines and lines[0].indent > indent:
        raise Unreadable(lines[0].text)
    return found, lines


def _value(text: str, lines: list[Line], indent: int) -> tuple[Node, list[Line]]:
    if text == "|":
        return _block(lines, indent)
    if text:
        return _flow(text), lines
    below = _trimmed(lines)
    if not below or below[0].indent <= indent:
        raise Unreadable(text)
    return _node(below, below[0].indent)


def _block(lines: list[Line], indent: int) -> tuple[Node, list[Line]]:
    inside = list(_inside(lines, indent))
    margin = min(each.indent for each in inside if each.text)
    texts = [" " * (each.indent - margin) + each.text if each.text else "" for each in inside]
    return "\n".join(texts).rstrip("\n") + "\n", lines[len(inside) :]


def _inside(lines: list[Line], indent: int) -> Iterator[Line]:
    for line in lines:
        if line.text and line.indent <= indent:
            return
        yield line


def _flow(text: str) -> Node:
    if text.startswith("["):
        if not text.endswith("]"):
            raise Unreadable(text)
        return [_scalar(each.strip()) for each in text[1:-1].split(",")]
    return _scalar(text)


def _scalar(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"' and "\\" not in text:
        return text[1:-1]
    # Of plain texts, a colon and a space begin a mapping, and a number sign a comment.
    if not _PLAIN.fullmatch(text) or ": " in text or text.endswith(":"):
        raise Unreadable(text)
    return text
