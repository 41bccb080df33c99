"""Writes a TOML text of tables, arrays, texts, numbers and booleans: what `tomllib` reads again."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

TomlTable = Mapping[str, object]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]')
_SHORT_LINE = 100  # Characters; a longer array has a line for each element.


def toml_text(table: TomlTable) -> str:
    """Return the text of a table. Tables and arrays of tables stand after the values beside
    them."""
    return "\n".join(_lines(table, ())).strip("\n") + "\n"


def toml_key(key: str) -> str:
    """Return a key as it is written, in quotes where it needs them."""
    return key if _BARE_KEY.fullmatch(key) else toml_value(key)


def toml_value(value: object) -> str:
    """Return a value on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return f'"{_ESCAPED.sub(_escape, value)}"'
        case Mapping():
            pairs = cast(TomlTable, value).items()
            inner = ", ".join(f"{toml_key(key)} = {toml_value(each)}" for key, each in pairs)
            return f"{{ {inner} }}" if inner else "{}"
        case Sequence():
            return f"[{', '.join(map(toml_value, cast(Sequence[object], value)))}]"
        case _:
            raise TypeError(type(value))


def _escape(found: re.Match[str]) -> str:
    shown = found[0]
    return f"\\{shown}" if shown in '"\\' else f"\\u{ord(shown):04x}"


def _lines(table: TomlTable, path: tuple[str, ...]) -> Iterator[str]:
    for key, value in table.items():
        if not (_is_table(value) or _is_array_of_tables(value)):
            yield from _assignment(key, value)
    for key, value in table.items():
        inner = (*path, key)
        name = ".".join(map(toml_key, inner))
        if _is_table(value):
            values = cast(TomlTable, value)
            # A table that contains only tables needs no header.
            if not values or any(not _is_table(each) for each in values.values()):
                yield from ("", f"[{name}]")
            yield from _lines(values, inner)
        elif _is_array_of_tables(value):
            for each in cast(Sequence[TomlTable], value):
                yield from ("", f"[[{name}]]")
                yield from _flat_lines(each)


def _flat_lines(table: TomlTable) -> Iterator[str]:
    """Return the lines of a table of an array, whose tables are inline."""
    for key, value in table.items():
        yield from _assignment(key, value)


def _assignment(key: str, value: object) -> Iterator[str]:
    line = f"{toml_key(key)} = {toml_value(value)}"
    if len(line) <= _SHORT_LINE or isinstance(value, (str, Mapping)) or not value:
        yield line
        return
    yield f"{toml_key(key)} = ["
    for each in cast(Sequence[object], value):
        yield f"    {toml_value(each)},"
    yield "]"


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_array_of_tables(value: object) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    elements = cast(Sequence[object], value)
    return bool(elements) and all(map(_is_table, elements))
