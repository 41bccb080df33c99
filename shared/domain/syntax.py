"""JSON and TOML of strangers: parsed at a bounded cost, with line and column of what is wrong."""

import json
import math
import re
import tomllib

from shared.domain.bad_archive import ManifestTooDeep, ManifestUnreadable

_LONGEST_NUMBER = 32  # Characters; no field is a number, and Python needs long for huge ones.
_MOST_TOML_TOKENS = 65_536  # tomllib takes 10 µs for each; a lock of 500 packages has 20,000.
_MOST_KEY_PARTS = 32  # tomllib's time grows with the square of them; manifests have four.

_TOML_TOKEN = re.compile(r"[=,\[{\n]")
_KEY_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY = re.compile(rf"{_KEY_PART}(?:[ \t]*\.[ \t]*{_KEY_PART}){{{_MOST_KEY_PARTS}}}")
_LONG_NUMBER = re.compile(r"[0-9](?:_?[0-9]){1000}")


class _Unacceptable(Exception):
    """Something that JSON or its parser allows and we do not."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


def parse_json(name: str, raw: bytes) -> object:
    """Return the value of the JSON file `name`, or refuse it."""
    text = _decoded(name, raw)
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_short_int,
            parse_float=_finite_float,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ManifestUnreadable(name, f"{error.msg} at {where}") from None
    except _Unacceptable as error:
        raise ManifestUnreadable(name, str(error)) from None
    except RecursionError:
        raise ManifestTooDeep(name, "nests its values too deeply") from None


def parse_toml(name: str, raw: bytes) -> dict[str, object]:
    """Return the tables of the TOML file `name`, or refuse it."""
    text = _decoded(name, raw)
    _refuse_costly(name, text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestUnreadable(name, _located(str(error), text)) from None
    except RecursionError:
        raise ManifestTooDeep(name, "nests its values too deeply") from None


def _decoded(name: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")  # Editors on Windows put a byte order mark in front.
    except UnicodeDecodeError as error:
        line, column = _position(raw[: error.start].decode(errors="replace"))
        reason = f"it is not UTF-8 at line {line}, column {column}"
        raise ManifestUnreadable(name, reason) from None


def _position(before: str) -> tuple[int, int]:
    """Return line and column, counted from one, of what follows `before`."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


# --- JSON --------------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the object; readers differ in which of two equal keys counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise _Unacceptable(reason=f"the key {twice[:80]!r} stands twice in one object")
    return found


def _no_constant(text: str) -> float:
    raise _Unacceptable(reason=f"{text} is not JSON")


def _short_int(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise _Unacceptable(reason=f"a number has {len(digits):,} digits")
    return int(digits)


def _finite_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _Unacceptable(reason=f"the number {digits[:_LONGEST_NUMBER]} is too large")
    return value


# --- TOML --------------------------------------------------------------------------------------


def _refuse_costly(name: str, text: str) -> None:
    if sum(1 for _ in _TOML_TOKEN.finditer(text)) > _MOST_TOML_TOKENS:
        raise ManifestTooDeep(name, f"has more than {_MOST_TOML_TOKENS:,} keys, values and lines")
    for pattern, what in ((_LONG_KEY, "a key of too many parts"), (_LONG_NUMBER, "a huge number")):
        found = pattern.search(text)
        if found is not None:
            line, column = _position(text[: found.start()])
            raise ManifestTooDeep(name, f"has {what} at line {line}, column {column}")


def _located(message: str, text: str) -> str:
    """Return tomllib's message with the position that it spells out, also at the end."""
    line, column = _position(text)
    return message.replace("(at end of document)", f"(at line {line}, column {column})")
