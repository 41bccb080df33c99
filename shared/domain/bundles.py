"""Bundles: releases of a registry in one file, for registries that no network reaches.

    manifest.json            what follows, with sizes and digests
    manifest.sig             the key, and its signature of manifest.json
    releases.jsonl           what archives do not say of releases: times, deprecations, visibility
    catalogue.jsonl          all packages of the registry by name, also those that are not here
    withdrawals.jsonl        releases that were withdrawn; only in a bundle that has some
    documents.jsonl          what vouches for releases; only in a bundle that has some
    archives/{sha256}.bala   in the order of releases.jsonl
    documents/{sha256}.json  in the order of documents.jsonl, each once

The file is a tar of the plainest kind. Each header has one possible form for a name and a size, and
a reader compares it byte for byte, so there are no paths, links, types or times to be wary of.
"""

import re
import tarfile
from collections.abc import Iterable
from enum import Enum
from typing import ClassVar, Self, TypeVar

from msgspec import Struct
from pydantic import ValidationError, field_serializer

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, release_place
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import Invalid, Refusal
from shared.domain.outside_values import MAX_LINE, SignedNumber
from shared.domain.packages import Head, Origin, Release
from shared.domain.principals import MIRROR
from shared.domain.provenance.sigstore_identities import MAX_SIGSTORE_BUNDLE_BYTES
from shared.domain.provenance.upstream_statements import MAX_UPSTREAM_STATEMENTS_BYTES
from shared.domain.records import Record
from shared.domain.release_states import State
from shared.domain.sboms import MAX_SBOM_BYTES
from shared.domain.signatures import Signature
from shared.domain.times import SignedMs
from shared.domain.visibility import EVERYBODY, Visibility
from shared.domain.withdrawal_reasons import PublicReason

FORMAT = 1
FORMAT_WITH_WITHDRAWALS = 2
FORMAT_WITH_DOCUMENTS = 3
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
RELEASES = "releases.jsonl"
CATALOGUE = "catalogue.jsonl"
WITHDRAWALS = "withdrawals.jsonl"
DOCUMENTS = "documents.jsonl"
MAX_MANIFEST_BYTES = 32 * 1024 * 1024  # Some 200,000 archives.
MAX_SIGNATURE_BYTES = 1024
MAX_LIST_BYTES = 128 * 1024 * 1024  # The list of releases, or the list of the catalogue.
MAX_FILE_BYTES = 1024 * 1024 * 1024  # More than any registry accepts as an archive.
END = bytes(1024)  # Two empty blocks.

_LISTS = {
    FORMAT: (RELEASES, CATALOGUE),
    FORMAT_WITH_WITHDRAWALS: (RELEASES, CATALOGUE, WITHDRAWALS),
    FORMAT_WITH_DOCUMENTS: (RELEASES, CATALOGUE, WITHDRAWALS, DOCUMENTS),
}
_BLOCK = tarfile.BLOCKSIZE
_SIZE_FIELD = slice(124, 136)
_ARCHIVE = re.compile(r"archives/([0-9a-f]{64})\.bala")
_DOCUMENT = re.compile(r"documents/([0-9a-f]{64})\.json")

RecordType = TypeVar("RecordType", bound=Record)


def bundle_unusable(reason: str) -> Invalid:
    return Invalid(
        "bundle-unusable", f"The bundle cannot be used: {reason}. Nothing of it was imported."
    )


class BundleFile(Record):
    name: str
    size_bytes: SignedNumber
    sha256: str


class BundleManifest(Record):
    """The list of the files of a bundle.

    `cursor` is the number of the last event that it takes account of, and `after` that of the
    bundle before; 0 if it was not made from a cursor.
    """

    format: int
    registry: str  # The address of the registry that made it.
    cursor: SignedNumber
    after: SignedNumber = 0
    files: tuple[BundleFile, ...]

    @property
    def lists(self) -> tuple[str, ...]:
        """The names of the files that are lists; those of archives follow."""
        return _LISTS[self.format]

    @property
    def archives(self) -> tuple[BundleFile, ...]:
        others = self.files[len(self.lists) :]
        return tuple(each for each in others if not _DOCUMENT.fullmatch(each.name))

    @property
    def documents(self) -> tuple[BundleFile, ...]:
        """The files of documents, which follow the archives."""
        return self.files[len(self.lists) + len(self.archives) :]

    def content(self) -> bytes:
        """Return `manifest.json`."""
        return self.model_dump_json(indent=1).encode() + b"\n"


