"""Refusals about packages, releases and their files.

Invalid      RangeNotDeprecable · MessageTooLong · RemovedForGood · PackageIsDeprecated
             DigestMismatch · VisibilityDiffers · SpelledDifferently · UploadMissing
             MissingDependencies · NotDeployable · ChecksumUnreadable · ChecksumDiffers
             PomUnreadable · PomDiffers · SbomUnreadable
NotFound     PackageNotFound · ReleaseNotFound · ToolNotFound · ToolVersionNotFound
             ApiDocsNotFound · ArchiveNotFound · PathNotFound · SbomNotFound · FileNotInArchive
Conflict     VersionExists · SbomExists · ToolTaken · NotAwaited
TooLarge     ArchiveTooLarge · FileTooLarge · FileTooLargeToShow
"""

from typing import TYPE_CHECKING

from shared.domain.errors.base import Conflict, Invalid, NotFound, TooLarge, quoted

if TYPE_CHECKING:
    from shared.domain.names import Coordinate, Package


class PackageNotFound(NotFound):
    """The package does not exist, or not for this caller."""

    def __init__(self, package: object) -> None:
        """Name the package; Java looks for `package not found`, Go for `package not found:`."""
        super().__init__(f"package not found: {package}")


class ReleaseNotFound(NotFound):
    """The package has no such version, or not for this caller."""

    def __init__(self, package: object, version: object) -> None:
        """Name what was asked for; `bal push` goes on only when it reads this text."""
        super().__init__(f"package not found for: {package}:{version}")


class ToolNotFound(NotFound):
    """No package publishes this tool, or not in this version."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"tool not found: {tool}. Search for it with bal tool search.")


SHOWN_VERSIONS = 10  # In a sentence; who wants all asks for the tool.


class ToolVersionNotFound(NotFound):
    """A tool is there, and not in this version."""

    def __init__(self, tool: str, wanted: object, versions: tuple[str, ...]) -> None:
        """Name the versions that there are, newest first."""
        shown = ", ".join(versions[:SHOWN_VERSIONS])
        more = f" and {len(versions) - SHOWN_VERSIONS} more" if versions[SHOWN_VERSIONS:] else ""
        super().__init__(f"tool not found: {tool}:{wanted}. Its versions are {shown}{more}.")


class ApiDocsNotFound(NotFound):
    """Connectors and triggers come out of API documentation, and none is read yet."""

    def __init__(self) -> None:
        super().__init__("This registry reads no API documentation, so it knows no such item.")


class ArchiveNotFound(NotFound):
    """There is no archive behind this link, or not for this caller."""

    def __init__(self) -> None:
        """Say where links come from."""
        super().__init__("archive not found. Ask the registry for the package to get a new link.")


class PathNotFound(NotFound):
    """No file of a Maven repository of packages can have this path."""

    def __init__(self, path: str, reason: str = "") -> None:
        """Show the path, and what of it names nothing."""
        why = reason or "Ask for {org}/{name}/{version}/{name}-{version}.bala, or its metadata."
        super().__init__(f"There is no {quoted(path)} here. {why}")


class SbomNotFound(NotFound):
    """The release came without a bill of materials."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the release."""
        super().__init__(f"{coordinate} was published without a bill of materials.")


class FileNotInArchive(NotFound):
    """The archive of a release holds no such file."""

    def __init__(self, coordinate: "Coordinate", path: str) -> None:
        """Name both."""
        super().__init__(f"{coordinate} holds no file {quoted(path)}. Look at its list of files.")


class VersionExists(Conflict):
    """The version is published with other bytes."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the coordinate; the first words are Central's, which scripts look for."""
        super().__init__(
            f"package already exists: {coordinate}. Releases never change: "
            "raise the version in Ballerina.toml and push again."
        )


class SbomExists(Conflict):
    """The release has another bill of materials."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the release."""
        super().__init__(
            f"{coordinate} has a bill of materials already, and releases never change. "
            "Publish a new version with the new one."
        )


class ToolTaken(Conflict):
    """Another package owns the tool id."""

    def __init__(self, tool: str, owner: "Package | None") -> None:
        """Name the tool and the package that published it first; None when it is private."""
        whose = f"to {owner}" if owner else "to another package"
        super().__init__(f"The tool id {tool} belongs {whose}. Choose another id in BalTool.toml.")


class NotAwaited(Conflict):
    """A release does not wait for the word of an owner."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the release, and say which ones do."""
        super().__init__(
            f"{coordinate} does not wait for an owner. Only releases that were held because they "
            "came too fast are confirmed; what an operator withholds, the operator gives back."
        )


class UploadMissing(Invalid):
    """A push came without its archive."""

    def __init__(self, part: str) -> None:
        """Name the part that was looked for."""
        super().__init__(
            f"The request holds no archive. Send the bala as the multipart/form-data part {part}."
        )


class DigestMismatch(Invalid):
    """The bytes that arrived are not the bytes that were announced."""

    def __init__(self, claimed: object, actual: object) -> None:
        """Show both digests."""
        super().__init__(
            f"The archive's SHA-256 is {actual}, but the request announced {claimed}. "
            "It was damaged on the way; push it again."
        )


