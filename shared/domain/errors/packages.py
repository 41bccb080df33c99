"""Refusals about packages, releases and their files, also those of an upstream registry."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.domain.errors.base import Conflict, Invalid, NotFound, TooLarge, Unavailable, quoted
from shared.domain.sentences import named

if TYPE_CHECKING:
    from shared.domain.coordinates import Coordinate, Package


class PackageNotFound(NotFound):
    def __init__(self, package: object, reason: str = "") -> None:
        # Java clients look for `package not found`, Go clients for `package not found:`.
        super().__init__("package-not-found", f"package not found: {package}{reason}")


class SymbolNotFound(NotFound):
    """A module that declares no such symbol; `similar` has the names that are most like it."""

    def __init__(self, release: object, module: str, symbol: str, similar: Sequence[str]) -> None:
        hint = f"Similar: {', '.join(similar)}" if similar else "Look at the list of declarations"
        super().__init__(
            "symbol-not-found", f"{release} declares no {symbol} in its module {module}. {hint}."
        )
        self.symbol = symbol
        self.similar = tuple(similar)


class Withdrawal(NamedTuple):
    """A version that an administrator withdrew, or an owner holds, when and why; `is_final` if it
    was removed."""

    version: str
    is_final: bool
    at_ms: int
    published_ms: int
    why: str = ""  # The category of the public reason; empty if there is none.
    note: str = ""
    is_held_by_owner: bool = False
    is_by_reports: bool = False  # No administrator has decided yet.
    digest: str = ""  # The digest of the archive, in hexadecimal.
    erased_ms: int | None = None  # When its archive was deleted.
    copies_until_ms: int | None = None  # When the store deletes its last copy of the archive.
    # The latest time at which the archive is deleted, if it is not deleted yet.
    erased_by_ms: int = 0


_BY_REPORTS = "Reports of users quarantined"
_UNTIL_DECIDED = "until an administrator decides on them"


def withdrawn_by(withdrawal: Withdrawal, what: object) -> str:
    """Return the sentence that says who withdrew a release."""
    if withdrawal.is_by_reports:
        return f"{_BY_REPORTS} {what} {_UNTIL_DECIDED}."
    is_held = withdrawal.is_held_by_owner
    who = "An owner of its package" if is_held else "An administrator of this registry"
    return f"{who} withdrew {what}."


class ReleaseNotFound(NotFound):
    """A version is missing, or was withdrawn: then `withdrawal` says why, to who may know it."""

    def __init__(
        self,
        package: object,
        version: object,
        withdrawal: Withdrawal | None = None,
        reason: str = "",
    ) -> None:
        # `bal push` continues only when it reads these words.
        super().__init__("release-not-found", f"package not found for: {package}:{version}{reason}")
        self.withdrawal = withdrawal


class PackageWithdrawn(NotFound):
    def __init__(self, package: "Package", withdrawals: tuple[Withdrawal, ...]) -> None:
        is_held = all(each.is_held_by_owner for each in withdrawals)
        whom = "its owners" if is_held else "the operator"
        if all(each.is_by_reports for each in withdrawals):
            happened = f"{_BY_REPORTS} every version of {package} {_UNTIL_DECIDED}."
        else:
            who = "An owner" if is_held else "An administrator of this registry"
            happened = f"{who} withdrew every version of {package}."
        sentence = f"{happened} Use another package, or ask {whom}."
        super().__init__("package-withdrawn", sentence)
        self.package = package
        self.withdrawals = withdrawals


class ReleaseWithdrawn(NotFound):
    def __init__(self, coordinate: "Coordinate", withdrawal: Withdrawal, latest: str) -> None:
        # `latest` is the version to use in its place; empty if there is none.
        is_held = withdrawal.is_held_by_owner
        whom = "its owners" if is_held else "the operator"
        advice = f"Use {latest}." if latest else f"Use another package, or ask {whom}."
        super().__init__("release-withdrawn", f"{withdrawn_by(withdrawal, coordinate)} {advice}")
        self.coordinate = coordinate
        self.withdrawal = withdrawal
        self.latest = latest


def compared_version_not_found(package: object, version: str) -> NotFound:
    return NotFound(
        "compared-version-not-found",
        f"There is no version {quoted(version)} of {package} to compare with. Choose another one "
        "on the page of its versions.",
    )


def tool_not_found(tool: str) -> NotFound:
    return NotFound(
        "tool-not-found", f"tool not found: {tool}. Search for it with bal tool search."
    )


SHOWN_VERSIONS = 10  # Versions that the sentence lists; asking for the tool lists all of them.


def tool_version_not_found(tool: str, wanted: object, versions: tuple[str, ...]) -> NotFound:
    """Return the refusal that names other versions, of which the latest is first."""
    shown = named(versions, SHOWN_VERSIONS)
    return NotFound(
        "tool-version-not-found", f"tool not found: {tool}:{wanted}. Its versions are {shown}."
    )


class ApiDocsNotFound(NotFound):
    def __init__(self, what: str) -> None:
        super().__init__(
            "api-docs-not-found", f"{what} not found. Search for it, or publish its package first."
        )


class ApiDocsFailed(NotFound):
    def __init__(self, coordinate: "Coordinate", reason: str) -> None:
        super().__init__("api-docs-failed", f"{coordinate} has no API documentation: {reason}.")
        self.reason = reason


class SbomMissing(NotFound):
    """There is no bill of materials of a release, or none of its author."""

    def __init__(self, coordinate: "Coordinate", whose: str, reason: str) -> None:
        super().__init__(
            "sbom-missing", f"{coordinate} has no bill of materials of {whose}: {reason}."
        )
        self.reason = reason


class ArchiveNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(
            "archive-not-found",
            "archive not found. Ask the registry for the package to get a new link.",
        )


class ArchiveLost(Unavailable):
    """The record of a release is there, and its archive is not, or not whole: damage, no 404."""

    retry_after = timedelta(minutes=5)

    def __init__(self, coordinate: "Coordinate") -> None:
        super().__init__(
            "archive-lost",
            f"The archive of {coordinate} is lost or damaged in this registry's storage. Tell its "
            "operator, who restores it, or push the same archive again.",
        )


class PathNotFound(NotFound):
    def __init__(
        self,
        path: str,
        reason: str = "Ask for {org}/{name}/{version}/{name}-{version}.bala, or its metadata.",
    ) -> None:
        super().__init__("path-not-found", f"There is no {quoted(path)} here. {reason}")


def file_not_in_archive(coordinate: "Coordinate", path: str) -> NotFound:
    return NotFound(
        "file-not-in-archive",
        f"{coordinate} holds no file {quoted(path)}. Look at its list of files.",
    )


class VersionExists(Conflict):
    """`differences` are sentences on the files of the archive, for those who may read them."""

    def __init__(self, coordinate: "Coordinate", differences: str = "") -> None:
        # The first words are those of Central, which scripts look for.
        sentence = (
            f"package already exists: {coordinate}. Releases never change: raise the version in "
            "Ballerina.toml and push again."
        )
        super().__init__("version-exists", sentence)
        if differences:
            self.sentence = f"{sentence} {differences}"


class VersionSpelledDifferently(Conflict):
    def __init__(self, coordinate: "Coordinate", existing: str) -> None:
        super().__init__(
            "version-spelled-differently",
            f"{coordinate} differs from the version {existing}, which exists, in upper and lower "
            "case alone, and both are one folder on Windows and macOS. Choose another version.",
        )


class NotAwaited(Conflict):
    def __init__(self, coordinate: "Coordinate") -> None:
        super().__init__(
            "not-awaited",
            f"{coordinate} does not wait for an owner. Owners publish or refuse only releases "
            "that burst detection held; what an administrator withheld, an administrator restores.",
        )


class ReviewNotAwaited(Conflict):
    def __init__(self, coordinate: "Coordinate") -> None:
        super().__init__(
            "review-not-awaited",
            f"{coordinate} does not wait for a review. Only releases that a rule holds are "
            "approved or refused.",
        )


class SpelledDifferently(Invalid):
    def __init__(self, given: object, taken: object) -> None:
        super().__init__(
            "spelled-differently",
            f"{given} differs from {taken} in upper and lower case alone, and that name is taken. "
            f"Use the spelling {taken}.",
        )


def archive_too_large(size_bytes: int, limit_bytes: int) -> TooLarge:
    return TooLarge(
        "archive-too-large",
        f"The archive has {size_bytes:,} bytes, and this registry takes {limit_bytes:,} at most. "
        "Leave out what the package does not need.",
    )


def file_too_large(
    what: str,
    size_bytes: int,
    limit_bytes: int,
    way_out: str = "Make it smaller, and send it again.",
) -> TooLarge:
    return TooLarge(
        "file-too-large",
        f"The {what} has {size_bytes:,} bytes, and this registry takes {limit_bytes:,} at most. "
        f"{way_out}",
    )


class UpstreamReleaseRefused(Invalid):
    def __init__(self, coordinate: object, upstream: str, reason: str) -> None:
        # A 400, whose sentence every client shows: a 404 would say that it does not exist.
        of = f" of the upstream registry {upstream}" if upstream else ""
        way_out = "Use another version" if upstream else "Use another package"
        super().__init__(
            "upstream-release-refused",
            f"{coordinate}{of} is not served here: {reason} {way_out}, or ask the operator.",
        )
        self.reason = reason


def release_denied(package: object, wanted: object, reason: str) -> UpstreamReleaseRefused:
    """Return the refusal of a release that a rule denies, whichever upstream may have it."""
    return UpstreamReleaseRefused(f"{package}:{wanted}", "", reason)


def owned_by_upstream(org: object, upstream: str) -> Conflict:
    return Conflict(
        "owned-by-upstream",
        f"The organization {org} belongs to the upstream registry {upstream}, whose packages are "
        "mirrored here, so nothing is published under that name here. Choose another name, or ask "
        "the operator.",
    )


UNUSABLE = "gives an answer about it that cannot be used"
CLOSED = "is read with an access token alone, and this registry has none for it"
FAILING = "fails to answer about it"
NO_ROOM = "is not asked now, because this registry fetches as much as it has room for"


def complete_list(of: object) -> str:
    """Return what is missing where only an upstream knows which versions or packages there are."""
    return f"A complete list of {of}"


class UpstreamUnavailable(Unavailable):
    retry_after = timedelta(seconds=10)

    def __init__(
        self,
        what: object,
        upstream: str,
        trouble: str = "does not answer",
        way_out: str = "Try again in a moment.",
    ) -> None:
        super().__init__(
            "upstream-unavailable",
            f"{what} is not stored here, and the upstream registry {upstream} {trouble}. {way_out}",
        )
