"""Which versions an advisory affects."""

import pytest

from shared.domain.advisories.advisories import (
    Affected,
    AffectedRange,
    EventKind,
    RangeEvent,
    RangeType,
)
from shared.domain.advisories.matching import (
    fixed_versions,
    is_affected,
    matches,
    unordered_versions,
)
from tests.support.advisories import affected, asked

GREET = "acme/greet"


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        (("introduced 0",), "0.0.1 1.0.0 9.9.9-rc.1", ""),
        (("introduced 0", "fixed 1.2.0"), "0.1.0 1.1.9 1.2.0-rc.1", "1.2.0 2.0.0"),
        (("introduced 1.0.0", "last_affected 1.2.0"), "1.0.0 1.2.0", "0.9.9 1.2.1 1.0.0-rc.1"),
        (
            ("introduced 1.0.0", "fixed 1.0.5", "introduced 2.0.0", "fixed 2.0.5"),
            "1.0.4 2.0.0",
            "1.0.5 1.9.9 2.0.5",
        ),
        # In any order, as the schema allows.
        (
            ("fixed 2.0.5", "introduced 2.0.0", "fixed 1.0.5", "introduced 0"),
            "0.0.1 1.0.4 2.0.4",
            "1.0.5 2.0.5",
        ),
        (("introduced 1.0.0", "limit 2.0.0"), "1.5.0", "0.9.0 2.0.0 2.5.0"),
        (("introduced 1.0.0", "limit *"), "1.5.0 9.0.0", "0.9.0"),
        (("introduced 2.0.0", "fixed 1.0.0"), "2.0.0 3.0.0", "1.0.0 0.1.0"),
    ],
)
def test_a_range_contains_the_versions_between_its_events(
    events: tuple[str, ...], inside: str, outside: str
) -> None:
    entry = affected(GREET, *events)
    assert [each for each in inside.split() if not is_affected(entry, each)] == []
    assert [each for each in outside.split() if is_affected(entry, each)] == []


def test_a_listed_version_is_affected_whatever_the_ranges_say() -> None:
    entry = affected(GREET, "introduced 2.0.0", versions=("1.0.0",))
    assert is_affected(entry, "1.0.0")
    assert not is_affected(entry, "1.0.1")
    assert not is_affected(Affected("Ballerina:registry.test", GREET), "1.0.0")


def test_versions_of_maven_have_its_order() -> None:
    entry = affected("g:a", "introduced 4.1.0", "fixed 4.1.118.Final", ecosystem="Maven")
    assert is_affected(entry, "4.1.117.Final")
    assert is_affected(entry, "4.1.118.RC1")
    assert not is_affected(entry, "4.1.118")
    assert not is_affected(entry, "4.1.0-beta1")


def test_ranges_of_unknown_orders_contain_nothing() -> None:
    events = (RangeEvent(EventKind.INTRODUCED, "0"),)
    git = AffectedRange(RangeType.GIT, events, "https://git.example.org/a")
    assert not is_affected(Affected("Maven", "g:a", (git,)), "1.0")
    other = AffectedRange(RangeType.ECOSYSTEM, events)
    assert not is_affected(Affected("PyPI", "a", (other,)), "1.0")
    semantic = AffectedRange(RangeType.SEMVER, events)
    assert is_affected(Affected("npm", "a", (semantic,)), "1.0.0+build.5")
    assert not is_affected(Affected("npm", "a", (semantic,)), "latest")


def test_a_file_is_found_by_its_digest_and_by_its_package() -> None:
    digest = "a" * 64
    entry = affected(
        "g:a", "introduced 0", "fixed 2", ecosystem="Maven", database_specific={"sha256": [digest]}
    )
    assert matches(entry, asked("", "", ecosystem="Maven", sha256=digest))
    assert matches(entry, asked("g:a", "3", ecosystem="Maven", sha256=digest))
    assert matches(entry, asked("G:A", "1", ecosystem="Maven", sha256="b" * 64))
    assert not matches(entry, asked("g:a", "2", ecosystem="Maven", sha256="b" * 64))
    assert not matches(entry, asked("g:b", "1", ecosystem="Maven"))


def test_the_next_fix_is_named_for_a_version() -> None:
    entry = affected(GREET, "introduced 1.0.0", "fixed 1.0.5", "introduced 2.0.0", "fixed 2.0.5")
    assert fixed_versions(entry) == ("1.0.5", "2.0.5")
    assert fixed_versions(entry, "1.0.2") == ("1.0.5",)
    assert fixed_versions(entry, "2.0.0") == ("2.0.5",)
    assert fixed_versions(affected(GREET, "introduced 0")) == ()


def test_versions_without_a_place_in_the_order_are_named() -> None:
    entry = affected(GREET, "introduced 0", "fixed 1.2", "introduced 2.0.0", "limit *")
    assert list(unordered_versions(entry)) == ["1.2"]
