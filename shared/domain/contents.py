"""The files of a bala, each kind read with the limit that it has."""

from shared.domain.archive import Archive
from shared.domain.bad_archive import (
    ManifestMissing,
    ManifestMisspelled,
    ManifestTooLarge,
    TextsTooLarge,
    TextTooLarge,
)
from shared.domain.entry_names import folded
from shared.domain.limits import ArchiveLimits
from shared.domain.manifest import Parsed, read_model
from shared.domain.syntax import parse_json, parse_toml


class Contents:
    """What an archive holds, by the names that manifests use."""

    def __init__(self, archive: Archive, limits: ArchiveLimits) -> None:
        """Read from `archive`, within `limits`."""
        self._archive = archive
        self._limits = limits
        self._texts_bytes = 0
        self.names = archive.names
        self.files = frozenset(name for name in archive.names if not name.endswith("/"))

    def json(self, name: str, model: type[Parsed]) -> Parsed:
        """Return a JSON file as `model`, or refuse it."""
        return read_model(model, name, parse_json(name, self._manifest(name)))

    def toml(self, name: str, model: type[Parsed]) -> Parsed:
        """Return a TOML file as `model`, or refuse it."""
        return read_model(model, name, parse_toml(name, self._manifest(name)))

    def text(self, name: str) -> str:
        """Return a documentation text; what is not UTF-8 in it is shown as a sign."""
        size = self._archive.size(name)
        if size > self._limits.text_bytes:
            raise TextTooLarge(name, size, self._limits.text_bytes)
        self._texts_bytes += size
        if self._texts_bytes > self._limits.texts_bytes:
            raise TextsTooLarge(self._limits.texts_bytes)
        return self._archive.read(name).decode("utf-8-sig", errors="replace")

    def has(self, manifest: str) -> bool:
        """Say whether there is a file of this name; one in other letters is refused."""
        if manifest in self.files:
            return True
        wanted = folded(manifest)
        for name in self.files:
            if len(name) == len(wanted) and folded(name) == wanted:
                raise ManifestMisspelled(name, manifest)
        return False

    def _manifest(self, name: str) -> bytes:
        if not self.has(name):
            raise ManifestMissing(name)
        size = self._archive.size(name)
        if size > self._limits.manifest_bytes:
            raise ManifestTooLarge(name, size, self._limits.manifest_bytes)
        return self._archive.read(name)
