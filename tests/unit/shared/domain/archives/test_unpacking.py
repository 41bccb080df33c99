"""Unpacking: once, checked, and within limits."""

import hashlib

import pytest

from shared.domain.archives.limits import DEFAULT_LIMITS, MIB, ArchiveLimits
from shared.domain.archives.unpacking import (
    ArchiveDirectory,
    EntryChange,
    FolderListing,
    ZipArchive,
    changed_entries,
    directory_tail,
    list_all_files,
    list_files,
    missing_directory,
    text_of,
    unpack_file,
)
from shared.domain.archives.zip_records import list_directory
from shared.domain.errors.base import BadArchive
from tests.support.archives import noise, zipped
from tests.support.raw_zip import Member, raw_zip
from tests.support.refusals import raises_refusal


def opened(*members: Member, limits: ArchiveLimits = DEFAULT_LIMITS) -> ZipArchive:
    """Return an archive with these entries."""
    return ZipArchive.open(raw_zip(members), limits)


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("size", [0, 1, 65_535, 262_144, 262_145, 3_000_000])
def test_content_is_what_was_packed(method: int, size: int) -> None:
    content = noise(size // 2) + bytes(size - size // 2)
    archive = opened(Member(name="a", content=content, method=method))
    assert archive.read("a") is archive.read("a")
    assert (archive.read("a"), archive.size("a"), archive.names) == (content, size, ("a",))


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("position", [0, 1, 262_140, 262_144, 600_000])
@pytest.mark.parametrize("is_read", [False, True])
def test_a_token_is_found_wherever_it_begins(method: int, position: int, is_read: bool) -> None:
    content = b"\n" * position + b"secret" + b"\n" * 300_000
    archive = opened(Member(name="a"), Member(name="b", content=content, method=method))
    if is_read:
        archive.read("b")
    with raises_refusal("token-in-archive") as refused:
        archive.verify(lambda part: at if (at := part.find(b"secret")) >= 0 else None)
    assert f"b contains an access token of this registry in line {position + 1:,}," in str(
        refused.value
    )


HASHED = {"b": b"2", "a/ä": b"1", "Z": b""}


def test_the_entries_hash_is_that_of_what_sha256sum_prints() -> None:
    names = ["Z", "a/ä", "b"]  # As `LC_ALL=C sort` orders them.
    printed = "".join(f"{hashlib.sha256(HASHED[name]).hexdigest()}  {name}\n" for name in names)
    members = [Member(name=name, content=content) for name, content in HASHED.items()]
    expected = hashlib.sha256(printed.encode()).hexdigest()
    assert opened(*members).verify() == expected
    read = opened(*members)
    read.read("b")
    assert read.verify() == expected


@pytest.mark.parametrize("method", [0, 8])
def test_order_folders_and_compression_are_no_part_of_the_entries_hash(method: int) -> None:
    members = [Member(name=name, content=HASHED[name]) for name in HASHED]
    again = [Member(name=name, content=HASHED[name], method=method) for name in sorted(HASHED)]
    hashed = opened(*again, Member(name="a/"), Member(name="empty/")).verify()
    assert hashed == opened(*members).verify()


@pytest.mark.parametrize(
    "files",
    [
        {**HASHED, "b": b"3"},
        {**HASHED, "c": b""},
        {"b": b"2", "a/ä": b"1"},
        {"b": b"1", "a/ä": b"2", "Z": b""},
        {"B": b"2", "a/ä": b"1", "Z": b""},
    ],
)
def test_names_and_contents_are_the_entries_hash(files: dict[str, bytes]) -> None:
    first, second = (
        opened(*(Member(name=name, content=content) for name, content in each.items())).verify()
        for each in (HASHED, files)
    )
    assert first != second


def test_a_ratio_may_be_the_limit_and_no_more() -> None:
    fits, more = (Member(name="a", content=bytes(size), packed=bytes(10)) for size in (20, 21))
    for limits in (
        ArchiveLimits(ratio=2, ratio_from_bytes=19),
        ArchiveLimits(ratio=2, archive_ratio_from_bytes=19),
    ):
        assert opened(fits, limits=limits).size("a") == 20
        with pytest.raises(BadArchive, match=r"times (its|their) packed size"):
            opened(more, limits=limits)
    small = ArchiveLimits(ratio=2, ratio_from_bytes=21, archive_ratio_from_bytes=21)
    assert opened(more, limits=small).size("a") == 21


FILES = {
    "package.json": b"{}",
    "docs/README.md": b"# Greet\n",
    "modules/greet/greet.bal": b"import ballerina/io;\n" * 100,
    "modules/greet/formal.bal": b"",
    "modules/": b"",
    "resources/aux.bal.": b"Names that are refused now stay readable.",
}
FOLDERS = ("docs", "modules", "resources")
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
    for path in ("", "docs", "modules/", "../package.json", "PACKAGE.JSON"):
        assert listed().file(path) is None


def test_a_folder_has_what_lies_in_it_and_not_below() -> None:
    files = listed()
    assert files.folder("") == FolderListing("", FOLDERS, (("package.json", 2),))
    sources = (("formal.bal", 0), ("greet.bal", 2_100))
    assert files.folder("modules/greet") == FolderListing("modules/greet", (), sources)
    assert files.folder("modules") == FolderListing("modules", ("greet",), ())
    for path in ("nothing", "docs/README.md", "doc", "modules/greet/"):
        assert files.folder(path) is None


@pytest.mark.parametrize("size", [0, 10, 400])
def test_a_file_that_does_not_end_as_an_archive_is_refused(size: int) -> None:
    with raises_refusal("truncated"):
        missing_directory(b"x" * size, size)
    assert missing_directory(ARCHIVE, len(ARCHIVE)) is None


def test_a_directory_with_fewer_entries_than_its_end_says_is_refused() -> None:
    for count in (7, 1_000):
        with raises_refusal("directory-damaged", match="it holds fewer entries"):
            list(list_directory(b"PK\x01\x02" + bytes(42) + b"PK\x05\x06" + bytes(60), count))


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
        ("é".encode()[:1], None),
        ("né ".encode() * MIB, "né " * MIB),
        (b"a" * MIB + b"\0", None),
    ],
)
def test_a_binary_file_has_no_text(content: bytes, text: str | None) -> None:
    assert text_of(content) == text


def test_changed_entries_are_files_that_differ_by_name_size_or_crc() -> None:
    before = list_all_files(
        zipped({"a": b"1", "b": b"2", "c": b"33", "folder/": b"", "same": b"x"})
    )
    after = list_all_files(memoryview(zipped({"same": b"x", "c": b"34", "b": b"22", "d": b""})))
    assert changed_entries(before, after) == (
        ("a", EntryChange.MISSING),
        ("b", EntryChange.CHANGED),
        ("c", EntryChange.CHANGED),
        ("d", EntryChange.NEW),
    )
    assert changed_entries(before, before) == ()
