"""API documentation: the pieces of releases, for those who may see their packages."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from msgspec import Struct

from shared.domain.api_docs.listed_connectors import NO_API, ApiSummary
from shared.domain.api_docs.pieces import PieceKind, PiecePlace, complete_name, piece_name
from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord, DocsState
from shared.domain.api_docs.symbols import Symbol
from shared.domain.archives.names import Digest
from shared.domain.errors.base import InvalidName, InvalidVersion, NotFound, printable
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.names import (
    ANY_CLIENT,
    Coordinate,
    Package,
    Version,
    parse_module_name,
    parse_org,
    possible_packages,
)
from shared.domain.packages import Head, Release, ReleaseEntry, Survey, Visibility
from shared.domain.principals import Principal
from shared.domain.resolution import live_release
from shared.ports import DocumentStore, PackageReader
from shared.services.api_docs.api_docs_queue import ApiDocsQueue
from shared.services.api_docs.pieces import PieceReader, PiecesGone, StoredPiece, arrived, available
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.source import PackageSource

WAITED_FOR = timedelta(seconds=5)  # Until a release that was just fetched is documented.
MADE_WITHIN = timedelta(seconds=2)  # Of what is being made: most is, before a reader is told so.
MAX_CANDIDATES = 8  # Packages that may have a module; no known module has four parts.


class ModuleName(Struct, frozen=True):
    """A module of a version, as a client names it; the package is not named."""

    org: str
    module: str
    version: str

    def releases(self) -> list[Coordinate]:
        """Return the releases that may have the module, the longest name first; none if a part of
        the name cannot be one."""
        try:
            org = parse_org(self.org)
            module = parse_module_name(self.module)
            version = Version.parse(self.version)
        except (InvalidName, InvalidVersion):
            return []
        names = possible_packages(module)[:MAX_CANDIDATES]
        return [Package(org, name).at(version) for name in names]


class DocumentedModule(Struct, frozen=True):
    """A module of a live release that the caller may see."""

    head: Head
    entry: ReleaseEntry
    module: str

    @property
    def digest(self) -> Digest:
        return Digest(self.entry.digest)

    @property
    def coordinate(self) -> Coordinate:
        return self.head.package.at(self.entry.parsed)

    @property
    def is_public(self) -> bool:
        return self.head.visibility is Visibility.PUBLIC


class ApiDocs(Struct, frozen=True):
    """Reads the documentation of releases.

    What is not made yet is wanted from the queue, and refused until then. Private, withheld and
    missing packages are the same `module-not-found`.
    """

    hosted: HostedPackages
    records: PackageReader
    documents: DocumentStore
    pieces: PieceReader
    queue: ApiDocsQueue

    async def document(
        self, name: ModuleName, source: PackageSource, *, by: Principal
    ) -> tuple[DocumentedModule, StoredPiece]:
        """Return a module and its document; raise `ApiDocsFailed`, `ApiDocsPending` or what
        `module` does."""
        found = await self.module(name, source, by=by)
        return found, await self.document_of(found)

    async def module(
        self, name: ModuleName, source: PackageSource, *, by: Principal
    ) -> DocumentedModule:
        """Return a module, for which `source` may have to fetch its release; wait a time until
        that is documented. Raises `module-not-found` or what `source` does."""
        try:
            return await self.find(name, by=by)
        except NotFound:
            if not await source.fetch_module(name.module, name.releases()):
                raise
        found = await self.find(name, by=by)
        self.queue.want(found.coordinate)
        await self.queue.wait(WAITED_FOR)
        return found

    async def document_of(self, found: DocumentedModule) -> StoredPiece:
        """Return the document of a module; raise `ApiDocsFailed` or `ApiDocsPending`."""
        piece = await self.piece(found.digest, found.coordinate, PieceKind.DOCUMENT, found.module)
        if piece is None:
            raise ApiDocsFailed(found.coordinate, "the archive has no sources")
        return piece

    async def piece(
        self, digest: Digest, coordinate: Coordinate, kind: PieceKind, *of: str
    ) -> StoredPiece | None:
        """Return a piece of a release that the caller may see; None if the release has none.

        With the fields of other packages' records as long as all of these are public and live.
        Raises `ApiDocsPending`, or `ApiDocsFailed` with the reason why the piece was refused.
        """
        if await self.place(digest, coordinate, kind, *of) is None:
            return None
        try:
            if await self._is_complete(digest, coordinate, kind, of):
                return await self.pieces.read(digest, complete_name(kind, *of))
            return await self.pieces.read(digest, piece_name(kind, *of))
        except PiecesGone:
            raise self._pending(coordinate) from None

    async def _is_complete(
        self, digest: Digest, coordinate: Coordinate, kind: PieceKind, of: Sequence[str]
    ) -> bool:
        """Check whether a piece is shown with the fields of other packages' records, and have the
        documentation made again if it could have others."""
        record = await self.record(digest, coordinate)
        if kind not in _WITH_FIELDS or not (record.took or record.awaited):
            return False
        is_complete = False
        if record.took and await self.pieces.place(digest, complete_name(kind, *of)):
            took = [each.coordinate for each in record.took]
            gone = [each for each, entry in await available(self.records, took) if not entry]
            is_complete = not gone
            if 0 < len(gone) < len(took):
                self.queue.renew(coordinate, gone)
        if record.awaited and await self.pieces.place(digest, _awaited_name(kind, of)):
            awaited = [each.coordinate for each in record.awaited]
            if new := await arrived(self.records, self.pieces, awaited):
                self.queue.renew(coordinate, new)
        return is_complete

    async def place(
        self, digest: Digest, coordinate: Coordinate, kind: PieceKind, *of: str
    ) -> PiecePlace | None:
        """Return where a piece is, which says how long it is; raise as `piece` does."""
        record = await self.record(digest, coordinate)
        try:
            place = await self.pieces.place(digest, piece_name(kind, *of))
        except PiecesGone:
            raise self._pending(coordinate) from None
        if place is None and (reason := _refusal(record, kind, of)):
            raise ApiDocsFailed(coordinate, reason)
        return place

    async def text(self, release: Release, kind: PieceKind, *of: str) -> str | None:
        """Return a piece of a release as text; raise as `piece` does."""
        piece = await self.piece(release.content, release.coordinate, kind, *of)
        return None if piece is None else piece.unpack().decode()

    async def record(self, digest: Digest, coordinate: Coordinate) -> ApiDocsRecord:
        """Return the record of documentation that has pieces; raise as `piece` does.

        Waits a moment for what is being made by this process.
        """
        record = await self.pieces.record(digest)
        if _is_awaited(record):
            self.queue.want(coordinate)
            await self.queue.wait(MADE_WITHIN)
            record = await self.pieces.record(digest)
        if record is None or _is_awaited(record):
            raise self._pending(coordinate)
        if record.pieces is None:
            raise ApiDocsFailed(coordinate, record.reason or "the archive has no sources")
        return record

    async def is_settled(self, found: DocumentedModule) -> bool:
        """Check that the documentation has nothing of other packages, which may be withdrawn, and
        awaits none of them; raise as `piece` does."""
        record = await self.record(found.digest, found.coordinate)
        return not (record.took or record.awaited)

    async def summaries(self, digest: Digest, coordinate: Coordinate) -> ApiSummary:
        """Return the connectors and triggers of a release; raise as `piece` does."""
        await self.record(digest, coordinate)
        record = await self.documents.api_docs_record(digest)
        return record.api if record else NO_API

    async def symbols(self, release: Release) -> tuple[Symbol, ...]:
        """Return the declarations of a release and their members, without fields of records; raise
        as `piece` does."""
        record = await self.record(release.content, release.coordinate)
        return await self.pieces.symbols(release.content, record)

    async def state(self, release: Release) -> ApiDocsRecord:
        """Return the record of a release, also if nothing is made yet or could be."""
        record = await self.pieces.record(release.content)
        return record or ApiDocsRecord(state=DocsState.PENDING, generator=0)

    def _pending(self, coordinate: Coordinate) -> ApiDocsPending:
        self.queue.want(coordinate)
        return ApiDocsPending(coordinate)

    async def find(self, name: ModuleName, *, by: Principal) -> DocumentedModule:
        """Return the release that has the module, or raise `module-not-found`. One trip."""
        org, module, version_text = map(printable, (name.org, name.module, name.version))
        missing = NotFound(
            "module-not-found",
            f"module not found: {org}/{module}:{version_text}. Look at the versions and modules "
            "of its package.",
        )
        wanted = name.releases()
        if not wanted:
            raise missing
        visible = await self.hosted.visible([each.package for each in wanted], wanted, by=by)
        found = _find(visible.values(), name.module, wanted[0].version)
        if found is None:
            raise missing
        return found


def _is_awaited(record: ApiDocsRecord | None) -> bool:
    """Check whether the documentation is still to be made, or made again."""
    return record is None or (record.pieces is None and record.generator < GENERATOR_VERSION)


def _find(surveys: Iterable[Survey], module: str, version: Version) -> DocumentedModule | None:
    for survey in surveys:
        entry = live_release(survey, version, ANY_CLIENT)
        if entry is None:
            continue
        names = (each for each in entry.modules if each.lower() == module.lower())
        if name := next(names, None):
            return DocumentedModule(survey.head, entry, name)
    return None


# Pieces with fields of records.
_WITH_FIELDS = frozenset(
    (PieceKind.DOCUMENT, PieceKind.LIST, PieceKind.SYMBOL_PAGE, PieceKind.SYMBOL_MARKDOWN)
)


def _awaited_name(kind: PieceKind, of: Sequence[str]) -> str:
    """Return the name of the piece that is there if a record, or one of a module, lacks fields."""
    return piece_name(PieceKind.AWAITED, *(of if kind in _SYMBOLS else of[:1]))


_SYMBOLS = (PieceKind.SYMBOL_PAGE, PieceKind.SYMBOL_MARKDOWN)


def _refusal(record: ApiDocsRecord, kind: PieceKind, of: Sequence[str]) -> str:
    """Return why a piece was not made; empty if there is none to make."""
    module = of[0] if of else ""
    if kind in _SYMBOLS:
        parts = [each for each in record.refused if each.startswith(f"symbols {module} ")]
    elif kind is PieceKind.README:
        parts = [f"{kind.value} {module}".rstrip()]
    else:
        parts = [f"outline {module}"]
    return next(filter(None, map(record.refused.get, [f"module {module}", *parts])), "")
