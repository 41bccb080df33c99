"""Reads the pieces of the documentation of releases: the index first, then one range; of a small
file both at once.

Documentation has fields of releases of other packages: only of those that are public and live, in
the exact version of the dependency graph.
"""

from collections.abc import Sequence
from sys import getsizeof

from msgspec import Struct

from shared.domain.api_docs.item_summaries import NO_API
from shared.domain.api_docs.pieces import PiecePlace, PiecesPointer, place_in_index
from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord
from shared.domain.api_docs.symbols import Symbol, unpack_symbols
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.distributions import ANY_CLIENT
from shared.domain.packages import ReleaseEntry, Survey
from shared.domain.version_choice import live_release
from shared.domain.visibility import Visibility
from shared.ports.documents import DocumentStore
from shared.ports.metadata import PackageReader
from shared.runtime.lru_cache import LruCache

RECORDS_CACHED = 2_000  # Without symbols; each has some 2 KB.
INDEX_CACHED_BYTES = 16 * 1024 * 1024  # The indexes of some thousand releases.
SYMBOLS_CACHED_BYTES = 20 * 1024 * 1024
# A file up to this size is read whole, if a piece is read and its index is not known: that takes as
# long as reading the index.
SMALL_FILE_BYTES = 64 * 1024


class PiecesGone(Exception):
    """The file of pieces is not there, as after a restored backup. Make the documentation again."""


class StoredPiece(Struct, frozen=True):
    """A piece as it is stored: a gzip file if `is_packed`."""

    content: bytes
    place: PiecePlace

    @property
    def is_packed(self) -> bool:
        return self.place.length != self.place.unpacked_length

    def unpack(self) -> bytes:
        return self.place.unpack(self.content)


class _PiecesFile(Struct, frozen=True):
    """A file of pieces: its index, and all of it if that was read with the index, else None."""

    pointer: PiecesPointer
    index: bytes
    whole: bytes | None


class PieceReader:
    """Reads pieces by the digest of the archive and their names.

    Files of pieces never change, so their indexes are kept. A file that is gone was replaced by a
    newer one, to which the record points by then.
    """

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents
        self._records = LruCache[str, ApiDocsRecord](RECORDS_CACHED)
        self._indexes = LruCache[str, bytes](INDEX_CACHED_BYTES, weigh=lambda _, index: len(index))
        self._symbols = LruCache[tuple[str, str | None], tuple[Symbol, ...]](
            SYMBOLS_CACHED_BYTES, weigh=lambda _, symbols: sum(map(_memory_of, symbols), 100)
        )

    async def record(self, digest: Digest) -> ApiDocsRecord | None:
        """Return the record of an archive's documentation without its connectors and symbols, or
        None if none was made. One that has pieces is kept in memory."""
        known = self._records.get(digest.hex)
        if known is not None:
            return known
        record = await self._documents.api_docs_record(digest)
        if record is None:
            return None
        short = record.model_copy(update={"api": NO_API, "symbols": ""})
        if record.pieces is not None:
            self._records.put(digest.hex, short)
        return short

    async def symbols(self, digest: Digest, record: ApiDocsRecord) -> tuple[Symbol, ...]:
        """Return the declarations of an archive and their members, without fields of records."""
        key = digest.hex, record.pieces and record.pieces.name  # It is made again, by another name.
        symbols = self._symbols.get(key)
        if symbols is None:
            whole = await self._documents.api_docs_record(digest)
            symbols = unpack_symbols(whole.symbols) if whole else ()
            self._symbols.put(key, symbols)
        return symbols

    async def place(self, digest: Digest, name: str) -> PiecePlace | None:
        """Return where a piece is, or None; raise `PiecesGone`."""
        file = await self._file(digest, with_pieces=False)
        return file and place_in_index(file.index, name)

    async def read(self, digest: Digest, name: str) -> StoredPiece | None:
        """Return a piece, or None; raise `PiecesGone`."""
        [piece] = await self.read_several(digest, [name])
        return piece

    async def read_several(
        self, digest: Digest, names: Sequence[str]
    ) -> Sequence[StoredPiece | None]:
        """Return pieces of a release, None for each that it lacks; raise `PiecesGone`."""
        for _ in range(2):
            file = await self._file(digest, with_pieces=True)
            if file is None:
                return [None] * len(names)
            pieces = list[StoredPiece | None]()
            for name in names:
                place = place_in_index(file.index, name)
                content = b"" if place is None else await self._content(digest, file, place)
                if content is None:
                    break
                pieces.append(place and StoredPiece(content, place))
            else:
                return pieces
        raise PiecesGone

    def forget(self, digest: Digest) -> None:
        """Read the record again: its documentation was just made."""
        self._records.drop(digest.hex)

    async def _file(self, digest: Digest, *, with_pieces: bool) -> _PiecesFile | None:
        """Return the file of a release, a small one as a whole if its pieces are wanted too; None
        if the release has none. Raises `PiecesGone`."""
        for _ in range(2):
            record = await self.record(digest)
            if record is None or record.pieces is None:
                return None
            pointer = record.pieces
            index = self._indexes.get(pointer.name)
            if index is not None:
                return _PiecesFile(pointer, index, None)
            is_whole = with_pieces and pointer.end <= SMALL_FILE_BYTES
            start = 0 if is_whole else pointer.index_start
            read = await self._range(digest, pointer, start, pointer.end - start)
            if read is not None:
                index = read[pointer.index_start - start :]
                self._indexes.put(pointer.name, index)
                return _PiecesFile(pointer, index, read if is_whole else None)
        raise PiecesGone

    async def _content(self, digest: Digest, file: _PiecesFile, place: PiecePlace) -> bytes | None:
        """Return what is stored of a piece; None if the file is gone."""
        if file.whole is not None:
            return file.whole[place.start : place.start + place.length]
        return await self._range(digest, file.pointer, place.start, place.length)

    async def _range(
        self, digest: Digest, pointer: PiecesPointer, start: int, count: int
    ) -> bytes | None:
        content = await self._documents.read_pieces(digest, pointer.name, start, count)
        if content is None or len(content) != count:
            self._records.drop(digest.hex)
            return None
        return content


