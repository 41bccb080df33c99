"""Texts are rendered once, whoever asks, and however often a process starts."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.domain.archives.names import Digest
from shared.domain.errors.requests import Busy
from shared.ports import DocumentStore
from shared.prose.rendering import TextPlace, highlight, render_markdown, renderer_version
from shared.services.archive_files import RENDERED_ON_THE_LOOP, RenderedTexts

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


async def test_what_another_renderer_wrote_is_made_again(documents: Documents) -> None:
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


async def test_what_is_made_fast_is_not_stored(documents: Documents) -> None:
    await over(documents, stored_from_ms=60_000).render(ARCHIVE, LONG, PLACE)
    assert documents.calls == ["rendering"]


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
