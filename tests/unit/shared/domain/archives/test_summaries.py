"""The one line that stands for a package."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.archives.summaries import MAX_SUMMARY_LENGTH, in_one_line, summary_of


def test_a_description_wins() -> None:
    assert summary_of("Says\nhello.", "Something else.") == "Says hello."


@pytest.mark.parametrize(
    ("markdown", "summary"),
    [
        ("", ""),
        ("Hello.\nMore.", "Hello."),
        ("> [!NOTE]\n> Hello.", "Hello."),
        ("Hello[^1] to ~~one~~ all[^many-more].", "Hello to one all."),
        ("\n\n  Hello.\r\n", "Hello."),
        ("# Greet\n\n## Overview\nHello.", "Hello."),
        ("Greet\n=====\nHello.", "Hello."),
        ("Greet\n---\nHello.", "Hello."),
        ("[![Build](https://a/b.svg)](https://a) ![x][y]\n\nHello.", "Hello."),
        ("[//]: # (above is the summary)\nHello.", "Hello."),
        ("[docs]: https://example.org\nHello.", "Hello."),
        ("<!-- a\ncomment -->\nHello.", "Hello."),
        ("<!-- a comment without an end\nHello.", ""),
        ("<p align='center'>\n<img src='x'/>\n</p>\nHello.", "Hello."),
        ("---\ntitle: greet\n---\nHello.", "Hello."),
        ("```ballerina\nimport acme/greet;\n```\nHello.", "Hello."),
        ("~~~\ncode\n~~~~\nHello.", "Hello."),
        ("```\ncode without an end\nHello.", ""),
        ("    indented code\nHello.", "Hello."),
        ("| a | b |\n|---|---|\nHello.", "Hello."),
        ("***\n- - -\nHello.", "Hello."),
        ("> Hello.", "Hello."),
        ("- Hello.\n- World.", "Hello."),
        ("12. Hello.", "Hello."),
        (
            "**Hello** *there*, `greet` and __all__ of snake_case.",
            "Hello there, greet and all of snake_case.",
        ),
        ("See [the docs](https://a/b_(c)) and [more][1].", "See the docs and more."),
        ("A <b>bold</b> hello.", "A bold hello."),
        ("Two * two = 2 * 2.", "Two * two = 2 * 2."),
        ("Grüße aus Colombo.", "Grüße aus Colombo."),
    ],
)
def test_else_it_is_the_first_line_of_prose(markdown: str, summary: str) -> None:
    assert summary_of("", markdown) == summary


def test_a_long_line_ends_at_a_word() -> None:
    found = summary_of("word " * 100, "")
    assert found == "word " * 58 + "word…"
    assert len(found) <= MAX_SUMMARY_LENGTH


def test_a_long_word_is_cut() -> None:
    assert summary_of("w" * 301, "") == "w" * 299 + "…"
    assert summary_of("w" * 300, "") == "w" * 300


def test_prose_far_down_is_not_looked_for() -> None:
    assert summary_of("", "# Title\n" * 99 + "Hello.") == "Hello."
    assert summary_of("", "# Title\n" * 100 + "Hello.") == ""


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    line = in_one_line(text)
    assert len(line.splitlines()) <= 1
    assert line == in_one_line(line) == line.strip()


@given(st.text(alphabet="ab *_[]()!`<>#-|\n\t~="))
def test_a_summary_of_any_markdown_is_one_short_line(markdown: str) -> None:
    found = summary_of("", markdown)
    assert len(found.splitlines()) <= 1
    assert len(found) <= MAX_SUMMARY_LENGTH
