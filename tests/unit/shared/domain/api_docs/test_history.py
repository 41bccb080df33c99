"""Since which version symbols exist, and the verdict on a release."""

from shared.domain.api_docs.history import DocumentedVersion, SinceTable, since_table, verdict
from shared.domain.api_docs.verdicts import earlier_release
from shared.domain.names import Coordinate
from shared.domain.packages import ReleaseEntry
from shared.domain.versions import Version
from tests.support.documented import documented


def version(number: str, source: str, *, is_complete: bool = True) -> DocumentedVersion:
    coordinate = Coordinate.parse("acme", "shop", number)
    return DocumentedVersion(coordinate, [documented(source)], is_complete)


ONE = version("1.0.0", "public function kept() {} public type R record { int a; };")
TWO = version(
    "1.1.0", "public function kept() {} public type R record { int a; int b = 1; }; annotation N;"
)
FIRST: SinceTable = {"shop": {"kept": "1.0.0", "R": "1.0.0", "R.a": "1.0.0"}}


def test_symbols_of_the_first_version_exist_since_then() -> None:
    assert since_table(ONE, None, {}) == FIRST


def test_a_new_symbol_exists_since_its_version_and_the_others_since_theirs() -> None:
    assert since_table(TWO, ONE, FIRST) == {"shop": {**FIRST["shop"], "R.b": "1.1.0"}}


def test_a_symbol_that_was_removed_exists_since_it_came_back() -> None:
    gone = version("1.1.0", "public function other() {}")
    known = since_table(gone, ONE, FIRST)
    again = version("1.2.0", "public function kept() {} public function other() {}")
    assert since_table(again, gone, known) == {"shop": {"kept": "1.2.0", "other": "1.1.0"}}


def test_what_is_not_known_is_left_out() -> None:
    assert since_table(TWO, ONE, {}) == {"shop": {"R.b": "1.1.0"}}
    partial = version("1.0.0", "public function kept() {}", is_complete=False)
    assert since_table(TWO, partial, {"shop": {"kept": "0.9.0"}}) == {"shop": {"kept": "0.9.0"}}


def test_a_verdict_says_how_far_the_api_changed() -> None:
    found = verdict(version("1.0.1", "public function kept() {}"), ONE)
    assert found
    assert (found.compared_with, found.required, found.published) == ("1.0.0", "major", "patch")
    assert (found.changes, found.breaking, found.is_version_too_low) == (1, 1, True)
    assert found.place == ("acme:shop", "1.0.1")


def test_an_incomplete_version_has_no_verdict() -> None:
    partial = version("1.0.0", "", is_complete=False)
    assert verdict(TWO, partial) is None
    assert verdict(partial, TWO) is None


def test_a_release_is_compared_with_the_highest_lower_one_preferably_stable() -> None:
    entries = [
        ReleaseEntry(version=each, platform="any", digest="", size_bytes=1, created_ms=1)
        for each in ("2.0.0", "1.2.0-rc.1", "1.1.0", "1.0.0")
    ]

    def earlier(number: str) -> str | None:
        found = earlier_release(entries, Version.parse(number))
        return found and found.version

    assert [earlier(each) for each in ("2.0.0", "1.2.0", "1.1.0", "1.0.0")] == [
        "1.1.0",
        "1.1.0",
        "1.0.0",
        None,
    ]
    assert earlier_release(entries[1:2], Version.parse("1.2.0-rc.2")) == entries[1]
