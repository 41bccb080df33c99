"""Every reason to refuse an archive, with the sentence that its author reads.

BadArchive
├── the container
│   ├── NotAZip · Truncated · DirectoryDamaged · SplitArchive · Zip64Used
│   └── BytesBefore · BytesAfter · BytesBetween · ArchiveComment · EntriesOverlap
├── an entry
│   ├── UnsafeName · DuplicateEntry · FileIsFolder · SpecialEntry · EntryEncrypted
│   └── EntryUnsupported · HeadersDiffer · DescriptorDiffers · EntryDamaged
├── a limit
│   ├── TooManyEntries · UnpacksTooLarge · RatioTooHigh · ArchiveRatioTooHigh
│   ├── ManifestTooLarge · ManifestTooDeep · TextTooLarge · TextsTooLarge
│   └── RecordTooLarge
├── a manifest
│   ├── ManifestMissing · ManifestMisspelled · LayoutAmbiguous · ManifestUnreadable
│   └── FieldMissing · FieldInvalid · CoordinateInvalid · DependencyUnlocked
└── the package
    ├── DocumentationMissing · DocumentationEmpty · SourcesMissing · ForeignModule
    └── PlatformUnknown · ToolIdMissing · ToolNotPullable · CoordinateDiffers
"""

from typing import TYPE_CHECKING

from shared.domain.errors.base import Invalid

if TYPE_CHECKING:
    from shared.domain.names import Coordinate

# Every refusal of the registry, with the sentence that its user reads.
#
# Refusal
#     ├── Invalid              the request or the archive cannot be accepted as it is
#     │   ├── InvalidName · InvalidVersion · InvalidRange · InvalidDigest · InvalidRequest
#     │   ├── PostWanted
#     │   ├── DigestMismatch · VisibilityDiffers · SpelledDifferently
#     │   ├── UploadMissing · TokenMisplaced
#     │   ├── PackageIsDeprecated · MissingDependencies
#     │   ├── NotDeployable · ChecksumUnreadable · ChecksumDiffers · PomUnreadable · PomDiffers
#     │   ├── SbomUnreadable · SearchUnreadable
#     │   └── BadArchive       one class for each reason to refuse a bala, in bad_archive.py
#     ├── NotFound             it does not exist for this caller
#     │   ├── PackageNotFound · ReleaseNotFound · ToolNotFound · ToolVersionNotFound
#     │   ├── OrganizationNotFound · AccountNotFound · TokenNotFound
#     │   ├── ArchiveNotFound · PathNotFound · SbomNotFound
#     │   └── PageNotFound · PublisherNotFound · FileNotInArchive · NoticeNotFound
#     ├── Conflict             it clashes with what is there
#     │   ├── VersionExists · SbomExists · ToolTaken · OrganizationExists · AccountExists ·
# LastOwner     │   └── PublisherExists · NotAwaited · TooManyNotices
#     ├── Unauthenticated      who is asking cannot be told
#     │   ├── CredentialsMissing · CredentialsWanted · RepositoryTokenMissing
#     │   ├── TokenUnknown · TokenExpired · TokenMalformed · TokenPlaceholder · TokenForeign
#     │   ├── LinkExpired · ReportUnsigned
#     │   └── SignedTokenRefused · IdTokenUsed
#     ├── Forbidden            the caller may not do this
#     │   ├── NotPermitted · NameReserved · SignInAgain · PublishersAlone · FormForeign
#     │   └── Untrusted        one class for each reason to refuse a job, in untrusted.py
#     ├── TooMany              it comes too often
#     │   └── TooManyRequests · TooManyFailures
#     ├── MethodNotAllowed     the path is there, but not for this method
#     ├── LengthMissing        its body came without a length, so nothing of it was read
#     ├── TooLarge             it is over a limit
#     │   └── ArchiveTooLarge · FileTooLarge · FileTooLargeToShow · TooManyReported
#     └── Unavailable          try again later
#         ├── Busy · StorageFull · StorageNotWritable · NotListedYet · SearchLoading · DomainSilent
#         └── IssuerSilent · TakesNoChanges · SigningKeyUnavailable · NoRoomForUpload
#
# A face maps each kind to a status and a body, because clients differ.


