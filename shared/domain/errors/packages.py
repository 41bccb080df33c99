"""Refusals about packages, releases and their files.

Invalid      RangeNotDeprecable · MessageTooLong · RemovedForGood · PackageIsDeprecated
             DigestMismatch · VisibilityDiffers · NotMadeInternal · SpelledDifferently
             UploadMissing · MissingDependencies · NotDeployable · ChecksumUnreadable
             ChecksumDiffers · PomUnreadable · PomDiffers · SbomUnreadable
NotFound     PackageNotFound · ReleaseNotFound · ToolNotFound · ToolVersionNotFound
             PackageWithdrawn · ReleaseWithdrawn
             ModuleNotFound · ApiDocsNotFound · ApiDocsFailed
             ArchiveNotFound · PathNotFound · SbomNotFound · FileNotInArchive
Conflict     VersionExists · SbomExists · ToolTaken · NotAwaited · ReleaseHeld · ReleaseWithheld
             VisibilityOfUpstream
TooLarge     ArchiveTooLarge · FileTooLarge · FileTooLargeToShow
"""

from typing import TYPE_CHECKING, NamedTuple

from shared.domain.errors.base import Conflict, Declared, Invalid, NotFound, TooLarge

if TYPE_CHECKING:
    from shared.domain.names import Coordinate, Package


class PackageNotFound(Declared, NotFound):
    # Java clients look for `package not found`, Go clients for `package not found:`.
    package: object
    sentence = "package not found: {package}"


class ReleaseNotFound(Declared, NotFound):
    # `bal push` continues only when it reads this text.
    package: object
    version: object
    sentence = "package not found for: {package}:{version}"


class Withdrawal(NamedTuple):
    """A version that an administrator withdrew, when and why; `is_final` if it was removed."""

    version: str
    is_final: bool
    at_ms: int
    published_ms: int
    why: str = ""  # The category of the public reason; empty if there is none.
    note: str = ""


class PackageWithdrawn(Declared, NotFound):
    package: "Package"
    withdrawals: tuple[Withdrawal, ...]  # Latest version first.
    sentence = (
        "An administrator of this registry withdrew every version of {package}. Use another "
        "package, or ask the operator."
    )


class ReleaseWithdrawn(Declared, NotFound):
    coordinate: "Coordinate"
    withdrawal: Withdrawal
    latest: str  # The version to use in its place; empty if there is none.
    sentence = "An administrator of this registry withdrew {coordinate}. {advice}"

    @property
    def advice(self) -> str:
        return f"Use {self.latest}." if self.latest else "Use another package, or ask the operator."


class ToolNotFound(Declared, NotFound):
    tool: str
    sentence = "tool not found: {tool}. Search for it with bal tool search."


SHOWN_VERSIONS = 10  # In a sentence; who wants all asks for the tool.


class ToolVersionNotFound(Declared, NotFound):
    tool: str
    wanted: object
    versions: tuple[str, ...]  # Latest first.
    sentence = "tool not found: {tool}:{wanted}. Its versions are {shown_versions}."

    @property
    def shown_versions(self) -> str:
        shown = ", ".join(self.versions[:SHOWN_VERSIONS])
        more = len(self.versions) - SHOWN_VERSIONS
        return f"{shown} and {more} more" if more > 0 else shown


class ApiDocsNotFound(Declared, NotFound):
    what: str
    sentence = "{what} not found. Search for it, or publish its package first."


class ModuleNotFound(Declared, NotFound):
    org: str
    module: str
    version: str
    sentence = (
        "module not found: {org!p}/{module!p}:{version!p}. Look at the versions and modules of its "
        "package."
    )


class ApiDocsFailed(Declared, NotFound):
    coordinate: "Coordinate"
    reason: str
    sentence = "{coordinate} has no API documentation: {reason}."


class ArchiveNotFound(Declared, NotFound):
    sentence = "archive not found. Ask the registry for the package to get a new link."


class PathNotFound(Declared, NotFound):
    path: str
    reason: str = "Ask for {org}/{name}/{version}/{name}-{version}.bala, or its metadata."
    sentence = "There is no {path!q} here. {reason}"


class SbomNotFound(Declared, NotFound):
    coordinate: "Coordinate"
    sentence = "{coordinate} was published without a bill of materials."


class FileNotInArchive(Declared, NotFound):
    coordinate: "Coordinate"
    path: str
    sentence = "{coordinate} holds no file {path!q}. Look at its list of files."


class VersionExists(Declared, Conflict):
    # The first words are those of Central, which scripts look for.
    coordinate: "Coordinate"
    sentence = (
        "package already exists: {coordinate}. Releases never change: raise the version in "
        "Ballerina.toml and push again."
    )


class ReleaseHeld(Declared, Conflict):
    # Refused only in form: the release is stored, and a push that says "done" would mislead.
    coordinate: "Coordinate"
    reason: str
    held_releases_page: str
    sentence = (
        "{coordinate} is stored and held: {reason}. An owner of {coordinate.package.org} publishes "
        "it at {held_releases_page}"
    )


class ReleaseWithheld(Declared, Conflict):
    coordinate: "Coordinate"
    state: str
    sentence = (
        "{coordinate} is stored and {state}: an administrator of this registry withheld it. Ask "
        "the operator."
    )


