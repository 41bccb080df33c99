"""Every reason to refuse an archive, with the sentence that its author reads.

BadArchive
├── the container
│   ├── NotAZip · Truncated · DirectoryDamaged · SplitArchive · Zip64Used
│   └── BytesBefore · BytesAfter · BytesBetween · ArchiveComment · EntriesOverlap
├── an entry
│   ├── UnsafeName · DuplicateEntry · FileIsFolder · SpecialEntry · EntryEncrypted
│   └── EntryUnsupported · HeadersDiffer · DescriptorDiffers · EntryDamaged
├── a limit
│   ├── TooManyEntries · NamesTooLong · UnpacksTooLarge · RatioTooHigh · ArchiveRatioTooHigh
│   ├── ManifestTooLarge · ManifestTooDeep · TextTooLarge · TextsTooLarge
│   └── RecordTooLarge
├── a manifest
│   ├── ManifestMissing · ManifestMisspelled · LayoutAmbiguous · ManifestUnreadable
│   └── FieldMissing · FieldInvalid · CoordinateInvalid · DependencyUnlocked
└── the package
    ├── DocumentationMissing · DocumentationEmpty · SourcesMissing · ForeignModule
    ├── PlatformUnknown · ToolIdMissing · ToolNotPullable · CoordinateDiffers
    └── TokenInArchive · TooManyLookalikes
"""

from typing import TYPE_CHECKING

from shared.domain.errors.base import Invalid, printable

if TYPE_CHECKING:
    from shared.domain.names import Coordinate


class BadArchive(Invalid):
    """A bala cannot be accepted; each reason is a class of its own below."""


# --- the container -----------------------------------------------------------------------------


class NotAZip(BadArchive):
    sentence = "The upload is not a zip archive, and a bala is one. Pack it again with bal pack."


class Truncated(BadArchive):
    sentence = (
        "The archive is cut off: its end record is missing. Pack it again with bal pack, and push "
        "it again."
    )


class DirectoryDamaged(BadArchive):
    reason: str
    sentence = "The archive's central directory is damaged: {reason}. Pack it again with bal pack."


class SplitArchive(BadArchive):
    sentence = "The archive is one part of a split archive. Push one whole bala."


class Zip64Used(BadArchive):
    where: str
    sentence = (
        "{where!p} uses zip64, which is for archives above 4 GiB and not accepted here. Pack it "
        "again with bal pack."
    )


class BytesBefore(BadArchive):
    count: int
    sentence = "The archive has {count!b} before its first entry. Pack it again with bal pack."


class BytesAfter(BadArchive):
    count: int
    sentence = "The archive has {count!b} after its end. Pack it again with bal pack."


class BytesBetween(BadArchive):
    count: int
    where: str
    sentence = (
        "The archive has {count!b} after {where!p} that belong to no entry. Pack it again with bal "
        "pack."
    )


class ArchiveComment(BadArchive):
    sentence = "The archive has a comment, which a bala must not have. Pack it again with bal pack."


class EntriesOverlap(BadArchive):
    name: str
    sentence = "The entry {name!p} overlaps what follows it. Pack it again with bal pack."


# --- an entry ----------------------------------------------------------------------------------


class UnsafeName(BadArchive):
    name: str
    reason: str
    sentence = "The entry name {name!p} {reason}. Rename it and pack again."


class DuplicateEntry(BadArchive):
    name: str
    other: str
    sentence = "The archive holds {name!p} {how}. Keep one and pack again."

    @property
    def how(self) -> str:
        if self.name == self.other:
            return "twice"
        return f"beside {printable(self.other)}, which is the same file name"


class FileIsFolder(BadArchive):
    name: str
    inner: str
    sentence = (
        "The entry {name!p} is a file, but {inner!p} lies in it as in a folder. Rename one and "
        "pack again."
    )


class SpecialEntry(BadArchive):
    name: str
    what: str
    sentence = (
        "The entry {name!p} is {what}, and a bala holds files and folders only. Replace it by a "
        "file and pack again."
    )


class EntryEncrypted(BadArchive):
    name: str
    sentence = (
        "The entry {name!p} is encrypted, so no client could read it. Pack it again with bal pack."
    )


class EntryUnsupported(BadArchive):
    name: str
    what: str
    sentence = (
        "The entry {name!p} uses {what}, which not every client reads. Pack it again with bal pack."
    )


class HeadersDiffer(BadArchive):
    name: str
    what: str
    sentence = (
        "The entry {name!p} has one {what} in the central directory and another in its local "
        "header. Pack it again with bal pack."
    )


class DescriptorDiffers(BadArchive):
    name: str
    sentence = (
        "Behind the data of the entry {name!p} there is no descriptor with the CRC and sizes of "
        "the central directory, or more than that. Pack it again with bal pack."
    )


class EntryDamaged(BadArchive):
    name: str
    reason: str
    sentence = (
        "The entry {name!p} is damaged: {reason}. Pack it again with bal pack, and push it again."
    )


# --- a limit -----------------------------------------------------------------------------------


class NamesTooLong(BadArchive):
    count: int
    what: str
    limit: int
    sentence = (
        "The names of all entries of the archive have {count:,} {what} together, and this registry "
        "reads {limit:,} at most. Leave out what the package does not need."
    )


class TooManyEntries(BadArchive):
    count: int
    limit: int
    sentence = (
        "The archive has {count:,} entries, and this registry reads {limit:,} at most. Leave out "
        "what the package does not need."
    )


