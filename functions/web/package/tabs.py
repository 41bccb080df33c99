"""The tabs of a package, and the pages of each."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from shared.services.packages.package_details import ReleaseDetails

FIRST_TAB = "readme"  # Its path is that of the release.


class Subject(Enum):
    """Whether a page is about a package, or about one of its releases."""

    PACKAGE = "package"
    RELEASE = "release"  # Other releases may lack the page.
    EVERY_RELEASE = "every release"


@dataclass(frozen=True, slots=True)
class TabFacts:
    """The facts in the tabs of a release besides its own records; `changelog` is a path in its
    archive, and what is unknown is None or empty, such as the files of a lost archive."""

    dependents: int | None = None
    files: int | None = None
    changelog: str = ""


NO_FACTS = TabFacts()


def _no_count(_details: ReleaseDetails, _facts: TabFacts) -> None:
    return None


def _always(_details: ReleaseDetails, _facts: TabFacts) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class TabPage:
    """A page of a package. Its key is the last segment of its path, and the name of its template.

    `shows_dependents` if the page says how many packages depend on this one.
    """

    key: str
    title: str
    subject: Subject
    count: Callable[[ReleaseDetails, TabFacts], int | None] = _no_count
    is_shown: Callable[[ReleaseDetails, TabFacts], bool] = _always
    shows_dependents: bool = False

    def below(self, path: str) -> str:
        """Return the path of this page of a package or release."""
        return path if self.key == FIRST_TAB else f"{path}/{self.key}"


_README = TabPage(FIRST_TAB, "Readme", Subject.EVERY_RELEASE, shows_dependents=True)
_API = TabPage("docs", "API", Subject.EVERY_RELEASE, lambda of, _: len(of.release.modules))
_VERSIONS = TabPage("versions", "All versions", Subject.PACKAGE, lambda of, _: len(of.entries))
_CHANGES = TabPage(
    "changes", "Compare", Subject.EVERY_RELEASE, is_shown=lambda of, _: len(of.entries) > 1
)
_CHANGELOG = TabPage(
    "changelog", "Changelog", Subject.RELEASE, is_shown=lambda _, facts: bool(facts.changelog)
)
_DEPENDENCIES = TabPage(
    "dependencies",
    "Dependencies",
    Subject.EVERY_RELEASE,
    lambda of, _: len(of.release.dependencies),
    shows_dependents=True,
)
_DEPENDENTS = TabPage(
    "dependents",
    "Dependents",
    Subject.PACKAGE,
    lambda _, facts: facts.dependents,
    shows_dependents=True,
)
_FILES = TabPage("files", "Files", Subject.EVERY_RELEASE, lambda _, facts: facts.files)
_QUALITY = TabPage("quality", "Quality", Subject.EVERY_RELEASE)
_STATISTICS = TabPage("statistics", "Statistics", Subject.PACKAGE)
_ACTIVITY = TabPage("activity", "Activity", Subject.PACKAGE)

# The pages of each tab, by its title. The first page is the one that the tab opens.
TABS = {
    "Readme": (_README,),
    "API": (_API,),
    "Versions": (_VERSIONS, _CHANGES, _CHANGELOG),
    "Dependencies": (_DEPENDENCIES, _DEPENDENTS),
    "Files": (_FILES,),
    "Insights": (_QUALITY, _STATISTICS, _ACTIVITY),
}
TAB_PAGES = {page.key: page for pages in TABS.values() for page in pages}
