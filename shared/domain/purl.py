"""Package URLs: one text that names a release wherever software is listed."""

from urllib.parse import quote

from shared.domain.names import Coordinate

_TYPE = "ballerina"  # What `bal` writes into the bills of materials that it makes.


def purl(coordinate: Coordinate, base_url: str) -> str:
    """Return the package URL of a release in the registry at `base_url`.

    Without the address, tools look for the package in Ballerina Central.
    """
    package = coordinate.package
    where = quote(base_url, safe=":/")
    return f"pkg:{_TYPE}/{package.org}/{package.name}@{coordinate.version}?repository_url={where}"
