"""Conditional requests and ranges are answered by RFC 9110, sections 13 and 14."""

import pytest

from shared.runtime.conditional_requests import has_current_copy, select

TAG = '"abc"'
LENGTH = 10
DATE = "Fri, 20 Nov 2026 00:00:00 GMT"
FIRST_TWO = {"range": "bytes=0-1"}

WHOLE = (200, range(10), "")
UNCHANGED = (304, range(0), "")
OUTDATED = (412, range(0), "")
UNSATISFIABLE = (416, range(0), "bytes */10")


def part(first: int, last: int) -> tuple[int, range, str]:
    return 206, range(first, last + 1), f"bytes {first}-{last}/10"


def selected(
    headers: dict[str, str], method: str = "GET", tag: str = TAG, length: int = LENGTH
) -> tuple[int, range, str]:
    found = select(headers, tag=tag, length=length, method=method)
    return found.status, found.span, found.content_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", part(0, 0)),
        ("bytes=2-4", part(2, 4)),
        ("bytes = 2 - 4", part(2, 4)),
        ("bytes=0-9", part(0, 9)),
        ("bytes=8-", part(8, 9)),
        ("bytes=8-99", part(8, 9)),
        ("bytes=-3", part(7, 9)),
        ("bytes=-10", part(0, 9)),
        ("bytes=-99", part(0, 9)),
        ("bytes=10-", UNSATISFIABLE),
        ("bytes=99-100", UNSATISFIABLE),
        ("bytes=-0", UNSATISFIABLE),
        ("", WHOLE),
        ("bytes=-", WHOLE),
        ("bytes=4-2", WHOLE),
        ("bytes=a-b", WHOLE),
        ("bytes=0-1,3-4", WHOLE),
        ("bytes=0-1,", WHOLE),
        ("items=0-1", WHOLE),
        (f"bytes={'9' * 5000}-", WHOLE),
    ],
)
def test_a_range_names_bytes_of_the_file_and_others_mean_all_of_it(
    header: str, expected: tuple[int, range, str]
) -> None:
    assert selected({"range": header}) == expected


@pytest.mark.parametrize("header", ["bytes=0-1", "bytes=10-"])
def test_a_head_has_no_range(header: str) -> None:
    assert selected({"range": header}, "HEAD") == WHOLE


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_file_has_no_range(header: str) -> None:
    assert selected({"range": header}, length=0) == (416, range(0), "bytes */0")
    assert selected({}, length=0) == (200, range(0), "")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (TAG, part(0, 1)),
        ('"other"', WHOLE),
        ('W/"abc"', WHOLE),
        (DATE, WHOLE),
        ("*", WHOLE),
        ("", WHOLE),
    ],
)
def test_a_range_of_another_version_means_the_complete_file(
    condition: str, expected: tuple[int, range, str]
) -> None:
    assert selected({**FIRST_TWO, "if-range": condition}) == expected
    assert selected({"if-range": condition}) == WHOLE


def test_an_unsatisfiable_range_of_another_version_means_the_complete_file() -> None:
    assert selected({"range": "bytes=99-", "if-range": '"other"'}) == WHOLE


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ('"abc"', UNCHANGED),
        ('W/"abc"', UNCHANGED),
        ('"x", "abc"', UNCHANGED),
        ('"x" , W/"abc"', UNCHANGED),
        ('"x",,"abc",', UNCHANGED),
        ("*", UNCHANGED),
        (" * ", UNCHANGED),
        ('"x"', WHOLE),
        ('"x", "y"', WHOLE),
        ('"*"', WHOLE),
        ('"x,*,y"', WHOLE),
        ("abc", WHOLE),
        ('w/"abc"', WHOLE),
        ('x"abc"', WHOLE),
        ("", WHOLE),
    ],
)
def test_a_client_may_have_the_file_already(
    tags: str, expected: tuple[int, range, str], method: str
) -> None:
    assert selected({"if-none-match": tags}, method) == expected
    assert has_current_copy({"if-none-match": tags}, tag=TAG) is (expected == UNCHANGED)


def test_without_the_condition_a_client_has_no_file() -> None:
    assert not has_current_copy({}, tag=TAG)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, WHOLE),
        ({"if-match": '"abc"'}, WHOLE),
        ({"if-match": '"x" , "abc"'}, WHOLE),
        ({"if-match": "*"}, WHOLE),
        ({"if-unmodified-since": "Fri, 20 Nov 2020 00:00:00 GMT"}, WHOLE),
        ({"if-modified-since": DATE}, WHOLE),
        ({"if-match": '"x"'}, OUTDATED),
        ({"if-match": '"x", "y"'}, OUTDATED),
        ({"if-match": 'W/"abc"'}, OUTDATED),
        ({"if-match": "abc"}, OUTDATED),
        ({"if-match": ""}, OUTDATED),
    ],
)
def test_a_client_may_require_a_version_of_the_file(
    headers: dict[str, str], expected: tuple[int, range, str], method: str
) -> None:
    assert selected(headers, method) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"if-match": '"x"', "if-none-match": "*", **FIRST_TWO}, OUTDATED),
        ({"if-match": TAG, "if-none-match": TAG, **FIRST_TWO}, UNCHANGED),
        ({"if-match": TAG, "if-none-match": '"x"', **FIRST_TWO}, part(0, 1)),
        ({"if-none-match": TAG, "if-range": TAG, "range": "bytes=99-"}, UNCHANGED),
    ],
)
def test_if_match_comes_before_if_none_match_and_that_before_the_range(
    headers: dict[str, str], expected: tuple[int, range, str]
) -> None:
    assert selected(headers) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"if-none-match": TAG}, UNCHANGED),
        ({"if-none-match": f"W/{TAG}"}, UNCHANGED),
        ({"if-match": f"W/{TAG}"}, OUTDATED),
        ({"if-match": TAG}, OUTDATED),
        ({"if-match": "*"}, WHOLE),
        ({"if-range": f"W/{TAG}", **FIRST_TWO}, WHOLE),
        (FIRST_TWO, part(0, 1)),
    ],
)
def test_a_weak_tag_satisfies_only_if_none_match(
    headers: dict[str, str], expected: tuple[int, range, str]
) -> None:
    assert selected(headers, tag=f"W/{TAG}") == expected


def test_a_tag_may_have_commas() -> None:
    assert selected({"if-none-match": '"x", "a,b"'}, tag='"a,b"') == UNCHANGED
