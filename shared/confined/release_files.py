"""What the confined process reads of a release: its archive, and the facts that its push stored."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from shared.domain.archives.unpacking import (
    ArchiveDirectory,
    ByteSpan,
    directory_tail,
    list_files,
    missing_directory,
    unpack_file,
    unpack_pieces,
)
from shared.domain.coordinates import Coordinate
from shared.domain.dependency_graphs import Graph
from shared.domain.packages import Texts
from shared.domain.records import Record
from shared.prose.text_links import TextPlace

_UNPACKED_LAYOUT = "4"  # The version of the layout that keeps the folders of the project.
_PACKED_TEXTS = "docs"  # The folder into which `bal pack` moves texts of the root.


class OtherModule(Record):
    """A module of another package, in the version that the release was built with."""

    org: str
    name: str
    version: str
    module: str
    file: str = ""  # Its document, in the folder of the job; empty if there is none.

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.org, self.module, self.version)


class ReleaseRequest(Record):
    """The facts that the documentation of a release is made with."""

    org: str
    name: str
    version: str
    bala_version: str
    summary: str = ""
    modules: tuple[str, ...]  # The exported modules.
    texts: Texts
    graph: Graph
    digest: str = ""
    # When the release was published; this and the next fields are for its bill of materials.
    created_ms: int = 0
    licenses: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    source_repository: str = ""
    oldest: str = ""  # The oldest live version of the package, or this one.
    before: str = ""  # The version to compare with.
    before_is_complete: bool = False
    before_pieces: str = ""  # The name of the pieces of that version.
    has_unknown_history: bool = False  # Earlier versions may be undocumented or elsewhere.
    others: tuple[OtherModule, ...] = ()
    # How access tokens of this registry begin, their length from there on, and their checksum's.
    own_token: tuple[str, int, int] | None = None

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def is_project(self) -> bool:
        return self.bala_version.startswith(_UNPACKED_LAYOUT)

    def source_folder(self, module: str) -> str:
        """Return the folder of the archive with the sources of a module, with a slash behind it;
        the root is empty."""
        if not self.is_project:
            return f"modules/{module}/"
        return "" if module == self.name else f"modules/{module.removeprefix(f'{self.name}.')}/"

    def text_folder(self, module: str) -> str:
        """Return the folder of the archive with the readme of a module; of the release, if the name
        is empty."""
        if self.is_project:
            return self.source_folder(module or self.name).removesuffix("/")
        return self.packed_text_folder(module)

    def packed_text_folder(self, module: str) -> str:
        """Return the folder into which a toolchain packs the readme, below `docs`."""
        return f"{_PACKED_TEXTS}/modules/{module}" if module else _PACKED_TEXTS

    @property
    def address(self) -> str:
        """The path of the release's pages."""
        return f"/packages/{self.org}/{self.name}/{self.version}"

    def place(self, folder: str = "", names: frozenset[str] | None = None) -> TextPlace:
        """Return where a text of the folder is, for its links and pictures."""
        files = quote(f"/files/{self.org}/{self.name}/{self.version}")
        pages = f"{quote(self.address)}/files?path=" if names is not None else ""
        return TextPlace(files=files, folder=folder, names=names, pages=pages)


class ArchiveFile:
    """The archive of a release, as a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size

    @cached_property
    def directory(self) -> ArchiveDirectory:
        tail = self._read(directory_tail(self._size))
        missing = missing_directory(tail, self._size)
        return list_files(self._read(missing) + tail if missing else tail, self._size)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of its files."""
        return self.directory.files

    def read(self, name: str) -> bytes:
        entry = self.directory.entries[name]
        return unpack_file(self._read(self.directory.span(entry)), entry)

    def size(self, name: str) -> int:
        """Return the bytes of a file, as the directory says; unpacking stops behind them."""
        return self.directory.entries[name].unpacked_bytes

    def pieces(self, name: str) -> Iterator[bytes | memoryview]:
        """Yield the content of a file that may be too large to be in memory whole."""
        entry = self.directory.entries[name]
        return unpack_pieces(self._read(self.directory.span(entry)), entry)

    def _read(self, span: ByteSpan) -> bytes:
        with self._path.open("rb") as file:
            file.seek(span.start)
            return file.read(span.count)
