"""Import of bundles: stores their releases as mirrored ones, after all of them were verified.

An import that was interrupted is repeated: what is stored is not stored again.
"""

import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Protocol

from msgspec import Struct, field

from shared.domain.archives.bala import Bala, require_coordinate
from shared.domain.archives.digests import Digest
from shared.domain.bundles import (
    END,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MAX_SIGNATURE_BYTES,
    SIGNATURE,
    BundleContents,
    BundledDocument,
    BundledRelease,
    BundledWithdrawal,
    BundleFile,
    BundleManifest,
    DocumentKind,
    bundle_unusable,
    entry_bytes,
    padding,
    read_contents,
    read_header,
    read_manifest,
    tar_header,
)
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Conflict, Invalid, NotFound, Refusal
from shared.domain.errors.packages import UpstreamReleaseRefused
from shared.domain.packages import Head
from shared.domain.principals import MIRROR
from shared.domain.releases import with_change
from shared.domain.visibility import Visibility
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.bundles.bundle_documents import CheckedDocuments, DocumentImport
from shared.services.bundles.bundle_withdrawals import BundleWithdrawals, LeftOut
from shared.services.name_owners import NameOwners
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.packages.external_releases import ExternalReleases, PinnedDigests
from shared.services.packages.package_records import PackageRecordWriter

PIECE_BYTES = 1024 * 1024  # Read and hashed at once.

_HEADER = len(tar_header(MANIFEST, 0))


class BundleSource(Protocol):
    """The file of a bundle."""

    size_bytes: int

    async def read(self, start: int, count: int) -> bytes:
        """Return `count` bytes from `start`, fewer at the end of the file."""
        ...


class TrustedKeys(Protocol):
    """The keys whose bundles are imported."""

    def require(self, content: bytes, signature: bytes) -> None:
        """Raise `bundle-unusable` unless one of the keys signed the content."""
        ...


class OpenedBundle(Struct, frozen=True):
    """A bundle that was verified, and where its archives and documents are."""

    source: BundleSource
    contents: BundleContents
    starts: Sequence[int]  # Where each archive begins, in the order of the releases.
    # The documents of each release, by its key, and where each file begins.
    documents: Mapping[str, Sequence[tuple[BundledDocument, int]]]

    async def documents_of(self, release: BundledRelease) -> dict[DocumentKind, bytes]:
        """Return the documents of a release; raise `bundle-unusable` if one changed meanwhile."""
        found = dict[DocumentKind, bytes]()
        for each, start in self.documents.get(release.coordinate.key, ()):
            content = await self.source.read(start, each.size_bytes)
            if Digest.of(content).hex != each.sha256:
                raise bundle_unusable(reason=f"it changed while it was read, at {each.coordinate}")
            found[each.kind] = content
        return found

    async def archives(self) -> AsyncGenerator[tuple[BundledRelease, "BundledArchive"]]:
        """Yield the releases, each with its archive, which is read when it is asked for."""
        for release, start in zip(self.contents.releases, self.starts, strict=True):
            yield release, BundledArchive(self.source, start, release.size_bytes)


class BundledArchive(Struct, frozen=True):
    """An archive in a bundle. The file may have changed since it was verified."""

    source: BundleSource
    start: int
    size_bytes: int

    async def read(self) -> bytes:
        return await self.source.read(self.start, self.size_bytes)


async def open_bundle(source: BundleSource, trusted: TrustedKeys) -> OpenedBundle:
    """Verify the whole bundle; raise `bundle-unusable`."""
    at, manifest = await _first_file(source, 0, MANIFEST, MAX_MANIFEST_BYTES)
    at, signature = await _first_file(source, at, SIGNATURE, MAX_SIGNATURE_BYTES)
    trusted.require(manifest, signature)
    described = read_manifest(manifest)
    _require_size(source, at, described.files)
    starts = list[int]()
    texts = list[bytes]()
    for listed in described.files:
        starts.append(at + _HEADER)
        if len(texts) < len(described.lists):
            texts.append(b"".join([piece async for piece in _verified(source, at, listed)]))
        else:
            async for _ in _verified(source, at, listed):
                pass
        at += entry_bytes(listed.size_bytes)
    if await source.read(at, len(END)) != END:
        raise bundle_unusable(reason="it does not end where a bundle ends")
    contents = read_contents(described, *texts)
    at_document = len(texts) + len(contents.releases)
    documents = _placed_documents(contents, starts[at_document:])
    return OpenedBundle(source, contents, starts[len(texts) : at_document], documents)


def _placed_documents(
    contents: BundleContents, starts: Sequence[int]
) -> Mapping[str, Sequence[tuple[BundledDocument, int]]]:
    files = contents.manifest.documents
    places = dict(zip((each.sha256 for each in files), starts, strict=True))
    placed = dict[str, list[tuple[BundledDocument, int]]]()
    for each in contents.documents:
        placed.setdefault(each.coordinate.key, []).append((each, places[each.sha256]))
    return placed


