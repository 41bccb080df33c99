"""Files of archives: no more is read than is needed."""

import tracemalloc
from dataclasses import dataclass, field
from random import Random
from typing import cast

import pytest

from shared.domain.archives.names import Digest
from shared.domain.archives.unpacking import MAX_FILE_BYTES, TAIL_BYTES, list_files
from shared.domain.packages import Release
from shared.ports import ArchiveStore
from shared.services.packages.archive_reader import (
    FILE_LISTS_CACHED_BYTES,
    ON_THE_LOOP_BYTES,
    ArchiveFiles,
    memory_of_files,
)
from tests.contract.sample_records import release
from tests.support.archives import zipped
from tests.support.raw_zip import Member, extra_field, raw_zip
from tests.support.refusals import raises_refusal


@dataclass
class Archives:
    """Archives by digest, and how many bytes were read of them at once."""

    content: dict[str, bytes] = field(default_factory=dict[str, bytes])
    read_bytes: list[int] = field(default_factory=list[int])

    async def read(self, name: object, start: int = 0, count: int | None = None) -> bytes:
        """Return a part of an archive."""
        whole = self.content[str(getattr(name, "digest"))]  # noqa: B009 - of the double's own type.
        found = whole[start : None if count is None else start + count]
        self.read_bytes.append(len(found))
        return found

    def holding(self, files: dict[str, bytes], version: str = "1.0.0") -> Release:
        """Store an archive, and return its release."""
        return self.keeping(zipped(files), version)

    def keeping(self, archive: bytes, version: str = "1.0.0") -> Release:
        digest = Digest.of(archive).hex
        self.content[digest] = archive
        return release(f"acme/greet:{version}", digest=digest, size_bytes=len(archive))


@pytest.fixture
def archives() -> Archives:
    return Archives()


@pytest.fixture
def unpacking(archives: Archives) -> ArchiveFiles:
    return ArchiveFiles(cast("ArchiveStore", archives))


async def test_a_list_is_read_once(unpacking: ArchiveFiles, archives: Archives) -> None:
    made = archives.holding({"a.bal": b"x", "docs/b.md": b"y"})
    assert (await unpacking.list(made)).files == {"a.bal", "docs/b.md"}
    await unpacking.list(made)
    assert len(archives.read_bytes) == 1


async def test_only_the_end_of_a_large_archive_is_read(
    unpacking: ArchiveFiles, archives: Archives
) -> None:
    noise = Random(1).randbytes(1_000_000)  # noqa: S311 - it only must not pack.
    made = archives.holding({"large": noise, "small.bal": b"x"})
    assert await unpacking.read(made, "small.bal") == b"x"
    assert archives.read_bytes[0] == TAIL_BYTES
    assert archives.read_bytes[1] < 100
    assert await unpacking.read(made, "large") == noise


async def test_a_long_directory_takes_two_reads(
    unpacking: ArchiveFiles, archives: Archives
) -> None:
    made = archives.holding({f"resources/{number:05}.txt": b"" for number in range(2_000)})
    assert len((await unpacking.list(made)).files) == 2_000
    assert len(archives.read_bytes) == 2


async def test_a_file_on_a_thread_is_the_same(unpacking: ArchiveFiles, archives: Archives) -> None:
    text = b"line\n" * ON_THE_LOOP_BYTES
    made = archives.holding({"long.bal": text})
    assert await unpacking.read(made, "long.bal") == text


async def test_a_file_that_is_not_in_the_archive_is_not_found(
    unpacking: ArchiveFiles, archives: Archives
) -> None:
    made = archives.holding({"docs/": b"", "docs/a": b"x"})
    for path in ("b", "docs", "docs/", ""):
        with raises_refusal("file-not-in-archive"):
            await unpacking.read(made, path)


async def test_a_file_too_large_to_read_is_not_unpacked(
    unpacking: ArchiveFiles, archives: Archives
) -> None:
    made = archives.holding({"huge": b"\0" * (MAX_FILE_BYTES + 1)})
    with raises_refusal("file-too-large-to-show"):
        await unpacking.read(made, "huge")
    largest = archives.holding({"large": b"\0" * MAX_FILE_BYTES})
    assert len(await unpacking.read(largest, "large")) == MAX_FILE_BYTES


@pytest.mark.slow
async def test_lists_that_were_used_last_are_cached_up_to_a_number_of_bytes(
    unpacking: ArchiveFiles, archives: Archives
) -> None:
    files = {f"{number:05}" + "x" * 600: b"" for number in range(2_000)}
    made = [archives.holding(files | {f"{n}": b""}, f"1.{n}.0") for n in range(10)]
    weights = [memory_of_files(await unpacking.list(each)) for each in made]
    assert sum(weights) > FILE_LISTS_CACHED_BYTES > 8 * max(weights)
    archives.read_bytes.clear()
    await unpacking.list(made[-1])
    assert archives.read_bytes == []
    await unpacking.list(made[0])
    assert len(archives.read_bytes) == 2  # The end, and the rest of a long list.


async def test_the_memory_of_a_list_is_about_what_it_takes(
    unpacking: ArchiveFiles, archives: Archives
) -> None:
    made = archives.holding({f"docs/folder/file-{n:05}.bal": b"" for n in range(5_000)})
    tracemalloc.start()
    files = await unpacking.list(made)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.7 * taken < memory_of_files(files) < 1.5 * taken


def test_extra_fields_and_comments_of_older_archives_are_not_kept() -> None:
    extra = extra_field(0xCAFE, bytes(900))
    members = [Member(name=f"f{n:04}", extra=extra, comment=b"x" * 900) for n in range(2_000)]
    archive = raw_zip(members)
    tracemalloc.start()
    files = list_files(archive, len(archive))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 1.5 * memory_of_files(files) < 1_000_000


async def test_a_directory_that_is_too_long_is_not_read(
    unpacking: ArchiveFiles, archives: Archives
) -> None:
    made = archives.keeping(
        raw_zip(Member(name=f"f{n}", comment=b"x" * 60_000) for n in range(100))
    )
    with raises_refusal("file-too-large", match="list of files of the archive"):
        await unpacking.list(made)
    assert max(archives.read_bytes) < 100_000
