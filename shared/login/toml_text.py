"""Positions of tables and values in TOML, so that one value can be changed without the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLANK = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"#[^\r\n]*")
_NEWLINE = re.compile(r"\r?\n")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"(?:\d{4}-\d\d-\d\d )?[0-9A-Za-z+_.:-]+", re.ASCII)
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")'
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:[^"\\\r\n]|\\[^\r\n])*"'
    r"|'[^'\r\n]*'",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}
_LARGEST = 0x10FFFF  # The last code point.


class UnreadableToml(Exception):
    """The text is not TOML; `line` has the error, counted from one."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is not TOML")
        self.line = line


@dataclass(frozen=True)
class Assignment:
    """`key = value`: its whole path, and the positions of it and of its value."""

    path: tuple[str, ...]
    value: str
    start: int
    value_start: int
    end: int  # After its line.

    @property
    def value_end(self) -> int:
        return self.value_start + len(self.value)


@dataclass(frozen=True)
class Table:
    """A header and its assignments; the first table of a text has no header and no path."""

    path: tuple[str, ...]
    is_entry: bool  # Its header is [[path]].
    end: int  # After the line of its header.
    assignments: tuple[Assignment, ...]

    def find(self, key: str) -> Assignment | None:
        """Return the assignment of a key of this table itself."""
        wanted = (*self.path, key)
        return next((each for each in self.assignments if each.path == wanted), None)


def tables_of(text: str) -> list[Table]:
    """Return the tables of a TOML text in order; raise `UnreadableToml`."""
    return _Reader(text).tables()


def string_of(value: str) -> str | None:
    """Return the text of a string on one line; None for other values."""
    if value[:3] in ('"""', "'''"):
        return None
    if value[:1] == "'":
        return value[1:-1]
    return _ESCAPE.sub(_unescaped, value[1:-1]) if value[:1] == '"' else None


def _unescaped(escape: re.Match[str]) -> str:
    digits = escape[1] or escape[2]
    if digits:
        return chr(min(int(digits, 16), _LARGEST))
    return _ESCAPES.get(escape[3], escape[3])


class _Reader:
    """Reads a text once from beginning to end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def tables(self) -> list[Table]:
        tables: list[Table] = []
        header: Table | None = Table((), is_entry=False, end=0, assignments=())
        while header is not None:
            found, following = self._body(header.path)
            tables.append(Table(header.path, header.is_entry, header.end, tuple(found)))
            header = following
        return tables

    def _body(self, table: tuple[str, ...]) -> tuple[list[Assignment], Table | None]:
        """Read assignments until the end or the next header, which is returned too."""
        found: list[Assignment] = []
        while self._at < len(self._text):
            start = self._at
            self._take(_BLANK)
            if self._sees("["):
                return found, self._header()
            if not self._ends_line():
                found.append(self._assignment(table, start))
        return found, None

    def _header(self) -> Table:
        is_entry = self._text.startswith("[[", self._at)
        brackets = 2 if is_entry else 1
        self._at += brackets
        path = self._key()
        self._expect("]" * brackets)
        if not self._ends_line():
            raise self._unreadable()
        return Table(path, is_entry, self._at, ())

    def _assignment(self, table: tuple[str, ...], start: int) -> Assignment:
        path = self._key()
        self._expect("=")
        self._take(_BLANK)
        value_start = self._at
        self._value()
        value = self._text[value_start : self._at]
        if not self._ends_line():
            raise self._unreadable()
        return Assignment((*table, *path), value, start, value_start, self._at)

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while not parts or self._sees("."):
            self._at += bool(parts)
            self._take(_BLANK)
            quoted = self._sees('"') or self._sees("'")
            part = self._require(_STRING if quoted else _BARE_KEY)
            name = string_of(part) if quoted else part
            if name is None:
                raise self._unreadable()
            parts.append(name)
            self._take(_BLANK)
        return tuple(parts)

    def _value(self) -> None:
        """Skip a value; between brackets it may have several lines."""
        open_brackets: list[str] = []
        while True:
            self._scalar_or_bracket(open_brackets)
            if not open_brackets:
                return
            while self._take(_BLANK) or self._take(_COMMENT) or self._take(_NEWLINE):
                pass

    def _scalar_or_bracket(self, open_brackets: list[str]) -> None:
        sign = self._text[self._at : self._at + 1]
        if sign and sign in "[{":
            open_brackets.append("]" if sign == "[" else "}")
        elif open_brackets and sign == open_brackets[-1]:
            open_brackets.pop()
        elif not (open_brackets and sign and sign in ",=."):
            self._require(_STRING if sign in ('"', "'") else _BARE_VALUE)
            return
        self._at += 1

    def _ends_line(self) -> bool:
        """Skip blanks and a comment, and say whether the line ends there."""
        self._take(_BLANK)
        self._take(_COMMENT)
        return self._at == len(self._text) or bool(self._take(_NEWLINE))

    def _expect(self, sign: str) -> None:
        self._take(_BLANK)
        if not self._text.startswith(sign, self._at):
            raise self._unreadable()
        self._at += len(sign)

    def _require(self, pattern: re.Pattern[str]) -> str:
        return self._take(pattern) or self._fail()

    def _take(self, pattern: re.Pattern[str]) -> str:
        """Skip and return what the pattern matches here; an empty text if it does not match."""
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _sees(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _fail(self) -> str:
        raise self._unreadable()

    def _unreadable(self) -> UnreadableToml:
        return UnreadableToml(self._text.count("\n", 0, self._at) + 1)
