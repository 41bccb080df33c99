"""The frame of all pages of a package: its paths, its tabs, and what several of them show."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from html import escape
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode

from msgspec import Struct

from functions.html.public_pages import PublicPageCall
from functions.html.shown_advisories import ShownAdvisory, better_version, shown_advisories
from functions.http.addresses import package_path, provenance_path, release_path
from functions.web.package.snippets import Snippet, archive_path, snippets
from shared.domain.advisories.findings import LibraryFindings
from shared.domain.advisories.severity_levels import SeverityLevel
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.checklists import Checklist, checklist_of
from shared.domain.coordinates import Package, purl
from shared.domain.errors.base import Unavailable
from shared.domain.errors.missing_pages import PageNotFound
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.following import Followed
from shared.domain.packages import ReleaseEntry
from shared.domain.source_repositories import SourceRepository
from shared.domain.times import MS
from shared.domain.versions import Version
from shared.prose.rendering import show_plain
from shared.prose.safe_html import SafeHtml
from shared.runtime.answers import Answer
from shared.services.advisories.advisories import version_of_library
from shared.services.packages.package_details import ReleaseDetails

FIRST_TAB = "readme"  # Its path is that of the release.


class TabFacts(Struct, frozen=True):
    """The facts in the tabs of a release besides its own records; what is unknown is None, such as
    the files of a lost archive."""

    dependents: int | None = None
    files: int | None = None
    declarations: int | None = None


NO_FACTS = TabFacts()


def _no_count(_details: ReleaseDetails, _facts: TabFacts) -> None:
    return None


class TabPage(Struct, frozen=True):
    """A page of a package. Its key is the last segment of its path, and the name of its template.

    It `is_of_package` if it is the same for every release, and `shows_dependents` if it says how
    many packages depend on this one.
    """

    key: str
    title: str
    count: Callable[[ReleaseDetails, TabFacts], int | None] = _no_count
    is_of_package: bool = False
    shows_dependents: bool = False

    def below(self, path: str) -> str:
        """Return the path of this page of a package or release."""
        return path if self.key == FIRST_TAB else f"{path}/{self.key}"


_README = TabPage(FIRST_TAB, "Readme", shows_dependents=True)
_API = TabPage("docs", "API", lambda _, facts: facts.declarations)
_VERSIONS = TabPage("versions", "All versions", lambda of, _: len(of.entries), is_of_package=True)
_CHANGES = TabPage("changes", "Compare")
_HISTORY = TabPage("history", "History", is_of_package=True)
_PROOF = TabPage("proof", "Proof in the log")
_DEPENDENCIES = TabPage(
    "dependencies",
    "Dependencies",
    lambda of, _: len(of.release.dependencies),
    shows_dependents=True,
)
_DEPENDENTS = TabPage(
    "dependents",
    "Dependents",
    lambda _, facts: facts.dependents,
    is_of_package=True,
    shows_dependents=True,
)
_SBOM = TabPage("sbom", "Bill of materials")
_FILES = TabPage("files", "Files", lambda _, facts: facts.files)
_STATISTICS = TabPage("statistics", "Statistics", is_of_package=True)

# The pages of each tab, by its title. The first page is the one that the tab opens.
TABS = {
    "Readme": (_README,),
    "API": (_API,),
    "Versions": (_VERSIONS, _CHANGES, _HISTORY, _PROOF),
    "Dependencies": (_DEPENDENCIES, _DEPENDENTS, _SBOM),
    "Files": (_FILES,),
    "Statistics": (_STATISTICS,),
}
TAB_PAGES = {page.key: page for pages in TABS.values() for page in pages}


LATEST = "latest"  # In a path: the version that a client gets if it names none.
NEW_FOR = timedelta(days=14)  # As long as lists mark a package as new.
_PICKED_VERSIONS = 8  # Versions in the version picker; the page of versions lists all of them.

Tab = tuple[str, str, str, int | None]  # Key, path, title and count.
ReadT = TypeVar("ReadT")


def organization_search_path(org: str) -> str:
    """Return the path that finds the packages of an organization."""
    return f"/search?{urlencode({'q': f'org:{org}'})}"


# The dictionary keeps what several parts of a template read, which is computed once.
class PackageFrame(Struct, frozen=True, dict=True):
    """The values that the templates of all pages of a package read."""

    details: ReleaseDetails
    base_url: str
    tab: str = FIRST_TAB
    facts: TabFacts = NO_FACTS
    security_contact: str = ""
    docs: ApiDocsRecord | None = None  # None if the store does not answer.

    @cached_property
    def of_package(self) -> str:
        """The path of the package, which shows its latest release."""
        return package_path(self.details.package)

    @property
    def of_organization(self) -> str:
        """The path of the organization; organizations of an upstream have no page here, but their
        packages are found."""
        org = self.details.head.org
        if self.details.release.upstream is None:
            return f"/orgs/{org}"
        return organization_search_path(org)

    @cached_property
    def of_release(self) -> str:
        """The permanent path of the release."""
        return release_path(self.details.package, self.details.release.version)

    @property
    def canonical(self) -> str:
        """The URL for search engines; that of the latest release is the package's."""
        is_latest = self.details.is_latest or self._page.is_of_package
        path = self.of_package if is_latest else self.of_release
        return self.base_url + self._page.below(path)

    @property
    def _page(self) -> TabPage:
        return TAB_PAGES[self.tab]

    def address(self, tab: str) -> str:
        return TAB_PAGES[tab].below(self.of_release)

    def address_of_version(self, version: str) -> str:
        """Return the path of another version, on the same tab unless that is the same."""
        path = f"{self.of_package}/{version}"
        return path if self._page.is_of_package else self._page.below(path)

    @property
    def tabs(self) -> Sequence[Tab]:
        """The first page of each tab, with the title of the tab."""
        return [self._tab(first, title) for title, (first, *_) in TABS.items()]

    @cached_property
    def pages_of_tab(self) -> Sequence[Tab]:
        """The pages of the tab that is open, its first page first."""
        [pages] = [pages for pages in TABS.values() if self._page in pages]
        # Without another version there is nothing to compare with.
        is_alone = len(self.details.entries) == 1
        shown = (page for page in pages if not (page is _CHANGES and is_alone))
        return [self._tab(page, page.title) for page in shown]

    def _tab(self, page: TabPage, title: str) -> Tab:
        count = page.count(self.details, self.facts)
        return page.key, page.below(self.of_release), title, count

    @property
    def picked_versions(self) -> Sequence[ReleaseEntry]:
        """The versions of the version picker: the newest, and the one that is shown."""
        newest = self.details.entries[:_PICKED_VERSIONS]
        version = self.details.release.version
        if any(each.version == version for each in newest):
            return newest
        return (*newest, *(each for each in self.details.entries if each.version == version))

    @cached_property
    def snippets(self) -> dict[str, Snippet]:
        return {each.id: each for each in snippets(self.details.release, self.base_url)}

    @cached_property
    def source(self) -> SourceRepository | None:
        return SourceRepository.of(self.details.release)

    @cached_property
    def checklist(self) -> Checklist:
        details = self.details
        return checklist_of(details.release, self.docs, details.dependencies)

    def is_new_at(self, now_ms: int) -> bool:
        """Whether the release is so new that its owners are shown what they can fix."""
        return self.details.is_latest and now_ms - self.details.release.created_ms < NEW_FOR // MS

    @cached_property
    def run_url(self) -> str:
        """The URL of the CI run that published the release, or an empty text."""
        provenance = self.details.release.origin.provenance
        return provenance.link if provenance else ""

    @property
    def commit_url(self) -> str:
        """The URL of the commit, where the provider's addresses are known, or an empty
        text."""
        provenance = self.details.release.origin.provenance
        for separator, path in _COMMIT_PATHS if provenance and provenance.commit else ():
            repository, found, _ = self.run_url.partition(separator)
            if found and provenance:
                return f"{repository}{path}{quote(provenance.commit)}"
        return ""

    @property
    def workflow_url(self) -> str:
        """The URL of the workflow at the commit, where the provider's addresses are known, or an
        empty text."""
        provenance = self.details.release.origin.provenance
        if provenance is None or not (provenance.workflow and self.commit_url):
            return ""
        for separator, path, folder in _WORKFLOW_PATHS:
            repository, found, _ = self.run_url.partition(separator)
            is_elsewhere = folder and "/" in provenance.workflow
            if found and not is_elsewhere:
                file = f"{quote(provenance.commit)}/{folder}{quote(provenance.workflow)}"
                return f"{repository}{path}{file}"
        return ""

    @property
    def provenance_path(self) -> str:
        """The path of what vouches for the release, signed."""
        return provenance_path(self.details.release.coordinate)

    @property
    def lost_provenance(self) -> str:
        """The last version before this one that CI published, if this one was not; else empty."""
        return self.details.lost_provenance.get(self.details.release.version, "")

    @property
    def issues_url(self) -> str:
        """The URL of the issues of the source repository, where its host has them."""
        url = (self.source.url if self.source else None) or ""
        host, _, path = url.removeprefix("https://").partition("/")
        return f"{url}/issues" if host in _HOSTS_WITH_ISSUES and path.count("/") == 1 else ""

    @property
    def download(self) -> str:
        return quote(archive_path(self.details.release.coordinate))

    @property
    def report_url(self) -> str:
        """The address that takes reports of this release, or an empty text."""
        contact = self.security_contact
        if not contact.startswith("mailto:"):
            return contact
        mark = "&" if "?" in contact else "?"
        subject = quote(f"Report of {self.details.release.coordinate}")
        return f"{contact}{mark}subject={subject}&body={quote(self.base_url + self.of_release)}"

    @property
    def purl(self) -> str:
        return purl(self.details.release.coordinate, self.base_url)


