"""One file of an archive at a time, and what lies in its folders."""

import pytest

from shared.domain.archive_files import (
    TAIL_BYTES,
    FileList,
    Folder,
    list_files,
    missing_directory,
    tail_of,
    unpacked,
)
from shared.domain.bad_archive import DirectoryDamaged, EntryDamaged, Truncated
from tests.balas import bala, zipped

FILES = {
    "package.json": b"{}",
    "docs/README.md": b"# Greet\n",
    "modules/greet/greet.bal": b"import ballerina/io;\n" * 100,
    "modules/greet/formal.bal": b"",
    "modules/": b"",
}
ARCHIVE = zipped(FILES)


def listed(archive: bytes = ARCHIVE) -> FileList:
    """Return what an archive holds, read as from a store."""
    span = tail_of(len(archive))
    return list_files(archive[span.start : span.start + span.count], len(archive))


def content(archive: bytes, path: str) -> bytes:
    """Return a file of an archive, of which its span alone is read."""
    files = listed(archive)
    entry = files.file(path)
    assert entry is not None
    span = files.span(entry)
    return unpacked(archive[span.start : span.start + span.count], entry)


def test_every_file_is_read_from_its_own_bytes() -> None:
    files = {name: data for name, data in FILES.items() if not name.endswith("/")}
    assert {name: content(ARCHIVE, name) for name in files} == files
    assert listed().files == frozenset(files)


def test_a_stored_archive_stays_readable_with_names_that_are_refused_now() -> None:
    archive = zipped({"package.json": b"{}", "aux.bal": b"x", "main.bal.": b"y"})
    assert content(archive, "aux.bal") == b"x"
    assert content(archive, "main.bal.") == b"y"


def test_a_folder_has_what_lies_in_it_and_not_below() -> None:
    files = listed()
    assert files.folder("") == Folder("", ("docs", "modules"), (("package.json", 2),))
    sources = (("formal.bal", 0), ("greet.bal", 2_100))
    assert files.folder("modules/greet") == Folder("modules/greet", (), sources)
    assert files.folder("modules") == Folder("modules", ("greet",), ())


@pytest.mark.parametrize("path", ["nothing", "docs/README.md", "doc", "modules/greet/"])
def test_what_is_no_folder_has_nothing_in_it(path: str) -> None:
    assert listed().folder(path) is None


@pytest.mark.parametrize("path", ["", "docs", "modules/", "../package.json", "PACKAGE.JSON"])
def test_what_is_no_file_is_none(path: str) -> None:
    assert listed().file(path) is None


def test_of_a_small_archive_the_tail_is_all_and_has_the_directory() -> None:
    span = tail_of(len(ARCHIVE))
    assert (span.start, span.count) == (0, len(ARCHIVE))
    assert missing_directory(ARCHIVE, len(ARCHIVE)) is None


def test_a_directory_longer_than_the_tail_is_read_with_what_is_missing() -> None:
    archive = zipped({f"resources/{number:05}.txt": b"" for number in range(2_000)})
    span = tail_of(len(archive))
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
def test_what_does_not_end_as_an_archive_is_refused(size: int) -> None:
    with pytest.raises(Truncated):
        missing_directory(b"x" * size, size)


def test_a_directory_that_does_not_end_where_it_should_is_refused() -> None:
    with pytest.raises(DirectoryDamaged):
        missing_directory(ARCHIVE, len(ARCHIVE) + 1)


def test_bytes_that_changed_are_told() -> None:
    files = listed()
    entry = files.file("docs/README.md")
    assert entry is not None
    span = files.span(entry)
    region = bytearray(ARCHIVE[span.start : span.start + span.count])
    region[-1] ^= 0xFF
    with pytest.raises(EntryDamaged):
        unpacked(bytes(region), entry)