class UnpacksTooLarge(BadArchive):
    limit: int
    sentence = (
        "The archive unpacks to more than {limit:,} bytes, the most that this registry takes. "
        "Leave out what the package does not need."
    )


class RatioTooHigh(BadArchive):
    name: str
    limit: int
    sentence = (
        "The entry {name!p} unpacks to more than {limit} times its packed size. Shorten what "
        "repeats in it, or leave it out."
    )


class ArchiveRatioTooHigh(BadArchive):
    unpacked_bytes: int
    limit: int
    sentence = (
        "The entries of the archive unpack to {unpacked_bytes:,} bytes, more than {limit} times "
        "their packed size. Shorten what repeats in them, or leave it out."
    )


class ManifestTooLarge(BadArchive):
    name: str
    size: int
    limit: int
    sentence = (
        "{name!p} has {size:,} bytes, and this registry reads {limit:,} of a manifest at most. "
        "Shorten it and pack again."
    )


class ManifestTooDeep(BadArchive):
    name: str
    what: str
    sentence = "{name!p} {what}. Simplify it and pack again."


class TextTooLarge(BadArchive):
    name: str
    size: int
    limit: int
    sentence = (
        "{name!p} has {size:,} bytes, and this registry shows {limit:,} of a text at most. Shorten "
        "it, or move a part to a site of your own, and pack again."
    )


class TextsTooLarge(BadArchive):
    limit: int
    sentence = (
        "The documentation texts of the package have more than {limit:,} bytes together, the most "
        "that this registry shows. Shorten them and pack again."
    )


class RecordTooLarge(BadArchive):
    size: int
    limit: int
    largest: str
    sentence = (
        "The facts that this registry lists of the package have {size:,} bytes, and {limit:,} fit. "
        "Most of it is in {largest}; shorten that and pack again."
    )


# --- a manifest --------------------------------------------------------------------------------


class ManifestMissing(BadArchive):
    name: str
    sentence = "The archive has no {name} at its root. Pack it again with bal pack."


class ManifestMisspelled(BadArchive):
    name: str
    manifest: str
    sentence = (
        "The entry {name!p} is {manifest} on systems that ignore case, and another file on the "
        "rest. Rename it and pack again."
    )


class LayoutAmbiguous(BadArchive):
    sentence = (
        "The archive has both Bala.toml and package.json at its root, and clients differ in which "
        "they read. Keep one and pack again."
    )


class ManifestUnreadable(BadArchive):
    name: str
    reason: str
    sentence = "{name!p} cannot be read: {reason}. Correct it and pack again."


class FieldMissing(BadArchive):
    name: str
    field: str
    sentence = "{name!p} has no {field!p}, which clients need. Add it and pack again."


class FieldInvalid(BadArchive):
    name: str
    field: str
    reason: str
    sentence = "{name!p}: {field!p}: {reason} Correct it and pack again."


class CoordinateInvalid(BadArchive):
    where: str
    reason: object
    sentence = "{where!p}: {reason} Correct it and pack again."


class DependencyUnlocked(BadArchive):
    name: str
    dependency: str
    sentence = (
        "{name!p} names the dependency {dependency!p} but has no entry with its version. Build the "
        "package, which writes that file anew, and pack again."
    )


# --- the package -------------------------------------------------------------------------------


class DocumentationMissing(BadArchive):
    # The first sentence is that of Central, which scripts look for.
    sentence = (
        "Package.md is missing in bala file. Describe the package in a README.md beside "
        "Ballerina.toml (Package.md for older clients) and pack again."
    )


class DocumentationEmpty(BadArchive):
    name: str
    sentence = (
        "{name!p}, which describes the package, is empty. Write a sentence or more into it and "
        "pack again."
    )


class SourcesMissing(BadArchive):
    module: str
    folder: str
    sentence = (
        "The exported module {module!p} has no .bal file in {folder!p}. Add its sources, or take "
        "it out of export, and pack again."
    )


class ForeignModule(BadArchive):
    name: str
    module: str
    package: str
    sentence = (
        "{name!p} declares the module {module!p}, but modules of this package are called {package} "
        "or {package}.something. Rename it and pack again."
    )


class PlatformUnknown(BadArchive):
    name: str
    platform: str
    sentence = (
        "{name!p} says platform {platform!p}, and clients know any, java21 and its like, and "
        "go1.26 and its like. Build for one of them and pack again."
    )


class ToolIdMissing(BadArchive):
    name: str
    sentence = "{name!p} has no tool_id. Give the tool an id in BalTool.toml and pack again."


class ToolNotPullable(BadArchive):
    file_name: str
    platform: str
    sentence = (
        "bal tool pull would not find the platform {platform} in the file name {file_name}. Rename "
        "the package so that its name is no part of its organization, platform or version, and "
        "pack again."
    )


class CoordinateDiffers(BadArchive):
    inside: "Coordinate"
    claimed: "Coordinate"
    sentence = (
        "The archive holds {inside}, but the upload says {claimed}. Push it under its own name, or "
        "correct Ballerina.toml and pack again."
    )


class TokenInArchive(BadArchive):
    name: str
    line: int
    sentence = (
        "{name!p} contains an access token of this registry in line {line:,}, and whoever pulls "
        "the package could use it. Revoke the token, remove it and pack again."
    )


class TooManyLookalikes(BadArchive):
    limit: int
    sentence = (
        "The archive contains more than {limit:,} texts with the form of an access token of this "
        "registry and a wrong checksum. Remove them and pack again."
    )
