import pytest

from shared.ballerina.lexer import END, MARK, NAME, NUMBER, STRING, Cursor, Unexpected
from shared.ballerina.syntax import Position


def tokens(text: str) -> list[tuple[int, str]]:
    cursor = Cursor(text)
    found: list[tuple[int, str]] = []
    while cursor.kind != END:
        found.append((cursor.kind, cursor.value))
        cursor.advance()
    return found


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "_",
        "a1",
        "'type",
        "'4XX",
        "naïve",
        "名前",
        "a\\-b",
        "first\\ name",
        "'\\u{61}b",
        "\\u{1F600}",
    ],
)
def test_a_name_is_one_token(name: str) -> None:
    assert tokens(name) == [(NAME, name)]


@pytest.mark.parametrize("text", ["«", "\u2028", "\ue000", "'", "\\", "$"])
def test_what_names_cannot_contain_is_a_mark(text: str) -> None:
    assert tokens(f"a{text}")[:2] == [(NAME, "a"), (MARK, text)]


@pytest.mark.parametrize("number", ["1", "0x1F", "1.5", "1e3", "1.5e-3f", "2d"])
def test_a_number_is_one_token(number: str) -> None:
    assert tokens(number) == [(NUMBER, number)]


def test_marks_of_several_characters_are_one_token() -> None:
    expected = ["{|", "|}", "...", "=>", "?", ".", ">", ">"]
    assert tokens("{||}...=>?.>>") == [(MARK, each) for each in expected]


@pytest.mark.parametrize("string", ['""', '"a b"', r'"\""', r'"\\"', r'"\u{61}"'])
def test_a_string_is_one_token(string: str) -> None:
    assert tokens(f"{string} a") == [(STRING, string), (NAME, "a")]


def test_a_string_ends_with_its_line() -> None:
    assert tokens('"a\n') == [(MARK, '"'), (NAME, "a")]


def test_comments_and_blanks_are_between_tokens() -> None:
    assert tokens("\t a // b\n\n  c") == [(NAME, "a"), (NAME, "c")]


def test_a_doc_comment_belongs_to_the_token_after_it() -> None:
    cursor = Cursor("# One\n\n# Two\n  # lines\n// And a comment.\na b")
    assert (cursor.value, cursor.comment) == ("a", "# One\n\n# Two\n  # lines")
    assert cursor.next() == "b"
    cursor.advance()
    assert (cursor.value, cursor.comment) == ("b", "")


def test_the_next_token_is_seen_behind_a_doc_comment_and_at_the_end() -> None:
    cursor = Cursor("a # Doc\nb")
    assert cursor.next() == "b"
    cursor.advance()
    assert cursor.next() == ""


def test_a_position_has_a_line_wherever_the_cursor_moves() -> None:
    cursor = Cursor("a\n\nb\nc", "main.bal")
    assert cursor.position() == Position("main.bal", 1)
    assert [cursor.line(offset) for offset in (5, 0, 3, 2)] == [4, 1, 3, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a(b, c); d", "a(b, c)"),
        ("{a: [1, 2]} , d", "{a: [1, 2]}"),
        ('"a, b", c', '"a, b"'),
        ("`${`,`}, ${{a: 1}}`, c", "`${`,`}, ${{a: 1}}`"),
        ("a < b, c > d", "a < b"),
        ("new stream<A, map<B>>(), c", "new stream<A, map<B>>()"),
        ("a // b, c\n + d, e", "a // b, c\n + d"),
        ("a // b\n  // c\n  # d\n, e", "a"),
        ('"http://a" // b\n;', '"http://a"'),
        ("a / b, c", "a / b"),
        ("a) b", "a"),
    ],
)
def test_an_expression_ends_at_a_stop_outside_of_brackets(text: str, expected: str) -> None:
    assert Cursor(text).expression(",;") == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a", "expected `;`, found the end of the file"),
        ("a ( b", "expected `)`, found the end of the file"),
        ("a ( b }", "expected `)`, found `}`"),
        (";", "expected an expression, found `;`"),
        ('a + "b\n;', "expected the end of a string, found `\\u{A}`"),
        ("`a", "expected the end of a template, found the end of the file"),
        ("`${ a )", "expected `}`, found `)`"),
        ("stream<A", "expected `>`, found the end of the file"),
    ],
)
def test_an_expression_without_an_end_is_unexpected(text: str, reason: str) -> None:
    with pytest.raises(Unexpected) as raised:
        Cursor(text).expression(";")
    assert str(raised.value) == reason


def test_a_block_ends_at_its_own_bracket() -> None:
    cursor = Cursor('{ a: { "}" } // }\n } b')
    assert cursor.block() == '{ a: { "}" } // }\n }'
    assert cursor.value == "b"


@pytest.mark.parametrize(
    ("text", "reason"), [("{ a )", "expected `}`, found `)`"), ("} a", "expected `{`, found `}`")]
)
def test_a_block_begins_with_a_brace_and_ends_with_its_own(text: str, reason: str) -> None:
    with pytest.raises(Unexpected) as raised:
        Cursor(text).block()
    assert str(raised.value) == reason


def test_characters_that_nobody_sees_are_named_in_a_reason() -> None:
    with pytest.raises(Unexpected, match=r"expected `a`, found `\\u\{0\}`"):
        Cursor("\0").expect("a")