class BadArchive(Invalid):
    """A bala cannot be accepted; each reason is a class of its own below."""


# Every reason to refuse a bala, with the sentence that its author reads.
#
# BadArchive
# ├── the container
# │   ├── NotAZip · Truncated · DirectoryDamaged · SplitArchive · Zip64Used
# │   └── BytesBefore · BytesAfter · BytesBetween · ArchiveComment · EntriesOverlap
# ├── an entry
# │   ├── UnsafeName · DuplicateEntry · FileIsFolder · SpecialEntry · EntryEncrypted
# │   └── EntryUnsupported · HeadersDiffer · DescriptorDiffers · EntryDamaged
# ├── a limit
# │   ├── TooManyEntries · UnpacksTooLarge · RatioTooHigh · ArchiveRatioTooHigh
# │   ├── ManifestTooLarge · ManifestTooDeep · TextTooLarge · TextsTooLarge
#     │   └── RecordTooLarge
# ├── a manifest
# │   ├── ManifestMissing · ManifestMisspelled · LayoutAmbiguous · ManifestUnreadable
# │   └── FieldMissing · FieldInvalid · CoordinateInvalid · DependencyUnlocked
# └── the package
#     ├── DocumentationMissing · DocumentationEmpty · SourcesMissing · ForeignModule
#     └── PlatformUnknown · ToolIdMissing · ToolNotPullable · CoordinateDiffers

_PACK_AGAIN = "Pack it again with bal pack."

# --- the container -----------------------------------------------------------------------------


class NotAZip(BadArchive):
    """The bytes are no zip archive."""

    def __init__(self) -> None:
        """Say what a bala is."""
        super().__init__("The upload is not a zip archive, and a bala is one. " + _PACK_AGAIN)


class Truncated(BadArchive):
    """The archive ends too early."""

    def __init__(self) -> None:
        """Say that the end is missing."""
        super().__init__(
            "The archive is cut off: its end record is missing. Push it again, or pack it anew."
        )


class DirectoryDamaged(BadArchive):
    """The central directory cannot be read."""

    def __init__(self, reason: str) -> None:
        """Say what is wrong with it."""
        super().__init__(f"The archive's central directory is damaged: {reason}. {_PACK_AGAIN}")


class SplitArchive(BadArchive):
    """The archive claims to be one part of several."""

    def __init__(self) -> None:
        """Say that it must be whole."""
        super().__init__("The archive is one part of a split archive. Push one whole bala.")


class Zip64Used(BadArchive):
    """The archive uses zip64, which readers interpret differently and no bala needs."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{quoted(where)} uses zip64, which is for archives above 4 GiB and not accepted here. "
            + _PACK_AGAIN
        )


class BytesBefore(BadArchive):
    """There is something in front of the archive."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"There are {count:,} bytes in front of the archive's first entry. {_PACK_AGAIN}"
        )


class BytesAfter(BadArchive):
    """There is something behind the archive."""

    def __init__(self, count: int) -> None:
        super().__init__(f"There are {count:,} bytes behind the archive's end. {_PACK_AGAIN}")


class BytesBetween(BadArchive):
    """There are bytes inside the archive that belong to no entry."""

    def __init__(self, count: int, where: str) -> None:
        """Say how much, and behind what."""
        super().__init__(
            f"There are {count:,} bytes behind {quoted(where)}, and they belong to no entry. "
            + _PACK_AGAIN
        )


class ArchiveComment(BadArchive):
    """The archive has a comment, in which another archive could hide."""

    def __init__(self) -> None:
        """Say that there may be none."""
        super().__init__(f"The archive has a comment, which a bala must not have. {_PACK_AGAIN}")


