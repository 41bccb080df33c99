"""Comparisons: the page and the verdict."""

import pytest

from shared.confined import comparison
from shared.confined.comparison import compared, verdict_sentence
from shared.domain.api_docs.comparison import compare, verdict_of
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.names import Coordinate, Version
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
        ("1.0.0", "2.0.0", "2 breaking changes, which the version announces"),
        ("0.1.0", "0.1.1", "2 breaking changes; this should have been a minor version"),
        ("0.1.0", "0.2.0", "2 breaking changes, which the version announces"),
        ("1.0.0", "1.0.1-rc.1", "2 breaking changes, which a pre-release may have"),
        ("1.0.1", "1.0.0", "2 breaking changes, from a newer version to an older one"),
    ],
)
def test_the_verdict_says_which_version_it_should_have_been(
    before: str, after: str, sentence: str
) -> None:
    old, new = f"{OLD} public function lost() {{}}", NEW
    found = compare(
        (Version.parse(before), [documented(old)]), (Version.parse(after), [documented(new)])
    )
    verdict = verdict_of(Coordinate.parse("acme", "shop", after), found)
    assert verdict_sentence(found, verdict) == sentence


def test_a_change_is_one_signature_with_its_words_marked() -> None:
    page = page_of(
        "public function widened(int a) returns int => a;",
        "public function widened(int|string a) returns int => 1;",
    )
    signature = "public function widened(int<ins>|string</ins> a) returns int"
    assert f"<code>{signature}</code>" in page
    assert page.count("<pre") == 1


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


def test_the_gravest_changes_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "MAX_CHANGES", 3)
    page = page_of(OLD, f"{many(5)} {NEW}")
    assert [f"f{number}(" in page for number in range(2)] == [True, False]
    assert "<p>4 more changes</p>" in page
