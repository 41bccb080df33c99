"""The segments of the path of a resource method: `users/[int id]/[string... rest]`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A path is divided in one pass: it may be as long as a source.
_STRING = r'"(?:[^"\\]|\\.)*+"'
_PART = re.compile(rf"{_STRING}|\\.|[^\\/\[\]\"]++|.", re.DOTALL)
_TOKEN = re.compile(rf"{_STRING}|(?P<name>'?(?:\w|\\u\{{[0-9a-fA-F]++\}}|\\[^\w\s])++)|\S")
_INSIDE_TYPES = (":", "|", "&")  # A name after one of them is that of a type.
_REST = "..."


@dataclass(frozen=True, slots=True)
class PathSegment:
    """A word, or a parameter in brackets, which has a type and perhaps a name."""

    text: str
    type: str = ""
    name: str = ""
    is_rest: bool = False

    @property
    def is_parameter(self) -> bool:
        return self.text.startswith("[")


def path_segments(path: str) -> list[PathSegment]:
    """The path `.` has no segments."""
    texts = (text.strip() for text in _divided(path))
    return [_segment(text) for text in texts if text and text != "."]


def path_key(path: str) -> str:
    """Return the key of a path, in which the types and names of parameters do not count."""
    return "/".join(
        ("[*]" if each.is_rest else "[]") if each.is_parameter else each.text
        for each in path_segments(path)
    )


def _divided(path: str) -> Iterator[str]:
    """Yield the segments between slashes outside of brackets."""
    depth, parts = 0, list[str]()
    for part in _PART.findall(path):
        if part == "/" and depth == 0:
            yield "".join(parts)
            parts = []
            continue
        depth += (part == "[") - (part == "]")
        parts.append(part)
    yield "".join(parts)


def _segment(text: str) -> PathSegment:
    if not (text.startswith("[") and text.endswith("]")):
        return PathSegment(text)
    inside = text[1:-1].strip()
    tokens = list(_TOKEN.finditer(inside))
    start = tokens[-1].start() if tokens and tokens[-1]["name"] else len(inside)
    type_ = inside[:start].rstrip()
    if not type_ or type_.endswith(_INSIDE_TYPES):
        start, type_ = len(inside), inside
    is_rest = type_.endswith(_REST)
    return PathSegment(text, type_.removesuffix(_REST).rstrip(), inside[start:], is_rest)