def package_of(call: PublicPageCall) -> Package:
    return Package.parse(call.redacted_route["org"], call.redacted_route["name"])


async def details_of(call: PublicPageCall, version: str = LATEST) -> ReleaseDetails:
    """Return a release of the package that the path names, which may be `latest`."""
    find = call.registry.packages.details.find
    return await find(package_of(call), _version(version), call.package_source, by=call.caller)


async def stored_details_of(call: PublicPageCall, version: str = LATEST) -> ReleaseDetails:
    """Return a release of the package that is stored here, from whose archive a page reads."""
    stored = call.registry.packages.details.stored
    return await stored(package_of(call), _version(version), by=call.caller)


def _version(text: str) -> Version | None:
    return None if text == LATEST else Version.parse(text)


async def show_tab(
    call: PublicPageCall,
    details: ReleaseDetails,
    tab: str,
    values: Mapping[str, object],
    *,
    dependents: int | None = None,
    status: int = HTTPStatus.OK,
) -> Answer:
    """Show a page; `dependents` is their count, where it is known already."""
    # One after the other: both are in memory for packages that are often read, and tasks cost more.
    if dependents is None and TAB_PAGES[tab].shows_dependents:
        count = call.registry.packages.search.count_dependents
        dependents = await if_available(count(details.package, by=call.caller))
    facts = TabFacts(dependents)
    record = await if_available(call.registry.api_docs.documentation.state(details.release))
    if record is not None and record.pieces is not None:
        facts = TabFacts(dependents, record.files, record.declared or None)
    contact = call.registry.settings.security_contact
    frame = PackageFrame(details, call.base_url, tab, facts, contact, record)
    may_manage = call.registry.packages.of_organization.may_manage
    # Anonymous visitors cost no read.
    is_managed = bool(call.visitor) and await may_manage(details.package, by=call.caller)
    of_frame = {
        "frame": frame,
        "details": details,
        "is_managed": is_managed,
        "follows": await followed_by_visitor(call, details.package),
        "affected": await affected_release(call, details),
        "findings": NO_FINDINGS,
        "limited_by": await limited_by(call, details),
    }
    return call.show(f"web/package/{tab}.html", status=status, **{**of_frame, **values})


