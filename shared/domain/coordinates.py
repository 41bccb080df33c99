"""Coordinates: a package is an organization and a name, a release is a package and a version; and
package URLs.
"""

from typing import Self
from urllib.parse import quote

from msgspec import Struct

from shared.domain.entities import Place
from shared.domain.errors.base import InvalidName
from shared.domain.names import (
    MAX_PACKAGE_LENGTH,
    OrgName,
    PackageName,
    parse_org,
    parse_package_name,
)
from shared.domain.versions import Version


class Package(Struct, frozen=True, gc=False):
    """An organization and a name, spelled as given."""

    org: OrgName
    name: PackageName

    @staticmethod
    def parse(org: str, name: str) -> "Package":
        """Return the package, or raise `InvalidName`."""
        if len(org) + len(name) > MAX_PACKAGE_LENGTH:
            rule = (
                f"An organization and a name have at most {MAX_PACKAGE_LENGTH} characters together."
            )
            raise InvalidName("package", f"{org}/{name}", rule)
        return Package(parse_org(org), parse_package_name(name))

    @staticmethod
    def from_text(text: str) -> "Package":
        """Return the package that is written as `org/name`, or raise `InvalidName`."""
        org, _, name = text.strip().partition("/")
        if not name:
            raise InvalidName("package", text, "Write it as org/name, such as acme/greet.")
        return Package.parse(org, name)

    @property
    def key(self) -> str:
        """The key by which packages are compared, without case."""
        return f"{self.org}/{self.name}".lower()

    def at(self, version: Version) -> "Coordinate":
        return Coordinate(self, version)

    def __str__(self) -> str:
        return f"{self.org}/{self.name}"


# Stands in for a package that is not there, in calls of the stores that then cost as much as if it
# were. No name is spelled so.
NO_PACKAGE = Package(OrgName("_"), PackageName("_"))


class Coordinate(Struct, frozen=True):
    """A package and a version; identifies a release."""

    package: Package
    version: Version

    @classmethod
    def parse(cls, org: str, name: str, version: str) -> Self:
        """Return the coordinate, or raise `InvalidName` or `InvalidVersion`."""
        return cls(Package.parse(org, name), Version.parse(version))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the coordinate that is written as `org/name:version`; raise `InvalidName` or
        `InvalidVersion`."""
        package, _, version = text.partition(":")
        org, _, name = package.partition("/")
        return cls.parse(org, name, version)

    @property
    def key(self) -> str:
        return f"{self.package.key}:{self.version}"

    def __str__(self) -> str:
        return f"{self.package}:{self.version}"


def package_owner(package: Package) -> str:
    """Return the owner of the directory's entities of a package; places hold no slash."""
    return package.key.replace("/", ":")


def release_place(coordinate: Coordinate) -> Place:
    """Return the place of an entity of a release."""
    return Place(package_owner(coordinate.package), str(coordinate.version))


_PURL_TYPE = "ballerina"  # What `bal` writes into the bills of materials that it makes.


def purl(coordinate: Coordinate, base_url: str) -> str:
    """Return the package URL of a release in the registry at `base_url`.

    Without the address, tools look for the package in Ballerina Central.
    """
    package = coordinate.package
    where = quote(base_url, safe=":/")
    return (
        f"pkg:{_PURL_TYPE}/{package.org}/{package.name}@{coordinate.version}?repository_url={where}"
    )
