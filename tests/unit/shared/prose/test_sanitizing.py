"""Raw HTML inside Markdown: GitHub's subset."""

import pytest

from shared.prose.rendering import render_markdown
from shared.prose.text_links import TextPlace

PLACE = TextPlace("/files/acme/greet/1.0.0", folder="docs")
FILES = "/files/acme/greet/1.0.0/docs"
UNTRUSTED = 'rel="nofollow noopener ugc"'


def html(text: str) -> str:
    """Return a text of `acme/greet:1.0.0` as HTML."""
    return render_markdown(text, PLACE)


@pytest.mark.parametrize(
    "written",
    [
        "<p>a <kbd>Ctrl</kbd> <sub>b</sub> <sup>c</sup> <br> <samp>d</samp> <del>e</del></p>",
        '<p align="center">a</p>',
        '<div align="right">a</div>',
        '<details open=""><summary>a</summary>b</details>',
        '<h2 align="center">a</h2>',
        '<p dir="rtl">a</p>',
        "<dl><dt>a</dt><dd>b</dd></dl>",
        '<p><abbr title="b">a</abbr></p>',
        "<p><ruby>a<rp>(</rp><rt>b</rt><rp>)</rp></ruby></p>",
    ],
)
def test_elements_that_readmes_use_remain(written: str) -> None:
    lowered = written.replace("h2", "h1")
    assert html(lowered) == written


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (
            "<details>\n<summary>a</summary>\n\n*b*\n\n</details>",
            "<details>\n<summary>a</summary>\n<p><em>b</em></p>\n</details>",
        ),
        ("A map<string> and a < b", "<p>A map&lt;string&gt; and a &lt; b</p>\n"),
        ("a <script>alert(1)</script>", "<p>a &lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("<center><font size=7>a</font></center>", "a"),
        ("a <!-- b --> c", "<p>a  c</p>\n"),
        ("<!-- a\n\nb", ""),
        ("<?php a ?>", ""),
        (
            '<img src="a.png" alt="b" width="50%" height="10">',
            f'<img src="{FILES}/a.png" alt="b" width="50%" height="10" loading="lazy">',
        ),
        ('<img alt="c">', "c"),
        ("<img>", "picture"),
        (
            '<img src="https://a.example/b.png" alt="c">',
            f'<a href="https://a.example/b.png" {UNTRUSTED}>c</a>',
        ),
        (
            '<a href="https://b.example"><img src="https://a.example/b.png" alt="c"></a>',
            f'<p><a href="https://b.example" {UNTRUSTED}>c</a></p>\n',
        ),
        ('<p id="readme-x">a</p>', '<p id="readme-x">a</p>'),
        ('<p id="x">a</p>', '<p id="readme-x">a</p>'),
        ('<p id="a b">a</p>', "<p>a</p>"),
        ('<p id="">a</p>', "<p>a</p>"),
        ('<a name="x"></a>', f'<p><a name="readme-x" {UNTRUSTED}></a></p>\n'),
        ("<div><b>a", "<div><b>a</b></div>"),
        ("a</b></div>", "<p>a</p>\n"),
    ],
)
def test_only_what_is_harmless_remains(written: str, shown: str) -> None:
    assert html(written) == shown


@pytest.mark.parametrize("size", ["99999", "2001", "1e9", "calc(1px)", "100vw", "-1", "١٢"])
def test_a_picture_is_not_larger_than_any_screen(size: str) -> None:
    assert "width" not in html(f'<img src="a.png" width="{size}">')


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ('<td colspan="3">', '<td colspan="3">'),
        ('<td colspan="1000">', "<td>"),
        ('<td align="evil">', "<td>"),
        ('<td style="position:fixed">', "<td>"),
    ],
)
def test_cells_span_what_is_reasonable(written: str, left: str) -> None:
    assert left in html(f"<table><tr>{written}a</td></tr></table>")
