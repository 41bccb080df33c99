"""What one copies to use a release: each snippet in the language of the file it goes into."""

from dataclasses import dataclass
from urllib.parse import quote

from shared.domain.client_settings import PLACEHOLDER, REPOSITORY
from shared.domain.names import Coordinate
from shared.domain.package import Release

_ANYBODY = "me"  # Clients send no credentials for an empty name.


@dataclass(frozen=True, slots=True)
class Snippet:
    """Something to copy; `id` is short and stays, `place` says where it goes."""

    id: str
    title: str
    place: str
    text: str


def snippets(release: Release, base_url: str) -> tuple[Snippet, ...]:
    """Return every way to use the release from the registry at `base_url`, the usual ones first.

    There is none for `bal add`, which adds a module to one's own package and no dependency.
    """
    coordinate = release.coordinate
    tools = tuple(_tool(tool, release.version) for tool in release.tools[:1])
    return (
        *tools,
        _imports(coordinate),
        _dependency(coordinate),
        _pull(coordinate),
        _maven(coordinate),
        _download(coordinate, base_url),
        _settings(base_url),
    )


def _tool(tool: str, version: str) -> Snippet:
    text = f"bal tool pull {tool}:{version}"
    return Snippet("tool", "bal tool pull", "In a terminal", text)


def _imports(coordinate: Coordinate) -> Snippet:
    return Snippet("import", "Import", "In a .bal file", f"import {coordinate.package};")


def _dependency(coordinate: Coordinate) -> Snippet:
    package = coordinate.package
    text = (
        "[[dependency]]\n"
        f'org = "{package.org}"\n'
        f'name = "{package.name}"\n'
        f'version = "{coordinate.version}"\n'
        f'repository = "{REPOSITORY}"'
    )
    return Snippet("dependency", "Ballerina.toml", "In Ballerina.toml", text)


def _pull(coordinate: Coordinate) -> Snippet:
    text = f"bal pull {coordinate} --repository={REPOSITORY}"
    return Snippet("pull", "bal pull", "In a terminal", text)


def _maven(coordinate: Coordinate) -> Snippet:
    package = coordinate.package
    text = (
        "<dependency>\n"
        f"  <groupId>{package.org}</groupId>\n"
        f"  <artifactId>{package.name}</artifactId>\n"
        f"  <version>{coordinate.version}</version>\n"
        "  <type>bala</type>\n"
        "</dependency>"
    )
    return Snippet("maven", "Maven", "In pom.xml", text)


def _download(coordinate: Coordinate, base_url: str) -> Snippet:
    package, version = coordinate.package, coordinate.version
    file = f"{package.org}/{package.name}/{version}/{package.name}-{version}.bala"
    text = f"curl -fLO {base_url}/2.0/maven/{quote(file)}"
    return Snippet("download", "curl", "In a terminal", text)


def _settings(base_url: str) -> Snippet:
    text = (
        "[[repository.maven]]\n"
        f'id = "{REPOSITORY}"\n'
        f'url = "{base_url}/2.0/maven"\n'
        f'username = "{_ANYBODY}"\n'
        f'accesstoken = "{PLACEHOLDER}"\n'
        "proxyCentral = false"
    )
    return Snippet(
        "settings", "Settings.toml", "Once a machine, in ~/.ballerina/Settings.toml", text
    )
