"""The paths of packages and releases, of their pages and in the API."""

from urllib.parse import quote

from shared.domain.coordinates import Coordinate, Package
from shared.domain.search import SymbolHit
from shared.domain.versions import Version


def package_path(package: Package) -> str:
    """Return the path of the page of a package, which shows its latest release."""
    return f"/packages/{package}"


def release_path(package: Package, version: Version | str) -> str:
    """Return the path of the page of a release."""
    return f"/packages/{package}/{version}"


def symbol_path(hit: SymbolHit) -> str:
    """Return the path of the documentation of a symbol, quoted."""
    release = hit.listing.release
    symbol = hit.symbol
    page = release_path(release.coordinate.package, release.version)
    return quote(f"{page}/docs/{symbol.module}/{symbol.path}")


def provenance_path(coordinate: Coordinate) -> str:
    """Return the path of what vouches for a release, in the API."""
    return f"/api/v1/provenance/{coordinate.package}/{coordinate.version}"


def sbom_path(coordinate: Coordinate) -> str:
    """Return the path of the bill of materials of a release, in the API."""
    return f"/api/v1/sbom/{coordinate.package}/{coordinate.version}"
