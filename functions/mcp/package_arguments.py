"""Arguments of tools that name a package and its version, and the release that they name."""

from functions.http.calls import Call
from functions.mcp.tool_declaration import Arguments, Offset, PackageText, VersionText
from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidRequest, quoted
from shared.domain.listings import Listing
from shared.domain.packages import AvailableRelease
from shared.domain.versions import Range, Version, parse_version_or_range


class OfPackage(Arguments, frozen=True):
    package: PackageText
    version: VersionText = ""


class PageOfPackage(OfPackage, frozen=True):
    offset: Offset = 0


def parse_package(text: str) -> Package:
    """Parse `org/name`, or raise `InvalidRequest` or `InvalidName`."""
    org, slash, name = text.partition("/")
    if not slash:
        message = f"{quoted(text)} names no package. Write it as org/name."
        raise InvalidRequest(message)
    return Package.parse(org, name)


async def describe_release(call: Call, arguments: OfPackage) -> Listing:
    """Return the release with its readme and other texts; its archive need not be stored."""
    return await call.package_source.describe(
        *_wanted(arguments), client=call.client, by=call.caller
    )


async def find_release(call: Call, arguments: OfPackage) -> AvailableRelease:
    """Return the release, with its archive stored."""
    return await call.package_source.find(*_wanted(arguments), client=call.client, by=call.caller)


def _wanted(arguments: OfPackage) -> tuple[Package, Version | Range]:
    return parse_package(arguments.package), parse_version_or_range(arguments.version or "*")
