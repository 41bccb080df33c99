"""Making API documentation: what the confined process is given, and what becomes of its result."""

import asyncio
import errno
import gzip
import json
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct, field

from shared.auth.access_tokens import own_token_form
from shared.confined.job_files import (
    ARCHIVE,
    BEFORE,
    OUTPUT,
    PIECES,
    RECORD,
    REQUEST,
    SECRETS_PART,
    SINCE,
)
from shared.confined.jobs import (
    MACHINE_ERRORS,
    MOST_ENDS,
    SET_ASIDE,
    ConfinedEnded,
    ConfinedUnavailable,
    PartResult,
)
from shared.confined.release_files import OtherModule, ReleaseRequest
from shared.domain.api_docs.item_summaries import NO_API
from shared.domain.api_docs.language import LANGUAGE_ORG
from shared.domain.api_docs.pieces import PieceKind, piece_name
from shared.domain.api_docs.records import (
    GENERATOR_VERSION,
    ApiDocsRecord,
    ApiVerdict,
    DocsState,
    SecretPlace,
    earlier_release,
)
from shared.domain.archives.bala import Bala
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package, package_owner, release_place
from shared.domain.dependency_graphs import Graph, read_graph
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.packages import ArchiveLost
from shared.domain.packages import Release, ReleaseEntry, Survey
from shared.domain.release_states import State
from shared.domain.sboms import SBOM_PARTS
from shared.domain.secret_forms import MAX_SECRETS, FoundSecrets
from shared.domain.text_lines import in_one_line
from shared.domain.times import MS
from shared.domain.version_choice import latest
from shared.domain.versions import Range
from shared.ports.archive_store import ArchiveStore
from shared.ports.confined_tasks import ConfinedTasks
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.lru_cache import LruCache
from shared.services.api_docs.pieces import PieceReader, PiecesGone, available, is_documented
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.removed_documents import RemovedDocuments
from shared.telemetry.log import log

COPIED_BYTES = 4 * 1024 * 1024  # Bytes of an archive that are copied at once.
MAX_RECORD_BYTES = 4 * 1024 * 1024  # 300 KiB of symbols, and the summaries of connectors.
MAX_INDEX_BYTES = 12 * 1024 * 1024  # The index of the pieces: for 150,000 pieces it has 9 MiB.
MAX_OTHER_PACKAGES = 32  # Dependencies whose records may be described.
MAX_OTHER_BYTES = 16 * 1024 * 1024  # The documents of these packages together, compressed.
# Releases that were set aside are tried again by the daily visit of all releases.
TRIED_AGAIN_AFTER = timedelta(hours=20)
ABANDONED_AFTER = timedelta(hours=1)  # Older folders of jobs are deleted; a job takes minutes.
MAX_REASON_LENGTH = 300  # Characters, of a refused bill of materials.
# Archives of which a process remembers how often the confined process was ended from outside.
ENDS_COUNTED = 1_000

MAX_SECRET_LENGTH = 500  # Characters of a path with a secret, and of its kind.
_OTHER_PARTS = SBOM_PARTS | {SECRETS_PART}

GenerationFailure = Callable[[Coordinate, str], None]
TellOfVerdict = Callable[[Release, ApiVerdict], Awaitable[None]]


# --- What a job reads --------------------------------------------------------------------------


