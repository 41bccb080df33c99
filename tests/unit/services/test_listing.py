"""Lists by name, a page at a time."""

import pytest

from shared.services.listing import Listed, walked

LETTERS = "abcde"


@pytest.mark.parametrize("size", [1, 2, 5, 9])
async def test_a_walk_meets_every_row_once_whatever_the_pages(size: int) -> None:
    async def page(after: str) -> Listed[str]:
        left = [each for each in LETTERS if each > after]
        shown = tuple(left[:size])
        return Listed(shown, shown[-1] if len(left) > size else "")

    assert [each async for each in walked(page)] == list(LETTERS)


async def test_of_nothing_there_is_nothing_to_meet() -> None:
    async def page(_after: str) -> Listed[str]:
        return Listed(())

    assert [each async for each in walked(page)] == []