async def _first_file(source: BundleSource, at: int, name: str, most: int) -> tuple[int, bytes]:
    """Return where the next file begins, and the content of this one, which is not verified."""
    size = read_header(name, await source.read(at, _HEADER), most)
    content = await source.read(at + _HEADER, size)
    if len(content) != size:
        raise bundle_unusable(reason=f"it ends within {name}")
    return at + entry_bytes(size), content


def _require_size(source: BundleSource, at: int, files: Sequence[BundleFile]) -> None:
    wanted = at + sum(entry_bytes(each.size_bytes) for each in files) + len(END)
    if source.size_bytes < wanted:
        raise bundle_unusable(reason=f"{wanted - source.size_bytes:,} bytes are missing at its end")
    if source.size_bytes > wanted:
        raise bundle_unusable(
            reason=f"it has {source.size_bytes - wanted:,} bytes that its manifest does not list"
        )


async def _verified(source: BundleSource, at: int, listed: BundleFile) -> AsyncIterator[bytes]:
    """Yield the content of a file in pieces; raise `bundle-unusable` at its end if it differs."""
    if await source.read(at, _HEADER) != tar_header(listed.name, listed.size_bytes):
        raise bundle_unusable(reason=f"the entry at the place of {listed.name} is another one")
    start = at + _HEADER
    digest = hashlib.sha256()
    for offset in range(0, listed.size_bytes, PIECE_BYTES):
        piece = await source.read(start + offset, min(PIECE_BYTES, listed.size_bytes - offset))
        digest.update(piece)
        yield piece
    zeros = padding(listed.size_bytes)
    rest = await source.read(start + listed.size_bytes, len(zeros))
    if digest.hexdigest() != listed.sha256 or rest != zeros:
        raise bundle_unusable(reason=f"{listed.name} has another digest than its manifest says")


class ImportStep(Enum):
    """Steps of an import, one for each release."""

    CHECKED = "checked"
    IMPORTED = "imported"
    STORED = "stored"  # It was there, with the same digest.
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # The release was served until now, or withheld for another reason.
    UNCHANGED = "unchanged"  # The release was withdrawn before, or is not stored.


class ImportReport(Struct):
    """How many releases were imported, and why some were refused."""

    manifest: BundleManifest
    counts: Counter[ImportStep] = field(default_factory=Counter[ImportStep])
    refused: dict[str, str] = field(default_factory=dict[str, str])  # By coordinate.
    names: int = 0  # The number of packages in the catalogue.
    # The reasons of withdrawals, by coordinate.
    withdrawn: dict[str, str] = field(default_factory=dict[str, str])
    internal: set[str] = field(default_factory=set[str])  # Packages that are internal here.
    # Why the Sigstore bundle of a release was not stored, by coordinate.
    unverified: dict[str, str] = field(default_factory=dict[str, str])


Progress = Callable[[ImportStep, Coordinate], None]


