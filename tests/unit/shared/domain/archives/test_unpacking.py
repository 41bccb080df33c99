"""Unpacking: once, checked, and within limits."""

import zlib

import pytest

from shared.domain.archives.unpacking import (
    DEFAULT_LIMITS,
    MIB,
    TAIL_BYTES,
    ArchiveDirectory,
    ArchiveLimits,
    FolderListing,
    ZipArchive,
    directory_tail,
    is_text,
    list_files,
    missing_directory,
    text_of,
    unpack_file,
)
from shared.domain.archives.zip_records import list_directory
from shared.domain.errors.base import BadArchive
from tests.support.archives import bala, noise, zipped
from tests.support.raw_zip import Member, raw_zip
from tests.support.refusals import raises_refusal


def deflated(content: bytes) -> bytes:
    """Return the bytes that an entry is packed to."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def opened(*members: Member, limits: ArchiveLimits = DEFAULT_LIMITS) -> ZipArchive:
    """Return an archive with these entries."""
    return ZipArchive.open(raw_zip(members), limits)


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


def test_a_content_that_was_read_is_cached() -> None:
    archive = opened(Member(name="a", content=b"hello"))
    assert archive.read("a") is archive.read("a")


def test_entries_that_nobody_asked_for_are_verified_too() -> None:
    damaged = {"crc": 7}
    archive = opened(
        Member(name="a", content=b"x"), Member(name="b", local=damaged, central=damaged)
    )
    assert archive.read("a") == b"x"
    with raises_refusal("entry-damaged", match="The entry b is damaged"):
        archive.verify()


def _find_secret(content: bytes) -> int | None:
    position = content.find(b"secret")
    return None if position < 0 else position


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("position", [0, 1, 262_140, 262_144, 600_000])
@pytest.mark.parametrize("is_read", [False, True])
def test_a_token_is_found_wherever_it_begins(method: int, position: int, is_read: bool) -> None:
    content = b"\n" * position + b"secret" + b"\n" * 300_000
    archive = opened(Member(name="a"), Member(name="b", content=content, method=method))
    if is_read:
        archive.read("b")
    with raises_refusal("token-in-archive") as refused:
        archive.verify(_find_secret)
    assert f"b contains an access token of this registry in line {position + 1:,}," in str(
        refused.value
    )


@pytest.mark.parametrize("limit", [10, 11])
def test_entries_are_limited_by_what_they_unpack_to_together(limit: int) -> None:
    members = Member(name="a", content=b"12345"), Member(name="b", content=b"123456")
    limits = ArchiveLimits(unpacked_bytes=limit)
    if limit < 11:
        with raises_refusal("unpacks-too-large", match="more than 10 bytes"):
            opened(*members, limits=limits)
    else:
        opened(*members, limits=limits).verify()


@pytest.mark.parametrize("size", [MIB, MIB + 1])
def test_a_high_ratio_is_refused_above_one_mebibyte(size: int) -> None:
    member = Member(name="a", content=bytes(size))
    if size > MIB:
        with raises_refusal("ratio-too-high"):
            opened(member)
    else:
        opened(member).verify()


def test_the_ratio_is_asked_of_all_entries_together() -> None:
    members = [Member(name=f"f{at}", content=bytes(MIB)) for at in range(17)]
    with raises_refusal("archive-ratio-too-high", match="17,825,792 bytes, more than 200 times"):
        opened(*members)
    opened(*members[:16]).verify()
    opened(*members, Member(name="noise", content=noise(80_000))).verify()


@pytest.mark.parametrize("size", [20, 21])
def test_a_ratio_may_be_the_limit_and_no_more(size: int) -> None:
    member = Member(name="a", content=bytes(size), packed=bytes(10))
    of_entry = ArchiveLimits(ratio=2, ratio_from_bytes=19)
    of_archive = ArchiveLimits(ratio=2, archive_ratio_from_bytes=19)
    for limits in (of_entry, of_archive):
        if size > 20:
            with pytest.raises(BadArchive, match=r"times (its|their) packed size"):
                opened(member, limits=limits)
        else:
            assert opened(member, limits=limits).size("a") == size


def test_a_bomb_is_stopped_at_the_first_chunk() -> None:
    lie = {"size": 10}
    bomb = Member(name="a", content=bytes(64 * MIB), local=lie, central=lie)
    archive = opened(bomb, limits=ArchiveLimits(ratio=10**9))
    with raises_refusal("entry-damaged", match="larger than its header says"):
        archive.read("a")


def damaged(reason: str) -> str:
    """Return what is said of the only entry, whole."""
    return f"^The entry a is damaged: {reason}\\. "


@pytest.mark.parametrize("field", ["crc", "size"])
def test_an_entry_is_what_its_header_says(field: str) -> None:
    lie = {field: 60}
    archive = opened(Member(name="a", content=b"x" * 50, local=lie, central=lie))
    with raises_refusal(
        "entry-damaged", match=damaged("its content is not what its CRC or size says")
    ):
        archive.verify()


def test_a_ratio_that_is_too_high_is_named_with_the_limit() -> None:
    bomb, limits = Member(name="a", content=bytes(2 * MIB)), ArchiveLimits(ratio=33)
    sentence = "The entry a unpacks to more than 33 times its packed size"
    with raises_refusal("ratio-too-high", match=sentence):
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
def test_packed_data_is_one_complete_stream(packed: bytes, reason: str) -> None:
    member = Member(name="a", content=b"x" * 50, packed=packed)
    with raises_refusal("entry-damaged", match=damaged(reason)):
        opened(member).verify()


FILES = {
    "package.json": b"{}",
    "docs/README.md": b"# Greet\n",
    "modules/greet/greet.bal": b"import ballerina/io;\n" * 100,
    "modules/greet/formal.bal": b"",
    "modules/": b"",
}
ARCHIVE = zipped(FILES)


def listed(archive: bytes = ARCHIVE) -> ArchiveDirectory:
    """Return what an archive holds, read as from a store."""
    span = directory_tail(len(archive))
    return list_files(archive[span.start : span.start + span.count], len(archive))


def content(archive: bytes, path: str) -> bytes:
    """Return a file of an archive, of which its span alone is read."""
    files = listed(archive)
    entry = files.file(path)
    assert entry is not None
    span = files.span(entry)
    return unpack_file(archive[span.start : span.start + span.count], entry)


def test_every_file_is_read_from_its_own_bytes() -> None:
    files = {name: data for name, data in FILES.items() if not name.endswith("/")}
    assert {name: content(ARCHIVE, name) for name in files} == files
    assert set(listed().files) == set(files)


def test_a_stored_archive_stays_readable_with_names_that_are_refused_now() -> None:
    archive = zipped({"package.json": b"{}", "aux.bal": b"x", "main.bal.": b"y"})
    assert content(archive, "aux.bal") == b"x"
    assert content(archive, "main.bal.") == b"y"


def test_a_folder_has_what_lies_in_it_and_not_below() -> None:
    files = listed()
    assert files.folder("") == FolderListing("", ("docs", "modules"), (("package.json", 2),))
    sources = (("formal.bal", 0), ("greet.bal", 2_100))
    assert files.folder("modules/greet") == FolderListing("modules/greet", (), sources)
    assert files.folder("modules") == FolderListing("modules", ("greet",), ())


@pytest.mark.parametrize("path", ["nothing", "docs/README.md", "doc", "modules/greet/"])
def test_a_path_that_is_not_a_folder_contains_nothing(path: str) -> None:
    assert listed().folder(path) is None


@pytest.mark.parametrize("path", ["", "docs", "modules/", "../package.json", "PACKAGE.JSON"])
def test_a_path_that_is_not_a_file_is_none(path: str) -> None:
    assert listed().file(path) is None


def test_the_tail_of_a_small_archive_is_all_of_it_and_has_the_directory() -> None:
    span = directory_tail(len(ARCHIVE))
    assert (span.start, span.count) == (0, len(ARCHIVE))
    assert missing_directory(ARCHIVE, len(ARCHIVE)) is None


def test_a_directory_longer_than_the_tail_is_read_with_what_is_missing() -> None:
    archive = zipped({f"resources/{number:05}.txt": b"" for number in range(2_000)})
    span = directory_tail(len(archive))
    assert span.count == TAIL_BYTES
    tail = archive[span.start :]
    missing = missing_directory(tail, len(archive))
    assert missing is not None
    assert missing.start + missing.count == span.start
    whole = archive[missing.start :]
    assert len(list_files(whole, len(archive)).files) == 2_000


def test_a_real_bala_is_listed_as_it_was_packed() -> None:
    archive = bala("acme/greet:1.0.0", modules=["sub"])
    assert "modules/greet.sub/greet.sub.bal" in listed(archive).files
    assert content(archive, "package.json").startswith(b"{")


@pytest.mark.parametrize("size", [0, 10, 400])
def test_a_file_that_does_not_end_as_an_archive_is_refused(size: int) -> None:
    with raises_refusal("truncated"):
        missing_directory(b"x" * size, size)


def test_a_directory_that_does_not_end_where_it_should_is_refused() -> None:
    with raises_refusal("directory-damaged", match="it does not end where the end record begins"):
        missing_directory(ARCHIVE, len(ARCHIVE) + 1)


def test_a_directory_with_fewer_entries_than_its_end_says_is_refused() -> None:
    for count in (7, 1_000):
        with raises_refusal("directory-damaged", match="it holds fewer entries"):
            list(list_directory(b"PK\x01\x02" + bytes(42) + b"PK\x05\x06" + bytes(60), count))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", True),
        ("né ".encode() * MIB, True),
        (b"\xff" * 10, False),
        ("é".encode()[:1], False),
        (b"a" * MIB + b"\0", False),
    ],
)
def test_a_file_is_a_text_if_it_can_be_read_as_one(content: bytes, expected: bool) -> None:
    assert is_text(content) is expected
    assert (text_of(content) is not None) is expected


def test_changed_bytes_are_reported() -> None:
    files = listed()
    entry = files.file("docs/README.md")
    assert entry is not None
    span = files.span(entry)
    region = bytearray(ARCHIVE[span.start : span.start + span.count])
    region[-1] ^= 0xFF
    with raises_refusal("entry-damaged"):
        unpack_file(bytes(region), entry)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        ("größe\r\n".encode(), "größe\r\n"),
        (b"\xef\xbb\xbfa", "a"),
        (b"a\0b", None),
        (b"\xff", None),
    ],
)
def test_a_binary_file_has_no_text(content: bytes, text: str | None) -> None:
    assert text_of(content) == text
