"""The subset of Cosmos SQL that the double answers; everything else is refused, never guessed."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

Item = Mapping[str, Any]
Test = Callable[[Item], bool]
Value = Callable[[Item], Any]

UNDEFINED = object()  # Unlike null: a comparison with it is neither true nor false.

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<parameter>@\w+)|(?P<word>[A-Za-z_]\w*)|(?P<sign><=|>=|[=<>(),.*]))"
)
_COMPARISONS: Mapping[str, Callable[[int], bool]] = {
    "=": lambda order: order == 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


class BadQuery(Exception):
    """The query is not in the subset, or is none."""


@dataclass(frozen=True)
class Query:
    """A query, read: what is kept, in which order, how much of it, and what is shown of each."""

    test: Test
    order: tuple[Value, bool] | None  # With True for descending.
    skipped: int
    limit: int | None
    shown: Value | None  # None is the whole item.

    @property
    def fans_out_badly(self) -> bool:
        """Say whether the gateway refuses this query without a partition key."""
        return self.order is not None or self.skipped > 0

    def results(self, items: Iterable[Item]) -> list[Any]:
        """Return what the query finds among the items."""
        found = [item for item in items if self.test(item)]
        if self.order is not None:
            by, descending = self.order
            found = [item for item in found if by(item) is not UNDEFINED]

            def in_order(one: Item, other: Item) -> int:
                return compare(by(one), by(other)) or 0

            found.sort(key=cmp_to_key(in_order), reverse=descending)
        end = None if self.limit is None else self.skipped + self.limit
        kept = found[self.skipped : end]
        if self.shown is None:
            return [dict(item) for item in kept]
        return [value for item in kept if (value := self.shown(item)) is not UNDEFINED]


def compare(one: Any, other: Any) -> int | None:
    """Return how two values are ordered; None where they cannot be compared."""
    if _rank(one) != _rank(other) or _rank(one) is None:
        return None
    return (one > other) - (one < other) if one is not None else 0


def _rank(value: Any) -> int | None:
    kinds = ((type(None), 0), (bool, 1), ((int, float), 2), (str, 3))
    return next((rank for kind, rank in kinds if isinstance(value, kind)), None)


def parse(text: str, parameters: Mapping[str, Any]) -> Query:
    """Read a query, or raise `BadQuery`."""
    return _Parser(_tokens(text), parameters).query()


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise BadQuery(text[place : place + 20])
        kind = match.lastgroup or ""
        tokens.append((kind, match[kind]))
        place = match.end()
    return tokens


class _Parser:
    """Reads one query, from left to right."""

    def __init__(self, tokens: list[tuple[str, str]], parameters: Mapping[str, Any]) -> None:
        self._tokens = tokens
        self._parameters = parameters
        self._place = 0
        self._alias = "c"

    def query(self) -> Query:
        self._expect("SELECT")
        top = int(self._value_text()) if self._accept("TOP") else None
        shown = self._selection()
        self._expect("FROM")
        self._alias = self._next()[1]
        test = self._either() if self._accept("WHERE") else _always
        order = self._order()
        skipped, limit = self._page()
        if self._place != len(self._tokens):
            raise BadQuery(self._tokens[self._place][1])
        return Query(test, order, skipped, top if limit is None else limit, shown)

    def _selection(self) -> Value | None:
        if self._accept("*"):
            return None
        return self._path()[0] if self._accept("VALUE") else self._fields()

    def _fields(self) -> Value:
        fields: list[tuple[str, Value]] = []
        while True:
            value, name = self._path()
            fields.append((name, value))
            if not self._accept(","):
                break

        def shown(item: Item) -> dict[str, Any]:
            values = {name: value(item) for name, value in fields}
            return {name: value for name, value in values.items() if value is not UNDEFINED}

        return shown

    def _order(self) -> tuple[Value, bool] | None:
        if not self._accept("ORDER"):
            return None
        self._expect("BY")
        return self._path()[0], self._accept("DESC")

    def _page(self) -> tuple[int, int | None]:
        if not self._accept("OFFSET"):
            return 0, None
        skipped = int(self._value_text())
        self._expect("LIMIT")
        return skipped, int(self._value_text())

    def _either(self) -> Test:
        test = self._both()
        while self._accept("OR"):
            test = _any(test, self._both())
        return test

    def _both(self) -> Test:
        test = self._negated()
        while self._accept("AND"):
            test = _all(test, self._negated())
        return test

    def _negated(self) -> Test:
        if self._accept("NOT"):
            return _not(self._negated())
        if self._accept("("):
            test = self._either()
            self._expect(")")
            return test
        return self._condition()

    def _condition(self) -> Test:
        for name, function in _FUNCTIONS.items():
            if self._accept(name):
                return function(*self._arguments())
        value = self._operand()
        if self._accept("IN"):
            return _among(value, self._arguments())
        kind, sign = self._next()
        if kind != "sign" or sign not in _COMPARISONS:
            raise BadQuery(sign)
        return _compared(value, self._operand(), _COMPARISONS[sign])

    def _arguments(self) -> list[Value]:
        self._expect("(")
        values = [self._operand()]
        while self._accept(","):
            values.append(self._operand())
        self._expect(")")
        return values

    def _operand(self) -> Value:
        kind, text = self._tokens[self._place] if self._place < len(self._tokens) else ("", "")
        if kind == "word" and text == self._alias:
            return self._path()[0]
        self._place += 1
        return _constant(self._literal(kind, text))

    def _literal(self, kind: str, text: str) -> Any:
        if kind == "parameter":
            return self._parameters[text]
        if kind == "string":
            return text[1:-1].encode().decode("unicode_escape")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        raise BadQuery(text)

    def _path(self) -> tuple[Value, str]:
        self._next()  # The alias, which may be anything before FROM was read.
        steps: list[str] = []
        while self._accept("."):
            steps.append(self._next()[1])
        return _at(steps), steps[-1] if steps else ""

    def _next(self) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise BadQuery
        self._place += 1
        return self._tokens[self._place - 1]

    def _value_text(self) -> str:
        kind, text = self._next()
        return str(self._literal(kind, text))

    def _accept(self, word: str) -> bool:
        there = self._place < len(self._tokens)
        if there and self._tokens[self._place][1].upper() == word.upper():
            self._place += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise BadQuery(word)


_WORDS = {"null": None, "true": True, "false": False}


def _always(_item: Item) -> bool:
    return True


def _constant(value: Any) -> Value:
    return lambda _item: value


def _at(steps: list[str]) -> Value:
    def value(item: Item) -> Any:
        found: Any = item
        for step in steps:
            if not isinstance(found, Mapping) or step not in found:
                return UNDEFINED
            found = found[step]
        return found

    return value


def _any(one: Test, other: Test) -> Test:
    return lambda item: one(item) or other(item)


def _all(one: Test, other: Test) -> Test:
    return lambda item: one(item) and other(item)


def _not(test: Test) -> Test:
    return lambda item: not test(item)


def _compared(one: Value, other: Value, fits: Callable[[int], bool]) -> Test:
    def test(item: Item) -> bool:
        order = compare(one(item), other(item))
        return order is not None and fits(order)

    return test


def _among(value: Value, choices: list[Value]) -> Test:
    return lambda item: any(compare(value(item), choice(item)) == 0 for choice in choices)


def _defined(value: Value) -> Test:
    return lambda item: value(item) is not UNDEFINED


def _equal_strings(one: Value, other: Value, ignores_case: Value = lambda _item: False) -> Test:
    def test(item: Item) -> bool:
        left = one(item)
        right = other(item)
        if not isinstance(left, str) or not isinstance(right, str):
            return False
        return left.lower() == right.lower() if ignores_case(item) else left == right

    return test


def _contains(values: Value, wanted: Value) -> Test:
    def test(item: Item) -> bool:
        found = values(item)
        return isinstance(found, list) and wanted(item) in found

    return test


_FUNCTIONS: Mapping[str, Callable[..., Test]] = {
    "IS_DEFINED": _defined,
    "STRINGEQUALS": _equal_strings,
    "ARRAY_CONTAINS": _contains,
}
