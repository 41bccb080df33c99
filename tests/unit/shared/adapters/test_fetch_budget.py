"""The budget of what one process fetches from upstreams at the same time."""

from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.fetch_budget import FetchBudget
from shared.ports.http_client import NoRoomToFetch


def budget(folder: Path, **limits: int) -> FetchBudget:
    return FetchBudget(folder, wait=timedelta(milliseconds=1), **limits)


async def test_only_so_many_archives_are_in_hand_and_each_gives_its_place_back(
    tmp_path: Path,
) -> None:
    few = budget(tmp_path, archives=2)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(few.archive())
        with pytest.raises(NoRoomToFetch):
            await stack.enter_async_context(few.archive())
    with pytest.raises(RuntimeError):
        async with few.archive():
            raise RuntimeError
    async with few.archive(), few.archive():
        pass
