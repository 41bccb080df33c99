"""The budget of what one process fetches from upstreams at the same time."""

import hashlib
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.upstream import FetchBudget
from shared.ports import NoRoomToFetch


def budget(folder: Path, **limits: int) -> FetchBudget:
    return FetchBudget(folder, wait=timedelta(milliseconds=1), **limits)


async def test_an_archive_is_in_a_file_without_a_name_with_its_digest(tmp_path: Path) -> None:
    async with budget(tmp_path).archive() as file:
        for piece in (b"one", b"two"):
            file.write(piece)
        assert bytes(file.content()) == b"onetwo"
        assert file.digest.hex == hashlib.sha256(b"onetwo").hexdigest()
        assert list(tmp_path.iterdir()) == []  # A killed process leaves nothing.


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


def test_documents_are_counted_as_they_arrive(tmp_path: Path) -> None:
    small = budget(tmp_path, document_bytes=10)
    small.count_document(6)
    with pytest.raises(NoRoomToFetch):
        small.count_document(5)
    small.count_document(4)
    small.count_document(-10)
    small.count_document(10)
