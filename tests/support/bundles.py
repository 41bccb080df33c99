"""Bundles of tests: written to a file, and changed as a stranger would change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.adapters.bundle_files import (
    BundleFileSource,
    BundleKey,
    KeysOfFile,
    public_file,
    write_bundle,
)
from shared.domain.bundles import (
    CATALOGUE,
    END,
    FORMAT,
    MANIFEST,
    RELEASES,
    SIGNATURE,
    BundledRelease,
    BundleFile,
    BundleManifest,
    file_of,
    lines_of,
    padding,
    tar_header,
)
from shared.domain.coordinates import Coordinate
from shared.services.bundles.bundle_export import BundlePlan, Selection
from shared.services.bundles.bundle_import import ImportReport, ImportStep
from tests.support.world import World

Files = Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class Carrier:
    """A folder that is carried from one registry to another, with a key."""

    folder: Path
    key: BundleKey
    trusted: KeysOfFile

    @classmethod
    def new(cls, folder: Path) -> "Carrier":
        file = folder / "key"
        key = BundleKey.create(file)
        return cls(folder, key, KeysOfFile.read(public_file(file)))

    async def export(self, world: World, *coordinates: str, **selected: Any) -> BundlePlan:
        """Write `this.bundle` of what is named and selected."""
        exporting = world.registry.bundles.exporting
        named = tuple(Coordinate.from_text(each) for each in coordinates)
        plan = await exporting.plan(Selection(coordinates=named, **selected))
        await write_bundle(self.file, exporting.pieces(plan, self.key))
        return plan

    async def deliver(self, world: World, file: Path | None = None) -> ImportReport:
        """Import `this.bundle`, or another file."""
        source = BundleFileSource(file or self.file)
        try:
            return await world.registry.bundles.importing.run(
                source, self.trusted, progress=_silent
            )
        finally:
            source.close()

    @property
    def file(self) -> Path:
        return self.folder / "this.bundle"

    def write(self, files: Files, manifest: BundleManifest | bytes, **options: Any) -> None:
        """Write a signed bundle with these files, whatever its manifest says."""
        content = manifest if isinstance(manifest, bytes) else manifest.content()
        every = [(MANIFEST, content), (SIGNATURE, self.key.sign(content)), *files]
        self.file.write_bytes(packed(every, **options))


def _silent(_step: ImportStep, _coordinate: object) -> None:
    """Print nothing."""


def packed(files: Files, *, headers: Mapping[str, bytes] | None = None, end: bytes = END) -> bytes:
    """Return the bytes of a bundle; `headers` are put in place of the right ones."""
    parts = list[bytes]()
    for name, content in files:
        header = (headers or {}).get(name) or tar_header(name, len(content))
        parts += [header, content, padding(len(content))]
    return b"".join([*parts, end])


def bundled(archives: Mapping[str, bytes], **changes: Any) -> tuple[Files, BundleManifest]:
    """Return the files of a bundle of archives by coordinate, and their manifest; `changes` are
    fields of the lines of releases."""
    lines = [line_of(name, content, **changes) for name, content in archives.items()]
    return bundled_lines(lines, list(archives.values()))


def line_of(text: str, content: bytes, **changes: Any) -> BundledRelease:
    coordinate = Coordinate.from_text(text)
    package = coordinate.package
    line = BundledRelease(
        org=package.org,
        name=package.name,
        version=coordinate.version.text,
        digest=file_of("", content).sha256,
        size_bytes=len(content),
        created_ms=1,
        upstream="central",
    )
    return line.model_copy(update=changes)


def bundled_lines(
    lines: Sequence[BundledRelease], archives: Sequence[bytes]
) -> tuple[Files, BundleManifest]:
    releases = lines_of(lines)
    catalogue = b""
    listed: list[BundleFile] = [file_of(RELEASES, releases), file_of(CATALOGUE, catalogue)]
    files = [(RELEASES, releases), (CATALOGUE, catalogue)]
    for line, content in zip(lines, archives, strict=True):
        listed.append(line.archive)
        files.append((line.archive.name, content))
    manifest = BundleManifest(
        format=FORMAT, registry="https://elsewhere.test", cursor=7, files=tuple(listed)
    )
    return files, manifest