class EntriesOverlap(BadArchive):
    """Two entries share bytes."""

    def __init__(self, name: str) -> None:
        """Name the entry that runs into the next."""
        super().__init__(f"The entry {quoted(name)} overlaps what follows it. {_PACK_AGAIN}")


# --- an entry ----------------------------------------------------------------------------------


class UnsafeName(BadArchive):
    """An entry's name could write outside its folder, or be read in two ways."""

    def __init__(self, name: str, reason: str) -> None:
        """Name the entry and what is wrong with its name."""
        super().__init__(f"The entry name {quoted(name)} {reason}. Rename it and pack again.")


class DuplicateEntry(BadArchive):
    """Two entries are one file on some file system."""

    def __init__(self, name: str, other: str) -> None:
        """Name both."""
        same = "twice" if name == other else f"beside {quoted(other)}, which is the same file name"
        super().__init__(f"The archive holds {quoted(name)} {same}. Keep one and pack again.")


class FileIsFolder(BadArchive):
    """An entry is a file, and the folder of another entry too."""

    def __init__(self, name: str, inner: str) -> None:
        """Name both."""
        super().__init__(
            f"The entry {quoted(name)} is a file, but {quoted(inner)} lies in it as in a folder. "
            "Rename one and pack again."
        )


class SpecialEntry(BadArchive):
    """An entry is neither a file nor a folder."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"The entry {quoted(name)} is {what}, and a bala holds files and folders only. "
            "Replace it by a file and pack again."
        )


class EntryEncrypted(BadArchive):
    """An entry needs a password."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The entry {quoted(name)} is encrypted, so no client could read it. {_PACK_AGAIN}"
        )


class EntryUnsupported(BadArchive):
    """An entry needs something of the zip format that not every client has."""

    def __init__(self, name: str, what: str) -> None:
        """Name the entry and what it needs."""
        super().__init__(
            f"The entry {quoted(name)} uses {what}, which not every client reads. {_PACK_AGAIN}"
        )


class HeadersDiffer(BadArchive):
    """An entry's two headers disagree, so that clients would read different things."""

    def __init__(self, name: str, what: str) -> None:
        """Name the entry and the field."""
        super().__init__(
            f"The entry {quoted(name)} has one {what} in the central directory and another in its "
            f"local header. {_PACK_AGAIN}"
        )


class DescriptorDiffers(BadArchive):
    """What follows an entry's data is no descriptor with the central directory's values."""

    def __init__(self, name: str) -> None:
        """Name the entry."""
        super().__init__(
            f"Behind the data of the entry {quoted(name)} there is no descriptor with the CRC and "
            f"sizes of the central directory, or more than that. {_PACK_AGAIN}"
        )


class EntryDamaged(BadArchive):
    """An entry does not unpack to what its header says."""

    def __init__(self, name: str, reason: str) -> None:
        """Name the entry and what is wrong."""
        super().__init__(
            f"The entry {quoted(name)} is damaged: {reason}. Push it again, or pack it anew."
        )


# --- a limit -----------------------------------------------------------------------------------


class TooManyEntries(BadArchive):
    """The archive holds more entries than are read."""

    def __init__(self, count: int, limit: int) -> None:
        """Show both numbers."""
        super().__init__(
            f"The archive has {count:,} entries, and this registry reads {limit:,} at most. "
            "Leave out what the package does not need."
        )


class UnpacksTooLarge(BadArchive):
    """The archive unpacks to more than is read."""

    def __init__(self, limit: int) -> None:
        """Show the limit; the whole size is never found out."""
        super().__init__(
            f"The archive unpacks to more than {limit:,} bytes, the most that this registry takes. "
            "Leave out what the package does not need."
        )


