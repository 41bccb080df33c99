"""Files of archives: no more is read than is needed, and each text is rendered once."""

import asyncio
import threading
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import cast

import pytest

from shared.domain.archives.names import Digest
from shared.domain.archives.unpacking import MAX_FILE_BYTES, TAIL_BYTES
from shared.domain.errors.packages import FileNotInArchive, FileTooLargeToShow
from shared.domain.errors.requests import Busy
from shared.domain.packages import Release
from shared.ports import ArchiveStore, DocumentStore
from shared.prose.rendering import TextPlace, highlight, render_markdown, renderer_version
from shared.services.archive_files import (
    FILE_LISTS_CACHED_BYTES,
    ON_THE_LOOP_BYTES,
    RENDERED_ON_THE_LOOP,
    ArchiveFiles,
    RenderedTexts,
    memory_of_files,
)
from tests.contract.sample_records import release
from tests.support.archives import zipped


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
        archive = zipped(files)
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
        with pytest.raises(FileNotInArchive):
            await unpacking.read(made, path)


async def test_a_file_too_large_to_read_is_not_unpacked(
    unpacking: ArchiveFiles, archives: Archives
) -> None:
    made = archives.holding({"huge": b"\0" * (MAX_FILE_BYTES + 1)})
    with pytest.raises(FileTooLargeToShow):
        await unpacking.read(made, "huge")
    largest = archives.holding({"large": b"\0" * MAX_FILE_BYTES})
    assert len(await unpacking.read(largest, "large")) == MAX_FILE_BYTES


async def test_lists_that_were_used_last_are_cached_up_to_a_number_of_bytes(
    unpacking: ArchiveFiles, archives: Archives
) -> None:
    files = {f"{number:05}" + "x" * 200: b"" for number in range(2_000)}
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


ARCHIVE = Digest.of(b"archive")
PLACE = TextPlace("/files/acme/greet/1.0.0")
SHORT, LONG = "*a*", "word " * RENDERED_ON_THE_LOOP


class Documents:
    """The renderings of a document store, which may not answer."""

    def __init__(self) -> None:
        """Begin with none."""
        self.stored: dict[tuple[str, str], bytes] = {}
        self.calls: list[str] = []
        self.is_busy = False

    async def rendering(self, digest: Digest, name: str) -> bytes | None:
        self._call("rendering")
        return self.stored.get((digest.hex, name))

    async def put_rendering(self, digest: Digest, name: str, content: bytes) -> None:
        """Store one."""
        self._call("put")
        self.stored[digest.hex, name] = content

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.is_busy:
            raise Busy


@pytest.fixture
def documents() -> Documents:
    return Documents()


def over(documents: Documents, stored_from_ms: int = 0) -> RenderedTexts:
    store: DocumentStore = documents  # pyright: ignore[reportAssignmentType] - a part of one.
    return RenderedTexts(store, timedelta(milliseconds=stored_from_ms))


@pytest.fixture
async def renderings(documents: Documents) -> AsyncIterator[RenderedTexts]:
    made = over(documents)
    yield made
    await made.close()


async def test_a_short_text_is_rendered_without_asking_the_store(
    renderings: RenderedTexts, documents: Documents
) -> None:
    for _ in range(2):
        assert await renderings.render(ARCHIVE, SHORT, PLACE) == render_markdown(SHORT, PLACE)
    assert documents.calls == []


async def test_all_who_ask_for_a_long_text_at_once_get_one_rendering(
    renderings: RenderedTexts, documents: Documents
) -> None:
    asked = [renderings.render(ARCHIVE, LONG, PLACE) for _ in range(20)]
    assert set(await asyncio.gather(*asked)) == {render_markdown(LONG, PLACE)}
    assert documents.calls == ["rendering", "put"]
    await renderings.render(ARCHIVE, LONG, PLACE)
    assert documents.calls == ["rendering", "put"]


async def test_another_process_reads_what_was_rendered(
    renderings: RenderedTexts, documents: Documents
) -> None:
    made = await renderings.render(ARCHIVE, LONG, PLACE)
    assert await over(documents).render(ARCHIVE, LONG, PLACE) == made
    assert documents.calls == ["rendering", "put", "rendering"]


async def test_a_text_of_another_renderer_is_rendered_again(documents: Documents) -> None:
    made = await over(documents).render(ARCHIVE, LONG, PLACE)
    [key] = documents.stored
    documents.stored[key] = b"another" + documents.stored[key]
    assert await over(documents).render(ARCHIVE, LONG, PLACE) == made
    assert documents.stored[key].startswith(renderer_version().encode())


async def test_each_place_and_each_archive_has_its_own(
    renderings: RenderedTexts, documents: Documents
) -> None:
    for place in (PLACE, TextPlace(PLACE.files, names=frozenset()), TextPlace(PLACE.files, "docs")):
        for archive in (ARCHIVE, Digest.of(b"other")):
            await renderings.render(archive, LONG, place)
    assert len(documents.stored) == 6


async def test_a_text_that_renders_fast_is_not_stored(documents: Documents) -> None:
    await over(documents, stored_from_ms=60_000).render(ARCHIVE, LONG, PLACE)
    assert documents.calls == ["rendering"]


async def test_the_time_of_a_text_is_its_own(documents: Documents) -> None:
    slow_start = over(documents, stored_from_ms=60)
    await slow_start.highlight("a.bal", "int a = 1;\n" * 20 * RENDERED_ON_THE_LOOP)
    await slow_start.render(ARCHIVE, LONG, PLACE)
    assert documents.calls == ["rendering"]


@pytest.mark.parametrize("text", ["# Title", f"# Title\n\n{LONG}"])
async def test_the_ids_of_a_text_have_a_prefix(renderings: RenderedTexts, text: str) -> None:
    assert '<h2 id="readme-title">' in await renderings.render(ARCHIVE, text, PLACE)


async def test_a_store_that_does_not_answer_takes_no_text_away(
    renderings: RenderedTexts, documents: Documents
) -> None:
    documents.is_busy = True
    assert await renderings.render(ARCHIVE, LONG, PLACE) == render_markdown(LONG, PLACE)


@pytest.mark.parametrize("code", [SHORT, "int a;\n" * RENDERED_ON_THE_LOOP])
async def test_all_who_ask_for_a_file_at_once_get_it_in_colours(
    renderings: RenderedTexts, documents: Documents, code: str
) -> None:
    asked = [renderings.highlight("a.bal", code) for _ in range(20)]
    assert set(await asyncio.gather(*asked)) == {highlight("a.bal", code)}
    assert documents.calls == []


async def test_closing_gives_up_on_texts_that_wait_and_does_not_wait_for_the_one_under_way(
    documents: Documents,
) -> None:
    before = set(threading.enumerate())

    def is_rendering() -> bool:
        """Say whether the thread that renders runs, which is named for it in stack traces."""
        fresh = set(threading.enumerate()) - before
        return any(each.name.startswith("prose_") for each in fresh)

    renderings = over(documents)
    codes = [f"int a{number};\n" * 20 * RENDERED_ON_THE_LOOP for number in range(3)]
    asked = [asyncio.ensure_future(renderings.highlight("a.bal", code)) for code in codes]
    while not is_rendering():
        await asyncio.sleep(0)
    await renderings.close()
    assert is_rendering()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(outcomes[-1], asyncio.CancelledError)