class VisibilityDiffers(Invalid):
    """A private archive was pushed to a package that everybody can read."""

    def __init__(self, package: "Package") -> None:
        """Name the package that is public already."""
        super().__init__(
            f'{package} is public, but this archive says visibility = "private". '
            "Remove the line from Ballerina.toml, or push under another name."
        )


class SpelledDifferently(Invalid):
    """A name differs from one that is taken in case alone."""

    def __init__(self, given: object, taken: object) -> None:
        """Show both spellings."""
        super().__init__(
            f"{given} differs from {taken} in upper and lower case alone, and that name is taken. "
            f"Use the spelling {taken}."
        )


class MissingDependencies(Invalid):
    """A push depends on releases that are not here, and the operator asks for them."""

    def __init__(self, coordinate: "Coordinate", missing: "tuple[Coordinate, ...]") -> None:
        names = ", ".join(str(each) for each in missing)
        super().__init__(
            f"{coordinate} depends on packages that are not in this registry: {names}. "
            "Push them first, or correct Dependencies.toml."
        )


class RangeNotDeprecable(Invalid):
    """A deprecation names several versions, but not the whole package."""

    def __init__(self, wanted: object) -> None:
        """Say what can be deprecated."""
        super().__init__(
            f"{wanted} names several versions. Deprecate one version, or the whole package with *."
        )


class MessageTooLong(Invalid):
    """A deprecation's message does not fit into the header that carries it."""

    def __init__(self, length: int, limit: int) -> None:
        """Show both lengths, in characters."""
        super().__init__(
            f"The deprecation message has {length} characters, and {limit} fit. "
            "Shorten it, and point to a page for the rest."
        )


class RemovedForGood(Invalid):
    """A removed release cannot come back."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the release."""
        super().__init__(
            f"{coordinate} was removed for good, and its version is never free again. "
            "Publish a new version instead."
        )


class PackageIsDeprecated(Invalid):
    """One version cannot be undeprecated while its whole package is deprecated."""

    def __init__(self, coordinate: "Coordinate") -> None:
        """Name the package to undeprecate first."""
        super().__init__(
            f"{coordinate.package} is deprecated as a whole, and {coordinate} with it. "
            f"Undo that first: bal deprecate --undo {coordinate.package}."
        )


class NotDeployable(Invalid):
    """A file was sent to a place of a Maven repository where none of ours lies."""

    def __init__(self, path: str) -> None:
        """Show the layout."""
        super().__init__(
            f"Nothing can be published at {quoted(path)}. "
            "A bala goes to {org}/{name}/{version}/{name}-{version}.bala."
        )


class ChecksumUnreadable(Invalid):
    """A checksum does not have the digits of its algorithm."""

    def __init__(self, algorithm: str, digits: int) -> None:
        """Say what is read."""
        super().__init__(
            f"The file is no {algorithm} checksum. Send {digits} hexadecimal digits and no more."
        )


class ChecksumDiffers(Invalid):
    """A checksum is not that of the archive that arrived."""

    def __init__(self, algorithm: str, claimed: object, actual: object) -> None:
        """Show both checksums, and that what arrived was a whole archive."""
        super().__init__(
            f"The {algorithm} checksum of the archive here is {actual}, but {claimed} was sent. "
            "Compare it with your file; releases never change, so push a mended one "
            "as a new version."
        )


class PomUnreadable(Invalid):
    """A POM is not the small XML document that names an artifact."""

    def __init__(self, reason: str) -> None:
        """Say why."""
        super().__init__(
            f"The POM cannot be read: {reason}. "
            "Send a project with its groupId, artifactId and version."
        )


class PomDiffers(Invalid):
    """A POM is another artifact's than the path says."""

    def __init__(self, named: str, coordinate: "Coordinate") -> None:
        """Show both coordinates."""
        super().__init__(
            f"The POM names {quoted(named)}, but it was sent to the path of {coordinate}. "
            "Give both the same organization, name and version."
        )


class SbomUnreadable(Invalid):
    """A bill of materials is not CycloneDX in JSON."""

    def __init__(self) -> None:
        """Say what is read."""
        super().__init__(
            "The bill of materials cannot be read. Send a CycloneDX document in JSON, "
            'with "bomFormat": "CycloneDX".'
        )


class ArchiveTooLarge(TooLarge):
    """The archive is larger than the operator allows."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        """Show both sizes."""
        super().__init__(
            f"The archive has {size_bytes:,} bytes, and this registry takes {limit_bytes:,} at "
            "most. Leave out what the package does not need."
        )


class FileTooLarge(TooLarge):
    """A file beside an archive is larger than any of its kind."""

    def __init__(self, what: str, size_bytes: int, limit_bytes: int) -> None:
        """Show both sizes."""
        super().__init__(
            f"The {what} has {size_bytes:,} bytes, and this registry takes {limit_bytes:,} at most."
        )


class FileTooLargeToShow(TooLarge):
    """A file of an archive is larger than what is unpacked for one request."""

    def __init__(self, path: str, size_bytes: int, limit_bytes: int) -> None:
        """Show both sizes."""
        super().__init__(
            f"The file {quoted(path)} has {size_bytes:,} bytes, and files of up to "
            f"{limit_bytes:,} are sent one by one. Pull the archive to read it."
        )