def _memory_of(symbol: Symbol) -> int:
    return 400 + getsizeof(symbol.signature) + getsizeof(symbol.description)


# --- Releases of other packages ------------------------------------------------------------------


async def available(
    packages: PackageReader, coordinates: Sequence[Coordinate]
) -> list[tuple[Coordinate, ReleaseEntry | None]]:
    """Return each release with its entry; None unless it is public and live. Takes one round
    trip to the store."""
    names = [each.package for each in coordinates]
    surveys = await packages.survey(names, coordinates) if names else []
    found = zip(coordinates, surveys, strict=True)
    return [(each, _public_entry(survey, each)) for each, survey in found]


async def are_available(packages: PackageReader, coordinates: Sequence[Coordinate]) -> bool:
    """Check that all releases are public and live."""
    return all(entry for _, entry in await available(packages, coordinates))


async def arrived(
    packages: PackageReader, pieces: PieceReader, coordinates: Sequence[Coordinate]
) -> list[Coordinate]:
    """Return which releases are public, live and documented by now."""
    return await documented_of(pieces, await available(packages, coordinates))


async def documented_of(
    pieces: PieceReader, found: Sequence[tuple[Coordinate, ReleaseEntry | None]]
) -> list[Coordinate]:
    """Return which of the releases that `available` returned are documented by now."""
    return [each for each, entry in found if entry and await is_documented(pieces, entry)]


async def is_documented(pieces: PieceReader, entry: ReleaseEntry) -> bool:
    """Check that a release has documentation by the generator of today."""
    record = await pieces.record(Digest(entry.digest))
    return (
        record is not None and record.pieces is not None and record.generator >= GENERATOR_VERSION
    )


def _public_entry(survey: Survey | None, coordinate: Coordinate) -> ReleaseEntry | None:
    if survey is None or survey.head.visibility is not Visibility.PUBLIC:
        return None
    return live_release(survey, coordinate.version, ANY_CLIENT)
