"""Source text as tokens, read one at a time, with jumps over what is not read.

Each pattern consumes with possessive quantifiers or in atomic groups, so none goes back over text
that it read. Before 3.11.5 Python counts a failed round of a possessive group as read up to where
it failed, so a group whose rounds can fail behind a repetition or a look-around is atomic.
"""

import re
from collections.abc import Callable
from typing import NoReturn, cast

from shared.ballerina.syntax import Position

Matcher = Callable[[str, int], re.Match[str]]


def _matcher(pattern: str) -> Matcher:
    """Compile a pattern that matches at every position, if only an empty text."""
    return cast(Matcher, re.compile(pattern).match)


DOC, NAME, NUMBER, STRING, MARK = range(1, 6)  # Kinds of tokens: the groups of the pattern.
END = 0

# What names consist of: digits, letters and `_` in ASCII, and above it all but what the language
# excludes, which is white space, punctuation, symbols and private use.
_LETTERS = (
    "[^\\x00-/:-@\\[-\\^`{-\\x7f"
    "\xa1-\xa7\xa9\xab\xac\xae\xb0\xb1\xb6\xbb\xbf\xd7\xf7\u200e-\u203e\u2041-\u2053\u2055-\u205e"
    "\u2190-\u245f\u2500-\u2775\u2794-\u2bff\u2e00-\u2e7f\u3001-\u3003\u3008-\u3020\u3030"
    "\ufd3e\ufd3f\ufe45\ufe46\ue000-\uf8ff\U000f0000-\U0010ffff]"
)
_NAME = rf"(?:'|(?![0-9]))(?>(?:{_LETTERS}++|\\(?:u\{{[0-9A-Fa-f]++\}}|[^\t\n\rA-Za-z]))+)"
_STRING = r'"(?:[^"\\\n]++|\\[^\n])*+"'
_token = _matcher(
    r"(?:[ \t\n]++|//[^\n]*+)*+"
    r"(?:(\#[^\n]*+(?>(?:\n[ \t]*+\#[^\n]*+)*))"
    rf"|({_NAME})"
    r"|([0-9](?:[eEpP][+-]|[0-9A-Za-z]|\.[0-9])*+)"
    rf"|({_STRING})"
    r"|(\{\||\|\}|\.\.\.|=>|[^ \t\n])"
    r"|\Z)"
)

# Text without brackets. Strings and comments are passed as a whole. An unfinished string ends with
# its line; outside of brackets it is not passed. There an expression or a statement may end, so
# comments are not passed either: they are no part of it. The commas of `stream<A, B>` must not end
# an expression, so its angles are brackets.
_COMMENT = r"//[^\n]*+|\#[^\n]*+"
_PLAIN = rf"{_STRING}?|{_COMMENT}|/|\\[^\n]?"
_outside = _matcher(rf"(?>(?:[^{{}}()\[\]\"`\\#/;,<]++|{_STRING}|/(?!/)|\\[^\n]?|(?<!stream)<)*)")
_comments = _matcher(rf"(?:{_COMMENT}|\s++)*+")
_in_brackets = _matcher(rf"(?:[^{{}}()\[\]\"`\\#/]++|{_PLAIN})*+")
_in_angles = _matcher(rf"(?:[^{{}}()\[\]\"`\\#/<>]++|{_PLAIN})*+")
_template = _matcher(r"(?>(?:[^`$]++|\$(?!\{))*)")
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_BRACKETS = ")]}"
_INTERPOLATION = "${"
_END_OF_TEMPLATE = "the end of a template"
_END_OF_STRING = "the end of a string"


class ParseError(Exception):
    """A source cannot be read as what was expected; the message says why."""


class Unexpected(ParseError):
    """Another token is in the place of the expected one."""

    def __init__(self, expected: str, found: str) -> None:
        found = f"`{_visible(found[:40])}`" if found else "the end of the file"
        super().__init__(f"expected {expected}, found {found}")


def _visible(text: str) -> str:
    """Return a text whose characters can all be seen and stored."""
    return "".join(each if each.isprintable() else f"\\u{{{ord(each):X}}}" for each in text)


