"""JSON and TOML from strangers, parsed at a bounded cost, with line and column of an error.

A body of a few characters for each value grows twentyfold when it is parsed, so values are counted
before.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import cast

import tomli

from shared.domain.errors.base import BadArchive, printable

_LONGEST_NUMBER = 32  # Digits, in JSON; no field is a number, and Python parses huge ones slowly.
_MOST_NUMBERS = 4_096  # Characters of all numbers in TOML, also those with letters or an exponent.
_MOST_TOML_TOKENS = 65_536  # tomli takes 1 µs for each; a lock of 500 packages has 20,000.
_MOST_KEY_PARTS = 32  # its time grows with the square of them; manifests have four.

_TOML_TOKEN = re.compile(r"[=.,\[{\n]")
# Possessive quantifiers and the look-behind keep these searches linear. Strings end where tomli
# ends them; unclosed ones end with the line or the file.
_STRING_OR_COMMENT = re.compile(
    r"""#[^\n]*+"""
    r"""|"{3}(?:[^"\\]++|\\.|"[^"\\]|"\\.|""[^"\\]|""\\.)*+"{0,5}+"""
    r"""|'{3}(?:[^']++|'[^']|''[^'])*+'{0,5}+"""
    r"""|"(?:[^"\\\n]|\\[^\n])*+"?+"""
    r"""|'[^'\n]*+'?+""",
    re.DOTALL,
)
_LONG_KEY = re.compile(
    rf"(?<![\w-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){{{_MOST_KEY_PARTS}}}", re.ASCII
)
_SURROGATE = re.compile(r"\\u[Dd][89A-Fa-f]")
_TOML_NUMBER = re.compile(r"(?<![\w-])[+-]?\d[\w.+-]*+", re.ASCII)


class _Unacceptable(Exception):
    """Something that JSON or its parser allows and the registry does not."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


# What the author of an archive does after the file is corrected.
_PACK = "pack again"


def parse_json(name: str, raw: bytes, *, then: str = _PACK) -> object:
    """Return the value of the JSON file `name`, or refuse it.

    The refusal ends with "Correct it and `then`."; with an empty `then` it has no way out.
    """
    text = _decoded(name, raw, then)
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_short_int,
            parse_float=_finite_float,
        )
        if _SURROGATE.search(text):
            _require_text(value)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        reason = f"{error.msg.removesuffix(' at')} at {where}"
        raise _manifest_unreadable(name, reason, then) from None
    except _Unacceptable as error:
        raise _manifest_unreadable(name, str(error), then) from None
    except RecursionError:
        raise _manifest_too_deep(name, "nests its values too deeply", then) from None
    return value


def parse_toml(name: str, raw: bytes, *, then: str = _PACK) -> dict[str, object]:
    """Return the tables of the TOML file `name`, or refuse it as `parse_json` does."""
    text = _decoded(name, raw, then)
    _refuse_costly(name, text, then)
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _manifest_unreadable(name, f"{printable(error.msg)} at {where}", then) from None
    except RecursionError:
        raise _manifest_too_deep(name, "nests its values too deeply", then) from None


def _decoded(name: str, raw: bytes, then: str) -> str:
    try:
        return raw.decode("utf-8-sig")  # Editors on Windows put a byte order mark in front.
    except UnicodeDecodeError as error:
        where = _where(raw[: error.start].decode(errors="replace"))
        raise _manifest_unreadable(name, f"it is not UTF-8 at {where}", then) from None


def _where(before: str) -> str:
    """Return line and column of what follows `before`."""
    line = before.count("\n") + 1
    column = len(before) - before.rfind("\n")
    return f"line {line}, column {column}"


# --- JSON --------------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the object; refuse duplicate keys, of which readers use different ones."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise _Unacceptable(reason=f"the key {printable(key)} stands twice in one object")
        found[key] = value
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


def _require_text(value: object) -> None:
    """Refuse lone surrogates, which JSON can escape and nothing can store."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise _Unacceptable(reason=f"{half} alone is no character") from None


# --- TOML --------------------------------------------------------------------------------------


def _refuse_costly(name: str, text: str, then: str) -> None:
    """Refuse documents that tomli would parse for minutes."""
    skeleton = _STRING_OR_COMMENT.sub("s", text)
    if sum(1 for _ in _TOML_TOKEN.finditer(skeleton)) > _MOST_TOML_TOKENS:
        raise _manifest_too_deep(
            name, f"has more than {_MOST_TOML_TOKENS:,} keys, values and lines", then
        )
    if sum(len(each[0]) for each in _TOML_NUMBER.finditer(skeleton)) > _MOST_NUMBERS:
        raise _manifest_too_deep(
            name, f"has numbers of more than {_MOST_NUMBERS:,} characters", then
        )
    if _LONG_KEY.search(skeleton) is not None:
        raise _manifest_too_deep(name, f"has a key of more than {_MOST_KEY_PARTS} parts", then)


MAX_JSON_DEPTH = 32  # Levels. Requests of clients have four, bills of materials about ten.

_SEPARATORS = (b",", b"[", b"{")


def has_at_most_values(values: int, content: bytes) -> bool:
    """Count the values of a JSON text roughly; separators within strings count as well."""
    return sum(content.count(sign) for sign in _SEPARATORS) < values


def is_shallow(value: object) -> bool:
    """Check that a parsed value is at most `MAX_JSON_DEPTH` levels deep."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [
            inner for outer in level for inner in _members(outer) if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False


def _members(value: object) -> Iterable[object]:
    """Return what is directly in a list or an object."""
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _manifest_too_deep(name: str, what: str, then: str) -> BadArchive:
    way_out = f" Simplify it and {then}." if then else ""
    return BadArchive("manifest-too-deep", f"{printable(name)} {what}.{way_out}")


def _manifest_unreadable(name: str, reason: str, then: str) -> BadArchive:
    way_out = f" Correct it and {then}." if then else ""
    return BadArchive(
        "manifest-unreadable", f"{printable(name)} cannot be read: {reason}.{way_out}"
    )