class SbomExists(Declared, Conflict):
    coordinate: "Coordinate"
    sentence = (
        "{coordinate} has a bill of materials already, and releases never change. Publish a new "
        "version with the new one."
    )


class ToolTaken(Declared, Conflict):
    tool: str
    owner: "Package | None"  # None when the package is private.
    sentence = "The tool id {tool} belongs to {whose}. Choose another id in BalTool.toml."

    @property
    def whose(self) -> object:
        return self.owner or "another package"


class NotAwaited(Declared, Conflict):
    coordinate: "Coordinate"
    sentence = (
        "{coordinate} does not wait for an owner. Owners publish or refuse only releases that "
        "burst detection held; what an administrator withheld, an administrator restores."
    )


class UploadMissing(Declared, Invalid):
    part: str
    sentence = "The request holds no archive. Send the bala as the multipart/form-data part {part}."


class DigestMismatch(Declared, Invalid):
    claimed: object
    actual: object
    sentence = (
        "The archive's SHA-256 is {actual}, but the request announced {claimed}. It was damaged on "
        "the way; push it again."
    )


class VisibilityDiffers(Declared, Invalid):
    package: "Package"
    sentence = (
        '{package} is public, but this archive says visibility = "private". Remove the line from '
        "Ballerina.toml, or push under another name."
    )


class NotMadeInternal(Declared, Invalid):
    sentence = (
        "Nobody makes a package internal: those are internal that an upstream registry gives for "
        "its token alone. Choose public or private."
    )


class VisibilityOfUpstream(Declared, Conflict):
    package: "Package"
    upstream: str
    sentence = (
        "{package} is internal, because the upstream registry {upstream} gives it for its token "
        "alone, so its visibility is not changed here. It becomes public as soon as {upstream} "
        "gives it to everybody."
    )


class SpelledDifferently(Declared, Invalid):
    given: object
    taken: object
    sentence = (
        "{given} differs from {taken} in upper and lower case alone, and that name is taken. Use "
        "the spelling {taken}."
    )


class MissingDependencies(Declared, Invalid):
    coordinate: "Coordinate"
    missing: "tuple[Coordinate, ...]"
    sentence = (
        "{coordinate} depends on packages that are not in this registry: {names}. "
        "Push them first, or correct Dependencies.toml."
    )

    @property
    def names(self) -> str:
        return ", ".join(map(str, self.missing))


class RangeNotDeprecable(Declared, Invalid):
    wanted: object
    sentence = (
        "{wanted} names several versions. Deprecate one version, or the whole package with *."
    )


class MessageTooLong(Declared, Invalid):
    length: int
    limit: int
    sentence = (
        "The deprecation message has {length} characters, and {limit} fit. Shorten it, and point "
        "to a page for the rest."
    )


class RemovedForGood(Declared, Invalid):
    coordinate: "Coordinate"
    sentence = (
        "{coordinate} was removed permanently, and its version can never be published again. "
        "Publish a new version instead."
    )


class PackageIsDeprecated(Declared, Invalid):
    coordinate: "Coordinate"
    sentence = (
        "{coordinate.package} is deprecated as a whole, and {coordinate} with it. Undo that first: "
        "bal deprecate --undo {coordinate.package}."
    )


class NotDeployable(Declared, Invalid):
    path: str
    sentence = (
        "Nothing can be published at {path!q}. A bala goes to "
        "{{org}}/{{name}}/{{version}}/{{name}}-{{version}}.bala."
    )


class ChecksumUnreadable(Declared, Invalid):
    algorithm: str
    digits: int
    sentence = "The file is no {algorithm} checksum. Send {digits} hexadecimal digits and no more."


class ChecksumDiffers(Declared, Invalid):
    algorithm: str
    claimed: object
    actual: object
    sentence = (
        "The {algorithm} checksum of the archive here is {actual}, but {claimed} was sent. Compare "
        "it with your file; releases never change, so push a mended one as a new version."
    )


class PomUnreadable(Declared, Invalid):
    reason: str
    sentence = (
        "The POM cannot be read: {reason}. Send a project with its groupId, artifactId and version."
    )


class PomDiffers(Declared, Invalid):
    named: str
    coordinate: "Coordinate"
    sentence = (
        "The POM names {named!q}, but it was sent to the path of {coordinate}. Give both the same "
        "organization, name and version."
    )


class SbomUnreadable(Declared, Invalid):
    sentence = (
        "The bill of materials cannot be read. Send a CycloneDX document in JSON, with "
        '"bomFormat": "CycloneDX".'
    )


class ArchiveTooLarge(Declared, TooLarge):
    size_bytes: int
    limit_bytes: int
    sentence = (
        "The archive has {size_bytes:,} bytes, and this registry takes {limit_bytes:,} at most. "
        "Leave out what the package does not need."
    )


class FileTooLarge(Declared, TooLarge):
    what: str
    size_bytes: int
    limit_bytes: int
    sentence = (
        "The {what} has {size_bytes:,} bytes, and this registry takes {limit_bytes:,} at most."
    )


class FileTooLargeToShow(Declared, TooLarge):
    path: str
    size_bytes: int
    limit_bytes: int
    sentence = (
        "The file {path!q} has {size_bytes:,} bytes, and files of up to {limit_bytes:,} are sent "
        "one by one. Pull the archive to read it."
    )
