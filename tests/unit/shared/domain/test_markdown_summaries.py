"""The summary of a package and the first sentence of a text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.markdown_summaries import MAX_SUMMARY_LENGTH, first_sentence, summary_of


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
        ("12. Hello.", "Hello."),
        ("**Hello** *there*, `greet` and __all__ of a_b.", "Hello there, greet and all of a_b."),
        ("See [the docs](https://a/b_(c)) and [more][1].", "See the docs and more."),
        ("A <b>bold</b> hello.", "A bold hello."),
        ("Two * two = 2 * 2.", "Two * two = 2 * 2."),
    ],
)
def test_else_it_is_the_first_line_of_prose(markdown: str, summary: str) -> None:
    assert summary_of("", markdown) == summary


def test_a_long_line_ends_at_a_word() -> None:
    assert summary_of("word " * 100, "") == "word " * 58 + "word…"
    assert summary_of("w" * 301, "") == "w" * 299 + "…"
    assert summary_of("w" * 300, "") == "w" * 300


def test_prose_far_down_is_not_looked_for() -> None:
    assert summary_of("", "# Title\n" * 99 + "Hello.") == "Hello."
    assert summary_of("", "# Title\n" * 100 + "Hello.") == ""


@given(st.text(alphabet="ab *_[]()!`<>#-|\n\t~="))
def test_a_summary_of_any_markdown_is_one_short_line(markdown: str) -> None:
    found = summary_of("", markdown)
    assert len(found.splitlines()) <= 1
    assert len(found) <= MAX_SUMMARY_LENGTH


@pytest.mark.parametrize(
    ("markdown", "sentence"),
    [
        ("", ""),
        ("Sends things. Waits.", "Sends things."),
        ("Sends e.g. letters. Waits.", "Sends e.g. letters."),
        ("Sends all (i.e. Letters too). Waits.", "Sends all (i.e. Letters too)."),
        ("Sends letters, parcels, etc. Waits.", "Sends letters, parcels, etc."),
        ("The no. 5 of the list. Waits.", "The no. 5 of the list."),
        ("Reads `a. b` of it. Waits.", "Reads a. b of it."),
        ('Says "yes." Waits.', 'Says "yes."'),
        ("Is it there?\nWaits.", "Is it there?"),
        ("Waits for a\n     long time. Ends.", "Waits for a long time."),
        ("Sends:\n- letters\n- parcels", "Sends:"),
        ("```\ncode\n```\nSends things. Waits.", "Sends things."),
        ("~~~\ncode\n~~~\nSends things. Waits.", "Sends things."),
        ("# Sending\n\nSends things. Waits.", "Sends things."),
        ("Without an end", "Without an end"),
        ("#\n\n" * 9 + "Too late.", ""),
    ],
)
def test_a_sentence_is_not_cut_before_its_end(markdown: str, sentence: str) -> None:
    assert first_sentence(markdown) == sentence


@pytest.mark.parametrize("text", ["a" * 9_000, "e.g. " * 2_000, "." * 9_000, "```\n" * 3_000])
def test_a_sentence_is_found_in_time(text: str) -> None:
    began = time.process_time()
    for _ in range(10):
        first_sentence(text)
    assert time.process_time() - began < 0.5
