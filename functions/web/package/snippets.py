"""Texts to copy from the page of a package: lines that install, import or download it."""

from urllib.parse import quote

from msgspec import Struct

from shared.domain.client_settings import REPOSITORY, TOKEN_PLACEHOLDER
from shared.domain.coordinates import Coordinate
from shared.domain.packages import Release
from shared.domain.source_names import import_line

_ANY_USER_NAME = "me"  # Clients send no credentials with an empty name.


class Snippet(Struct, frozen=True):
    """A text to copy; `id` never changes, and `place` says where the text belongs."""

    id: str
    title: str
    place: str
    text: str


def archive_path(coordinate: Coordinate) -> str:
    """Return the path of an archive in the Maven repository, unquoted."""
    package = coordinate.package
    version = coordinate.version
    return f"/2.0/maven/{package}/{version}/{package.name}-{version}.bala"


def snippets(release: Release, base_url: str) -> tuple[Snippet, ...]:
    """Return the ways to use the release from the registry at `base_url`, the usual ones first.

    There is none for `bal add`, which adds a module to a project and no dependency.
    """
    package = release.coordinate.package
    version = release.coordinate.version
    dependency = (
        "[[dependency]]\n"
        f'org = "{package.org}"\n'
        f'name = "{package.name}"\n'
        f'version = "{version}"\n'
        f'repository = "{REPOSITORY}"'
    )
    maven = (
        "<dependency>\n"
        f"  <groupId>{package.org}</groupId>\n"
        f"  <artifactId>{package.name}</artifactId>\n"
        f"  <version>{version}</version>\n"
        "  <type>bala</type>\n"
        "</dependency>"
    )
    settings = (
        "[[repository.maven]]\n"
        f'id = "{REPOSITORY}"\n'
        f'url = "{base_url}/2.0/maven"\n'
        f'username = "{_ANY_USER_NAME}"\n'
        f'accesstoken = "{TOKEN_PLACEHOLDER}"\n'
        "proxyCentral = false"
    )
    pull = f"bal pull {release.coordinate} --repository={REPOSITORY}"
    download = f"curl -fLO {base_url}{quote(archive_path(release.coordinate))}"
    terminal = "In a terminal"
    once = "Once for each computer, in ~/.ballerina/Settings.toml"
    return (
        *(
            Snippet("tool", "bal tool pull", terminal, f"bal tool pull {tool}:{version}")
            for tool in release.tools[:1]
        ),
        Snippet("dependency", "Ballerina.toml", "In Ballerina.toml", dependency),
        Snippet("import", "Import", "In a .bal file", import_line(package.org, package.name)),
        Snippet("pull", "bal pull", terminal, pull),
        Snippet("maven", "Maven", "In pom.xml", maven),
        Snippet("download", "curl", terminal, download),
        Snippet("settings", "Settings.toml", once, settings),
    )
