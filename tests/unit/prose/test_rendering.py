"""Rendering of Markdown and source files."""

import re
from html import unescape
from itertools import count

import pytest

from shared.prose.rendering import TextPlace, highlight, render_markdown


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


PLACE = TextPlace("/files/acme/greet/1.0.0", folder="docs")


def html(text: str, prefix: str = "readme") -> str:
    """Return a text of `acme/greet:1.0.0` as HTML."""
    return render_markdown(text, PLACE, prefix)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("*a* **b** ~~c~~ ~d~ `e`", "<em>a</em> <strong>b</strong> <s>c</s> <s>d</s>"),
        ("a  \nb", "<p>a<br>\nb</p>"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
        ("3. a", '<ol start="3">'),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>"),
        ("---", "<hr>"),
        ("&copy; &amp; &lt;b&gt;", "<p>© &amp; &lt;b&gt;</p>"),
        ("> [!WARNING]\n> Hot.", '<div class="markdown-alert markdown-alert-warning">'),
        ("> [!WARNING]\n> Hot.", '<p class="markdown-alert-title">Warning</p>'),
        ("- [ ] a", '<span class="task" role="img" aria-label="Not done"></span>'),
        ("- [x] a", '<span class="task done" role="img" aria-label="Done"></span>'),
        ("|a|\n|:-:|\n|b|", '<th align="center">a</th>'),
        ("|a|\n|-|\n|b\\|c|", "<td>b|c</td>"),
        ("|a|\n|-|\n|b|", '<div class="wide" tabindex="0"><table>'),
    ],
)
def test_what_github_writes_is_written(written: str, shown: str) -> None:
    assert shown in html(written)


def test_a_heading_is_one_level_lower_and_can_be_linked_to() -> None:
    assert html("# Getting *started*") == (
        '<h2 id="readme-getting-started">Getting <em>started</em> '
        '<a class="anchor" href="#readme-getting-started" '
        'aria-label="Link to Getting started" rel="nofollow noopener ugc">#</a></h2>\n'
    )
    assert html("###### Deep").startswith("<h6 ")


def test_headings_of_the_same_words_have_ids_of_their_own() -> None:
    text = html("# Usage\n\n# Usage\n\n# Usage")
    assert [f'id="readme-usage{end}"' in text for end in ("", "-1", "-2")] == [True] * 3


def test_a_heading_without_letters_has_no_id() -> None:
    assert html("# !!!") == "<h2>!!!</h2>\n"


def test_footnotes_are_numbered_and_lead_back() -> None:
    text = html("a[^x] b[^x]\n\n[^x]: Note.")
    assert 'href="#readme-fn1" id="readme-fnref1"' in text
    assert '<li id="readme-fn1" class="footnote-item"><p>Note. <a href="#readme-fnref1"' in text
    assert 'href="#readme-fnref1:1"' in text


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("www.example.com", "http://www.example.com"),
        ("https://example.com/a?b=c", "https://example.com/a?b=c"),
        ("See (https://example.com).", "https://example.com"),
        ("me@example.com", "mailto:me@example.com"),
        ("mailto:me@example.com", "mailto:me@example.com"),
        ("<https://example.com>", "https://example.com"),
    ],
)
def test_bare_addresses_are_links(written: str, address: str) -> None:
    assert f'<a href="{address}" rel="nofollow noopener ugc">' in html(written)


def test_code_is_coloured_by_classes() -> None:
    assert html("```bal\nint x = 1;\n```") == (
        '<pre tabindex="0"><code><span class="kt">int</span> x = '
        '<span class="mi">1</span>;\n</code></pre>\n'
    )


@pytest.mark.parametrize("fence", ["```", "```unheard-of", "```bal"])
def test_code_of_any_language_is_escaped(fence: str) -> None:
    assert "<b>" not in html(f"{fence}\n<b>&\n```")


def test_indented_code_is_code() -> None:
    assert html("    a < b") == '<pre tabindex="0"><code>a &lt; b\n</code></pre>\n'


def test_links_lead_into_the_archive() -> None:
    assert 'href="/files/acme/greet/1.0.0/docs/guide%20a.md#part"' in html("[a](<guide a.md#part>)")


def test_links_within_the_text_find_its_headings() -> None:
    assert 'href="#readme-usage"' in html("[a](#usage)\n\n# Usage")


def test_pictures_of_the_archive_are_shown() -> None:
    assert html("![A cat](cat.png)") == (
        '<p><img src="/files/acme/greet/1.0.0/docs/cat.png" alt="A cat" loading="lazy"></p>\n'
    )


def test_a_picture_of_another_host_is_a_link_to_it() -> None:
    assert html("![A cat](https://cats.example/cat.png)") == (
        '<p><a href="https://cats.example/cat.png" rel="nofollow noopener ugc">A cat</a></p>\n'
    )


def test_a_picture_of_another_host_in_a_link_is_its_words() -> None:
    badge = html("[![Build](https://ci.example/badge.svg)](https://ci.example/greet)")
    assert badge == (
        '<p><a href="https://ci.example/greet" rel="nofollow noopener ugc">Build</a></p>\n'
    )


def test_texts_of_one_page_have_ids_of_their_own() -> None:
    assert 'id="module-http-usage"' in html("# Usage", "module-http")


@pytest.mark.parametrize("control", ["\u202e", "&#x202e;", "\u2066"])
def test_what_turns_the_direction_of_a_line_is_shown(control: str) -> None:
    text = html(f"a{control}b `{control}`\n\n```bal\n// {control}\n```")
    assert "\u202e" not in text
    assert "\u2066" not in text
    assert "[U+20" in text


def test_templates_take_the_text_as_it_is() -> None:
    text = render_markdown("*a*", PLACE)
    assert text.__html__() == "<p><em>a</em></p>\n"
