"""Dumps of advisories, from mirrors by https and from files."""

import asyncio
from datetime import timedelta
from http import HTTPStatus
from io import BytesIO
from pathlib import Path

from shared.domain.advisories.sources import AdvisorySource
from shared.ports.advisories import FetchedDump
from shared.ports.http_client import AnswerTooLarge, HttpDownloader, Unanswered

MAX_DUMP_BYTES = 256 * 1024 * 1024  # As the service that reads them takes.
DUMP_TIME_LIMIT = timedelta(minutes=5)


class FetchedAdvisoryDumps:
    """The AdvisoryDumps of every registry."""

    def __init__(self, fetcher: HttpDownloader) -> None:
        self._fetcher = fetcher

    async def fetch(self, source: AdvisorySource, tag: str) -> FetchedDump | None:
        if source.host:
            return await self._download(source, tag)
        try:
            return await asyncio.to_thread(_read, Path(source.at), tag)
        except OSError as error:
            message = error.strerror or "the file cannot be read"
            raise Unanswered(message) from None

    async def _download(self, source: AdvisorySource, tag: str) -> FetchedDump | None:
        content = BytesIO()
        condition = {"If-None-Match": tag} if tag else {}
        answer = await self._fetcher.download(source.at, condition, content.write)
        if answer.status == HTTPStatus.NOT_MODIFIED and tag:
            return None
        if answer.status != HTTPStatus.OK:
            message = f"the answer was {answer.status}"
            raise Unanswered(message)
        return FetchedDump(content.getvalue(), answer.headers.get("etag", ""))


def _read(file: Path, tag: str) -> FetchedDump | None:
    found = file.stat()
    current = f"{found.st_mtime_ns}-{found.st_size}"
    if current == tag:
        return None
    if found.st_size > MAX_DUMP_BYTES:
        raise AnswerTooLarge
    return FetchedDump(file.read_bytes(), current)