class RatioTooHigh(BadArchive):
    """An entry is packed so tightly that it looks like a bomb."""

    def __init__(self, name: str, limit: int) -> None:
        """Name the entry and the limit."""
        super().__init__(
            f"The entry {quoted(name)} unpacks to more than {limit} times its packed size. "
            "Shorten what repeats in it, or leave it out."
        )


class ArchiveRatioTooHigh(BadArchive):
    """All entries together are packed so tightly that they look like a bomb."""

    def __init__(self, unpacked_bytes: int, limit: int) -> None:
        """Show what they unpack to, and the limit."""
        super().__init__(
            f"The entries of the archive unpack to {unpacked_bytes:,} bytes, more than {limit} "
            "times their packed size. Shorten what repeats in them, or leave it out."
        )


class ManifestTooLarge(BadArchive):
    """A manifest is larger than is read."""

    def __init__(self, name: str, size: int, limit: int) -> None:
        """Name the manifest and both sizes."""
        super().__init__(
            f"{quoted(name)} has {size:,} bytes, and this registry reads {limit:,} of a manifest "
            "at most. Shorten it and pack again."
        )


class ManifestTooDeep(BadArchive):
    """A manifest nests or repeats beyond what any package needs."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{quoted(name)} {what}. Simplify it and pack again.")


class TextTooLarge(BadArchive):
    """A documentation text is longer than is shown."""

    def __init__(self, name: str, size: int, limit: int) -> None:
        """Name the text and both sizes."""
        super().__init__(
            f"{quoted(name)} has {size:,} bytes, and this registry shows {limit:,} of a text at "
            "most. Shorten it, or move a part to a site of your own, and pack again."
        )


class TextsTooLarge(BadArchive):
    """The documentation texts are longer than is shown, all together."""

    def __init__(self, limit: int) -> None:
        """Show the limit."""
        super().__init__(
            f"The documentation texts of the package have more than {limit:,} bytes together, the "
            "most that this registry shows. Shorten them and pack again."
        )


class RecordTooLarge(BadArchive):
    """What lists and searches hold of a release is too much."""

    def __init__(self, size: int, limit: int, largest: str) -> None:
        """Show both sizes, and the part that takes most."""
        super().__init__(
            f"The facts that this registry lists of the package have {size:,} bytes, and {limit:,} "
            f"fit. Most of it is in {largest}; shorten that and pack again."
        )


# --- a manifest --------------------------------------------------------------------------------


class ManifestMissing(BadArchive):
    """A file that says what the package is does not exist."""

    def __init__(self, name: str) -> None:
        """Name the file."""
        super().__init__(f"The archive has no {name} at its root. {_PACK_AGAIN}")


class ManifestMisspelled(BadArchive):
    """A file has the name of a manifest in other letters, which some systems read as the same."""

    def __init__(self, name: str, manifest: str) -> None:
        """Name the file and the manifest."""
        super().__init__(
            f"The entry {quoted(name)} is {manifest} on systems that ignore case, and another file "
            "on the rest. Rename it and pack again."
        )


class LayoutAmbiguous(BadArchive):
    """The archive is a package in two layouts, so clients would read different ones."""

    def __init__(self) -> None:
        """Name the two manifests."""
        super().__init__(
            "The archive has both Bala.toml and package.json at its root, and clients differ in "
            "which they read. Keep one and pack again."
        )


class ManifestUnreadable(BadArchive):
    """A manifest does not parse."""

    def __init__(self, name: str, reason: str) -> None:
        """Name the manifest, the reason, and line and column where they are known."""
        super().__init__(f"{quoted(name)} cannot be read: {reason}. Correct it and pack again.")


class FieldMissing(BadArchive):
    """A manifest lacks a field."""

    def __init__(self, name: str, field: str) -> None:
        """Name the manifest and the field."""
        super().__init__(
            f"{quoted(name)} has no {quoted(field)}, which clients need. Add it and pack again."
        )


class FieldInvalid(BadArchive):
    """A field of a manifest has a value that cannot be."""

    def __init__(self, name: str, field: str, reason: str) -> None:
        """Name the manifest, the field and what is wrong with it."""
        super().__init__(f"{quoted(name)}: {quoted(field)}: {reason} Correct it and pack again.")


class CoordinateInvalid(BadArchive):
    """A manifest names a package or version that breaks the rules."""

    def __init__(self, where: str, reason: object) -> None:
        """Say where, and which rule it breaks."""
        super().__init__(f"{quoted(where)}: {reason} Correct it and pack again.")


class DependencyUnlocked(BadArchive):
    """A dependency stands without its version."""

    def __init__(self, name: str, dependency: str) -> None:
        """Name the manifest and the dependency."""
        super().__init__(
            f"{quoted(name)} names the dependency {quoted(dependency)} but has no entry with its "
            "version. Build the package, which writes that file anew, and pack again."
        )


# --- the package -------------------------------------------------------------------------------


class DocumentationMissing(BadArchive):
    """A bala of the Java layouts has no documentation."""

    def __init__(self) -> None:
        """Begin with the text of Central, which scripts look for."""
        super().__init__(
            "Package.md is missing in bala file. Describe the package in a README.md beside "
            "Ballerina.toml (Package.md for older clients) and pack again."
        )


class DocumentationEmpty(BadArchive):
    """The text that describes the package is empty."""

    def __init__(self, name: str) -> None:
        """Name the text."""
        super().__init__(
            f"{quoted(name)}, which describes the package, is empty. "
            "Write a sentence or more into it and pack again."
        )


class SourcesMissing(BadArchive):
    """An exported module has no source file."""

    def __init__(self, module: str, folder: str) -> None:
        """Name the module and where its sources belong."""
        super().__init__(
            f"The exported module {quoted(module)} has no .bal file in {quoted(folder)}. "
            "Add its sources, or take it out of export, and pack again."
        )


class ForeignModule(BadArchive):
    """A manifest declares a module whose name belongs to another package."""

    def __init__(self, name: str, module: str, package: str) -> None:
        """Name the manifest, the module and the package."""
        super().__init__(
            f"{quoted(name)} declares the module {quoted(module)}, but modules of this package are "
            f"called {package} or {package}.something. Rename it and pack again."
        )


class PlatformUnknown(BadArchive):
    """The platform is none that clients ask for."""

    def __init__(self, name: str, platform: str) -> None:
        """Name the manifest and the platform."""
        super().__init__(
            f"{quoted(name)} says platform {quoted(platform)}, and clients know any, java21 and "
            "its like, and go1.26 and its like. Build for one of them and pack again."
        )


class ToolIdMissing(BadArchive):
    """A tool has no id to be called by."""

    def __init__(self, name: str) -> None:
        """Name the tool's manifest."""
        super().__init__(
            f"{quoted(name)} has no tool_id. Give the tool an id in BalTool.toml and pack again."
        )


class ToolNotPullable(BadArchive):
    """`bal tool pull` could not take the platform out of the archive's file name."""

    def __init__(self, file_name: str, platform: str) -> None:
        """Name the file as the client builds it."""
        super().__init__(
            f"bal tool pull would not find the platform {platform} in the file name {file_name}. "
            "Rename the package so that its name is no part of its organization, platform or "
            "version, and pack again."
        )


class CoordinateDiffers(BadArchive):
    """The archive is another package than the one that the upload announced."""

    def __init__(self, inside: "Coordinate", claimed: "Coordinate") -> None:
        """Name both."""
        super().__init__(
            f"The archive holds {inside}, but the upload says {claimed}. "
            "Push it under its own name, or correct Ballerina.toml and pack again."
        )


def quoted(text: str) -> str:
    """Return `text` so that a sentence can hold it: short, one line, printable."""
    short = text if len(text) <= 100 else f"{text[:97]}..."  # noqa: PLR2004 - one terminal line.
    return short if short.isprintable() and short else repr(short)
