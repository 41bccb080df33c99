"""The frame of all pages of a package: its paths, its tabs, and snippets of how to use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import azure.functions as func

from functions.http.public_pages import PageRequest
from shared.domain.client_settings import REPOSITORY, TOKEN_PLACEHOLDER
from shared.domain.errors.requests import PageNotFound
from shared.domain.names import Coordinate, Package, purl
from shared.domain.packages import Release, SourceRepository
from shared.services.package_details import ReleaseDetails

# The pages of a release: the last segment of the path, and the title.
TABS = (
    ("readme", "Readme"),
    ("docs", "Modules"),
    ("versions", "Versions"),
    ("dependencies", "Dependencies"),
    ("dependents", "Dependents"),
    ("files", "Files"),
    ("statistics", "Statistics"),
    ("activity", "Activity"),
)
FIRST_TAB = "readme"  # Its path is that of the release.

Tab = tuple[str, str, str, int | None]


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to copy; `id` never changes, and `place` says where the text belongs."""

    id: str
    title: str
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class PackageFrame:
    """What the templates of all pages of a package read."""

    details: ReleaseDetails
    base_url: str
    tab: str = FIRST_TAB

    @property
    def of_package(self) -> str:
        """Return the path of the package, which shows its latest release."""
        return f"/packages/{self.details.package}"

    @property
    def of_release(self) -> str:
        """Return the permanent path of the release."""
        return f"{self.of_package}/{self.details.release.version}"

    @property
    def canonical(self) -> str:
        """Return the URL for search engines; that of the latest release is the package's."""
        path = self.of_package if self.details.is_latest else self.of_release
        return self.base_url + (path if self.tab == FIRST_TAB else self.address(self.tab))

    def address(self, tab: str) -> str:
        return self.of_release if tab == FIRST_TAB else f"{self.of_release}/{tab}"

    @property
    def tabs(self) -> Sequence[Tab]:
        """Return the key, the path, the title and the count of each page of the release."""
        details = self.details
        counts = {
            "docs": len(details.release.modules),
            "versions": len(details.entries),
            "dependencies": len(details.release.dependencies),
        }
        return [(key, self.address(key), name, counts.get(key)) for key, name in TABS]

    @property
    def snippets(self) -> dict[str, Snippet]:
        """Return the snippets by their ids."""
        return {each.id: each for each in snippets(self.details.release, self.base_url)}

    @property
    def source(self) -> SourceRepository | None:
        return SourceRepository.of(self.details.release)

    @property
    def run_url(self) -> str:
        """Return the URL of the CI run that published the release, or an empty text."""
        provenance = self.details.release.origin.provenance
        return provenance.link if provenance else ""

    @property
    def purl(self) -> str:
        return purl(self.details.release.coordinate, self.base_url)


def package_of(request: PageRequest) -> Package:
    return Package.parse(request.route["org"], request.route["name"])


def coordinate_of(request: PageRequest) -> Coordinate:
    return Coordinate.parse(request.route["org"], request.route["name"], request.route["version"])


def show_tab(
    request: PageRequest, details: ReleaseDetails, tab: str, **values: object
) -> func.HttpResponse:
    frame = PackageFrame(details, request.url, tab)
    template = f"web/package/{tab}.html"
    return request.show(template, status=200, frame=frame, details=details, **values)


def page_not_found(request: PageRequest) -> PageNotFound:
    return PageNotFound(request.path.partition("?")[0])


_ANY_USER_NAME = "me"  # Clients send no credentials with an empty name.


def snippets(release: Release, base_url: str) -> tuple[Snippet, ...]:
    """Return the ways to use the release from the registry at `base_url`, the usual ones first.

    There is none for `bal add`, which adds a module to a project and no dependency.
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
        _settings_snippet(base_url),
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


def _settings_snippet(base_url: str) -> Snippet:
    text = (
        "[[repository.maven]]\n"
        f'id = "{REPOSITORY}"\n'
        f'url = "{base_url}/2.0/maven"\n'
        f'username = "{_ANY_USER_NAME}"\n'
        f'accesstoken = "{TOKEN_PLACEHOLDER}"\n'
        "proxyCentral = false"
    )
    return Snippet(
        "settings", "Settings.toml", "Once a machine, in ~/.ballerina/Settings.toml", text
    )
