"""Limits of rendering: sizes, depths and processor time, for hostile texts."""

from html.parser import HTMLParser
from time import thread_time

import pytest

from shared.prose.markdown import bracket_depth
from shared.prose.rendering import (
    MAX_ATTRIBUTE_CHARACTERS,
    MAX_BRACKET_DEPTH,
    MAX_BRACKETS,
    MAX_CHARACTERS,
    MAX_HIGHLIGHTED_CHARACTERS,
    MAX_MILLISECONDS,
    MAX_NESTING,
    MAX_OPEN_TAGS,
    MAX_PARAGRAPH_CHARACTERS,
    MAX_SOURCE_CHARACTERS,
    TextPlace,
    highlight,
    render_markdown,
    truncate,
)

PLACE = TextPlace("/files/acme/greet/1.0.0")
DEEPEST = 3 * MAX_NESTING + 2 * MAX_OPEN_TAGS  # A list is two elements, and a paragraph is in it.
LARGEST = 40  # Times the text: a heading of one letter has an id, a link and words for it.

PATTERNS = [
    "[", "![", "[a](", "[[](", "![[]()", "*a _b ", "**", "_a_", "***a", "~~a", "~", "`` ` ``` ",
    "> ", ">", "- ", "+ * ", "\t- ", "1. a\n   ", "- [ ] a\n", "# a\n", "a\n=\n", "\n", "a\n",
    "<", "<!", "<!--", "<!-- --> ", "<?", "<a ", '<a "', "<a href=x>", "<b>", "</b>", "<p><b>",
    "<b></p><p>", "<div>", "<div>\n\n", "</div>", "<ul><li>", "<table><tr><td>", "x<b>",
    "<img a=b ", "<em><strong>", "&", "&amp;", "&#x202e;", ":", "@", "a@", "a@b.c ", "mailto:",
    "http://", "http://a ", "www.", "www.a.b ", "[^1]", "[a]:\n", "[x]: /u\n", "| a ", "|-|-|\n",
    "```\na\n```\n", "    a\n\n", "\\", "\x00", "\r", "\u0301", "\u202e",
]  # fmt: skip


class Depth(HTMLParser):
    """Measures how deep elements are in each other."""

    VOID = frozenset(["br", "hr", "img", "wbr"])

    def __init__(self) -> None:
        super().__init__()
        self.now = self.deepest = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.now += 1
            self.deepest = max(self.deepest, self.now)

    def handle_endtag(self, tag: str) -> None:
        self.now -= 1


