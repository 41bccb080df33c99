"""What every page of a package begins with: what it is, whether to trust it, how to use it."""

from collections.abc import Sequence
from dataclasses import dataclass

import azure.functions as func

from functions._public_pages import Look
from shared.domain.errors import PageNotFound
from shared.domain.names import Coordinate, Package
from shared.domain.purl import purl
from shared.domain.snippets import Snippet, snippets
from shared.domain.sources import Source
from shared.services.showing import Portrait

# The pages of a release: what each is called in addresses, and by people.
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
FIRST = "readme"  # It has the address of the release itself.

Tab = tuple[str, str, str, int | None]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the templates of a package's pages are told, whichever it is."""

    portrait: Portrait
    base_url: str
    tab: str = FIRST

    @property
    def of_package(self) -> str:
        """Return the address of the package, whatever its newest release is."""
        return f"/packages/{self.portrait.package}"

    @property
    def of_release(self) -> str:
        """Return the address of the release, which is its own for ever."""
        return f"{self.of_package}/{self.portrait.release.version}"

    @property
    def canonical(self) -> str:
        """Return the address that search engines keep: the newest release is the package."""
        path = self.of_package if self.portrait.is_newest else self.of_release
        return self.base_url + (path if self.tab == FIRST else self.address(self.tab))

    def address(self, tab: str) -> str:
        """Return the address of another page of the release."""
        return self.of_release if tab == FIRST else f"{self.of_release}/{tab}"

    @property
    def tabs(self) -> Sequence[Tab]:
        """Return every page of the release, with what there is to count."""
        portrait = self.portrait
        counts = {
            "docs": len(portrait.release.modules),
            "versions": len(portrait.entries),
            "dependencies": len(portrait.release.dependencies),
        }
        return [(key, self.address(key), name, counts.get(key)) for key, name in TABS]

    @property
    def snippets(self) -> dict[str, Snippet]:
        """Return every way to use the release, by what it is."""
        return {each.id: each for each in snippets(self.portrait.release, self.base_url)}

    @property
    def source(self) -> Source | None:
        """Return where its source is, as far as it says."""
        return Source.of(self.portrait.release)

    @property
    def run_url(self) -> str:
        """Return the address of the job that published the release; empty where it has none."""
        provenance = self.portrait.release.origin.provenance
        return provenance.link if provenance else ""

    @property
    def purl(self) -> str:
        """Return the package URL."""
        return purl(self.portrait.release.coordinate, self.base_url)


def package_of(look: Look) -> Package:
    """Return the package that the address names."""
    return Package.parse(look.route["org"], look.route["name"])


def coordinate_of(look: Look) -> Coordinate:
    """Return the release that the address names."""
    return Coordinate.parse(look.route["org"], look.route["name"], look.route["version"])


def show(look: Look, portrait: Portrait, tab: str, **values: object) -> func.HttpResponse:
    """Return the page of that name, in the frame of its package."""
    frame = Frame(portrait, look.url, tab)
    template = f"web/package/{tab}.html"
    return look.show(template, status=200, frame=frame, portrait=portrait, **values)


def no_such_page(look: Look) -> PageNotFound:
    """Return the refusal of an address that leads nowhere."""
    return PageNotFound(look.path.partition("?")[0])
