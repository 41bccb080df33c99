"""Comparisons: the page, the JSON and the verdict, none of them without end."""

import json

import pytest

from shared.confined import comparison
from shared.confined.comparison import SENT_BYTES, SIGNATURE_SHOWN, compared, verdict_sentence
from shared.domain.api_docs.comparison import compare
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.names import Version
from tests.support.documented import documented
from tests.support.release_jobs import a_request

REQUEST = a_request(before="1.1.0")
OLD = "public function kept() {} public function gone() {}"
NEW = "public function kept() {} public function added() {}"


def texts(before: str, after: str) -> comparison.ComparisonTexts:
    return compared(REQUEST, [documented(before)], [documented(after)])


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
    assert verdict_sentence(found) == sentence


INCLUDING = "import ballerina/http; public type T record {| int a; *http:Settings; |};"


def test_a_comparison_says_which_included_fields_it_lacks() -> None:
    moved = texts(
        INCLUDING.replace("int a;", "int a; int b;").replace("*http:Settings;", ""), INCLUDING
    )

    assert "and fields that cannot be compared" in moved.page
    assert "from other packages are not compared: ballerina/http 2.12.1." in moved.page
    assert json.loads(moved.json)["includedElsewhere"] == ["ballerina/http 2.12.1"]
    assert json.loads(moved.json)["verdict"]["has_moved_fields"] is True


def test_the_same_api_with_a_newer_included_record_says_so() -> None:
    old, new = documented(INCLUDING), documented(INCLUDING)
    newer = new.model_dump_json().replace("2.12.1", "2.13.0")
    found = compared(REQUEST, [old], [ModuleDocs.model_validate_json(newer)])

    assert "The API is the same." in found.page
    assert "ballerina/http 2.13.0, which was 2.12.1. Compare" in found.page


def test_a_change_is_one_signature_with_its_words_marked() -> None:
    page = texts(
        "public function widened(int a) returns int => a;",
        "public function widened(int|string a) returns int => 1;",
    ).page
    signature = "public function widened(int<ins>|string</ins> a) returns int"
    assert f"<code>{signature}</code>" in page
    assert page.count("<pre") == 1


def test_changes_are_grouped_by_type_and_link_to_the_symbol() -> None:
    old = (
        "public client class C { remote function a() {} public int f = 1; } public function b() {}"
    )
    new = "public client class C { remote function a(int n) {} public string f = ''; }"
    page = texts(old, new.replace("''", '""')).page
    assert page.count("<h3") == 2
    assert '<h3 id="type-2"><a href="/packages/acme/shop/1.2.0/docs/shop/C">C</a>' in page
    assert '<a href="/packages/acme/shop/1.2.0/docs/shop/C#a">a</a>' in page
    assert (
        'href="/packages/acme/shop/1.1.0/docs/shop/b">b</a>' in page
    )  # Only the older one has it.


def test_long_signatures_are_shortened() -> None:
    name = "N" * 250
    fields = " ".join(f"{name}{number} field{number};" for number in range(9))
    found = texts("public type R int;", f"public type R record {{| {fields} |}};")
    assert all(
        len(each[side]) <= SIGNATURE_SHOWN + 1
        for each in json.loads(found.json)["changes"]
        for side in ("before", "after")
    )


def test_a_module_is_listed_by_its_whole_name() -> None:
    more = ModuleDocs(id="shop.sub", org_name="acme", version="1.2.0")
    page = compared(REQUEST, [documented(OLD)], [documented(OLD), more]).page
    assert '<a href="/packages/acme/shop/1.2.0/docs/shop.sub">shop.sub</a>' in page
    assert "#sub" not in page


def many(count: int) -> str:
    return " ".join(f"public function f{number}() {{}}" for number in range(count))


def test_a_page_shows_the_first_changes_of_a_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "CHANGES_SHOWN", 3)
    found = texts("", many(5))
    assert [f"f{number}(" in found.page for number in range(5)] == [True] * 3 + [False] * 2
    assert len(json.loads(found.json)["changes"]) == 5


def test_a_page_that_is_long_shows_fewer_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "FEW_CHANGES_SHOWN", 2)
    monkeypatch.setattr(comparison, "PAGE_BYTES", 100)
    found = texts("", many(5))
    assert [f"f{number}(" in found.page for number in range(5)] == [True] * 2 + [False] * 3


@pytest.mark.slow
def test_of_many_changes_the_gravest_are_sent() -> None:
    parameters = ", ".join(f"int parameter{number}" for number in range(60))
    added = " ".join(f"public function f{number}({parameters}) {{}}" for number in range(800))
    changes = json.loads(texts(OLD, f"{NEW} {added}").json)["changes"]
    assert [each["level"] for each in changes[:2]] == ["major", "minor"]
    assert len(changes) < 800
    assert len(json.dumps(changes)) < 1.1 * SENT_BYTES