def assert_bounded(text: str) -> None:
    """Render the text; what comes of it is neither large nor deep."""
    html = render_markdown(text, PLACE)
    assert len(html) <= LARGEST * len(text) + MAX_ATTRIBUTE_CHARACTERS
    depth = Depth()
    depth.feed(html)
    assert depth.deepest <= DEEPEST


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_without_end_comes_to_something_bounded(pattern: str) -> None:
    assert_bounded((pattern * MAX_CHARACTERS)[: MAX_CHARACTERS // 8])


COLUMNS = 64
WIDE = "|" + "a|" * COLUMNS + "\n|" + "-|" * COLUMNS + "\n" + "x\n" * 60 + "\n"

HOSTILE = {
    "tables whose short rows are filled up": WIDE * 400,
    "a table of many rows": "|a|b|c|\n|-|-|-|\n" + "|1|2|3|\n" * 20_000,
    "many tables": "|a|\n|-|\n|b|\n\n" * 9_000,
    "pictures in pictures": ("![" * 40 + "\n\n") * 1_600,
    "cells that are not written": "|".join("a" * 500) + "\n" + "|".join("-" * 500) + "\nx" * 9_000,
    "one long address for many links": "[x]: /" + "u" * 2_000 + "\n\n" + "[x]\n\n" * 9_000,
    "one long title for many links": f'[x]: /u "{"t" * 30_000}"\n\n' + "[x]\n\n" * 9_000,
    "formatting that each paragraph opens again": "\n\n".join(["<b>" * 100] * 300),
    "formatting with attributes": "".join(f"<b title={n}>" for n in range(2_000)) + "<p>x" * 5_000,
    "a tag of a thousand attributes": "<img " + " ".join(f"a{n}" for n in range(9_000)) + ">",
    "quotes in quotes": "\n".join(">" * n + " a" for n in range(400)),
    "lists in lists": "\n".join("  " * n + "- a" for n in range(300)),
    "notes that call notes": "[^a]\n\n" + "[^a]: [^a] [^a]\n" * 3_000,
    "templates in templates": "```bal\n" + "x = `${" * 4_000 + "\n```",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_comes_to_something_bounded(kind: str) -> None:
    assert_bounded(HOSTILE[kind])


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_takes_little_of_the_processor(kind: str) -> None:
    render_markdown("```bal\nint x;\n```", PLACE)
    began = thread_time()
    render_markdown(HOSTILE[kind], PLACE)
    # Eight: machines of tests differ, and a text that is not bounded takes a hundred.
    assert thread_time() - began < 8 * MAX_MILLISECONDS / 1000


# Each took a lexer seconds for 16 KiB, and four times as long for twice as many.
COSTLY_SOURCES = {"java": "a ", "kt": "a<", "cs": "a "}


@pytest.mark.parametrize("language", COSTLY_SOURCES)
@pytest.mark.parametrize("shown_as", ["a file", "a block of a text"])
def test_code_that_is_slow_to_colour_takes_little_of_the_processor(
    language: str, shown_as: str
) -> None:
    code = (COSTLY_SOURCES[language] * MAX_HIGHLIGHTED_CHARACTERS)[: MAX_HIGHLIGHTED_CHARACTERS - 1]
    began = thread_time()
    if shown_as == "a file":
        html = highlight(f"a.{language}", code * 12)
    else:
        html = render_markdown(f"```{language}\n{code}\n```\n" * 5, PLACE)
    assert COSTLY_SOURCES[language][0] in html
    assert thread_time() - began < 8 * MAX_MILLISECONDS / 1000


class Ticking:
    """A processor whose time goes on by a step each time that it is looked at."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        """Return the time."""
        self.now += self.step
        return self.now


@pytest.mark.parametrize("step", [1e-6, 3e-4, 1e-3, 3e-3, 1])
def test_a_text_that_takes_too_long_is_cut_and_says_so(step: float) -> None:
    text = "# Title\n\n- *a*\n- b\n\n> word\n\n" * 50 + "the end\n"
    html = render_markdown(text, PLACE, clock=Ticking(step))
    is_whole = "the end" in html
    assert is_whole == (step == 1e-6)
    assert ("takes too long to show" in html) != is_whole
    depth = Depth()
    depth.feed(html)
    assert depth.now == 0
    if step == 3e-4:
        assert html.startswith("<h2")  # Its beginning is there.


def test_a_paragraph_that_takes_too_long_is_left_out_with_its_block() -> None:
    text = "first\n\n- second\n- " + "*a* " * 2_000
    html = render_markdown(text, PLACE, clock=Ticking(1e-4))
    assert "first" in html
    assert "second" not in html
    assert "takes too long to show" in html


def test_a_table_of_reasonable_size_is_a_table_also_inside_other_blocks() -> None:
    table = "> | a | b |\n> |---|---|\n" + "> | c | d |\n" * 100
    assert render_markdown(table, PLACE).count("<td>") == 200
    assert "<table>" not in render_markdown("a | b\n", PLACE)


def test_cells_of_all_tables_are_counted_together() -> None:
    table = "| a | b |\n|---|---|\n" + "| c | d |\n" * 900 + "\nbetween\n\n"
    html = render_markdown(table * 4, PLACE, clock=Ticking(0))
    assert html.count("<table>") == 2


def test_brackets_in_brackets_beyond_what_anybody_writes_are_plain() -> None:
    deep = MAX_BRACKET_DEPTH
    assert "<em>" in render_markdown("*a* " + "[" * deep + "]" * deep, PLACE)
    assert "<em>" not in render_markdown("*a* " + "[" * (deep + 1), PLACE)
    assert bracket_depth("][[a]]] [b] [c [d]]") == 2


def test_the_end_of_a_long_text_is_left_out_and_that_is_said() -> None:
    line = "word " * 1_000 + "\n\n"
    long = line * (MAX_CHARACTERS // len(line) + 1)
    text = render_markdown(long, PLACE, clock=Ticking(0))
    assert text.count("word") <= MAX_CHARACTERS / len("word ")
    assert text.endswith(f"Only the first {MAX_CHARACTERS:,} characters are shown.</p>\n")


def test_a_text_is_cut_between_lines_where_there_are_any() -> None:
    assert truncate("ab\ncd\nef", 7) == "ab\ncd\n"
    assert truncate("abcdef", 3) == "abc"
    assert truncate("abc", 3) == "abc"


def test_a_paragraph_that_nobody_writes_is_plain() -> None:
    assert "<em>" in render_markdown("*a* ", PLACE)
    assert "<em>" not in render_markdown("*a* " * MAX_PARAGRAPH_CHARACTERS, PLACE)
    assert "<em>" not in render_markdown("*a* " + "[" * (MAX_BRACKETS + 1), PLACE)


def test_more_code_than_anybody_reads_is_plain() -> None:
    code = "int x = 1;\n"
    assert "<span" in render_markdown(f"```bal\n{code}```", PLACE)
    long = code * (MAX_HIGHLIGHTED_CHARACTERS // len(code) + 1)
    assert "<span" not in render_markdown(f"```bal\n{long}```", PLACE)
    block = f"```bal\n{code * 1_000}```\n"
    assert render_markdown(block * 11, PLACE).count("<span") < 10 * code.count(" ") * 1_000


def test_a_source_that_is_too_long_is_cut() -> None:
    lines = highlight("a.txt", "word\n" * MAX_SOURCE_CHARACTERS).count("\n")
    assert lines <= MAX_SOURCE_CHARACTERS / len("word\n")
