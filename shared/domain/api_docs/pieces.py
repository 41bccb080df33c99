"""The pieces of a release's documentation: one file, with an index by which a piece is found.

The index is behind the pieces: a JSON array of `[name, start, length, unpacked length]`. A piece
that is shorter as a gzip file is stored as one.
"""

import gzip
import json
import shutil
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Self

from msgspec import Struct, field
from msgspec.structs import astuple

from shared.domain.records import Record

MAX_NAME_LENGTH = 1_000  # Characters; the addresses of longer names are refused by proxies.
# A placeholder in texts for the registry's address. No author's text has this character.
BASE_URL = "\0"
_PACKED_FROM = 1_024  # Bytes. Shorter pieces are hardly shorter as gzip files.
_LEVEL = 6


class PieceKind(StrEnum):
    DOCUMENT = "document"  # The document of a module, as `/2.0/docs` sends it.
    MODULE_PAGE = "module.html"
    MODULE_INDEX = "index.html"  # The declarations of a module, by their names.
    MODULE_MARKDOWN = "module.md"
    SYMBOL_PAGE = "symbol.html"
    SYMBOL_TEXT = "symbol.json"  # A `SymbolText`, for Markdown and for agents.
    # Only the version before this one reads it: while both versions run, and after a rollback.
    SYMBOL_MARKDOWN = "symbol.md"
    LIST = "list"  # A list in a module's document, by its key.
    # A function in the list `functions`, by its name; CLIENT is the same for clients.
    FUNCTION = "function"
    CLIENT = "client"
    CONNECTOR = "connector"  # A connector, as editors read it; TRIGGER is the same for triggers.
    TRIGGER = "trigger"
    # An empty piece; its name is one by which editors ask for the trigger.
    TRIGGER_NAME = "trigger.name"
    README = "readme"  # The readme of a module, or of the release.
    SINCE = "since"  # Since which version the symbols of each module exist.
    # Changes since the previous version; CHANGES are the same changes.
    CHANGES_PAGE = "changes.html"
    CHANGES = "changes.json"  # A `ChangeList`, for programs.
    SBOM = "sbom.json"  # As CycloneDX.
    AUTHOR_SBOM = "author-sbom.json"  # Byte for byte as the archive has it.
    JAVA_LIBRARIES = "java-libraries.json"  # A list of `JavaLibrary`.
    AWAITED = "awaited"  # An empty piece: the record or module includes a record that is not known.


def piece_name(kind: PieceKind, *of: str) -> str:
    """Return the name of a piece, of a module and of what is in it."""
    return "|".join((kind.value, *of))


def complete_name(kind: PieceKind, *of: str) -> str:
    """Return the name of the form of a piece that has the fields of other packages' records. It is
    not shown while one of these packages is not public and live."""
    return "|".join((f"{kind.value}+", *of))


# Pieces that are older than others of the archive by this, and that no record names, are those of a
# process that ended before it stored the record.
LEFT_AFTER = timedelta(hours=1)


class PiecesPointer(Record):
    """Where the pieces of a release are: the name of the file, and the place of the index."""

    name: str = ""  # The name is given when the piece is stored.
    index_start: int
    end: int


class PiecePlace(Struct, frozen=True):
    """The place of a piece in its file."""

    start: int
    length: int
    unpacked_length: int

    def unpack(self, stored: bytes) -> bytes:
        """Return the piece as it was added."""
        if self.unpacked_length == self.length:
            return stored
        return gzip.decompress(stored)


def place_in_index(index: bytes, name: str) -> PiecePlace | None:
    """Return the place of a piece. No other row is parsed: there may be a hundred thousand."""
    row = b"[%b, " % json.dumps(name).encode()  # Within a name, a quote is escaped.
    start = index.find(row)
    if start < 0:
        return None
    _, *place = json.loads(index[start : index.index(b"]", start + len(row)) + 1])
    return PiecePlace(*place)


class PiecesWriter(Struct):
    """Writes pieces to a file that `merge_pieces` reads, and keeps their places in memory."""

    file: BinaryIO
    places: dict[str, PiecePlace] = field(default_factory=dict[str, PiecePlace])

    def add(self, name: str, content: str | bytes) -> None:
        """Add a piece; of two with the same name, the first stays."""
        content = content.encode(errors="replace") if isinstance(content, str) else content
        if name in self.places or len(name) > MAX_NAME_LENGTH:
            return
        stored = content
        if len(content) >= _PACKED_FROM:
            stored = min(gzip.compress(content, _LEVEL, mtime=0), content, key=len)
        self.places[name] = PiecePlace(self.file.tell(), len(stored), len(content))
        self.file.write(stored)


class PiecesPart(Struct, frozen=True):
    """A file with pieces, and their places in it."""

    path: Path
    places: dict[str, PiecePlace]

    def save(self) -> None:
        """Write the places beside the file."""
        self.path.with_suffix(".index").write_bytes(_index_of(self.places))

    @classmethod
    def load(cls, path: Path) -> Self:
        rows = json.loads(path.with_suffix(".index").read_bytes())
        return cls(path, {name: PiecePlace(*place) for name, *place in rows})


def merge_pieces(parts: Iterable[PiecesPart], target: BinaryIO) -> PiecesPointer:
    """Write the file with the pieces of all parts; of two with the same name, the last stays."""
    places = dict[str, PiecePlace]()
    for part in parts:
        offset = target.tell()
        with part.path.open("rb") as source:
            shutil.copyfileobj(source, target)
        for piece, place in part.places.items():
            places[piece] = PiecePlace(offset + place.start, place.length, place.unpacked_length)
    index_start = target.tell()
    target.write(_index_of(places))
    return PiecesPointer(index_start=index_start, end=target.tell())


def _index_of(places: Mapping[str, PiecePlace]) -> bytes:
    return json.dumps([(name, *astuple(each)) for name, each in places.items()]).encode()
