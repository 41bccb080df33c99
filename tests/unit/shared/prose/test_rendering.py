"""Rendering of Markdown: elements, links and pictures."""

import re
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.prose.rendering import (
    MAX_CHARACTERS,
    MAX_SOURCE_CHARACTERS,
    highlight,
    render_markdown,
    show_plain,
    truncate,
)
from shared.prose.text_links import TextPlace


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
    counts = [(line.count("<span"), line.count("</span>")) for line in lines]
    assert any(begun for begun, _ in counts)
    assert all(begun == ended for begun, ended in counts)


def test_control_characters_of_direction_are_shown_in_code() -> None:
    assert "[U+202E]" in highlight("a.bal", "// \u202e")


def test_a_message_chooses_no_language_of_its_body() -> None:
    message = "POST / HTTP/1.1\nContent-Type: text/x-python\n\nimport os"
    assert ">import os<" in highlight("a.http", message)
    assert 'class="' in highlight("a.http", message)


PLACE = TextPlace("/files/acme/greet/1.0.0", folder="docs")
UNTRUSTED = 'rel="nofollow noopener ugc"'


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
        ("# !!!", "<h2>!!!</h2>\n"),
        (
            "```bal\nint x = 1;\n```",
            '<code><span class="kt">int</span> x = <span class="mi">1</span>;\n</code></pre>\n',
        ),
        ("    a < b", '<pre tabindex="0"><code>a &lt; b\n</code></pre>\n'),
        ("[a](<guide a.md#part>)", 'href="/files/acme/greet/1.0.0/docs/guide%20a.md#part"'),
        ("[a](#usage)\n\n# Usage", 'href="#readme-usage"'),
        (
            "![A cat](cat.png)",
            '<p><img src="/files/acme/greet/1.0.0/docs/cat.png" alt="A cat" loading="lazy"></p>\n',
        ),
        (
            "![A cat](https://cats.example/cat.png)",
            f'<p><a href="https://cats.example/cat.png" {UNTRUSTED}>A cat</a></p>\n',
        ),
        (
            "[![Build](https://ci.example/badge.svg)](https://ci.example/greet)",
            f'<p><a href="https://ci.example/greet" {UNTRUSTED}>Build</a></p>\n',
        ),
    ],
)
def test_text_is_rendered_as_github_renders_it(written: str, shown: str) -> None:
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


@pytest.mark.parametrize("fence", ["```", "```unheard-of", "```bal"])
def test_code_of_any_language_is_escaped(fence: str) -> None:
    assert "<b>" not in html(f"{fence}\n<b>&\n```")


def test_texts_of_one_page_have_ids_of_their_own() -> None:
    assert 'id="module-http-usage"' in html("# Usage", "module-http")


@pytest.mark.parametrize("control", ["\u202e", "&#x202e;", "\u2066"])
def test_control_characters_of_direction_are_shown(control: str) -> None:
    text = html(f"a{control}b `{control}`\n\n```bal\n// {control}\n```")
    assert "\u202e" not in text
    assert "\u2066" not in text
    assert "[U+20" in text


def test_templates_take_the_text_as_it_is() -> None:
    text = render_markdown("*a*", PLACE)
    assert text.__html__() == "<p><em>a</em></p>\n"


HERE = "https://registry.test/packages/acme/greet"
FILES = "/files/acme/greet/1.0.0"


@pytest.mark.parametrize(
    ("written", "leads_to"),
    [
        ("https://example.com/a", "https://example.com/a"),
        ("HTTP://example.com", "HTTP://example.com"),
        ("mailto:me@example.com", "mailto:me@example.com"),
        ("//example.com/a", "https://example.com/a"),
        ("\\\\example.com", "https://example.com"),
        (" https://example.com\n", "https://example.com"),
        ("#usage", "#readme-usage"),
        ("#readme-usage", "#readme-usage"),
        ("guide.md", f"{FILES}/docs/guide.md"),
        ("./guide.md?plain=1#part", f"{FILES}/docs/guide.md#part"),
        ("../LICENSE", f"{FILES}/LICENSE"),
        ("../../../etc/passwd", f"{FILES}/etc/passwd"),
        ("..%2f..%2fetc", f"{FILES}/etc"),
        ("..\\..\\etc", f"{FILES}/etc"),
        ("/account/tokens", f"{FILES}/account/tokens"),
        ("a b/ü.md", f"{FILES}/docs/a%20b/%C3%BC.md"),
        ("a%22b", f"{FILES}/docs/a%22b"),
        ("java\tscript:alert(1)", ""),
        ("javascript:alert(1)", ""),
        ("JaVaScRiPt://example.com/%0aalert(1)", ""),
        ("vbscript:a", ""),
        ("data:text/html,a", ""),
        ("https:account", ""),
        ("https://me:secret@example.com", ""),
        ("https://registry.test@example.com", ""),
        ("mailto:me@example.com?bcc=all@example.com", ""),
        ("#", ""),
        ("", ""),
        ("a\x00b", ""),
        ("a%00b", ""),
        ("..", ""),
        ("a" * 3_000, ""),
    ],
)
def test_a_link_of_a_readme_leads_to_its_page_or_nowhere(written: str, leads_to: str) -> None:
    assert PLACE.link(written, "readme") == leads_to


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("cat.png", f"{FILES}/docs/cat.png"),
        ("/docs/cat.png#a", f"{FILES}/docs/cat.png"),
        ("https://example.com/cat.png", ""),
        ("//example.com/cat.png", ""),
        ("/\\example.com/cat.png", ""),
        ("data:image/png;base64,AA", ""),
        ("#cat", ""),
    ],
)
def test_pictures_come_only_from_the_archive(written: str, shown: str) -> None:
    assert PLACE.picture(written) == shown


