"""How much JSON is read of others."""

from collections.abc import Callable

import pytest

from shared.domain.bounded_parsing import (
    MAX_JSON_DEPTH,
    has_at_most_values,
    is_shallow,
    parse_json,
    parse_toml,
)
from shared.domain.errors.base import BadArchive
from tests.support.refusals import raises_refusal


def nested(levels: int, *, objects: bool) -> object:
    """Return lists or objects within each other."""
    value: object = 1
    for _ in range(levels):
        value = {"a": value} if objects else [value]
    return value


def test_a_text_holds_no_more_values_than_it_is_taken_for() -> None:
    assert has_at_most_values(5, b'{"a": [1, 2, 3]}')
    assert not has_at_most_values(4, b'{"a": [1, 2, 3]}')
    assert not has_at_most_values(1_000, b"[" + b"[]," * 1_000 + b"[]]")


@pytest.mark.parametrize("objects", [True, False])
def test_values_may_lie_so_deep_and_no_deeper(objects: bool) -> None:
    assert is_shallow(nested(MAX_JSON_DEPTH, objects=objects))
    assert not is_shallow(nested(MAX_JSON_DEPTH + 1, objects=objects))
    assert is_shallow("text")


HUGE = 200_000  # Repetitions: with a parser of quadratic time a test would run into its time-out.


def refusal(text: str, parse: Callable[[str, bytes], object]) -> str:
    """Return why a text is refused."""
    with pytest.raises(BadArchive) as refused:
        parse("a.file", text.encode())
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('\ufeff{"a": [1, -2.5, true, null, "\\u00e9"]}', {"a": [1, -2.5, True, None, "é"]}),
        (r'["\ud83d\ude00", "\\ud800"]', ["\U0001f600", r"\ud800"]),
        ("9" * 32, int("9" * 32)),
    ],
)
def test_json_is_read(text: str, value: object) -> None:
    assert parse_json("a.json", text.encode()) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "\ufeff# hello\r\n[a]\r\nb = \"c\" # here\r\nx.y = ['''a.b''']\r\n",
            {"b": "c", "x": {"y": ["a.b"]}},
        ),
        (f'a = """{"x.y, " * 40_000}"""\n# {"x." * 100_000}\n', "x.y, " * 40_000),
        # A comma may end an inline table.
        ("a = {b = {c = 1 ,\t}, }", {"b": {"c": 1}}),
        ("a = {b = \",}\", c = ',}', } # ,}", {"b": ",}", "c": ",}"}),
        ('a = """\n,}"""', ",}"),
        # And it may have lines and comments.
        ("a = {\n}", {}),
        ("a = {\n" + "\n # }\n" * 20_000 + "}", {}),
        ("a = {\r\n\tb = 1 # one, }\r\n  ,# two\r\n c = 2\r\n}\r\n", {"b": 1, "c": 2}),
        ("a = { # } \n b = [ # ]\n {\n c = '}',\n}, ], }", {"b": [{"c": "}"}]}),
        ('a = {b = """\n,\n}""",\n c = {\n d = 1\n}\n}', {"b": ",\n}", "c": {"d": 1}}),
        ("a = [\n {b = 1,\n c = 2},\n]", [{"b": 1, "c": 2}]),
    ],
    ids=lambda each: str(each)[:30],
)
def test_toml_is_read(text: str, value: object) -> None:
    assert parse_toml("a.toml", text.encode()) == {"a": value}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1,\n "b" 2}', "Expecting ':' delimiter at line 2, column 6"),
        ('{"a": "\n"}', "Invalid control character at line 1, column 8"),
        ("{} {}", "Extra data at line 1, column 4"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key c stands twice in one object"),
        ("[NaN]", "NaN is not JSON"),
        ("[-1e400]", "the number -1e400 is too large"),
        ("9" * 33, "a number has 33 digits"),
        (r'{"a": ["\ud800 "]}', r"\ud800 alone is no character"),
        (r'{"\uDFFF": 1}', r"\udfff alone is no character"),
        (r'["\udc00\ud800"]', r"\udc00 alone is no character"),
    ],
)
def test_the_problem_of_invalid_json_is_named(text: str, reason: str) -> None:
    shown = f"a.file cannot be read: {reason}. Correct it and pack again."
    assert refusal(text, parse_json) == shown


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = 1\nb", "Expected '=' after a key in a key/value pair at line 2, column 2"),
        ("a = {b = 1,,}", "Invalid initial character for a key part at line 1, column 12"),
        ("a = {\n b = 1,\n}\na = 2", "Cannot overwrite a value at line 4, column 6"),
        ("a = {\r\n b = 1 c\r\n}", "Unclosed inline table at line 2, column 8"),
        ("a = {b.\nc = 1}", "Invalid initial character for a key part at line 1, column 8"),
        ("a = {b # c\n = 1}", "Expected '=' after a key in a key/value pair at line 1, column 8"),
        ("a = {\n b = 1\n", "Unclosed inline table at line 3, column 1"),
        ("a = 1\na = 2", "Cannot overwrite a value at line 2, column 6"),
        ('a = "\\ud800"', "Escaped character is not a Unicode scalar value at line 1, column 12"),
        ('[" (at "]\n[" (at "]', "Cannot declare (' (at ',) twice at line 2, column 9"),
    ],
)
def test_the_problem_of_invalid_toml_is_named(text: str, reason: str) -> None:
    shown = f"a.file cannot be read: {reason}. Correct it and pack again."
    assert refusal(text, parse_toml) == shown