class BundledRelease(Record):
    """The facts of a release that its archive does not have."""

    org: str
    name: str
    version: str
    digest: str
    size_bytes: SignedNumber
    created_ms: SignedMs
    upstream: str  # The registry that owns the name.
    deprecation: str | None = None
    package_deprecation: str | None = None
    visibility: Visibility = Visibility.PUBLIC
    removed_ms: SignedMs | None = None  # When its upstream was found to no longer have it.
    signatures: tuple[Signature, ...] = ()  # Signatures of the registry that made the bundle.

    @field_serializer("signatures")
    def _shown(self, signatures: tuple[Signature, ...]) -> list[dict[str, str]]:
        return [each.shown() for each in signatures]

    @classmethod
    def of(cls, head: Head, release: Release, *, registry: str) -> Self:
        """Return the line of a release; `registry` is the name of the one that makes the bundle."""
        own = {
            "upstream": release.upstream.name if release.upstream else registry,
            "package_deprecation": head.deprecation,
            "visibility": Visibility.PUBLIC if head.readers == EVERYBODY else Visibility.PRIVATE,
            "removed_ms": release.upstream.removed_ms if release.upstream else None,
        }
        return cls.model_validate({**dict(release), **own})

    @property
    def coordinate(self) -> Coordinate:
        """The coordinate; raises `InvalidName` or `InvalidVersion`."""
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def archive(self) -> BundleFile:
        name = f"archives/{self.digest}.bala"
        return BundleFile(name=name, size_bytes=self.size_bytes, sha256=self.digest)

    def described(self) -> Release:
        """Return the release as far as it is known without its archive."""
        own = {"platform": "any", "origin": Origin(principal=MIRROR.id), "upstream": None}
        return Release.model_validate({**dict(self), **own})

    def head(self, *, now_ms: int) -> Head:
        """Return the head that claims the package's name.

        A private package is internal where it is imported: its organization has no members there.
        """
        is_public = self.visibility is Visibility.PUBLIC
        return Head(
            org=self.org,
            name=self.name,
            visibility=Visibility.PUBLIC if is_public else Visibility.INTERNAL,
            created_ms=now_ms,
            deprecation=self.package_deprecation,
            upstream=self.upstream,
        )


class BundledWithdrawal(Record):
    """A release that the registry which made the bundle has, and withdrew."""

    org: str
    name: str
    version: str
    digest: str
    upstream: str  # The registry that owns the name.
    public_reason: PublicReason | None = None
    permanent: bool = False

    @classmethod
    def of(cls, release: Release, *, registry: str) -> Self:
        """Return the line of a release; `registry` is the name of the one that makes the bundle."""
        own = {
            "upstream": release.upstream.name if release.upstream else registry,
            "permanent": release.state is State.REMOVED,
        }
        return cls.model_validate({**dict(release), **own})

    @property
    def coordinate(self) -> Coordinate:
        """The coordinate; raises `InvalidName` or `InvalidVersion`."""
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def reason_clause(self) -> str:
        """The reason, and whether it is for good, for a report."""
        reason = str(self.public_reason) if self.public_reason else "no public reason"
        return f"{reason}{', for good' if self.permanent else ''}"


class DocumentKind(Enum):
    """What a document of a bundle is to its release."""

    # Statements of the registry that published the release, with its keys.
    STATEMENTS = "statements"
    SIGSTORE = "sigstore"  # The Sigstore bundle that came with it.
    SBOM = "sbom"  # The bill of materials of its author.


MAX_DOCUMENT_BYTES = {
    DocumentKind.STATEMENTS: MAX_UPSTREAM_STATEMENTS_BYTES,
    DocumentKind.SIGSTORE: MAX_SIGSTORE_BUNDLE_BYTES,
    DocumentKind.SBOM: MAX_SBOM_BYTES,
}