class JobInputs(Struct, frozen=True):
    """Writes what a job reads into its folder."""

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    environment: str  # The registry whose access tokens are searched for in the archive.

    async def write(self, release: Release, folder: Path) -> ReleaseRequest:
        """Write the archive, the facts of a release, and the documents that it is compared with
        and refers to; raise `ArchiveLost`."""
        for start in range(0, release.size_bytes, COPIED_BYTES):
            content = await self.archives.read(release.archive, start, COPIED_BYTES)
            await asyncio.to_thread(_append, folder / ARCHIVE, content)
        digest = release.archive_digest
        package = release.coordinate.package
        texts, [graph], [survey] = await asyncio.gather(
            self.documents.texts(digest),
            self.documents.graphs([digest]),
            self.metadata.survey([package]),
        )
        of_package = {"texts": texts, "graph": Graph(nodes=read_graph(graph))}
        request = ReleaseRequest.model_validate(
            {
                **dict(release),
                **of_package,
                "oldest": _oldest(survey, release),
                "own_token": own_token_form(self.environment),
            }
        )
        # Other versions of a mirrored package are elsewhere.
        history = {"has_unknown_history": release.upstream is not None}
        history |= await self._write_before(survey, release.coordinate, folder)
        request = request.model_copy(
            update={**history, "others": await self._write_others(request, folder)}
        )
        await asyncio.to_thread((folder / REQUEST).write_text, request.model_dump_json(), "utf-8")
        return request

    async def write_unpublished(
        self, content: bytes | memoryview, bala: Bala, folder: Path
    ) -> tuple[ReleaseRequest, Survey | None]:
        """Write the input of the comparison of an archive with the version before it, unless no
        such version is completely documented; return what the request says of that, and the
        package."""
        [survey] = await self.metadata.survey([bala.coordinate.package])
        request = ReleaseRequest.model_validate(
            {**dict(bala), "texts": bala.texts, "graph": bala.graph}
        )
        history = await self._write_before(survey, bala.coordinate, folder)
        request = request.model_copy(update=history)
        if request.before and request.before_is_complete:
            await asyncio.to_thread((folder / ARCHIVE).write_bytes, content)
            text = request.model_dump_json()
            await asyncio.to_thread((folder / REQUEST).write_text, text, "utf-8")
        return request, survey

    async def write_documents(self, entry: ReleaseEntry, folder: Path) -> ApiDocsRecord | None:
        """Write the documents of a release's modules, and since when their symbols exist; return
        its record, or None if that is not there."""
        digest = Digest(entry.digest)
        pieces = self._pieces()
        record = await pieces.record(digest)
        if record is None or record.generator < GENERATOR_VERSION or record.pieces is None:
            return None
        await asyncio.to_thread(folder.mkdir)
        try:
            for number, module in enumerate(record.modules):
                await _write_document(pieces, digest, module, folder / f"{number}.json.gz")
            since = await pieces.read(digest, piece_name(PieceKind.SINCE))
        except PiecesGone:
            return None
        known = since.unpack() if since else b"{}"
        await asyncio.to_thread((folder / SINCE).write_bytes, known)
        return record

    async def _write_before(
        self, survey: Survey | None, coordinate: Coordinate, folder: Path
    ) -> dict[str, object]:
        """Write what the version before has; return what the request says of it."""
        live = survey.live if survey else ()
        earlier = earlier_release(live, coordinate.version)
        if earlier is None:
            return {}
        record = await self.write_documents(earlier, folder / BEFORE)
        if record is None:
            return {"has_unknown_history": True}
        is_complete = record.state is DocsState.DONE
        pieces = record.pieces.name if record.pieces else ""
        known = {"before": earlier.version, "before_pieces": pieces}
        return {**known, "before_is_complete": is_complete}

    async def _write_others(self, request: ReleaseRequest, folder: Path) -> tuple[OtherModule, ...]:
        """Write the documents of dependencies, the direct ones first: those that are public, live
        and documented, in the exact version that the release was built with."""
        others = list[OtherModule]()
        left = MAX_OTHER_BYTES
        pieces = self._pieces()
        for coordinate, entry in await available(self.metadata, _dependencies(request)):
            is_ready = entry is not None and await is_documented(pieces, entry)
            for module in entry.modules if entry else (coordinate.package.name,):
                other = _other(coordinate, module)
                if entry and is_ready and left > 0:
                    file = folder / f"other-{len(others)}.json.gz"
                    with suppress(PiecesGone):
                        digest = Digest(entry.digest)
                        written = await _write_document(pieces, digest, module, file)
                        left -= written
                        other = other.model_copy(update={"file": file.name if written else ""})
                others.append(other)
        return tuple(others)

    def _pieces(self) -> PieceReader:
        """Return a reader for one job. What jobs read once would fill the memory of the one that
        serves requests."""
        return PieceReader(self.documents)


async def _write_document(pieces: PieceReader, digest: Digest, module: str, file: Path) -> int:
    """Write the document of a module as a gzip file; return its size, 0 if there is none."""
    stored = await pieces.read(digest, piece_name(PieceKind.DOCUMENT, module))
    if stored is None:
        return 0
    content = stored.content if stored.is_packed else gzip.compress(stored.content, mtime=0)
    await asyncio.to_thread(file.write_bytes, content)
    return len(content)


