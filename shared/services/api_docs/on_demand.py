"""What readers ask for that is not made with a release: highlighted files, and comparisons of any
two versions. The confined process makes it once, and it is stored."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from shared.confined.job_files import AFTER, BEFORE, OUTPUT, REQUEST, SOURCE, SOURCE_PAGE
from shared.confined.jobs import (
    MOST_ENDS,
    SET_ASIDE,
    ConfinedEnded,
    ConfinedUnavailable,
    PartResult,
)
from shared.confined.release_files import ReleaseRequest
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.api_docs.records import GENERATOR_VERSION, ChangeList
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.dependency_graphs import Graph
from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending, Busy
from shared.domain.packages import Release, ReleaseEntry, Texts
from shared.ports.confined_tasks import ConfinedTasks
from shared.ports.documents import DocumentStore
from shared.prose.rendering import renderer_version
from shared.prose.safe_html import SafeHtml
from shared.runtime.lru_cache import LruCache
from shared.services.api_docs.api_docs import MADE_WITHIN, ApiDocs
from shared.services.api_docs.api_docs_generation import ENDS_COUNTED, JobInputs, job_folder
from shared.services.packages.removed_documents import RemovedDocuments

SET_ASIDE_SECONDS = 24 * 60 * 60
# Jobs about files that wait for the confined process, and as many about comparisons.
MAX_WAITING = 16
REFUSED = "refused: "  # Begins what is stored of a job that was refused.

Job = Callable[[], Awaitable[None]]


class OnDemandJobs:
    """Runs jobs in the background, one after another.

    A release that was pushed waits for one of them at most, however many were asked for.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._running = dict[str, asyncio.Task[None]]()
        self._turn = asyncio.Lock()
        # How often each job ended its process, and when.
        self._ends = LruCache[str, tuple[int, float]](ENDS_COUNTED)

    def start(self, key: str, job: Job) -> bool:
        """Start a job unless it runs already or is set aside; return False if too many wait."""
        if key in self._running or self.is_set_aside(key):
            return True
        if len(self._running) >= MAX_WAITING:
            return False
        task = asyncio.create_task(self._run(key, job))
        self._running[key] = task
        task.add_done_callback(lambda _: self._running.pop(key, None))
        return True

    async def wait(self, key: str, patience: timedelta) -> None:
        """Wait until a job has ended, at most for `patience`."""
        if (task := self._running.get(key)) is not None:
            await asyncio.wait({task}, timeout=patience.total_seconds())

    async def drain(self) -> None:
        """Wait for the jobs that run."""
        await asyncio.gather(*self._running.values())

    async def close(self) -> None:
        """Stop; what was not finished is made when somebody asks again."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def is_set_aside(self, key: str) -> bool:
        """Check whether the process of the job ended again and again in the last day."""
        ends, last = self._ends.get(key) or (0, 0)
        return ends >= MOST_ENDS and self._now() - last < SET_ASIDE_SECONDS

    async def _run(self, key: str, job: Job) -> None:
        with suppress(ConfinedUnavailable, Refusal, OSError):  # The next reader starts it again.
            async with self._turn:
                try:
                    await job()
                except ConfinedEnded:
                    ends, _ = self._ends.get(key) or (0, 0)
                    self._ends.put(key, (ends + 1, self._now()))
                    raise


def _made(folder: Path, part: PartResult, file: str) -> str:
    """Return what a job made, or why it was refused."""
    if part.refused:
        return f"{REFUSED}{part.refused}"
    return (folder / OUTPUT / file).read_text("utf-8")


class FileHighlighting(Struct, frozen=True):
    """Highlights source files of archives, each when somebody first asks for it."""

    documents: DocumentStore
    removed_documents: RemovedDocuments
    confined: ConfinedTasks
    jobs: OnDemandJobs

    async def highlighted(self, release: Release, path: str, text: str) -> SafeHtml | None:
        """Return a file as HTML with a line for each line; None as long as there is none, and if
        the confined process refused it."""
        archive = release.archive_digest
        name = f"file-{sha256(path.encode(errors='replace')).hexdigest()}"
        version = renderer_version()
        stored = await self.documents.rendering(archive, name)
        if stored is not None and stored.startswith(version.encode()):
            content = stored[len(version) :].decode()
            return None if content.startswith(REFUSED) else SafeHtml(content)
        self.jobs.start(
            f"{archive} {path}", partial(self._make, release, name, path, text, version)
        )
        return None

    async def _make(self, release: Release, name: str, path: str, text: str, version: str) -> None:
        async with job_folder() as folder:
            await asyncio.to_thread((folder / SOURCE).write_text, text, "utf-8")
            [part] = await self.confined.run("highlight", folder, path)
            content = await asyncio.to_thread(_made, folder, part, SOURCE_PAGE)
        archive = release.archive_digest
        await self.documents.put_rendering(archive, name, (version + content).encode())
        await self.removed_documents.delete_if_removed(release.coordinate, archive)


class ApiComparisons(Struct, frozen=True):
    """Compares versions of a package.

    The comparison with the version before is one of the release's pieces. Each other one is made
    once, when somebody asks for it, in a quarter of the time of the confined process.
    """

    api_docs: ApiDocs
    documents: DocumentStore
    removed_documents: RemovedDocuments
    inputs: JobInputs
    confined: ConfinedTasks
    jobs: OnDemandJobs
    patience: timedelta = MADE_WITHIN

    async def compare(
        self, package: Package, before: ReleaseEntry, after: ReleaseEntry
    ) -> SafeHtml:
        """Return the page of the changes between two releases of a package that the caller may see.

        Waits a moment until they are made. Raises `ApiDocsPending` if that takes longer, and
        `ApiDocsFailed` or `Busy`.
        """
        return SafeHtml(await self._stored(PieceKind.CHANGES_PAGE, package, before, after))

    async def changes(
        self, package: Package, before: ReleaseEntry, after: ReleaseEntry
    ) -> ChangeList:
        """Return the same changes for programs; raise as `compare` does."""
        text = await self._stored(PieceKind.CHANGES, package, before, after)
        return msgspec.json.decode(text, type=ChangeList)

    async def _stored(
        self, kind: PieceKind, package: Package, before: ReleaseEntry, after: ReleaseEntry
    ) -> str:
        coordinate = package.at(after.parsed)
        digest = Digest(after.digest)
        with_before = await self.api_docs.piece(digest, coordinate, kind, before.version)
        if with_before is not None:
            return with_before.unpack().decode()
        await self.api_docs.record(Digest(before.digest), package.at(before.parsed))
        if (made := await self._made(kind, coordinate, before, after)) is not None:
            return made
        pair = f"{before.digest} {after.digest}"
        if self.jobs.is_set_aside(pair):
            raise ApiDocsFailed(coordinate, SET_ASIDE)
        if not self.jobs.start(pair, partial(self._make, package, before, after, _key_of(before))):
            raise Busy
        await self.jobs.wait(pair, self.patience)
        if (made := await self._made(kind, coordinate, before, after)) is not None:
            return made
        raise ApiDocsPending(coordinate)

    async def _made(
        self, kind: PieceKind, coordinate: Coordinate, before: ReleaseEntry, after: ReleaseEntry
    ) -> str | None:
        """Return what was made of a comparison, None if nothing was yet; raise `ApiDocsFailed`."""
        name = _comparison_name(kind, before.digest)
        key = _key_of(before)
        stored = await self.documents.rendering(Digest(after.digest), name)
        if stored is None or not stored.startswith(key.encode()):
            return None
        content = stored[len(key) :].decode()
        if content.startswith(REFUSED):
            raise ApiDocsFailed(coordinate, content.removeprefix(REFUSED))
        return content

    async def _make(
        self, package: Package, before: ReleaseEntry, after: ReleaseEntry, key: str
    ) -> None:
        async with job_folder() as folder:
            for entry, inside in ((before, BEFORE), (after, AFTER)):
                if await self.inputs.write_documents(entry, folder / inside) is None:
                    self.api_docs.queue.want(package.at(entry.parsed))
                    return
            request = _comparison_request(package, before, after).model_dump_json()
            await asyncio.to_thread((folder / REQUEST).write_text, request, "utf-8")
            [part] = await self.confined.run("compare", folder, None)
            for kind, name in zip(COMPARISONS, comparison_names(before.digest), strict=True):
                made = key + await asyncio.to_thread(_made, folder, part, kind.value)
                await self.documents.put_rendering(Digest(after.digest), name, made.encode())
        await self._delete_if_removed(package, before, after)

    async def _delete_if_removed(
        self, package: Package, before: ReleaseEntry, after: ReleaseEntry
    ) -> None:
        """Delete a comparison that was stored while one of its releases was erased."""
        removed = self.removed_documents
        archive = Digest(after.digest)
        if await removed.delete_if_removed(package.at(after.parsed), archive):
            return
        if await removed.is_removed(package.at(before.parsed)):
            await self.documents.delete_renderings(archive, comparison_names(before.digest))


# What is stored of a comparison: the page of changes, and the same changes for programs.
COMPARISONS = (PieceKind.CHANGES_PAGE, PieceKind.CHANGES)


def comparison_names(before: str) -> tuple[str, ...]:
    """Return the names of the comparisons of later versions with the archive of this digest."""
    return tuple(_comparison_name(kind, before) for kind in COMPARISONS)


def _comparison_name(kind: PieceKind, before: str) -> str:
    return f"{kind.value}-{before}"


def _key_of(before: ReleaseEntry) -> str:
    """Return the prefix of a stored comparison, which another version of the generator makes
    again."""
    return f"{GENERATOR_VERSION} {before.digest}\n"


def _comparison_request(
    package: Package, before: ReleaseEntry, after: ReleaseEntry
) -> ReleaseRequest:
    return ReleaseRequest(
        org=package.org,
        name=package.name,
        version=after.version,
        bala_version="",
        modules=after.modules,
        texts=Texts(),
        graph=Graph(),
        before=before.version,
    )
