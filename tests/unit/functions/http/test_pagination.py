"""Pagination: invalid page numbers, and links that keep the query."""

import pytest

from functions.http.pagination import Pager


def pager(total: int, page: str = "", **query: str) -> Pager:
    return Pager.of(total, 20, "/search", {**query, "page": page})


@pytest.mark.parametrize(
    ("page", "number"),
    [("", 1), ("1", 1), ("3", 3), ("0", 1), ("-1", 1), ("x", 1), ("²", 1), ("٣", 1), ("9" * 99, 1)],
)
def test_nonsense_is_the_first_page(page: str, number: int) -> None:
    assert pager(100, page).number == number


def test_beyond_the_end_is_the_last_page() -> None:
    assert pager(100, "6").number == 5
    assert pager(0, "2").number == 1


def test_rows_and_links_of_a_page() -> None:
    last = pager(101, "6")
    assert (last.offset, last.shown, last.last) == (100, range(101, 102), 6)
    assert list(pager(0).shown) == []


def test_a_link_says_again_what_was_asked_for() -> None:
    found = pager(100, "2", q="a b", org="")
    assert found.address(3) == "/search?q=a+b&page=3"
    assert found.address(1) == "/search?q=a+b"
    assert pager(100).address(1) == "/search"


def test_some_pages_are_left_out_of_a_long_list() -> None:
    assert list(pager(10_000, "50").numbers) == [1, None, 48, 49, 50, 51, 52, None, 500]
    assert list(pager(60, "2").numbers) == [1, 2, 3]
    assert list(pager(0).numbers) == [1]
