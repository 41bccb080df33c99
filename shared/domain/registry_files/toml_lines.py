"""The lines of the keys of a TOML text, which `tomllib` does not say."""

from collections import Counter
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]  # Keys, and numbers of elements of arrays.

_BLANKS = " \t\r\n"
_ESCAPES = {
    "b": "\b",
    "t": "\t",
    "n": "\n",
    "f": "\f",
    "r": "\r",
    '"': '"',
    "\\": "\\",
    "e": "\x1b",
}
_ESCAPED_DIGITS = {"u": 4, "U": 8, "x": 2}
_ENDS_OF_VALUE = ",]}#\n"


def lines_of_keys(text: str) -> Mapping[KeyPath, int]:
    """Return the line of each table, key and element of a text that `tomllib` has read; the first
    line is 1."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.read_document()
    return scanner.lines


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Return the line of the longest part of a path that stands in the text."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


class _Scanner:
    """Reads a valid text once, from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counts = Counter[KeyPath]()  # How many tables each array of tables has so far.
        self.lines = dict[KeyPath, int]()

    def read_document(self) -> None:
        table: KeyPath = ()
        while self._skip_blanks():
            if self._starts("[["):
                self._take(2)
                array = self._path_in_arrays(self._key())
                table = (*array, self._counts[array])
                self._counts[array] += 1
                self._take(2)
                self._note(table)
            elif self._starts("["):
                self._take(1)
                table = self._path_in_arrays(self._key())
                self._take(1)
                self._note(table)
            else:
                self._key_and_value(table)

    def _path_in_arrays(self, key: KeyPath) -> KeyPath:
        """Return the path of a header, whose keys mean the last table of an array of tables."""
        path: KeyPath = ()
        for number, part in enumerate(key):
            path = (*path, part)
            is_last = number == len(key) - 1
            if not is_last and self._counts[path]:
                path = (*path, self._counts[path] - 1)
        return path

    def _key_and_value(self, table: KeyPath) -> None:
        key = self._key()
        path = (*table, *key)
        for length in range(len(table) + 1, len(path) + 1):
            self._note(path[:length])
        self._take(1)  # The sign =.
        self._skip_blanks()
        self._value(path)

    def _key(self) -> KeyPath:
        """Read a key with its dots, and the blanks around it."""
        parts = list[str]()
        while True:
            self._skip_blanks()
            if self._peek() in "\"'":
                parts.append(self._string())
            else:
                start = self._at
                while self._peek() not in f"{_BLANKS}.=]":
                    self._take(1)
                parts.append(self._text[start : self._at])
            self._skip_blanks()
            if self._peek() != ".":
                return tuple(parts)
            self._take(1)

    def _value(self, path: KeyPath) -> None:
        if self._peek() in "\"'":
            self._string()
        elif self._starts("["):
            self._array(path)
        elif self._starts("{"):
            self._inline_table(path)
        else:
            while self._at < len(self._text) and self._peek() not in _ENDS_OF_VALUE:
                self._take(1)

    def _array(self, path: KeyPath) -> None:
        self._take(1)
        number = 0
        while self._skip_blanks() and not self._starts("]"):
            if self._starts(","):
                self._take(1)
                continue
            self._note((*path, number))
            self._value((*path, number))
            number += 1
        self._take(1)

    def _inline_table(self, path: KeyPath) -> None:
        self._take(1)
        while self._skip_blanks() and not self._starts("}"):
            if self._starts(","):
                self._take(1)
                continue
            self._key_and_value(path)
        self._take(1)

    def _string(self) -> str:
        """Read a string of any kind. The text of one of several lines is not needed."""
        quote = self._peek()
        if self._starts(quote * 3):
            self._long_string(quote)
            return ""
        self._take(1)
        read = list[str]()
        while self._peek() != quote:
            if quote == '"' and self._peek() == "\\":
                read.append(self._escaped())
            else:
                read.append(self._peek())
                self._take(1)
        self._take(1)
        return "".join(read)

    def _long_string(self, quote: str) -> None:
        self._take(3)
        while not self._starts(quote * 3):
            self._take(2 if quote == '"' and self._peek() == "\\" else 1)
        self._take(3)
        while self._starts(quote):  # Up to two quotes may stand before the last three.
            self._take(1)

    def _escaped(self) -> str:
        kind = self._text[self._at + 1]
        self._take(2)
        digits = _ESCAPED_DIGITS.get(kind)
        if digits is None:
            return _ESCAPES[kind]
        code = self._text[self._at : self._at + digits]
        self._take(digits)
        return chr(int(code, 16))

    def _skip_blanks(self) -> bool:
        """Skip blanks and comments; return whether something follows."""
        while self._at < len(self._text):
            if self._peek() in _BLANKS:
                self._take(1)
            elif self._peek() == "#":
                while self._at < len(self._text) and self._peek() != "\n":
                    self._take(1)
            else:
                return True
        return False

    def _peek(self) -> str:
        return self._text[self._at]

    def _starts(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _take(self, count: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + count)
        self._at += count

    def _note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self._line)
