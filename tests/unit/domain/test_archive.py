"""Unpacking: once, checked, and within limits."""

import zlib

import pytest

from shared.domain.archive import Archive
from shared.domain.bad_archive import (
    ArchiveRatioTooHigh,
    EntryDamaged,
    RatioTooHigh,
    UnpacksTooLarge,
)
from shared.domain.limits import DEFAULT_LIMITS, MIB, ArchiveLimits
from tests.balas import noise
from tests.raw_zip import Member, raw_zip


def deflated(content: bytes) -> bytes:
    """Return the bytes that an entry is packed to."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


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


@pytest.mark.parametrize("limit", [10, 11])
def test_entries_are_limited_by_what_they_unpack_to_together(limit: int) -> None:
    members = Member(name="a", content=b"12345"), Member(name="b", content=b"123456")
    limits = ArchiveLimits(unpacked_bytes=limit)
    if limit < 11:
        with pytest.raises(UnpacksTooLarge, match="more than 10 bytes"):
            opened(*members, limits=limits)
    else:
        opened(*members, limits=limits).verify()


@pytest.mark.parametrize("size", [MIB, MIB + 1])
def test_a_high_ratio_is_refused_above_one_mebibyte(size: int) -> None:
    member = Member(name="a", content=bytes(size))
    if size > MIB:
        with pytest.raises(RatioTooHigh):
            opened(member)
    else:
        opened(member).verify()


def test_the_ratio_is_asked_of_all_entries_together() -> None:
    members = [Member(name=f"f{at}", content=bytes(MIB)) for at in range(17)]
    with pytest.raises(ArchiveRatioTooHigh, match="17,825,792 bytes, more than 200 times"):
        opened(*members)
    opened(*members[:16]).verify()
    opened(*members, Member(name="noise", content=noise(80_000))).verify()


def test_a_bomb_is_stopped_at_the_first_chunk() -> None:
    lie = {"size": 10}
    bomb = Member(name="a", content=bytes(64 * MIB), local=lie, central=lie)
    archive = opened(bomb, limits=ArchiveLimits(ratio=10**9))
    with pytest.raises(EntryDamaged, match="larger than its header says"):
        archive.read("a")


def damaged(reason: str) -> str:
    """Return what is said of the only entry, whole."""
    return f"^The entry a is damaged: {reason}\\. "


@pytest.mark.parametrize("field", ["crc", "size"])
def test_an_entry_is_what_its_header_says(field: str) -> None:
    lie = {field: 60}
    archive = opened(Member(name="a", content=b"x" * 50, local=lie, central=lie))
    with pytest.raises(EntryDamaged, match=damaged("its content is not what its CRC or size says")):
        archive.verify()


def test_a_ratio_that_is_too_high_is_named_with_the_limit() -> None:
    bomb, limits = Member(name="a", content=bytes(2 * MIB)), ArchiveLimits(ratio=33)
    sentence = "The entry a unpacks to more than 33 times its packed size"
    with pytest.raises(RatioTooHigh, match=sentence):
        opened(bomb, limits=limits).verify()


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (deflated(b"x" * 50)[:-4], "its data is cut off"),
        (b"", "its data is cut off"),
        (deflated(b"x" * 50) + b"tail", "there are bytes behind its packed data"),
        (deflated(b"x" * 50) + bytes(100_000), "there are bytes behind its packed data"),
        (b"\xff" * 20, "its data cannot be unpacked"),
    ],
)
def test_packed_data_is_one_whole_stream(packed: bytes, reason: str) -> None:
    member = Member(name="a", content=b"x" * 50, packed=packed)
    with pytest.raises(EntryDamaged, match=damaged(reason)):
        opened(member).verify()
