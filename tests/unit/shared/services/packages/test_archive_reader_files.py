"""Files of archives: no more is read than is needed."""

import tracemalloc
from dataclasses import dataclass, field
from typing import cast

import pytest

from shared.domain.archives.digests import Digest
from shared.domain.archives.unpacking import list_files
from shared.domain.packages import Release
from shared.ports.archive_store import ArchiveStore
from shared.services.packages.archive_reader import ON_THE_LOOP_BYTES, ArchiveFiles, memory_of_files
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


async def test_a_file_on_a_thread_is_the_same(unpacking: ArchiveFiles, archives: Archives) -> None:
    text = b"line\n" * ON_THE_LOOP_BYTES
    made = archives.holding({"long.bal": text})
    assert await unpacking.read(made, "long.bal") == text


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