class Cursor:
    """The current token of a text: `kind`, `value`, `start`, `end`, and the doc comment before it
    (its lines with their `#`, or an empty text)."""

    __slots__ = (
        "_line",
        "_line_of",
        "comment",
        "end",
        "file",
        "kind",
        "open_objects",
        "open_types",
        "start",
        "text",
        "value",
    )

    def __init__(self, text: str, file: str = "") -> None:
        self.text = text
        self.file = file
        self.open_objects = 0  # Object types that the current token is in.
        self.open_types = 0  # Types that it is in.
        self.kind = END
        self.value = self.comment = ""
        self.start = self.end = 0
        self._line = 1
        self._line_of = 0
        self.advance()

    def advance(self) -> None:
        """Read the next token. After the last one the kind is `END` and the value is empty."""
        match = _token(self.text, self.end)
        self.comment = ""
        if match.lastindex == DOC:
            match = self._read_comment(match)
        self.end = match.end()
        self.kind = kind = match.lastindex or END
        if kind:
            self.value = value = match[kind]
            self.start = self.end - len(value)
        else:
            self.value = ""
            self.start = self.end

    def _read_comment(self, match: re.Match[str]) -> re.Match[str]:
        """Read the blocks of a doc comment, between which a line may be empty; return the token
        after them."""
        blocks = list[str]()
        while match.lastindex == DOC:
            blocks.append(match[DOC])
            match = _token(self.text, match.end())
        self.comment = "\n\n".join(blocks)
        return match

    def move(self, position: int) -> None:
        """Read the token at a position."""
        self.end = position
        self.advance()

    def next(self) -> str:
        """Return the value of the token after the current one, without moving to it."""
        match = _token(self.text, self.end)
        while match.lastindex == DOC:
            match = _token(self.text, match.end())
        return match[match.lastindex] if match.lastindex else ""

    def position(self) -> Position:
        return Position(self.file, self.line(self.start))

    def line(self, position: int) -> int:
        """Return the line of a position, counted from 1."""
        if position >= self._line_of:
            self._line += self.text.count("\n", self._line_of, position)
        else:
            self._line -= self.text.count("\n", position, self._line_of)
        self._line_of = position
        return self._line

    def take(self, value: str) -> bool:
        """Move on if the current token is this one, and say whether it was."""
        if self.value != value:
            return False
        self.advance()
        return True

    def expect(self, value: str) -> None:
        """Move on; raise `ParseError` if the current token is another."""
        if self.value != value:
            self.refuse(f"`{value}`")
        self.advance()

    def name(self) -> str:
        """Return the current token, which must be a name, and move on."""
        if self.kind != NAME:
            self.refuse("a name")
        value = self.value
        self.advance()
        return value

    def refuse(self, expected: str) -> NoReturn:
        """Raise `Unexpected` for the current token."""
        raise Unexpected(expected, self.value)

    def expression(self, stops: str) -> str:
        """Return the source text from the current token to the first character of `stops`
        outside of brackets, or to the bracket that closes the surrounding ones, and move there.
        Comments and blanks at the end are left out."""
        start = self.start
        end, stop = self._jump(start, stops)
        self.move(stop)
        if end == start:
            self.refuse("an expression")
        return self.text[start:end].rstrip()

    def block(self) -> str:
        """Return the source text from the current token, which must be `{`, to the bracket that
        closes it, and move on."""
        if not self.value.startswith("{"):
            self.refuse("`{`")
        start = self.start
        end = self._behind(start)
        self.move(end)
        return self.text[start:end]

    def skip_to(self, stops: str) -> None:
        """Move to the first such character outside of brackets, or to the bracket that closes the
        surrounding ones."""
        self.move(self._jump(self.start, stops)[1])

    def _jump(self, position: int, stops: str) -> tuple[int, int]:
        """Return the position of the first character of `stops` outside of brackets, or of the
        closing bracket of those around it, and before it the end of the text without comments.
        `self.end` is where an unsuccessful jump ended."""
        text_end = position
        while True:
            end = self.end = _outside(self.text, position).end()
            if end > position:
                text_end = end
            character = self.text[end : end + 1]
            if not character:
                raise Unexpected(f"`{stops}`", "")
            if character in ("/", "#"):
                position = _comments(self.text, end).end()
            elif character in stops + _BRACKETS:
                return text_end, end
            else:
                text_end = position = self._behind(end)

    def _behind(self, position: int) -> int:
        """Return the position behind a character, and behind all that it opens."""
        closing: list[str] = []
        position = self._past(position, closing)
        while closing:
            pattern = _in_angles if closing[-1] == ">" else _in_brackets
            position = self.end = pattern(self.text, position).end()
            position = self._past(position, closing)
        return position

    def _past(self, position: int, closing: list[str]) -> int:
        """Return the position behind a character that ended a text without brackets."""
        character = self.text[position : position + 1]
        if not character:
            raise Unexpected(_shown(closing[-1]), "")
        if character == '"':
            raise Unexpected(_END_OF_STRING, "\n")
        if character == "`":
            return self._template(position + 1, closing)
        if character == ">" or character in _BRACKETS:
            return self._close(character, position, closing)
        if character in _CLOSING:
            closing.append(_CLOSING[character])
        return position + 1

    def _close(self, character: str, position: int, closing: list[str]) -> int:
        """Return the position behind a closing bracket, or behind the text of the template that
        continues after it."""
        expected = closing.pop()
        if character == expected:
            return position + 1
        if expected == _INTERPOLATION and character == "}":
            return self._template(position + 1, closing)
        raise Unexpected(_shown(expected), character)

    def _template(self, position: int, closing: list[str]) -> int:
        """Return the position behind the text of a template: after its end, or after `${`."""
        end = self.end = _template(self.text, position).end()
        if end == len(self.text):
            raise Unexpected(_END_OF_TEMPLATE, "")
        if self.text[end] == "`":
            return end + 1
        closing.append(_INTERPOLATION)
        return end + 2


def _shown(closing: str) -> str:
    return "`}`" if closing == _INTERPOLATION else f"`{closing}`"
