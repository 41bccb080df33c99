"""Versions are read and ordered as SemVer 2 says, and wildcards as clients write them."""

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import InvalidRange, InvalidVersion
from shared.domain.version import (
    MAX_LENGTH,
    MAX_NUMBER,
    Range,
    Version,
    parse_version_or_range,
)
from tests.unit.domain.laws import any_versions, small_versions, version_texts

# The precedence examples of semver.org, sections 11.2 to 11.4, and more of the same kind.
ASCENDING = (
    "0.0.0-0",
    "0.0.0",
    "0.9.0",
    "0.10.0",
    "1.0.0--",
    "1.0.0-A",
    "1.0.0-RC",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-beta.11.0",
    "1.0.0-beta.x",
    "1.0.0-beta2",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1-0",
    "1.0.1-9",
    "1.0.1-10",
    "1.0.1-10.a",
    "1.0.1-0a",
    "1.0.1",
    "2.0.0",
    "2.1.0",
    "2.1.1",
    "2.1.10",
    f"{MAX_NUMBER}.{MAX_NUMBER}.{MAX_NUMBER}",
)


def compare(one: str, other: str) -> int:
    """Compare as the text of SemVer 2 says, section 11, word by word."""
    (core, _, stage), (core_, _, stage_) = one.partition("-"), other.partition("-")
    numbers, numbers_ = [int(n) for n in core.split(".")], [int(n) for n in core_.split(".")]
    if numbers != numbers_:
        return 1 if numbers > numbers_ else -1
    if not stage or not stage_:
        return (not stage) - (not stage_)
    for left, right in zip(stage.split("."), stage_.split("."), strict=False):
        if left == right:
            continue
        if left.isdigit() and right.isdigit():
            return 1 if int(left) > int(right) else -1
        if left.isdigit() or right.isdigit():
            return -1 if left.isdigit() else 1
        return 1 if left > right else -1
    return stage.count(".") - stage_.count(".")


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


def test_the_examples_of_the_specification_are_in_order() -> None:
    versions = [Version.parse(text) for text in ASCENDING]
    for low, high in itertools.combinations(versions, 2):
        assert low < high
        assert low <= high
        assert high > low
        assert high >= low
        assert low != high
        assert not high <= low


@given(one=any_versions, other=any_versions)
def test_order_is_what_the_specification_says_in_words(one: Version, other: Version) -> None:
    assert sign(compare(one.text, other.text)) == (one > other) - (one < other)


@given(one=any_versions, other=any_versions)
def test_of_two_versions_one_is_newer_unless_they_are_the_same(
    one: Version, other: Version
) -> None:
    assert [one < other, one == other, other < one].count(True) == 1
    assert (one <= other) == (one < other or one == other)
    assert (one == other) == (one.precedence == other.precedence)
    assert (one == other) <= (hash(one) == hash(other))


@given(st.tuples(small_versions, small_versions, small_versions))
def test_order_carries_over(versions: tuple[Version, Version, Version]) -> None:
    one, two, three = versions
    assert not (one <= two <= three) or one <= three


@given(version_texts.filter(lambda text: len(text) <= MAX_LENGTH))
def test_a_version_prints_as_it_was_written(text: str) -> None:
    version = Version.parse(text)
    assert str(version) == version.text == text
    assert Version.parse(str(version)) == version


@given(any_versions)
def test_a_version_tells_its_numbers_and_whether_it_is_stable(version: Version) -> None:
    major, minor = version.text.split(".")[:2]
    assert (version.major, version.minor) == (int(major), int(minor))
    assert version.is_stable == ("-" not in version.text)


@given(small_versions.filter(lambda version: version.is_stable), small_versions)
def test_a_pre_release_is_older_than_its_release_and_newer_than_the_one_before(
    stable: Version, other: Version
) -> None:
    candidate = Version.parse(f"{stable}-rc.1")
    assert candidate < stable
    assert not (other.is_stable and other < stable) or other < candidate


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not of the form"),
        ("1", "not of the form"),
        ("1.2", "not of the form"),
        ("1.2.3.4", "not of the form"),
        ("v1.2.3", "not of the form"),
        (" 1.2.3", "not of the form"),
        ("1.2.3\n", "not of the form"),
        ("1.2.3-", "not of the form"),
        ("1.2.3-a..b", "not of the form"),
        ("1.2.3-a_b", "not of the form"),
        ("1.2.3-é", "not of the form"),
        ("-1.2.3", "not of the form"),
        ("1.2.x", "not of the form"),
        ("1.2.*", "not of the form"),
        ("*", "not of the form"),
        ("1.2.٣", "not of the form"),
        ("1.2.3-٣", "not of the form"),
        ("../../etc", "not of the form"),
        ("01.2.3", "leading zero"),
        ("1.02.3", "leading zero"),
        ("1.2.03", "leading zero"),
        ("1.2.3-01", "leading zero"),
        ("1.2.3-a.00", "leading zero"),
        ("1.2.3+build", "build metadata"),
        ("1.2.3-rc.1+build", "build metadata"),
        ("2147483648.0.0", "above 2147483647"),
        ("1.2.3-2147483648", "above 2147483647"),
        ("1.2.99999999999999999999", "above 2147483647"),
        (f"1.2.3-{'a' * MAX_LENGTH}", "longer than 128"),
        ("9" * 5_000, "longer than 128"),
    ],
)
def test_what_clients_cannot_read_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidVersion, match=reason):
        Version.parse(text)


def test_the_longest_version_and_the_largest_numbers_are_read() -> None:
    longest = f"1.2.3-{'a' * (MAX_LENGTH - 6)}"
    assert Version.parse(longest).text == longest
    assert Version.parse(f"{MAX_NUMBER}.0.0").major == MAX_NUMBER


@given(st.text(max_size=20))
def test_any_text_is_a_version_that_prints_the_same_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidVersion):
        assert str(Version.parse(text)) == text


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
    assert [v for v in inside + outside if within.holds(Version.parse(v))] == inside


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2.3", "1.2.3.*", "**", "1.**", ".*", "1.2*", "1*", "x.*", "01.*", "1.00.*",
     "-1.*", " *", "*\n", "٣.*", "99999999999.*"],
)  # fmt: skip
def test_other_wildcards_are_refused(text: str) -> None:
    with pytest.raises(InvalidRange, match="is not a version range"):
        Range.parse(text)


@given(
    st.one_of(
        st.just(Range()),
        st.builds(Range, st.integers(0, MAX_NUMBER)),
        st.builds(Range, st.integers(0, MAX_NUMBER), st.integers(0, MAX_NUMBER)),
    )
)
def test_a_range_prints_as_it_is_read(within: Range) -> None:
    assert Range.parse(str(within)) == within


@given(small_versions)
def test_a_version_lies_in_the_ranges_of_its_own_numbers(version: Version) -> None:
    for within in (Range(), Range(version.major), Range(version.major, version.minor)):
        assert within.holds(version)
    assert not Range(version.major + 1).holds(version)
    assert not Range(version.major, version.minor + 1).holds(version)


def test_what_ends_in_a_star_is_a_range_and_the_rest_a_version() -> None:
    assert parse_version_or_range("1.2.*") == Range(1, 2)
    assert parse_version_or_range("*") == Range()
    assert parse_version_or_range("1.2.3") == Version.parse("1.2.3")
    with pytest.raises(InvalidRange):
        parse_version_or_range("1.2.3.*")
    with pytest.raises(InvalidVersion):
        parse_version_or_range("latest")
