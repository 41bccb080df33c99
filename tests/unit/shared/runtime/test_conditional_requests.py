"""Ranges and validators are read by RFC 9110."""

import pytest

from shared.runtime.answers import (
    RangeNotSatisfiable,
    is_current,
    is_known,
    known_tags,
    requested_range,
)

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-4", range(2, 5)),
        ("bytes=8-", range(8, 10)),
        ("bytes=8-99", range(8, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        *((header, None) for header in ("", "bytes=-", "bytes=4-2", "bytes=0-1,3-4", "items=0-1")),
        *((header, None) for header in ("bytes=a-b", f"bytes={'9' * 5000}-")),
    ],
)
def test_a_range_names_bytes_of_the_file_and_others_mean_all_of_it(
    header: str, wanted: range | None
) -> None:
    assert requested_range({"range": header}, size=10, etag=ETAG) == wanted


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_without_a_byte_of_the_file_is_refused(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        requested_range({"range": header}, size=10, etag=ETAG)


@pytest.mark.parametrize("condition", ['"other"', 'W/"abc"', "Fri, 20 Nov 2026 00:00:00 GMT"])
def test_a_range_of_another_version_means_the_complete_file(condition: str) -> None:
    headers = {"range": "bytes=0-1", "if-range": condition}
    assert requested_range(headers, size=10, etag=ETAG) is None
    assert requested_range({**headers, "if-range": ETAG}, size=10, etag=ETAG) == range(2)


@pytest.mark.parametrize(
    ("tags", "known"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", "abc"', True),
        ("*", True),
        ('"x"', False),
        ("", False),
    ],
)
def test_a_client_may_have_the_file_already(tags: str, known: bool) -> None:
    assert is_known({"if-none-match": tags} if tags else {}, etag=ETAG) is known


@pytest.mark.parametrize(
    ("header", "tags"), [('"a"', {'"a"'}), ('"a", W/"b"', {'"a"', '"b"'}), ("*", {"*"}), ("", {""})]
)
def test_tags_are_compared_as_the_weak_ones_they_may_be(header: str, tags: set[str]) -> None:
    assert known_tags({"if-none-match": header}) == tags


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"if-match": '"abc"'},
        {"if-match": '"x" , "abc"'},
        {"if-match": "*"},
        {"if-unmodified-since": "Fri, 20 Nov 2020 00:00:00 GMT"},
    ],
)
def test_a_file_that_the_client_requires_is_current(headers: dict[str, str]) -> None:
    assert is_current(headers, etag=ETAG)


@pytest.mark.parametrize("tags", ['"x"', '"x", "y"', 'W/"abc"', "abc", ""])
def test_another_file_than_the_client_requires_is_not_current(tags: str) -> None:
    assert not is_current({"if-match": tags}, etag=ETAG)
