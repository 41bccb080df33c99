"""Package URLs (https://github.com/package-url/purl-spec) of packages that advisories are about."""

from urllib.parse import parse_qs, unquote

from shared.domain.advisories.advisories import (
    BALLERINA,
    MAVEN,
    PackageVersion,
    ballerina_ecosystem,
)
from shared.domain.errors.base import Invalid, quoted

MAX_PURL_LENGTH = 1_024  # Characters.

# The ecosystems of other types; their packages are only known from imported sets.
_ECOSYSTEMS = {
    "cargo": "crates.io",
    "composer": "Packagist",
    "gem": "RubyGems",
    "golang": "Go",
    "hex": "Hex",
    "maven": MAVEN,
    "npm": "npm",
    "nuget": "NuGet",
    "pub": "Pub",
    "pypi": "PyPI",
}


def parse_purl(text: str, own_ecosystem: str) -> PackageVersion:
    """Return the package, or version, that a package URL names; raise `Invalid`.

    A Ballerina package is one of this registry unless the address of another one is in the URL. The
    ecosystem is empty for a type of which OSV has none.
    """
    rest, _, qualifiers = text.partition("#")[0].partition("?")
    scheme, _, path = rest.partition(":")
    kind, _, named = path.strip("/").partition("/")
    at, sign, version = named.rpartition("@")
    namespace, _, name = (at if sign else named).rpartition("/")
    if scheme != "pkg" or not kind or not name or len(text) > MAX_PURL_LENGTH:
        raise Invalid(
            "invalid-purl",
            f"{quoted(text)} is not a package URL. Write it as pkg:maven/group/artifact@version.",
        )
    ecosystem = _ECOSYSTEMS.get(kind.lower(), "")
    if kind.lower() == BALLERINA.lower():
        address = parse_qs(qualifiers).get("repository_url", [""])[0]
        ecosystem = ballerina_ecosystem(address) if address else own_ecosystem
    separator = ":" if ecosystem == MAVEN else "/"
    parts = [unquote(each) for each in (namespace, name) if each]
    return PackageVersion(ecosystem, separator.join(parts), unquote(version) if sign else "")
