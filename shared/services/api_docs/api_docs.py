"""API documentation: the pieces of releases, for those who may see their packages."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.api_docs.item_summaries import NO_API, ApiSummary
from shared.domain.api_docs.pieces import PieceKind, PiecePlace, complete_name, piece_name
from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord, DocsState
from shared.domain.api_docs.symbol_texts import SymbolText, read_symbol
from shared.domain.api_docs.symbols import Symbol
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import InvalidName, InvalidVersion, NotFound, printable
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.names import parse_module_name, parse_org, possible_packages
from shared.domain.packages import Head, Release, ReleaseEntry, Survey
from shared.domain.principals import Principal
from shared.domain.sboms import AUTHOR_SBOM_PART, LIBRARIES_PART, SBOM_PART
from shared.domain.version_choice import live_release
from shared.domain.versions import Version
from shared.domain.visibility import Visibility
from shared.ports.documents import DocumentStore
from shared.ports.metadata import PackageReader
from shared.runtime.answer_dependencies import ALL_THAT_IS_STORED, NOTHING_STORED, Dependencies
from shared.services.api_docs.api_docs_queue import ApiDocsQueue
from shared.services.api_docs.pieces import (
    PieceReader,
    PiecesGone,
    StoredPiece,
    available,
    documented_of,
)
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.source import PackageSource

# How long a request waits for the documentation of a release that was just fetched.
WAITED_FOR = timedelta(seconds=5)
# How long a reader waits for documentation that is being made; most of it is ready by then.
MADE_WITHIN = timedelta(seconds=2)
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
    """A module of a live release that the caller may see, and on what depends that it is found."""

    head: Head
    entry: ReleaseEntry
    module: str
    depends_on: Dependencies

    @property
    def digest(self) -> Digest:
        return Digest(self.entry.digest)

    @property
    def coordinate(self) -> Coordinate:
        return self.head.package.at(self.entry.parsed)

    @property
    def is_public(self) -> bool:
        return self.head.visibility is Visibility.PUBLIC


class FoundPiece(Struct, frozen=True):
    """A piece of a release, None if the release has none, and on what it depends besides the
    release."""

    piece: StoredPiece | None
    depends_on: Dependencies


class ModuleDocument(Struct, frozen=True):
    """A module, its document, and on what both depend."""

    module: DocumentedModule
    piece: StoredPiece
    depends_on: Dependencies


class ApiDocs(Struct, frozen=True):
    """Reads the documentation of releases.

    What is not made yet is wanted from the queue, and refused until then. Private, withheld and
    missing packages are the same `module-not-found`.
    """

    authorization: Authorization
    hosted: HostedPackages
    package_reader: PackageReader
    documents: DocumentStore
    pieces: PieceReader
    queue: ApiDocsQueue

    async def document(
        self, name: ModuleName, source: PackageSource, *, by: Principal
    ) -> ModuleDocument:
        """Return a module and its document; raise `ApiDocsFailed`, `ApiDocsPending` or what
        `module` does."""
        return await self.document_of(await self.module(name, source, by=by))

    async def document_of(self, module: DocumentedModule) -> ModuleDocument:
        """Return the document of a module; raise `ApiDocsFailed` or `ApiDocsPending`."""
        found = await self.find_piece(
            module.digest, module.coordinate, PieceKind.DOCUMENT, module.module
        )
        if found.piece is None:
            raise ApiDocsFailed(module.coordinate, "the archive has no sources")
        return ModuleDocument(module, found.piece, module.depends_on | found.depends_on)

    async def module(
        self, name: ModuleName, source: PackageSource, *, by: Principal
    ) -> DocumentedModule:
        """Return a module, for which `source` may have to fetch its release; wait a time until
        that is documented. Raises `module-not-found` or what `source` does."""
        try:
            found = await self.find(name, by=by)
        except NotFound:
            if not await source.fetch_module(name.module, name.releases()):
                raise
        else:
            await source.require_approved(found.coordinate, by=by)
            return found
        found = await self.find(name, by=by)
        await self.queue.wait_for(found.coordinate, WAITED_FOR)
        return found

    async def piece(
        self, digest: Digest, coordinate: Coordinate, kind: PieceKind, *of: str
    ) -> StoredPiece | None:
        """Return a piece of a release that the caller may see; None if the release has none.

        With the fields of other packages' records as long as all of these are public and live.
        Raises `ApiDocsPending`, or `ApiDocsFailed` with the reason why the piece was refused.
        """
        return (await self.find_piece(digest, coordinate, kind, *of)).piece

    async def find_piece(
        self, digest: Digest, coordinate: Coordinate, kind: PieceKind, *of: str
    ) -> FoundPiece:
        """Return a piece as `piece` does, and on what it depends besides the release."""
        record = await self.record(digest, coordinate, _FIRST_GENERATORS.get(kind, 0))
        # What an earlier generator made is made again, which changes no package.
        is_made_again = record.generator < GENERATOR_VERSION
        depends_on = ALL_THAT_IS_STORED if is_made_again else NOTHING_STORED
        try:
            is_complete, others = await self._is_complete(record, digest, coordinate, kind, of)
            name = complete_name(kind, *of) if is_complete else piece_name(kind, *of)
            piece = await self.pieces.read(digest, name)
        except PiecesGone:
            raise self._pending(coordinate) from None
        if piece is None and (reason := _refusal(record, kind, of)):
            raise ApiDocsFailed(coordinate, reason)
        return FoundPiece(piece, depends_on | others)

    async def _is_complete(
        self,
        record: ApiDocsRecord,
        digest: Digest,
        coordinate: Coordinate,
        kind: PieceKind,
        of: Sequence[str],
    ) -> tuple[bool, Dependencies]:
        """Check whether a piece is shown with the fields of other packages' records, and have the
        documentation made again if it could have others. Also return on what this depends."""
        if kind not in _WITH_FIELDS or not (record.took or record.awaited):
            return False, NOTHING_STORED
        others = (each.coordinate.package.key for each in (*record.took, *record.awaited))
        depends_on = Dependencies(frozenset(others))
        is_complete = False
        if record.took and await self.pieces.place(digest, complete_name(kind, *of)):
            took = [each.coordinate for each in record.took]
            gone = [each for each, entry in await available(self.package_reader, took) if not entry]
            is_complete = not gone
            if 0 < len(gone) < len(took):
                self.queue.renew(coordinate, gone)
                # The documentation is soon replaced, so the answer may not be kept.
                depends_on = ALL_THAT_IS_STORED
        if record.awaited and await self.pieces.place(digest, _awaited_name(kind, of)):
            awaited = [each.coordinate for each in record.awaited]
            found = await available(self.package_reader, awaited)
            if any(entry for _, entry in found):
                depends_on = ALL_THAT_IS_STORED  # They are documented soon, or this piece again.
            if new := await documented_of(self.pieces, found):
                self.queue.renew(coordinate, new)
        return is_complete, depends_on

    async def place(
        self, digest: Digest, coordinate: Coordinate, kind: PieceKind, *of: str
    ) -> PiecePlace | None:
        """Return where a piece is, which says how long it is; raise as `piece` does."""
        record = await self.record(digest, coordinate, _FIRST_GENERATORS.get(kind, 0))
        try:
            place = await self.pieces.place(digest, piece_name(kind, *of))
        except PiecesGone:
            raise self._pending(coordinate) from None
        if place is None and (reason := _refusal(record, kind, of)):
            raise ApiDocsFailed(coordinate, reason)
        return place

    async def listeners(self, release: Release, module: str) -> tuple[str, Dependencies]:
        """Return the listeners of a module as JSON, and on what they depend besides the release; a
        module without a document has none. Raises `ApiDocsPending`."""
        coordinate = release.coordinate
        try:
            found = await self.find_piece(
                release.archive_digest, coordinate, PieceKind.LIST, module, "listeners"
            )
        except ApiDocsFailed:
            return _NO_LISTENERS, ALL_THAT_IS_STORED  # It may be made again, with success.
        listeners = found.piece and found.piece.unpack().decode()
        return listeners or _NO_LISTENERS, found.depends_on

    async def text(self, release: Release, kind: PieceKind, *of: str) -> str | None:
        """Return a piece of a release as text; raise as `piece` does."""
        piece = await self.piece(release.archive_digest, release.coordinate, kind, *of)
        return None if piece is None else piece.unpack().decode()

    async def texts(
        self, release: Release, module: str, *kinds: PieceKind
    ) -> Sequence[str | ApiDocsFailed | None]:
        """Return pieces of a module as texts, which are read together: for each that was refused
        the reason, and None for each that the module lacks.

        Raises `ApiDocsPending`, or `ApiDocsFailed` for documentation without pieces. None of the
        kinds has fields of other packages' records.
        """
        digest = release.archive_digest
        record = await self.record(digest, release.coordinate)
        names = [piece_name(kind, module) for kind in kinds]
        try:
            pieces = await self.pieces.read_several(digest, names)
        except PiecesGone:
            raise self._pending(release.coordinate) from None
        found = list[str | ApiDocsFailed | None]()
        for kind, piece in zip(kinds, pieces, strict=True):
            if piece is not None:
                found.append(piece.unpack().decode())
            else:
                reason = _refusal(record, kind, [module])
                found.append(ApiDocsFailed(release.coordinate, reason) if reason else None)
        return found

    async def symbol(self, release: Release, module: str, path: str) -> SymbolText | None:
        """Return the text of a declaration or a member, None if the release has none; raise as
        `piece` does."""
        kind = PieceKind.SYMBOL_TEXT
        piece = await self.piece(release.archive_digest, release.coordinate, kind, module, path)
        return None if piece is None else read_symbol(piece.unpack())

    async def record(
        self, digest: Digest, coordinate: Coordinate, generator: int = 0
    ) -> ApiDocsRecord:
        """Return the record of documentation that has pieces, made by this version of the generator
        or a later one; raise as `piece` does.

        Waits a moment for what is being made by this process.
        """
        record = await self.pieces.record(digest)
        if _is_awaited(record, generator):
            await self.queue.wait_for(coordinate, MADE_WITHIN)
            self.pieces.forget(digest)  # Another process may have changed it, too.
            record = await self.pieces.record(digest)
        if record is None or _is_awaited(record, generator):
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
        record = await self.record(release.archive_digest, release.coordinate)
        return await self.pieces.symbols(release.archive_digest, record)

    async def state(self, release: Release) -> ApiDocsRecord:
        """Return the record of a release, also if nothing is made yet or could be."""
        record = await self.pieces.record(release.archive_digest)
        return record or ApiDocsRecord(state=DocsState.PENDING, generator=0)

    def _pending(self, coordinate: Coordinate) -> ApiDocsPending:
        self.queue.want(coordinate)
        return ApiDocsPending(coordinate)

    async def find(self, name: ModuleName, *, by: Principal) -> DocumentedModule:
        """Return the release that has the module, or raise `module-not-found`. Takes one round
        trip to the store."""
        org, module, version_text = map(printable, (name.org, name.module, name.version))
        missing = NotFound(
            "module-not-found",
            f"module not found: {org}/{module}:{version_text}. Look at the versions and modules "
            "of its package.",
        )
        wanted = name.releases()
        if not wanted:
            raise missing
        packages = [each.package for each in wanted]
        check = self.authorization.read_check(by)
        visible = await self.hosted.visible_by(check, packages, wanted)
        # Each of them could have the module: also those that are hidden or not published yet.
        depends_on = Dependencies(frozenset(each.key for each in packages), check.readers)
        found = _find(visible.values(), name.module, wanted[0].version, depends_on)
        if found is None:
            raise missing
        return found


def _is_awaited(record: ApiDocsRecord | None, generator: int) -> bool:
    """Check whether the documentation is still to be made, or made again: by this version of the
    generator at least, and by the present one if it has no pieces."""
    if record is None:
        return True
    required = GENERATOR_VERSION if record.pieces is None else generator
    return record.generator < required


_NO_LISTENERS = "[]"


def _find(
    surveys: Iterable[Survey], module: str, version: Version, depends_on: Dependencies
) -> DocumentedModule | None:
    for survey in surveys:
        entry = live_release(survey, version, ANY_CLIENT)
        if entry is None:
            continue
        names = (each for each in entry.modules if each.lower() == module.lower())
        if name := next(names, None):
            return DocumentedModule(survey.head, entry, name, depends_on)
    return None


# Pieces with fields of records.
_WITH_FIELDS = frozenset(
    (PieceKind.DOCUMENT, PieceKind.LIST, PieceKind.SYMBOL_PAGE, PieceKind.SYMBOL_TEXT)
)


def _awaited_name(kind: PieceKind, of: Sequence[str]) -> str:
    """Return the name of the piece that is there if a record, or one of a module, lacks fields."""
    return piece_name(PieceKind.AWAITED, *(of if kind in _SYMBOLS else of[:1]))


_SYMBOLS = (PieceKind.SYMBOL_PAGE, PieceKind.SYMBOL_TEXT)
# The version of the generator that made pieces of a kind first. Documentation of an earlier version
# has none, and is made again.
_FIRST_GENERATORS = {
    PieceKind.SYMBOL_TEXT: 10,
    PieceKind.SBOM: 11,
    PieceKind.AUTHOR_SBOM: 11,
    PieceKind.JAVA_LIBRARIES: 11,
}
_OF_SBOMS = {
    PieceKind.SBOM: SBOM_PART,
    PieceKind.AUTHOR_SBOM: AUTHOR_SBOM_PART,
    PieceKind.JAVA_LIBRARIES: LIBRARIES_PART,
}


def _refusal(record: ApiDocsRecord, kind: PieceKind, of: Sequence[str]) -> str:
    """Return why a piece was not made; empty if there is none to make."""
    if kind in _OF_SBOMS:
        return record.refused.get(_OF_SBOMS[kind], "")
    module = of[0] if of else ""
    if kind in _SYMBOLS:
        parts = [each for each in record.refused if each.startswith(f"symbols {module} ")]
    elif kind is PieceKind.README:
        parts = [f"{kind.value} {module}".rstrip()]
    else:
        parts = [f"outline {module}"]
    return next(filter(None, map(record.refused.get, [f"module {module}", *parts])), "")
