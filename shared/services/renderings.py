"""Renderings: the HTML of authors' texts and sources.

Both are rendered in Python, which holds the interpreter: so one thread of a process does it,
each takes at most about 200 ms of it (`shared/prose/bounding.py`), and a text that took long is
stored for every process and every instance, beside the other documents of its archive.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from hashlib import sha256
from time import thread_time

from shared.auth.recent import Recent
from shared.domain.digest import Digest
from shared.domain.errors import Unavailable
from shared.ports import DocumentStore
from shared.prose.highlighting import highlight
from shared.prose.markdown import Place, SafeHtml, render_markdown, renderer_version
from shared.single_flight import SingleFlight

ON_THE_LOOP = 1_024  # Characters; they take a millisecond, and 15 at worst.
KEPT = 64  # Texts with their HTML: some 30 MB when all are as hostile as can be.
STORED_FROM = timedelta(milliseconds=20)  # What takes less is made again as fast as it is read.
_PREFIX = "readme"  # Of every id in a text.


class Renderings:
    """Renders texts of archives, and keeps what came of it."""

    def __init__(self, documents: DocumentStore, stored_from: timedelta = STORED_FROM) -> None:
        """Store the costly ones in `documents`."""
        self._documents = documents
        self._stored_from = stored_from
        self._kept = Recent[SafeHtml](KEPT)
        self._flights = SingleFlight[SafeHtml]()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prose")

    async def html(self, archive: Digest, text: str, place: Place) -> SafeHtml:
        """Return a text of the archive as HTML that is safe in a page of this origin."""
        name = _name(archive, text, place)
        html = self._kept.get(name)
        if html is None:
            if len(text) <= ON_THE_LOOP:
                html = render_markdown(text, place, _PREFIX)
            else:
                make = partial(self._stored_or_made, archive, name, text, place)
                html = await self._flights.answer(name, make)
            self._kept.put(name, html)
        return html

    async def code(self, path: str, text: str) -> SafeHtml:
        """Return a file of an archive in colours; those who ask for it at once get one answer."""
        if len(text) <= ON_THE_LOOP:
            return highlight(path, text)
        return await self._flights.answer((path, text), partial(self._coloured, path, text))

    def close(self) -> None:
        """Stop the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _coloured(self, path: str, text: str) -> SafeHtml:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, highlight, path, text)

    async def _stored_or_made(
        self, archive: Digest, name: str, text: str, place: Place
    ) -> SafeHtml:
        version = renderer_version().encode()
        with suppress(Unavailable):
            stored = await self._documents.rendering(archive, name)
            if stored is not None and stored.startswith(version):
                return SafeHtml(stored[len(version) :].decode())
        loop = asyncio.get_running_loop()
        html, seconds = await loop.run_in_executor(self._thread, _timed, text, place)
        if seconds >= self._stored_from.total_seconds():
            with suppress(Unavailable):
                await self._documents.put_rendering(archive, name, version + html.encode())
        return html


def _timed(text: str, place: Place) -> tuple[SafeHtml, float]:
    began = thread_time()
    html = render_markdown(text, place, _PREFIX)
    return html, thread_time() - began


def _name(archive: Digest, text: str, place: Place) -> str:
    """Return the name of a rendering: whatever it is made of, but for the renderer.

    The names of the files are those of the archive, unless it is lost.
    """
    count = -1 if place.names is None else len(place.names)
    parts = (archive.hex, place.files, place.folder, place.pages, str(count), text)
    return sha256("\0".join(parts).encode(errors="replace")).hexdigest()