def _append(file: Path, content: bytes) -> None:
    with file.open("ab") as opened:
        opened.write(content)


def _oldest(survey: Survey | None, release: Release) -> str:
    versions = [each.parsed for each in survey.live] if survey else []
    return min((*versions, release.coordinate.version), key=lambda each: each.precedence).text


def _dependencies(request: ReleaseRequest) -> list[Coordinate]:
    """Return the releases of the dependency graph, the direct dependencies first."""
    nodes = {(each.org, each.name): each for each in request.graph.nodes}
    own = nodes.pop((request.org, request.name), None)
    direct = {(each.org, each.name): each.version for each in (own.dependencies if own else ())}
    found = direct | {key: each.version for key, each in nodes.items()}
    packages = [
        (org, name) for org, name in found if not (org == LANGUAGE_ORG and name.startswith("lang."))
    ]
    return [Coordinate.parse(*key, found[key]) for key in packages[:MAX_OTHER_PACKAGES]]


def _other(coordinate: Coordinate, module: str) -> OtherModule:
    package = coordinate.package
    return OtherModule(
        org=package.org, name=package.name, version=coordinate.version.text, module=module
    )


# --- The job


class ApiHistory(Struct, frozen=True):
    """Reads the verdict on each documented release, from a comparison with the version before it.

    A withdrawn release keeps what is stored of it, which is shown no more than the release.
    """

    directory: DirectoryStore

    async def verdicts(self, package: Package) -> Mapping[str, ApiVerdict]:
        """Return the verdicts on the releases of a package, by version. Takes one round trip to
        the store."""
        found = await self.directory.list_by_owner(ApiVerdict, package_owner(package))
        return {each.version: each for each in found}

    async def verdict(self, coordinate: Coordinate) -> ApiVerdict | None:
        return await self.directory.get(ApiVerdict, release_place(coordinate))

    async def put(self, coordinate: Coordinate, verdict: ApiVerdict | None) -> None:
        """Store the verdict on a release; without one, delete the one that was stored."""
        if verdict:
            await self.directory.put(verdict)
        elif known := await self.verdict(coordinate):
            with suppress(Stale):  # Another process has removed it.
                await self.directory.remove(known)


class ApiDocsGeneration(Struct, frozen=True):
    """Makes the documentation of a release and stores it."""

    inputs: JobInputs
    confined: ConfinedTasks
    metadata: MetadataStore
    documents: DocumentStore
    removed_documents: RemovedDocuments
    history: ApiHistory
    pieces: PieceReader
    derived_data: DerivedData
    clock: Clock
    tell_owners: TellOfVerdict
    _ends: LruCache[str, int] = field(default_factory=lambda: LruCache[str, int](ENDS_COUNTED))

    async def update(self, release: Release) -> ApiDocsRecord | None:
        """Document the release and return the record; None if it is documented already.

        Raises `ConfinedUnavailable` if that has to be repeated later.
        """
        if release.state is State.REMOVED:
            return None
        before = await self.documents.api_docs_record(release.archive_digest)
        if before is not None and await self._is_current(release, before):
            return None
        return await self.make(release)

    async def _is_current(self, release: Release, record: ApiDocsRecord) -> bool:
        """Check that no documentation has to be made, as if the version before was published or
        withheld since, or documented again; a backup has no pieces."""
        if record.generator < GENERATOR_VERSION:
            return False
        place = record.pieces
        if place is None:
            is_due = self.clock.now_ms() - TRIED_AGAIN_AFTER // MS
            return record.set_aside_ms is None or record.set_aside_ms > is_due
        if not await self.documents.read_pieces(release.archive_digest, place.name, 0, 1):
            return False
        return record.before is None or record.before == await self._before(release)

    async def _before(self, release: Release) -> str:
        """Return the name of the pieces of the version before, as `ApiDocsRecord.before`."""
        [survey] = await self.metadata.survey([release.coordinate.package])
        earlier = earlier_release(survey.live if survey else (), release.coordinate.version)
        record = earlier and await self.documents.api_docs_record(Digest(earlier.digest))
        return record.pieces.name if record and record.pieces else ""

    async def make(self, release: Release) -> ApiDocsRecord:
        """Document the release, again if it is documented already; raise as `update` does."""
        before = await self.documents.api_docs_record(release.archive_digest)
        async with job_folder() as folder:
            made = await self._made(release, folder)
            await self.documents.put_api_docs(release.archive_digest, made.record, made.pieces)
        await self.history.put(release.coordinate, made.verdict)
        coordinate = release.coordinate
        archive = release.archive_digest
        is_removed = await self.removed_documents.delete_if_removed(coordinate, archive)
        self.pieces.forget(archive)
        if is_removed:  # While this was made.
            await self.history.put(coordinate, None)
            return made.record
        if made.verdict:
            await self.tell_owners(release, made.verdict)
        if _is_searched(made.record) or (before and _is_searched(before)):
            await self._update_search(release)
        return made.record

    async def _made(self, release: Release, folder: Path) -> "_Made":
        try:
            request = await self.inputs.write(release, folder)
        except ArchiveLost as refusal:
            return _Made(_failed(str(refusal)))
        key = release.digest
        try:
            parts = await self.confined.run("release", folder, None)
        except ConfinedEnded:
            self._ends.put(key, (self._ends.get(key) or 0) + 1)
            if (self._ends.get(key) or 0) < MOST_ENDS:
                raise
            now = {"set_aside_ms": self.clock.now_ms()}
            return _Made(_failed(SET_ASIDE).model_copy(update=now))
        self._ends.drop(key)
        return await asyncio.to_thread(_result, folder, request, parts)

    async def _update_search(self, release: Release) -> None:
        """Let people find the symbols of the package and editors its connectors, if this is its
        latest release."""
        package = release.coordinate.package
        [survey] = await self.metadata.survey([package])
        entry = latest(survey, Range(), ANY_CLIENT) if survey else None
        if entry and entry.digest == release.digest:
            await self.derived_data.update_search(package)


