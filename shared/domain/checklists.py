"""The checklist of a release: what users look for, each as a fact, with how its author fixes it.

It is no score, and nothing is ranked by it. It is made of small records alone: the release, what
was counted when its archive was read after the push, and the entries of its direct dependencies.
"""

from enum import Enum

from msgspec import Struct

from shared.domain.api_docs.records import ApiDocsRecord, DocsState, ReadmeContent
from shared.domain.coordinates import Coordinate
from shared.domain.distributions import NEWEST_LANGUAGE, Distribution, LanguageVersion
from shared.domain.packages import Release
from shared.domain.sentences import named
from shared.domain.source_repositories import SourceRepository

DOCUMENTED_SHARE = 80  # Percent of the public API, as JSR asks for.
MOST_NAMED = 3  # Dependencies or licenses that a sentence names.
GUIDE = "/docs/checklists"  # The page with a section for each check.


class CheckState(Enum):
    """What is known of a check."""

    MET = "met"
    UNMET = "unmet"
    UNKNOWN = "unknown"  # It is not read yet, or nobody here can tell.


class ReleaseCheck(Struct, frozen=True):
    """One fact about a release; `mend` says how its author changes one that is unmet."""

    key: str
    title: str
    state: CheckState
    fact: str
    mend: str = ""

    @property
    def guide(self) -> str:
        """The path of the section that says more."""
        return f"{GUIDE}#{self.key}"


class Checklist(Struct, frozen=True):
    """All checks of a release, always the same ones in the same order."""

    checks: tuple[ReleaseCheck, ...]

    @property
    def met(self) -> int:
        return sum(each.state is CheckState.MET for each in self.checks)

    @property
    def unmet(self) -> tuple[ReleaseCheck, ...]:
        return tuple(each for each in self.checks if each.state is CheckState.UNMET)

    @property
    def known(self) -> int:
        """How many checks are met or unmet."""
        return sum(each.state is not CheckState.UNKNOWN for each in self.checks)


class DependencyStates(Struct, frozen=True):
    """The direct dependencies that their owners advise against or that were withdrawn, in the
    version that the release was built with; `unseen` are not here, or the reader may not see
    them."""

    deprecated: tuple[Coordinate, ...] = ()
    withdrawn: tuple[Coordinate, ...] = ()
    unseen: int = 0


NO_DEPENDENCIES = DependencyStates()


def checklist_of(
    release: Release, docs: ApiDocsRecord | None, dependencies: DependencyStates
) -> Checklist:
    """Return the checklist of a release; `docs` is None until its archive was read."""
    found = (
        ("readme", "Readme with an example", _readme(release, docs)),
        ("documentation", "Documented API", _documentation(release, docs)),
        ("license", "License", _license(release)),
        ("source", "Source link", _source(release)),
        ("keywords", "Keywords", _keywords(release)),
        ("provenance", "Provenance", _provenance(release)),
        ("distribution", "Newest distribution", _distribution(release)),
        ("dependencies", "No deprecated dependency", _dependencies(release, dependencies)),
    )
    return Checklist(
        tuple(ReleaseCheck(key, title, one.state, one.fact, one.mend) for key, title, one in found)
    )


class _Finding(Struct, frozen=True):
    state: CheckState
    fact: str
    mend: str = ""


def _met(fact: str) -> _Finding:
    return _Finding(CheckState.MET, fact)


def _unknown(fact: str) -> _Finding:
    return _Finding(CheckState.UNKNOWN, fact)


def _unmet(fact: str, mend: str) -> _Finding:
    return _Finding(CheckState.UNMET, fact, mend)


def _unread(docs: ApiDocsRecord | None) -> _Finding:
    """Say why nothing is known of the texts and sources of an archive."""
    if docs is not None and docs.state is DocsState.FAILED:
        return _unknown(f"The archive could not be read for this: {docs.reason}.")
    return _unknown("The archive is not read for this yet. That takes a minute after a push.")


def _readme(release: Release, docs: ApiDocsRecord | None) -> _Finding:
    content = docs.readme if docs else None
    if content is None:
        return _unread(docs)
    if content is ReadmeContent.EXAMPLE:
        return _met("The readme has a block of code.")
    if content is ReadmeContent.TEXT:
        return _unmet(
            "The readme has no block of code.",
            "Show in README.md how the package is used, in a block between lines of ```.",
        )
    if release.is_from_go:
        return _unknown("The Go toolchain leaves the readme out of its archives.")
    return _unmet(
        "This version has no readme.",
        "Write a README.md beside Ballerina.toml, with an example in a block between lines of ```.",
    )