class BundleImport(Struct, frozen=True):
    """Imports the releases of a bundle, one after the other; a repeat goes on where it stopped."""

    metadata: MetadataStore
    directory: DirectoryStore
    pins: PinnedDigests
    package_records: PackageRecordWriter
    releases: ExternalReleases
    withdrawals: BundleWithdrawals
    documents: DocumentImport
    unchecked: ArchiveReader  # Applies only the rules that are needed for safety.
    clock: Clock

    async def run(
        self, source: BundleSource, trusted: TrustedKeys, *, progress: Progress
    ) -> ImportReport:
        """Verify everything, then store the releases; raise `bundle-unusable` before anything of
        the bundle is visible.

        Releases whose names belong to somebody else, or that are pinned to another digest, are left
        out; the report says why.
        """
        bundle = await open_bundle(source, trusted)
        await self._check(bundle, progress)
        checked = await self._check_documents(bundle)
        contents = bundle.contents
        report = ImportReport(contents.manifest, names=len(contents.catalogue))

        async def take(coordinate: Coordinate, done: Awaitable[ImportStep]) -> None:
            try:
                step = await done
            except LeftOut as reason:
                step = ImportStep.REFUSED
                report.refused[str(coordinate)] = str(reason)
            report.counts[step] += 1
            progress(step, coordinate)

        # First, because somebody may be about to pull what was withdrawn.
        for withdrawal in contents.withdrawals:
            await take(withdrawal.coordinate, self._withdraw(withdrawal, report))
        async for release, archive in bundle.archives():
            await take(release.coordinate, self._import(release, archive, report))
            if str(release.coordinate) not in report.refused:
                await self._store_documents(bundle, release, checked, report)
        return report

    async def _check_documents(self, bundle: OpenedBundle) -> Mapping[str, CheckedDocuments]:
        """Verify the documents of releases, by the keys of these."""
        checked = dict[str, CheckedDocuments]()
        for release in bundle.contents.releases:
            if found := await bundle.documents_of(release):
                stored = (await self.metadata.find(release.coordinate)).release
                if stored is not None and stored.sigstore:
                    found.pop(DocumentKind.SIGSTORE, None)  # It has one, which it keeps.
                checked[release.coordinate.key] = await self.documents.check(release, found)
        return checked

    async def _store_documents(
        self,
        bundle: OpenedBundle,
        line: BundledRelease,
        checked: Mapping[str, CheckedDocuments],
        report: ImportReport,
    ) -> None:
        """Store the documents of a release that is mirrored here; one that was published here has
        those with which it was."""
        found = checked.get(line.coordinate.key)
        release = (await self.metadata.find(line.coordinate)).release
        if found is None or release is None or release.upstream is None:
            return
        if release.digest != line.digest or release.erased:
            return
        sbom = (await bundle.documents_of(line)).get(DocumentKind.SBOM)
        await self.documents.store(release, found, sbom)
        if found.left_out:
            report.unverified[str(line.coordinate)] = found.left_out

    async def _withdraw(self, line: BundledWithdrawal, report: ImportReport) -> ImportStep:
        """Follow one withdrawal; raise `LeftOut` with the reason."""
        if not await self.withdrawals.follow(line, report.manifest):
            return ImportStep.UNCHANGED
        report.withdrawn[str(line.coordinate)] = line.reason_clause
        return ImportStep.WITHDRAWN

    async def _check(self, bundle: OpenedBundle, progress: Progress) -> None:
        """Check the archives that are not stored as every archive is checked."""
        async for release, archive in bundle.archives():
            most = self.unchecked.limits.archive_bytes
            if release.size_bytes > most:
                size = release.size_bytes
                raise bundle_unusable(
                    reason=f"the archive of {release.coordinate} has {size:,} bytes; {most:,} fit"
                )
            if not await self._is_stored(release):
                await self._read(release, await archive.read())
            progress(ImportStep.CHECKED, release.coordinate)

    async def _note_internal(self, release: BundledRelease, report: ImportReport) -> None:
        package = release.coordinate.package
        head = await self.metadata.head(package)
        if head is not None and head.visibility is Visibility.INTERNAL:
            report.internal.add(str(package))

    async def _is_stored(self, release: BundledRelease) -> bool:
        found = (await self.metadata.find(release.coordinate)).release
        return found is not None and found.digest == release.digest

    async def _read(self, release: BundledRelease, content: bytes) -> Bala:
        if Digest.of(content).hex != release.digest:
            raise bundle_unusable(reason=f"it changed while it was read, at {release.coordinate}")
        try:
            bala = await self.unchecked.read(content)
            require_coordinate(bala, release.coordinate)
        except Refusal as refusal:
            raise bundle_unusable(
                reason=f"the archive of {release.coordinate} is not safe ({refusal})"
            ) from None
        return bala

    async def _import(
        self, release: BundledRelease, archive: BundledArchive, report: ImportReport
    ) -> ImportStep:
        """Store one release; raise `LeftOut` with the reason."""
        coordinate = release.coordinate
        found = (await self.metadata.find(coordinate)).release
        if found is not None and found.upstream is None:
            if found.digest == release.digest:
                await self._note_internal(release, report)
                # The release was published here, and the bundle has the same archive.
                return ImportStep.STORED
            message = "this registry has another archive of it"
            raise LeftOut(message)
        owners = NameOwners(self.directory, self.clock)
        if not await owners.claim(coordinate.package.org, release.upstream):
            message = (
                "the organization belongs to this registry, or to another upstream than "
                f"{release.upstream}"
            )
            raise LeftOut(message)
        await self._pin(release)
        await self.withdrawals.require_served(release, report.manifest)
        if found is not None and found.outbox:  # A crash left it without its derived data.
            await self.releases.derived_data.update(found)
        is_stored = await self._is_stored(release)
        if not is_stored:
            await self._store(release, archive)
        await self.withdrawals.serve_again(coordinate)
        await self._follow(release)
        await self._note_internal(release, report)
        return ImportStep.STORED if is_stored else ImportStep.IMPORTED

    async def _pin(self, release: BundledRelease) -> None:
        try:
            await self.pins.require(release.coordinate, Digest(release.digest), release.upstream)
        except UpstreamReleaseRefused as refusal:
            raise LeftOut(refusal.reason) from None

    async def _store(self, release: BundledRelease, archive: BundledArchive) -> None:
        content = await archive.read()
        bala = await self._read(release, content)
        head = release.head(now_ms=self.clock.now_ms())
        try:
            await self.releases.store(bala, content, release.described(), head)
        except (NotFound, Conflict, Invalid) as refusal:
            raise LeftOut(str(refusal)) from None

    async def _follow(self, release: BundledRelease) -> None:
        """Take over the deprecations of the release and of its package, its visibility, and whether
        the upstream has it."""
        now_ms = self.clock.now_ms()
        of_all = release.package_deprecation

        def of_package(head: Head) -> Head:
            kind = "package.undeprecated" if of_all is None else "package.deprecated"
            return with_change(head, kind, by=MIRROR, now_ms=now_ms, deprecation=of_all)

        found = await self.metadata.find(release.coordinate)
        wanted = release.head(now_ms=now_ms).visibility
        await self.releases.follow_visibility_of(release.coordinate.package, wanted)
        if found.release is not None:
            await self.releases.follow(found.release, release.deprecation, release.removed_ms)
        if found.head is not None and found.head.deprecation != of_all:
            await self.package_records.change_package(release.coordinate.package, of_package)