def test_with_the_names_of_the_files_nothing_leads_to_a_missing_one() -> None:
    place = TextPlace(FILES, folder="docs", names=frozenset(["docs/guide.md"]))
    assert place.link("guide.md", "readme") == f"{FILES}/docs/guide.md"
    assert not place.link("other.md", "readme")
    assert not place.picture("cat.png")


def test_a_file_that_is_not_next_to_the_text_is_looked_up_from_the_root() -> None:
    names = frozenset(["docs/guide.md", "guide.md", "resources/cat.png"])
    place = TextPlace(FILES, folder="docs", names=names)
    assert place.picture("resources/cat.png") == f"{FILES}/resources/cat.png"
    assert place.link("guide.md", "readme") == f"{FILES}/docs/guide.md"
    assert place.link("/guide.md", "readme") == f"{FILES}/guide.md"
    assert not place.picture("../../resources/dog.png")


def test_links_lead_to_the_pages_of_files_where_there_are_some_and_pictures_do_not() -> None:
    place = TextPlace(FILES, folder="docs", pages="/pages?path=")
    assert place.link("a guide.md#how", "readme") == "/pages?path=docs/a%20guide.md#how"
    assert place.picture("cat.png") == f"{FILES}/docs/cat.png"


@given(st.text(max_size=40) | st.text(alphabet="/\\.:#?@%2fjavscript \t\n", max_size=40))
def test_whatever_is_written_leads_out_plainly_or_stays_among_the_files(written: str) -> None:
    led = PLACE.link(written, "readme")
    whole = urlsplit(urljoin(HERE, led))
    if led and not led.startswith("#") and whole.netloc == "registry.test":
        assert led.startswith(f"{FILES}/")
        assert "/../" not in whole.path
    assert whole.scheme in ("http", "https", "mailto")
    if shown := PLACE.picture(written):
        assert shown.startswith(f"{FILES}/")


def test_the_end_of_a_long_text_is_left_out_and_that_is_said() -> None:
    line = "word " * 1_000 + "\n\n"
    long = line * (MAX_CHARACTERS // len(line) + 1)
    text = render_markdown(long, PLACE)
    assert text.count("word") <= MAX_CHARACTERS / len("word ")
    assert text.endswith(f"Only the first {MAX_CHARACTERS:,} characters are shown.</p>\n")


def test_a_text_is_cut_between_lines_where_there_are_any() -> None:
    assert truncate("ab\ncd\nef", 7) == "ab\ncd\n"
    assert truncate("abcdef", 3) == "abc"
    assert truncate("abc", 3) == "abc"


def test_a_source_that_is_too_long_is_cut() -> None:
    long = "word\n" * MAX_SOURCE_CHARACTERS
    for shown in (highlight("a.txt", long), show_plain(long)):
        assert shown.count("\n") <= MAX_SOURCE_CHARACTERS / len("word\n")


@pytest.mark.parametrize(
    "text",
    ["", "a", "a\n\nb\n", "a\n\n", "a\r\nb\r\n", "a\rb", "<b> & 'c'", "// \u202e", "\ttab  "],
)
def test_a_plain_source_has_the_lines_of_the_highlighted_one(text: str) -> None:
    without_colors = re.sub('<span class="[^"]*">([^<]*)</span>', r"\1", highlight("a.bal", text))
    assert show_plain(text) == without_colors


def test_a_column_without_a_name_has_no_header() -> None:
    shown = render_markdown("| | owner |\n|---|---|\n| read | yes |\n", PLACE)
    assert "<td></td>" in shown
    assert re.findall(r"<th[^>]*>(.*?)</th>", shown) == ["owner"]
