"""Names of archives, from which clients read the platform.

Java reads it by `FunctionT.split(name + "-")[1].split("-" + version)[0]`, where `split` takes
regular expressions, Go the same with the first plain match. For some packages, such as `foo/foo`,
the canonical name gives them another platform, so they get the first form that both read correctly.
"""

from contextlib import suppress

from msgspec import Struct

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import InvalidName

_CANONICAL_PARTS = 4  # Organization, name, platform and version; the last may have hyphens.


class ArchiveName(Struct, frozen=True):
    """Digest, coordinate and platform of an archive. The digest identifies it.

    It is derived from the bytes and never changes; the place of the archive is no part of it.
    """

    digest: Digest
    coordinate: Coordinate
    platform: str

    @property
    def tail(self) -> str:
        """The end of every URL of the archive; clients read the version from it."""
        version = self.coordinate.version
        return f"{version}/{canonical_file_name(self.coordinate, self.platform)}"


def canonical_file_name(coordinate: Coordinate, platform: str) -> str:
    """Return `org-name-platform-version.bala`, which `bal pack` and `bal tool pull` build."""
    package = coordinate.package
    return f"{package.org}-{package.name}-{platform}-{coordinate.version}.bala"


def archive_file_name(coordinate: Coordinate, platform: str) -> str:
    """Return the file name for a pull: the first form from which all clients read `platform`."""
    name = coordinate.package.name
    version = coordinate.version
    shorter = f"{name}-{platform}-{version}.bala"
    for candidate in (canonical_file_name(coordinate, platform), shorter):
        if gives_platform(candidate, coordinate, platform):
            return candidate
    return f"{name}-{platform}"


def package_in_file_name(file_name: str) -> Package | None:
    """Return the package that the canonical form names, or None; nothing says that it is true."""
    parts = file_name.split("-")
    with suppress(InvalidName):
        return Package.parse(parts[0], parts[1]) if len(parts) >= _CANONICAL_PARTS else None
    return None


def gives_platform(file_name: str, coordinate: Coordinate, platform: str) -> bool:
    """Check that Java and Go clients read `platform` from `file_name`."""
    name = coordinate.package.name
    version = coordinate.version.text
    return (
        java_platform(file_name, name, version)
        == go_platform(file_name, name, version)
        == (platform)
    )


def java_platform(file_name: str, name: str, version: str) -> str | None:
    """Return the platform that the Java client reads; None where it throws."""
    after_name = _java_split(file_name, f"{name}-")
    if len(after_name) < 2:  # noqa: PLR2004 - it takes element 1.
        return None
    rest = after_name[1]
    at = _match(rest, f"-{version}", 0)
    if at > 0:  # This is nearly always so. Otherwise Java may drop an empty part.
        return rest[:at]
    before_version = _java_split(rest, f"-{version}")
    return before_version[0] if before_version else None


def go_platform(file_name: str, name: str, version: str) -> str | None:
    """Return the platform that the Go client reads; None where there is none."""
    _, found, after_name = file_name.partition(f"{name}-")
    return after_name.partition(f"-{version}")[0] if found else None


def _java_split(text: str, pattern: str) -> list[str]:
    """Split as Java's `String.split(regex)` does, without empty parts at the end."""
    if "." not in pattern:
        parts = text.split(pattern)
    else:
        parts = list[str]()
        after = 0
        while (at := _match(text, pattern, after)) >= 0:
            parts.append(text[after:at])
            after = at + len(pattern)
        parts.append(text[after:])
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts if parts[-1] or parts == [text] else []


def _match(text: str, pattern: str, start: int) -> int:
    """Return where a regular expression of a name or version matches first, or -1.

    They hold letters, digits, `_`, `-` and `.`, so only the dot is special. To compile the
    expression takes ten times as long as the rest of a pull from memory.
    """
    first, *others = pattern.split(".")
    at = text.find(first, start)
    while others and 0 <= at <= len(text) - len(pattern):
        place = at + len(first) + 1
        for each in others:
            if not text.startswith(each, place):
                break
            place += len(each) + 1
        else:
            return at
        at = text.find(first, at + 1)
    return at if 0 <= at <= len(text) - len(pattern) else -1
