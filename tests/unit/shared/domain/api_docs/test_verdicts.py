"""The verdict on a release, and the version that it is compared with."""

from shared.domain.api_docs.comparison import compare, verdict_of
from shared.domain.api_docs.records import earlier_release
from shared.domain.names import Coordinate, Version
from shared.domain.packages import ReleaseEntry
from tests.support.documented import documented


def test_a_verdict_says_how_far_the_api_changed() -> None:
    before = documented("public function kept() {} public type R record { int a; };")
    after = documented("public function kept() {}")
    compared = compare((Version.parse("1.0.0"), [before]), (Version.parse("1.0.1"), [after]))
    found = verdict_of(Coordinate.parse("acme", "shop", "1.0.1"), compared)
    assert (found.compared_with, found.required, found.published) == ("1.0.0", "major", "patch")
    assert (found.changes, found.breaking, found.is_version_too_low) == (1, 1, True)
    assert found.place == ("acme:shop", "1.0.1")


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
