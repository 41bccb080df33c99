"""Versions order by SemVer, and ranges hold what they name."""

import itertools

import pytest

from shared.domain.errors.base import InvalidVersion
from shared.domain.versions import (
    MAX_VERSION_LENGTH,
    MAX_VERSION_NUMBER,
    Range,
    Version,
    parse_version_or_range,
)
from tests.support.refusals import raises_refusal

# The precedence examples of semver.org, sections 11.2 to 11.4, and more of the same kind.
ASCENDING = (
    "0.0.0-0 0.0.0 0.9.0 0.10.0 1.0.0-- 1.0.0-A 1.0.0-RC 1.0.0-alpha 1.0.0-alpha.1 "
    "1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-beta.11.0 1.0.0-beta.x "
    "1.0.0-beta2 1.0.0-rc.1 1.0.0 1.0.1-0 1.0.1-9 1.0.1-10 1.0.1-10.a 1.0.1-0a 1.0.1 2.0.0 2.1.0 "
    f"2.1.1 2.1.10 {MAX_VERSION_NUMBER}.{MAX_VERSION_NUMBER}.{MAX_VERSION_NUMBER}"
)


def test_the_examples_of_the_specification_are_in_order() -> None:
    versions = [Version.parse(text) for text in ASCENDING.split()]
    assert " ".join(map(str, versions)) == " ".join(each.text for each in versions) == ASCENDING
    for each in versions:
        assert each.text.startswith(f"{each.major}.{each.minor}.")
        assert each.is_stable == ("-" not in each.text)
        again = Version.parse(each.text)
        assert (again, hash(again)) == (each, hash(each))
    for low, high in itertools.combinations(versions, 2):
        assert low < high > low
        assert low <= high >= low != high
        assert not high <= low


@pytest.mark.parametrize(
    ("reason", "texts"),
    [
        ("not of the form", ["", "1.2", "v1.2.3", " 1.2.3", "1.2.3\n", "1.2.3-", "1.2.3-a..b"]),
        ("not of the form", ["1.2.3-a_b", "1.2.3-é", "*", "1.2.٣", "1.2.3-٣"]),
        ("leading zero", ["01.2.3", "1.02.3", "1.2.03", "1.2.3-01", "1.2.3-a.00"]),
        ("build metadata", ["1.2.3+build"]),
        ("above 2147483647", ["2147483648.0.0", "1.2.3-2147483648"]),
        ("longer than 128", [f"1.2.3-{'a' * MAX_VERSION_LENGTH}", "9" * 5_000]),
    ],
)
def test_a_version_that_clients_cannot_read_is_refused_with_the_reason(
    reason: str, texts: list[str]
) -> None:
    for text in texts:
        with pytest.raises(InvalidVersion, match=reason):
            Version.parse(text)


def test_the_longest_version_and_the_largest_numbers_are_read() -> None:
    longest = f"1.2.3-{'a' * (MAX_VERSION_LENGTH - 6)}"
    assert Version.parse(longest).text == longest
    assert Version.parse(f"{MAX_VERSION_NUMBER}.0.0").major == MAX_VERSION_NUMBER


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("*", ["0.0.0", "1.2.3", "9.9.9-rc.1"], []),
        ("1.*", ["1.0.0-alpha", "1.0.0", "1.99.0"], ["0.9.9", "2.0.0-alpha", "11.0.0"]),
        ("0.*", ["0.0.1", "0.9.0"], ["1.0.0"]),
        ("1.2.*", ["1.2.0-rc.1", "1.2.0", "1.2.99"], ["1.1.9", "1.3.0", "1.20.0", "2.2.0"]),
        ("0.0.*", ["0.0.7"], ["0.1.0"]),
    ],
)
def test_a_range_holds_its_major_and_minor(
    text: str, inside: list[str], outside: list[str]
) -> None:
    within = Range.parse(text)
    assert str(within) == text
    assert [v for v in inside + outside if within.contains(Version.parse(v))] == inside


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.2.3",
        "1.2.3.*",
        "**",
        "1.**",
        ".*",
        "1.2*",
        "1*",
        "x.*",
        "01.*",
        "1.00.*",
        "-1.*",
        " *",
        "*\n",
        "٣.*",
        "99999999999.*",
    ],
)
def test_other_wildcards_are_refused(text: str) -> None:
    with raises_refusal("invalid-range", match="is not a version range"):
        Range.parse(text)


def test_a_text_that_ends_in_a_star_is_a_range_and_other_texts_are_versions() -> None:
    assert parse_version_or_range("1.2.*") == Range(1, 2)
    assert parse_version_or_range("*") == Range()
    assert parse_version_or_range("1.2.3") == Version.parse("1.2.3")


@pytest.mark.parametrize(
    ("text", "has_letters"),
    [("1.0.0", False), ("1.0.0-1.2", False), ("1.0.0-rc.1", True), ("1.0.0-0A", True)],
)
def test_only_a_version_with_letters_may_differ_from_another_in_case(
    text: str, has_letters: bool
) -> None:
    assert Version.parse(text).has_letters == has_letters
