"""Lists in pages."""

import pytest

from shared.services.list_pages import ListPage, iterate_pages

LETTERS = "abcde"


@pytest.mark.parametrize("size", [1, 2, 5, 9])
async def test_pages_of_any_size_contain_every_row_once(size: int) -> None:
    async def page(after: str) -> ListPage[str]:
        left = [each for each in LETTERS if each > after]
        shown = tuple(left[:size])
        return ListPage(shown, shown[-1] if len(left) > size else "")

    assert [each async for each in iterate_pages(page)] == list(LETTERS)