def _is_searched(record: ApiDocsRecord) -> bool:
    return record.api != NO_API or bool(record.symbols)


@asynccontextmanager
async def job_folder() -> AsyncGenerator[Path]:
    """Return an empty folder for a job; what is in it is deleted afterwards.

    Raises `ConfinedUnavailable` if it cannot be made, or the machine fails to write or read files.
    """
    try:
        # Not on a thread: a job that is cancelled meanwhile would never get the folder to delete
        # it.
        _jobs().mkdir(mode=0o700, exist_ok=True)
        if _jobs().lstat().st_uid != _user():
            raise PermissionError(errno.EPERM, "The folder belongs to somebody else", str(_jobs()))
        folder = tempfile.TemporaryDirectory(dir=_jobs())
    except OSError as failure:
        raise _without_folder(failure) from None
    try:
        yield Path(folder.name)
    except OSError as failure:
        if failure.errno not in MACHINE_ERRORS:
            raise
        raise _without_folder(failure) from None
    finally:
        await asyncio.shield(asyncio.to_thread(folder.cleanup))


def _without_folder(failure: OSError) -> ConfinedUnavailable:
    log.error("confined.folder_failed", error=str(failure))
    return ConfinedUnavailable()


def delete_abandoned_jobs() -> None:
    """Delete the folders of jobs of processes that were killed: nothing was added for an hour."""
    # Another process may delete them at the same time, and there may be none.
    with suppress(OSError), tempfile.TemporaryDirectory(dir=_jobs()) as made:
        now = Path(made).stat().st_mtime
        for each in _jobs().iterdir():
            if each.stat().st_mtime < now - ABANDONED_AFTER.total_seconds():
                shutil.rmtree(each, ignore_errors=True)


def _jobs() -> Path:
    """Return the folder of all jobs of this user: the confined process reaches no other."""
    return Path(tempfile.gettempdir()) / f"ballroom-jobs-{_user()}"


def _user() -> int:
    # Windows has no user ids, and a folder for temporary files for each user.
    return getattr(os, "getuid", int)()


# --- What a job wrote ---------------------------------------------------------------------------


class _Made(Struct, frozen=True):
    record: ApiDocsRecord
    pieces: Path | None = None
    verdict: ApiVerdict | None = None


