"""The names of all stored files and blobs. No other module makes such a name."""

from dataclasses import dataclass
from pathlib import Path

from shared.domain.archives.names import ArchiveName, Digest
from shared.domain.packages import Visibility

ARCHIVE_CONTAINERS = {Visibility.PUBLIC: "archives", Visibility.PRIVATE: "private"}


@dataclass(frozen=True, slots=True)
class ArchiveFolder:
    """The names below the folder of the archives."""

    root: Path

    @property
    def temporary(self) -> Path:
        """The folder of archives that are being written."""
        return self.root / "tmp"

    @property
    def content(self) -> Path:
        """The folder that holds the archives, fanned out twice."""
        return self.root / "sha256"

    def archive(self, digest: Digest) -> Path:
        return self.content.joinpath(digest.hex[:2], digest.hex[2:4], digest.hex)

    def lock(self, digest: Digest) -> Path:
        """Return the lock of an archive, which 1/256 of the archives share."""
        return self.root / "locks" / digest.hex[:2]


@dataclass(frozen=True, slots=True)
class PiecesFolder:
    """The names below the folder of the pieces of documentation."""

    root: Path

    def file(self, digest: Digest, name: str) -> Path:
        return self._of(digest) / f"{digest.hex}.{name}"

    def files(self, digest: Digest) -> list[Path]:
        """Return the files of an archive that exist."""
        return list(self._of(digest).glob(f"{digest.hex}.*"))

    def _of(self, digest: Digest) -> Path:
        return self.root / digest.hex[:2]


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The names below the folder that a registry on one machine lives in."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "ballroom.db"

    @property
    def search(self) -> Path:
        return self.root / "search.db"

    @property
    def settings(self) -> Path:
        """The settings of a client, which the first start writes."""
        return self.root / "Settings.toml"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def upgrades(self) -> Path:
        """The folder of the backup from before the last change of the schema."""
        return self.root / "upgrades"

    @property
    def archives(self) -> ArchiveFolder:
        return ArchiveFolder(self.root / "archives")

    @property
    def confined(self) -> Path:
        """The folder of the lock that one confined process of the machine holds."""
        return self.root / "confined"

    @property
    def pieces(self) -> PiecesFolder:
        return PiecesFolder(self.root / "pieces")


def partial_path(file: Path) -> Path:
    """Return the name of `file` while it is being made."""
    return file.with_name(f"{file.name}.partial")


def lock_path(file: Path) -> Path:
    """Return the lock that is held while `file` is made or changed as a whole."""
    return file.with_name(f"{file.name}.lock")


def data_version_path(file: Path) -> Path:
    """Return the mark that every process changes when it has written to `file`."""
    return file.with_name(f"{file.name}.mark")


def archive_blob(name: ArchiveName) -> str:
    """Return the name of an archive in its container, whichever that is."""
    return f"{archive_blobs(name.digest)}{name.tail}"


def archive_blobs(digest: Digest) -> str:
    """Return the prefix of the blob names of this archive only."""
    return f"{digest.hex}/"


def digest_of_blob(name: str) -> Digest:
    """Return the digest of the archive of that name."""
    return Digest(name.partition("/")[0])


def texts_blob(digest: Digest) -> str:
    """Return the name of an archive's documentation."""
    return f"texts/{digest.hex}.json"


def rendering_blob(digest: Digest, name: str = "") -> str:
    """Return the name of the HTML of a text of an archive; without `name`, what all begin with."""
    return f"renderings/{digest.hex}/{name}"


def graph_blob(digest: Digest) -> str:
    """Return the name of an archive's dependency graph."""
    return f"graph/{digest.hex}.json"


def sbom_blob(digest: Digest) -> str:
    """Return the name of an archive's bill of materials."""
    return f"sbom/{digest.hex}.json"


def api_docs_blob(digest: Digest) -> str:
    """Return the name of the state of an archive's API documentation."""
    return f"{api_docs_blobs(digest)}record.json"


def api_docs_blobs(digest: Digest) -> str:
    """Return the prefix of the names of all blobs of an archive's API documentation."""
    return f"api-docs/{digest.hex}/"


def pieces_blob(digest: Digest, name: str = "") -> str:
    """Return the name of a file of pieces; without `name`, what those of an archive begin with."""
    return f"{api_docs_blobs(digest)}pieces/{name}"


# Of all blobs of the search index. Earlier versions, which may still run, had theirs in "search/".
SEARCH_PARTS = "index/"
SEARCH_POINTER = f"{SEARCH_PARTS}pointer.json"


def base_blob(made_ms: int, mark: str) -> str:
    """Return the name of a whole search index."""
    return f"{SEARCH_PARTS}base-{made_ms}-{mark}.db.z"


def search_part_made_ms(name: str) -> int:
    return int(name.split("-")[1])
