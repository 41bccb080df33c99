"""Files of archives in colours."""

import re
from html import unescape
from itertools import count

import pytest

from shared.prose.highlighting import highlight


def test_each_line_has_an_id_to_lead_to() -> None:
    assert highlight("notes.txt", "a\n\nb\n") == (
        '<span id="L-1">a</span>\n<span id="L-2"></span>\n<span id="L-3">b</span>'
    )


@pytest.mark.parametrize(
    ("path", "code", "shown"),
    [
        ("Ballerina.toml", "a = 1", '<span class="mi">1</span>'),
        ("modules/a/b.BAL", "int a", '<span class="kt">int</span>'),
        ("docker/Dockerfile", "FROM a", '<span class="k">FROM</span>'),
        ("a.json", '{"a": 1}', '<span class="nt">"a"</span>'),
        ("a.unheard", "<b>", "&lt;b&gt;"),
        ("LICENSE", "<b>", "&lt;b&gt;"),
    ],
)
def test_a_file_is_coloured_by_its_name(path: str, code: str, shown: str) -> None:
    assert shown in highlight(path, code)


def test_no_colour_goes_over_the_end_of_a_line() -> None:
    lines = highlight("a.java", "/* a\n\nb */ int c;").split("\n")
    assert all(line.count("<span") == line.count("</span>") for line in lines)


def test_what_turns_a_line_is_shown_in_code() -> None:
    assert "[U+202E]" in highlight("a.bal", "// \u202e")


@pytest.mark.parametrize("ticks", [0, 1, 20])
def test_code_that_is_not_coloured_in_time_is_plain_from_there_on(ticks: int) -> None:
    code = "\ufeff" + "int a = 1;\r\n" * 40 + "int b;"
    moments = count()
    html = highlight("a.java", code, clock=lambda: float(next(moments) > ticks))
    text = re.sub("<[^>]*>", "", html)
    assert unescape(text) == code.removeprefix("\ufeff").replace("\r\n", "\n")
    assert 0 < html.count('class="') < 3 * 40


def test_a_message_chooses_no_language_of_its_body() -> None:
    message = "POST / HTTP/1.1\nContent-Type: text/x-python\n\nimport os"
    assert ">import os<" in highlight("a.http", message)
    assert 'class="' in highlight("a.http", message)