async def followed_by_visitor(call: PublicPageCall, followed: Followed) -> bool | None:
    """Return whether the visitor follows this; None for visitors who are not signed in, who cost
    no read, and if the store does not respond."""
    if not call.visitor:
        return None
    find = call.registry.packages.following.find
    try:
        return await find(followed, by=call.caller) is not None
    except Unavailable:
        return None


async def limited_by(call: PublicPageCall, details: ReleaseDetails) -> str:
    """Return whose rule keeps the visitor from taking the release, which is not approved; empty if
    none does."""
    if details.release.upstream is None:
        return ""
    limit = await call.registry.approvals.rules.limit(call.caller)
    at = details.release.coordinate
    is_free = limit is None or limit.approved.allows(at.package, at.version)
    return "" if is_free or limit is None else limit.whose


class AffectedRelease(Struct, frozen=True):
    """The advisories that affect a release, the most severe first, and the version to use instead,
    empty if there is none."""

    advisories: tuple[ShownAdvisory, ...] = ()
    better: str = ""

    @property
    def is_malware(self) -> bool:
        return any(each.severity == SeverityLevel.MALWARE.value for each in self.advisories)


NOT_AFFECTED = AffectedRelease()


async def affected_release(call: PublicPageCall, details: ReleaseDetails) -> AffectedRelease:
    """Return what affects the release; it is in memory."""
    affected = call.registry.advisories.affected_versions
    coordinate = details.release.coordinate
    [found] = (await affected.of_releases([coordinate])).advisories
    if not found:
        return NOT_AFFECTED
    versions = [each.version for each in details.entries]
    others = await affected.of_versions(details.package, versions)
    shown = shown_advisories(found, affected.asked(coordinate))
    return AffectedRelease(shown, better_version(coordinate.version.text, details.entries, others))