class BundledDocument(Record):
    """A document about a release of the same bundle."""

    org: str
    name: str
    version: str
    kind: DocumentKind
    sha256: str
    size_bytes: SignedNumber

    @property
    def coordinate(self) -> Coordinate:
        """The coordinate; raises `InvalidName` or `InvalidVersion`."""
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def file(self) -> BundleFile:
        name = f"documents/{self.sha256}.json"
        return BundleFile(name=name, size_bytes=self.size_bytes, sha256=self.sha256)


class BundleStatement(Entity):
    """The last word of a registry's bundles about a release: it is withdrawn, or served again.

    An older bundle does not change it.
    """

    kind: ClassVar[str] = "bundle-statement"

    org: str
    name: str
    version: str
    registry: str  # The address of the one that made the bundle.
    cursor: int  # The cursor of the bundle.
    is_withdrawn: bool

    @property
    def place(self) -> Place:
        return release_place(Coordinate.parse(self.org, self.name, self.version))


class CatalogueEntry(Record):
    """A package of the registry that made a bundle, and its newest version."""

    name: str  # org/name.
    version: str
    summary: str = ""


def file_of(name: str, content: bytes) -> BundleFile:
    """Return the entry of the manifest for a file."""
    return BundleFile(name=name, size_bytes=len(content), sha256=Digest.of(content).hex)


def lines_of(records: Iterable[Record]) -> bytes:
    """Return records as lines of JSON."""
    return b"".join(
        each.model_dump_json(exclude_defaults=True).encode() + b"\n" for each in records
    )


def tar_header(name: str, size_bytes: int) -> bytes:
    """Return the one header that a file of this name and size has."""
    info = tarfile.TarInfo(name)
    info.size = size_bytes
    return info.tobuf(tarfile.USTAR_FORMAT)


def padding(size_bytes: int) -> bytes:
    """Return the zeros after a file of this size."""
    return bytes(-size_bytes % _BLOCK)


def entry_bytes(size_bytes: int) -> int:
    """Return how many bytes a file of this size takes with its header and padding."""
    return _BLOCK + size_bytes + len(padding(size_bytes))


def read_header(name: str, header: bytes, most: int) -> int:
    """Return the size of a file whose size is not known yet; raise `bundle-unusable` unless it is
    the file `name` with at most `most` bytes."""
    digits = header[_SIZE_FIELD].rstrip(b"\0 ")
    size = int(digits, 8) if re.fullmatch(rb"[0-7]{1,11}", digits) else -1
    if size < 0 or tar_header(name, size) != header:
        raise bundle_unusable(reason=f"{name} is not where a bundle has it")
    if size > most:
        raise bundle_unusable(
            reason=f"its {name} has {size:,} bytes, and at most {most:,} are read"
        )
    return size


def read_manifest(content: bytes) -> BundleManifest:
    """Return the manifest, whose signature was verified; raise `bundle-unusable`."""
    try:
        manifest = BundleManifest.model_validate_json(content)
    except ValidationError:
        raise bundle_unusable(reason="its manifest cannot be read") from None
    if manifest.format not in _LISTS:
        raise bundle_unusable(
            reason=f"it has the format {manifest.format}, and this version reads {max(_LISTS)} and "
            "earlier"
        )
    _check_files(manifest)
    return manifest


def _check_files(manifest: BundleManifest) -> None:
    files = manifest.files
    lists = manifest.lists
    names = tuple(each.name for each in files[: len(lists)])
    if names != lists:
        raise bundle_unusable(reason=f"its manifest does not begin with {' and '.join(lists)}")
    seen = set[str]()
    for each in files:
        if each.name in seen:
            raise bundle_unusable(reason=f"its manifest lists {each.name} twice")
        seen.add(each.name)
        most = MAX_LIST_BYTES if each.name in lists else MAX_FILE_BYTES
        if not 0 <= each.size_bytes <= most:
            raise bundle_unusable(reason=f"{each.name} has a size that is not read")
    for pattern, what, listed in (
        (_ARCHIVE, "an archive", manifest.archives),
        (_DOCUMENT, "a document", manifest.documents),
    ):
        for each in listed:
            found = pattern.fullmatch(each.name)
            if found is None or found[1] != each.sha256:
                raise bundle_unusable(
                    reason=f"its manifest lists {each.name!r}, which is no name of {what}"
                )


