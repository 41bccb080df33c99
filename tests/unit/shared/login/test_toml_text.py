"""Where the tables and values of a TOML text are, and what is no TOML at all."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.login.toml_text import UnreadableToml, string_of, tables_of

TEXT = """\
a = 1 # first
"b c".d = [ # several lines
  1, { x = "]" }, # ] }
]

[[ t . 'u' ]]
e = '''
[no] = "table"
'''
[t.u.v] # below the entry
f = 1979-05-27 07:32:00Z
"""


def at(text: str, path: tuple[str, ...]) -> Any:
    """Return what the reader of the standard library finds at a path."""
    found: Any = tomllib.loads(text)
    for name in path:
        found = found[-1] if isinstance(found, list) else found
        found = found[name]
    return found


def test_every_value_is_where_its_position_says() -> None:
    tables = tables_of(TEXT)
    assert [(table.path, table.is_entry) for table in tables] == [
        ((), False),
        (("t", "u"), True),
        (("t", "u", "v"), False),
    ]
    assignments = [each for table in tables for each in table.assignments]
    assert [each.path for each in assignments] == [
        ("a",),
        ("b c", "d"),
        ("t", "u", "e"),
        ("t", "u", "v", "f"),
    ]
    for each in assignments:
        assert TEXT[each.value_start : each.value_end] == each.value
        assert tomllib.loads(f"x = {each.value}")["x"] == at(TEXT, each.path)
        assert TEXT[each.end - 1] == "\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[open", 1),
        ("[a]\n[b] c", 2),
        ("[[a]\n", 1),
        ("a = 1 2", 1),
        ("a = 1\n\n= 2", 3),
        ("a =", 1),
        ("a = [1,\n2", 2),
        ("a = {b = 1]", 1),
        ("a = ]", 1),
        ('a = "b\nc"', 1),
        ("a = '''b", 1),
        ('"""a""" = 1', 1),
        ("a. = 1", 1),
        ("\ufeffa = 1", 1),
    ],
)
def test_invalid_toml_is_reported_by_its_line(text: str, line: int) -> None:
    with pytest.raises(UnreadableToml) as refused:
        tables_of(text)
    assert refused.value.line == line
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)


@given(st.text(alphabet="ab\"'\\\n\t.=[]{}#,1 -é\r", max_size=40))
def test_whatever_the_standard_library_reads_is_read_here(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    for each in (each for table in tables_of(text) for each in table.assignments):
        assert tomllib.loads(f"x = {each.value}")["x"] == at(text, each.path)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    assert 0 <= unreadable_line(text) <= text.count("\n") + 1


def unreadable_line(text: str) -> int:
    """Return where a text stops being TOML; 0 where it does not."""
    try:
        tables_of(text)
    except UnreadableToml as refused:
        return refused.line
    return 0


@pytest.mark.parametrize(
    "value", ['"a\\tb\\"\\\\"', '"\\u00e9\\U0001F600"', "'a\\tb'", '""', "''", '"é"']
)
def test_a_string_has_its_toml_value(value: str) -> None:
    assert string_of(value) == tomllib.loads(f"x = {value}")["x"]


@pytest.mark.parametrize("value", ["1", "true", "[]", '"""a"""', "'''a'''"])
def test_a_text_that_is_no_string_of_one_line_is_none(value: str) -> None:
    assert string_of(value) is None