class ShownFinding(Struct, frozen=True):
    """What affects a dependency, or a Java library inside: `path` leads to the dependency, and
    `inside` is where the archive has the library."""

    name: str
    version: str
    advisories: tuple[ShownAdvisory, ...]
    path: str = ""
    inside: str = ""


class ShownFindings(Struct, frozen=True):
    """What affects the dependencies of a release and the Java libraries inside; `assessed` are
    those of libraries of which an owner says that they do not affect it."""

    dependencies: tuple[ShownFinding, ...] = ()
    libraries: tuple[ShownFinding, ...] = ()
    assessed: tuple[ShownFinding, ...] = ()


NO_FINDINGS = ShownFindings()


async def findings_of(call: PublicPageCall, details: ReleaseDetails) -> ShownFindings:
    """Return what affects what the release is built with, as far as the caller may know."""
    advisories = call.registry.advisories.advisories
    found = await advisories.of_release(details.release, call.caller)
    return ShownFindings(
        tuple(
            ShownFinding(
                str(each.dependency.package),
                each.dependency.version.text,
                shown_advisories(each.advisories, advisories.version_of(each.dependency)),
                release_path(each.dependency.package, each.dependency.version),
            )
            for each in found.dependencies
        ),
        tuple(map(_finding_of_library, found.java_libraries)),
        tuple(map(_finding_of_library, found.assessed)),
    )


def _finding_of_library(found: LibraryFindings) -> ShownFinding:
    library = found.library
    return ShownFinding(
        library.name or library.path.rpartition("/")[2],
        library.version,
        shown_advisories(found.advisories, version_of_library(library)),
        inside=library.path,
    )


async def if_available(reading: Awaitable[ReadT]) -> ReadT | None:
    """Return None if a store does not respond: the tabs say less, and the page is shown."""
    try:
        return await reading
    except Unavailable:
        return None


def page_not_found(call: PublicPageCall) -> PageNotFound:
    return PageNotFound(call.target.partition("?")[0])


# What follows the repository in the URL of a run, and what replaces it in the URL of a commit.
_COMMIT_PATHS = (("/actions/runs/", "/commit/"), ("/-/", "/-/commit/"))
# The same for a file at a commit, and the folder that the names of workflows leave out.
_WORKFLOW_PATHS = (("/actions/runs/", "/blob/", ".github/workflows/"), ("/-/", "/-/blob/", ""))
_HOSTS_WITH_ISSUES = ("github.com", "gitlab.com")

PLAIN = (
    '<pre class="source" tabindex="0" role="region" aria-label="The text as it was written">'
    "<code>{}</code></pre>"
)


async def readme_html(call: PublicPageCall, details: ReleaseDetails) -> SafeHtml:
    """Return the readme of a release as HTML, which was made after the push; until it is made, and
    if it is refused, the reason and the text of the author."""
    text = call.registry.api_docs.documentation.text
    try:
        return SafeHtml(await text(details.release, PieceKind.README, "") or "")
    except (ApiDocsFailed, ApiDocsPending) as refusal:
        plain = (await call.registry.packages.details.texts(details)).readme
        text_of_author = PLAIN.format(show_plain(plain)) if plain else ""
        return SafeHtml(missing_readme_html(call, refusal) + text_of_author)


def missing_readme_html(call: PublicPageCall, refusal: ApiDocsFailed | ApiDocsPending) -> SafeHtml:
    """Return why a page lacks a readme; have it loaded again if that is being made."""
    if isinstance(refusal, ApiDocsPending):
        call.reload_soon()
    return SafeHtml(f'<p class="cut">{escape(str(refusal))}</p>\n')
