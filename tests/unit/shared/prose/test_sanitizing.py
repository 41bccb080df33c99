"""Raw HTML inside Markdown: GitHub's subset."""

import pytest

from shared.prose.rendering import render_markdown
from shared.prose.safe_html import TextPlace

PLACE = TextPlace("/files/acme/greet/1.0.0", folder="docs")


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


def test_markdown_inside_html_is_markdown() -> None:
    text = html("<details>\n<summary>a</summary>\n\n*b*\n\n</details>")
    assert text == "<details>\n<summary>a</summary>\n<p><em>b</em></p>\n</details>"


def test_text_that_is_no_tag_is_shown_as_it_is_written() -> None:
    assert "map&lt;string&gt;" in html("A map<string> and a < b <- c")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html("<script>alert(1)</script>")


def test_tags_that_only_dress_go_and_what_is_in_them_stays() -> None:
    assert html("<center><font size=7>a</font></center>") == "a"


def test_comments_are_not_shown() -> None:
    assert html("a <!-- b --> c") == "<p>a  c</p>\n"
    assert html("<!-- a\n\nb") == ""
    assert html("<?php a ?>") == ""


def test_a_picture_of_the_archive_has_its_size() -> None:
    assert html('<img src="a.png" alt="b" width="50%" height="10">') == (
        '<img src="/files/acme/greet/1.0.0/docs/a.png" alt="b" width="50%" height="10" '
        'loading="lazy">'
    )


@pytest.mark.parametrize("size", ["99999", "2001", "1e9", "calc(1px)", "100vw", "-1", "١٢"])
def test_a_picture_is_not_larger_than_any_screen(size: str) -> None:
    assert "width" not in html(f'<img src="a.png" width="{size}">')


def test_pictures_of_other_hosts_are_links() -> None:
    assert html('<img src="https://a.example/b.png" alt="c">').startswith(
        '<a href="https://a.example/b.png"'
    )
    linked = html('<a href="https://b.example"><img src="https://a.example/b.png" alt="c"></a>')
    assert linked == '<p><a href="https://b.example" rel="nofollow noopener ugc">c</a></p>\n'
    assert html('<img alt="c">') == "c"
    assert html("<img>") == "picture"


def test_ids_and_names_begin_with_the_text_s_own_prefix() -> None:
    assert '<a name="readme-x" id="readme-y" ' in html('<a name="x" id="y"></a>')
    assert html('<p id="readme-x">a</p>') == '<p id="readme-x">a</p>'
    assert html('<p id="a b">a</p>') == html('<p id="">a</p>') == "<p>a</p>"


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


def test_what_is_left_open_ends_with_the_text() -> None:
    assert html("<div><b>a") == "<div><b>a</b></div>"
    assert html("a</b></div>") == "<p>a</p>\n"
