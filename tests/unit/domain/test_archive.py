"""Unpacking: once, checked, and within limits."""

import pytest

from shared.domain.archive import Archive
from shared.domain.bad_archive import EntryDamaged, RatioTooHigh, UnpacksTooLarge
from shared.domain.limits import DEFAULT_LIMITS, MIB, ArchiveLimits
from tests.balas import noise
from tests.raw_zip import Member, raw_zip


def opened(*members: Member, limits: ArchiveLimits = DEFAULT_LIMITS) -> Archive:
    """Return an archive with these entries."""
    return Archive.open(raw_zip(members), limits)


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("size", [0, 1, 65_535, 262_144, 262_145, 3_000_000])
def test_content_is_what_was_packed(method: int, size: int) -> None:
    content = noise(size // 2) + bytes(size - size // 2)
    archive = opened(Member(name="a", content=content, method=method))
    assert archive.read("a") == content
    assert archive.size("a") == size


def test_names_are_in_the_order_of_the_directory() -> None:
    archive = opened(Member(name="b"), Member(name="a/"), Member(name="a/c"))
    assert archive.names == ("b", "a/", "a/c")


def test_a_content_is_kept_once_it_was_asked_for() -> None:
    archive = opened(Member(name="a", content=b"hello"))
    assert archive.read("a") is archive.read("a")


def test_entries_that_nobody_asked_for_are_verified_too() -> None:
    damaged = {"crc": 7}
    archive = opened(
        Member(name="a", content=b"x"), Member(name="b", local=damaged, central=damaged)
    )
    assert archive.read("a") == b"x"
    with pytest.raises(EntryDamaged, match="The entry b is damaged"):
        archive.verify()


def test_limits_count_what_was_read_before() -> None:
    limits = ArchiveLimits(unpacked_bytes=10)
    archive = opened(
        Member(name="a", content=b"12345"), Member(name="b", content=b"123456"), limits=limits
    )
    assert archive.read("a") == b"12345"
    with pytest.raises(UnpacksTooLarge, match="more than 10 bytes"):
        archive.verify()


@pytest.mark.parametrize("size", [MIB, MIB + 1])
def test_a_high_ratio_is_refused_above_one_mebibyte(size: int) -> None:
    archive = opened(Member(name="a", content=bytes(size)))
    if size > MIB:
        with pytest.raises(RatioTooHigh):
            archive.verify()
    else:
        archive.verify()


def test_a_bomb_is_stopped_at_the_first_chunk() -> None:
    lie = {"size": 10}
    bomb = Member(name="a", content=bytes(64 * MIB), local=lie, central=lie)
    archive = opened(bomb, limits=ArchiveLimits(ratio=10**9))
    with pytest.raises(EntryDamaged, match="larger than its header says"):
        archive.read("a")
