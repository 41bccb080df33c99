"""Maven versions have the order of Maven's ComparableVersion."""

import json
import sys
from itertools import combinations
from pathlib import Path

import pytest

from shared.domain.advisories.maven_versions import MAX_MAVEN_VERSION, parse_maven_version

# Pairs and how `ComparableVersion` of maven-artifact 3.9.9 compares them: 2,000 made of the parts
# that its rules name, printed by a program around `compareTo`.
VECTORS = Path(__file__).with_name("maven_versions.json")


def compared(left: str, right: str) -> int:
    first = parse_maven_version(left)
    second = parse_maven_version(right)
    assert first is not None
    assert second is not None
    return (second < first) - (first < second)


def test_versions_compare_as_maven_compares_them() -> None:
    wrong = [
        (left, right, expected)
        for left, right, expected in json.loads(VECTORS.read_text("utf-8"))
        if compared(left, right) != expected
    ]
    assert not wrong


@pytest.mark.parametrize(
    "ascending",
    [
        ("1-alpha2snapshot", "1-alpha2", "1-beta-2", "1-m2", "1-rc", "1-SNAPSHOT", "1", "1-sp"),
        ("4.1.9.Final", "4.1.10.Final", "4.1.117.Final", "4.1.118.Final", "5.0.0.Alpha1"),
        ("2.9.8", "2.9.9", "2.9.9.1", "2.10.0", "2.10.0.pr1"),
        ("1", "20230227", "99999999999999999999"),
    ],
)
def test_versions_of_libraries_ascend(ascending: tuple[str, ...]) -> None:
    for left, right in combinations(ascending, 2):
        assert (compared(left, right), compared(right, left)) == (-1, 1)


@pytest.mark.parametrize(
    ("left", "right"),
    [("1", "1.0.0"), ("1-ga", "1.0"), ("1.0.RC1", "1.0-cr1"), ("1a1", "1-alpha-1")],
)
def test_versions_that_are_spelled_differently_are_equal(left: str, right: str) -> None:
    assert compared(left, right) == 0


def test_a_version_of_any_length_is_compared_or_unknown() -> None:
    deep = "-1" * (MAX_MAVEN_VERSION // 2)
    assert compared(deep, deep.replace("1", "2", 1)) == -1
    assert parse_maven_version("1" * (MAX_MAVEN_VERSION + 1)) is None
    assert parse_maven_version("") is None


@pytest.mark.parametrize("sign", ["-", "-1", "1a", "a1"])
def test_a_version_that_nests_as_deep_as_it_is_long_is_compared(sign: str) -> None:
    deep = (f"2.0-{sign * MAX_MAVEN_VERSION}")[: MAX_MAVEN_VERSION - 1]
    assert compared(f"{deep}1", f"{deep}1") == 0
    assert compared("2.0", f"{deep}1") == -compared(f"{deep}1", "2.0") != 0


def test_a_version_that_is_too_long_is_not_kept() -> None:
    text = "1" * (MAX_MAVEN_VERSION + 1)
    references = sys.getrefcount(text)
    assert parse_maven_version(text) is None
    assert sys.getrefcount(text) == references