class BundleContents(Struct, frozen=True):
    """The lists of a bundle, which are verified."""

    manifest: BundleManifest
    releases: tuple[BundledRelease, ...]
    catalogue: tuple[CatalogueEntry, ...]
    withdrawals: tuple[BundledWithdrawal, ...] = ()
    documents: tuple[BundledDocument, ...] = ()


def read_contents(
    manifest: BundleManifest,
    releases: bytes,
    catalogue: bytes,
    withdrawals: bytes = b"",
    documents: bytes = b"",
) -> BundleContents:
    """Return the lists; raise `bundle-unusable` unless each archive has one release, and no release
    is named twice."""
    found = BundleContents(
        manifest,
        _records(BundledRelease, RELEASES, releases),
        _records(CatalogueEntry, CATALOGUE, catalogue),
        _records(BundledWithdrawal, WITHDRAWALS, withdrawals),
        _records(BundledDocument, DOCUMENTS, documents),
    )
    if [each.archive for each in found.releases] != list(manifest.archives):
        raise bundle_unusable(reason=f"{RELEASES} and the archives of its manifest differ")
    keys = set[str]()
    for each in found.releases:
        _check_line(RELEASES, each, keys, each.deprecation, each.package_deprecation)
    for each in found.withdrawals:
        note = each.public_reason.note if each.public_reason else ""
        _check_line(WITHDRAWALS, each, keys, note)
    _check_documents(found)
    return found


def files_of(documents: Iterable[BundledDocument]) -> list[BundleFile]:
    """Return the files of documents, each once: releases may have the same."""
    return list({each.sha256: each.file for each in documents}.values())


def _check_documents(found: BundleContents) -> None:
    """Raise unless each document is of a release of the bundle that has one of its kind, and is no
    larger than one of its kind is."""
    if files_of(found.documents) != list(found.manifest.documents):
        raise bundle_unusable(reason=f"{DOCUMENTS} and the documents of its manifest differ")
    releases = {(each.org, each.name, each.version) for each in found.releases}
    seen = set[tuple[str, str, str, DocumentKind]]()
    for each in found.documents:
        about = (each.org, each.name, each.version)
        if about not in releases or (*about, each.kind) in seen:
            raise bundle_unusable(
                reason=f"{DOCUMENTS} names something of a release that it does not have, or twice"
            )
        seen.add((*about, each.kind))
        if each.size_bytes > MAX_DOCUMENT_BYTES[each.kind]:
            raise bundle_unusable(
                reason=f"a document of {each.coordinate} ({each.kind.value}) is too large"
            )


def _check_line(
    name: str, line: BundledRelease | BundledWithdrawal, keys: set[str], *texts: str | None
) -> None:
    """Check a line of a list; `keys` are those of the releases that were named before."""
    try:
        key = line.coordinate.key
    except Refusal as refusal:
        raise bundle_unusable(
            reason=f"{name} names something that is no release ({refusal})"
        ) from None
    for text in (line.upstream, *texts):
        if text is not None and not (len(text) <= MAX_LINE and (text.isprintable() or not text)):
            raise bundle_unusable(reason=f"{name} has a text of {line.coordinate} that is no line")
    if not line.upstream:
        raise bundle_unusable(reason=f"{name} does not say whose {line.coordinate} is")
    if key in keys:
        raise bundle_unusable(reason=f"it names {line.coordinate} twice")
    keys.add(key)


def _records(kind: type[RecordType], name: str, content: bytes) -> tuple[RecordType, ...]:
    try:
        return tuple(kind.model_validate_json(line) for line in content.splitlines())
    except ValidationError:
        raise bundle_unusable(reason=f"{name} cannot be read") from None