def _documentation(release: Release, docs: ApiDocsRecord | None) -> _Finding:
    if not release.modules:
        return _met("This version exports no module.")
    if docs is None or docs.state in (DocsState.PENDING, DocsState.FAILED):
        return _unread(docs)
    documented = docs.documented
    total = docs.declarations
    if not total:
        return _met("This version has no public declarations.")
    fact = (
        f"{documented:,} of {total:,} public declarations and methods have a comment "
        f"({100 * documented // total} %)."
    )
    if 100 * documented >= DOCUMENTED_SHARE * total:
        return _met(fact)
    return _unmet(
        fact,
        f"Write lines that begin with # above the others, until {DOCUMENTED_SHARE} % have a "
        "comment. The page of a module lists those without one.",
    )


def _license(release: Release) -> _Finding:
    licenses = [each.strip() for each in release.licenses if each.strip()]
    if licenses:
        return _met(f"The manifest names {named(licenses, MOST_NAMED)}.")
    return _unmet(
        "The manifest names no license, so nobody knows whether they may use the package.",
        'Name one in Ballerina.toml, such as license = ["Apache-2.0"].',
    )


def _source(release: Release) -> _Finding:
    source = SourceRepository.of(release)
    if source is None:
        return _unmet(
            "The manifest names no source repository.",
            "Name its address in Ballerina.toml as repository, and publish from a CI job of it.",
        )
    if source.url is None:
        return _unmet(
            "The source repository in the manifest is no address of the web.",
            "Write its address in Ballerina.toml as repository, beginning with https://.",
        )
    if source.is_verified:
        return _met("A CI job in the source repository published this version.")
    if release.upstream:
        return _unknown(_published_elsewhere(release.upstream.name))
    return _unmet(
        "Nothing proves that this version was built from the source repository that it names.",
        "Publish from a CI job of that repository, as a trusted publisher.",
    )


def _published_elsewhere(upstream: str) -> str:
    return f"This version was published at {upstream}, which does not say from where."


def _keywords(release: Release) -> _Finding:
    keywords = [each for each in release.keywords if each.strip()]
    if keywords:
        count = len(keywords)
        return _met(f"The manifest names {count} keyword{'s' if count != 1 else ''}.")
    return _unmet(
        "The manifest names no keywords, by which people find packages.",
        'Name some in Ballerina.toml, such as keywords = ["csv", "parser"].',
    )


def _provenance(release: Release) -> _Finding:
    provenance = release.origin.provenance
    if provenance:
        return _met(f"A CI job of {provenance.source or provenance.provider} published it.")
    if release.upstream:
        return _unknown(_published_elsewhere(release.upstream.name))
    return _unmet(
        "This version was published with a stored token, so nothing says what it was built from.",
        "Publish from a CI job, as a trusted publisher.",
    )


def _distribution(release: Release) -> _Finding:
    """Judge by the rule by which builds get releases."""
    if release.is_from_go:
        return _met("The Go toolchain packed it, and every version of that takes it.")
    if not release.ballerina_version:
        return _unknown("The archive does not say which Ballerina built it.")
    newest = _newest_beside(release.ballerina_version)
    built = f"It was built with {release.ballerina_version}"
    if newest.client.can_use(release.platform, release.ballerina_version):
        return _met(f"{built}, and builds with {newest.update} get it.")
    return _unmet(
        f"{built} for the platform {release.platform}, and builds with {newest.update}, the newest "
        "distribution, do not get it.",
        f"Build it with {newest.update}, and publish that.",
    )


def _newest_beside(built_with: str) -> Distribution:
    """Return the newest distribution, which is the one that built a release if that is newer."""
    own = LanguageVersion.parse(built_with) or NEWEST_LANGUAGE
    newest = max(own, NEWEST_LANGUAGE, key=lambda each: (each.major, each.update))
    return Distribution.of(newest)


def _dependencies(release: Release, states: DependencyStates) -> _Finding:
    total = len(release.dependencies)
    if not total:
        return _met("It depends on no other package.")
    lacking = [
        f"{what}: {named([str(name) for name in each], MOST_NAMED)}."
        for what, each in (("Deprecated", states.deprecated), ("Withdrawn", states.withdrawn))
        if each
    ]
    if lacking:
        return _unmet(
            " ".join(lacking),
            "Depend on other versions, or on what replaces these packages; their pages name it.",
        )
    if states.unseen == total:
        return _unknown("Its direct dependencies are not in this registry.")
    if states.unseen:
        return _met("None that is in this registry is deprecated.")
    return _met("None of its direct dependencies is deprecated.")
