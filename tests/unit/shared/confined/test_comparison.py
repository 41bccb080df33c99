"""Comparisons: the page and the verdict."""

import re

import pytest

from shared.confined import comparison
from shared.confined.comparison import compared, verdict_sentence
from shared.domain.api_docs.comparison import compare, verdict_of
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.coordinates import Coordinate
from shared.domain.versions import Version
from tests.support.documented import documented
from tests.support.release_jobs import a_request

REQUEST = a_request(before="1.1.0")
OLD = "public function kept() {} public function gone() {}"
NEW = "public function kept() {} public function added() {}"


def page_of(before: str, after: str, *more: ModuleDocs) -> str:
    made, _ = compared(REQUEST, [documented(before)], [documented(after), *more])
    return made[PieceKind.CHANGES_PAGE]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("1.0.0", "1.0.1", "2 breaking changes; this should have been a major version"),
        ("1.0.0", "2.0.0", "2 breaking changes; the major version was raised for them"),
        ("0.1.0", "0.1.1", "2 breaking changes; this should have been a minor version"),
        ("0.1.0", "0.2.0", "2 breaking changes; the minor version was raised for them"),
        ("1.0.0", "1.0.1-rc.1", "2 breaking changes, which a pre-release may have"),
        ("1.0.1", "1.0.0", "2 breaking changes, from a newer version to an older one"),
    ],
)
def test_the_verdict_says_which_version_it_should_have_been(
    before: str, after: str, sentence: str
) -> None:
    old = f"{OLD} public function lost() {{}}"
    new = NEW
    found = compare(
        (Version.parse(before), [documented(old)]), (Version.parse(after), [documented(new)])
    )
    verdict = verdict_of(Coordinate.parse("acme", "shop", after), found)
    assert verdict_sentence(found, verdict) == sentence


def test_one_breaking_change_is_no_plural() -> None:
    found = compare(
        (Version.parse("1.0.0"), [documented("public function gone() {}")]),
        (Version.parse("2.0.0"), [documented("")]),
    )
    verdict = verdict_of(Coordinate.parse("acme", "shop", "2.0.0"), found)
    sentence = "1 breaking change; the major version was raised for it"
    assert verdict_sentence(found, verdict) == sentence


def lines_of(page: str) -> list[str]:
    """Return the lines of the only signature of a page, with their marks."""
    [text] = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)
    plain = re.sub(r'<span class="unseen">[^<]*</span>', "", text)
    return re.sub(r"</?span[^>]*>", "", plain).split("\n")


def test_a_change_has_a_line_before_and_one_after_with_the_words_marked() -> None:
    page = page_of(
        "public function widened(int a) returns int => a;",
        "public function widened(string a) returns int => 1;",
    )
    assert lines_of(page) == [
        "- public function widened(<del>int</del> a) returns int",
        "+ public function widened(<ins>string</ins> a) returns int",
    ]
    assert "Before: " in page
    assert "After: " in page


def test_what_was_added_or_removed_has_one_line() -> None:
    assert lines_of(page_of("", "public function f() {}")) == ["+ <ins>public function f()</ins>"]
    assert lines_of(page_of("public function f() {}", "")) == ["- <del>public function f()</del>"]


def test_a_signature_that_stays_has_one_line_without_a_sign() -> None:
    deprecated = "# # Deprecated\n@deprecated\npublic function f() {}"
    assert lines_of(page_of("public function f() {}", deprecated)) == ["public function f()"]


def test_a_hostile_signature_is_escaped_on_both_lines() -> None:
    old = 'public const string X = "<b>1</b>";'
    page = page_of(old, old.replace("string", "int").replace("1", "2"))
    assert "<b>" not in page
    assert page.count("&lt;") == 4


def test_changes_are_grouped_by_type_and_link_to_the_symbol() -> None:
    old = (
        "public client class C { remote function a() {} public int f = 1; } public function b() {}"
    )
    new = "public client class C { remote function a(int n) {} public string f = ''; }"
    page = page_of(old, new.replace("''", '""'))
    assert page.count("<h3") == 2
    assert '<h3 id="type-2"><a href="/packages/acme/shop/1.2.0/docs/shop/C">C</a>' in page
    assert '<a href="/packages/acme/shop/1.2.0/docs/shop/C#a">a</a>' in page
    assert (
        'href="/packages/acme/shop/1.1.0/docs/shop/b">b</a>' in page
    )  # Only the older one has it.


def test_a_module_is_listed_by_its_whole_name() -> None:
    more = ModuleDocs(id="shop.sub", org_name="acme", version="1.2.0")
    page = page_of(OLD, OLD, more)
    assert '<a href="/packages/acme/shop/1.2.0/docs/shop.sub">shop.sub</a>' in page
    assert "#sub" not in page


def many(count: int) -> str:
    return " ".join(f"public function f{number}() {{}}" for number in range(count))


def test_the_most_severe_changes_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "MAX_CHANGES", 3)
    page = page_of(OLD, f"{many(5)} {NEW}")
    assert [f"f{number}(" in page for number in range(2)] == [True, False]
    assert "<p>4 more changes</p>" in page