@pytest.mark.parametrize("parse", [parse_json, parse_toml])
def test_invalid_utf_8_is_found(parse: Callable[[str, bytes], object]) -> None:
    with raises_refusal("manifest-unreadable", match=r"not UTF-8 at line 2, column 3\."):
        parse("a", b"\xc3\xa9 = 1\na \xff")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * HUGE,
        "a = " + "{b = " * HUGE,
        "a" + ".a" * HUGE + " = 1",
        "[a" + " . a" * HUGE + "]",
        '"a"' + '."\\""' * HUGE + " = 1",
        "'a'" + ".'\"'" * HUGE + " = 1",
        'a = ["""\\""""", {b' + ".b" * HUGE + " = 1}]",
        "a = ['''b''''', {b" + ".b" * HUGE + " = 1}]",
        'a = "#" # "\n' + "a" + ".a" * HUGE + " = 1",
        "a = 1\n" * HUGE,
        "[[a]]\n" * HUGE,
        "a = [" + "1," * HUGE + "]",
        "".join(f"[a{at}{'.b' * 31}]\n" for at in range(9_000)),
        "a = " + "1" * HUGE,
        f"a = {'1_' * 5_000}1",
        "a = 1." + "1" * HUGE,
        "".join(f"a{at} = {'1' * 4_000}\n" for at in range(250)),
    ],
)
def test_toml_that_would_take_minutes_is_refused_before(text: str) -> None:
    with raises_refusal("manifest-too-deep"):
        parse_toml("a.toml", text.encode())


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * HUGE, "'" * HUGE, '"' * HUGE, "a" + " " * HUGE, "a." * 31 + "a" * HUGE]
)
def test_looking_for_costly_toml_is_cheap_itself(text: str) -> None:
    with raises_refusal("manifest-unreadable"):
        parse_toml("a.toml", text.encode())


def test_a_refusal_names_the_way_out_of_the_reader() -> None:
    with pytest.raises(BadArchive) as refused:
        parse_toml("Dependencies.toml", b"[", then="try again")
    assert str(refused.value).endswith(" Correct it and try again.")
    with pytest.raises(BadArchive) as refused:
        parse_json("answer of the upstream", b"{", then="")
    assert str(refused.value).endswith(" at line 1, column 2.")