def _result(folder: Path, request: ReleaseRequest, parts: Iterable[PartResult]) -> _Made:
    """Return the files that a job made; whatever the confined process wrote is checked."""
    results = {each.name: each for each in parts}
    refused = {name: each.refused for name, each in results.items() if each.refused}
    of_sboms = _refused_sboms(results.values())
    # The documentation is complete without these parts.
    refused = {name: why for name, why in refused.items() if name not in _OTHER_PARTS}
    if "finish" not in results or "finish" in refused:
        return _Made(_failed(next(iter(refused.values()), "the sources cannot be documented")))
    pieces = folder / OUTPUT / PIECES
    try:
        record = _read_record(folder / OUTPUT / RECORD, pieces)
        verdict = _verdict(request, record, results)
    except (ValueError, OSError):
        return _Made(_failed("the sources cannot be documented"))
    name = _digest_of(pieces)
    pointer = record.pieces and record.pieces.model_copy(update={"name": name})
    changes: dict[str, object] = {"pieces": pointer, "refused": refused | of_sboms}
    changes["before"] = request.before_pieces
    changes |= _secrets(results.get(SECRETS_PART))
    if refused:
        changes["state"] = DocsState.PARTIAL
    if refused and request.modules and not record.modules:
        changes |= {"state": DocsState.FAILED, "reason": next(iter(refused.values()))}
    return _Made(record.model_copy(update=changes), pieces, verdict)


def _refused_sboms(parts: Iterable[PartResult]) -> dict[str, str]:
    """Return why bills of materials are refused: what takes too much, or the reason that the part
    gives. The documentation is complete without them."""
    reasons = {each.name: each.refused or each.result for each in parts if each.name in SBOM_PARTS}
    return {
        name: in_one_line(reason)[:MAX_REASON_LENGTH]
        for name, reason in reasons.items()
        if isinstance(reason, str)
    }


def _secrets(part: PartResult | None) -> dict[str, object]:
    """Return the secrets that were found; none of an archive that cannot be searched."""
    try:
        found = msgspec.convert(part.result if part else None, FoundSecrets)
    except msgspec.ValidationError:
        return {}
    places = tuple(
        SecretPlace(
            path=each.path[:MAX_SECRET_LENGTH], line=each.line, form=each.form[:MAX_SECRET_LENGTH]
        )
        for each in found.secrets[:MAX_SECRETS]
    )
    return {"secrets": places, "more_secrets": max(0, found.count - len(places))}


def _read_record(file: Path, pieces: Path) -> ApiDocsRecord:
    if file.stat().st_size > MAX_RECORD_BYTES:
        reason = "the record is too large"
        raise ValueError(reason)
    record = ApiDocsRecord.model_validate_json(file.read_bytes())
    end = pieces.stat().st_size
    at = record.pieces
    is_of_file = at is not None and max(0, end - MAX_INDEX_BYTES) <= at.index_start <= at.end == end
    if record.generator != GENERATOR_VERSION or not is_of_file:
        reason = "the record is not of these pieces"
        raise ValueError(reason)
    return record


def _verdict(
    request: ReleaseRequest, record: ApiDocsRecord, results: dict[str, PartResult]
) -> ApiVerdict | None:
    """Return the verdict on a release; None if one of the two versions is not complete, since what
    was not read would count as removed."""
    found = results.get("comparison")
    is_complete = record.state is DocsState.DONE and request.before_is_complete
    if found is None or found.result is None or not is_complete:
        return None
    return checked_verdict(request, found.result)


def checked_verdict(request: ReleaseRequest, result: object) -> ApiVerdict:
    """Return the verdict that the confined process gave; raise `ValueError` if it is about
    another release than the request."""
    verdict = ApiVerdict.model_validate_json(json.dumps(result))
    compared = (verdict.org, verdict.name, verdict.version, verdict.compared_with)
    if compared != (request.org, request.name, request.version, request.before):
        reason = "the verdict is on another release"
        raise ValueError(reason)
    return verdict


def _digest_of(file: Path) -> str:
    """Return a name for the file: another making has another one."""
    digest = sha256()
    with file.open("rb") as opened:
        while content := opened.read(COPIED_BYTES):
            digest.update(content)
    return digest.hexdigest()[:32]


def _failed(reason: str) -> ApiDocsRecord:
    return ApiDocsRecord(state=DocsState.FAILED, generator=GENERATOR_VERSION, reason=reason)
