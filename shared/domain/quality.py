"""Quality score: how well a release is documented, licensed, traceable and maintained, in points.

A score has parts. Each says how many points it reached, why, and where to read how to improve it.
It is computed from the archive and the records of the package, and never from how often the package
is used.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.api_docs.records import ApiDocsRecord, DocsState
from shared.domain.packages import Head, Release, Texts, effective_deprecation
from shared.domain.source_repositories import SourceRepository
from shared.domain.times import MS

GUIDE = "/about/quality"  # The path of the page with a section for each part.
MAINTAINED_FOR = timedelta(days=730)  # After the newest release; finished packages change rarely.
DEPENDENCIES_NAMED = 3  # Of the deprecated ones, in the sentence.

_FENCES = ("```", "~~~")
_CODE_BLOCK = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class QualityRule:
    """The meaning of a part of the score, and the points that it is worth.

    `partial_points` are for the first half of what the rule asks for, if it has two halves.
    """

    key: str
    name: str
    points: int
    meaning: str
    partial_points: int = 0


README = QualityRule(
    "readme",
    "Readme",
    20,
    "A readme tells people what the package is for and shows how to use it.",
    partial_points=10,
)
DOCUMENTATION = QualityRule(
    "documentation",
    "Documentation",
    20,
    "Comments of declarations tell callers what they do, on the site and in editors.",
)
LICENSE = QualityRule(
    "license",
    "License",
    10,
    "Without a license, nobody has the right to use, change or share the package.",
)
SOURCE = QualityRule(
    "source",
    "Source link",
    10,
    "People read the source, report problems and contribute in the source repository.",
)
PROVENANCE = QualityRule(
    "provenance",
    "Provenance",
    20,
    "A release that a CI job published can be traced to the commit that it was built from.",
    partial_points=15,
)
MAINTAINED = QualityRule(
    "maintained",
    "Maintained",
    10,
    "A package without recent releases may lack fixes and support for new versions of Ballerina.",
)
DEPENDENCIES = QualityRule(
    "dependencies",
    "Deprecated dependencies",
    10,
    "The authors of a deprecated package advise against using it, and may no longer fix it.",
)
RULES = (README, DOCUMENTATION, LICENSE, SOURCE, PROVENANCE, MAINTAINED, DEPENDENCIES)


@dataclass(frozen=True, slots=True)
class DependencyStates:
    """The direct dependencies that are deprecated, and how many this registry does not have."""

    deprecated: tuple[str, ...] = ()
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFacts:
    """The facts from which a score is computed; `docs` and `dependencies` are None if they were not
    looked up.

    `newest_ms` is when the newest live release of the package was published.
    """

    head: Head
    release: Release
    texts: Texts
    newest_ms: int
    now_ms: int
    docs: ApiDocsRecord | None = None
    dependencies: DependencyStates | None = None


@dataclass(frozen=True, slots=True)
class QualityPart:
    """The points of a release by one rule, and the sentence that says why."""

    rule: QualityRule
    points: int
    reason: str

    @property
    def link(self) -> str:
        """The path of the section that tells how to improve this part."""
        return f"{GUIDE}#{self.rule.key}"

    @property
    def is_full(self) -> bool:
        return self.points == self.rule.points


@dataclass(frozen=True, slots=True)
class QualityScore:
    """The parts of a score, in the order of `RULES`; those that were not checked are missing."""

    parts: tuple[QualityPart, ...]

    @classmethod
    def of(cls, facts: QualityFacts) -> "QualityScore":
        return cls(tuple(_parts(facts)))

    @property
    def points(self) -> int:
        return sum(part.points for part in self.parts)

    @property
    def possible(self) -> int:
        """The points of all parts that were checked: 100 if all were."""
        return sum(part.rule.points for part in self.parts)

    @property
    def unchecked(self) -> tuple[QualityRule, ...]:
        checked = [part.rule for part in self.parts]
        return tuple(rule for rule in RULES if rule not in checked)

    @property
    def improvable(self) -> tuple[QualityPart, ...]:
        return tuple(part for part in self.parts if not part.is_full)


def _parts(facts: QualityFacts) -> Iterator[QualityPart]:
    yield _readme(facts.texts, facts.release)
    if not facts.release.modules:
        yield _full(DOCUMENTATION, "This version exports no modules that need documentation.")
    elif facts.docs is not None and facts.docs.state is not DocsState.PENDING:
        yield _documentation(facts.docs)
    yield _license(facts.release)
    source = SourceRepository.of(facts.release)
    yield _source(source)
    yield _provenance(facts.release, source)
    yield _maintained(facts)
    if not facts.release.dependencies:
        yield _full(DEPENDENCIES, "This version depends on no other package.")
    elif facts.dependencies is not None:
        yield _dependencies(len(facts.release.dependencies), facts.dependencies)


def _full(rule: QualityRule, reason: str) -> QualityPart:
    return QualityPart(rule, rule.points, reason)


def _readme(texts: Texts, release: Release) -> QualityPart:
    if not texts.readme.strip():
        if release.is_from_go:
            return _full(README, "The Go toolchain leaves the readme out of its archives.")
        return QualityPart(README, 0, "This version has no readme.")
    if not _has_code_block(texts.readme):
        return QualityPart(README, README.partial_points, "The readme has no code block.")
    return _full(README, "The readme has a code block that shows how to use the package.")


def _has_code_block(text: str) -> bool:
    """Look for the fence of a code block, first in the way that is fast for long texts."""
    return any(each in text for each in _FENCES) and _CODE_BLOCK.search(text) is not None


def _documentation(docs: ApiDocsRecord) -> QualityPart:
    """Score the share of public declarations and methods with a comment."""
    documented, total = docs.documented, docs.declarations
    if docs.state is DocsState.FAILED:
        reason = f"The sources of this version could not be documented: {docs.reason}."
        return QualityPart(DOCUMENTATION, 0, reason)
    if not total:
        return _full(DOCUMENTATION, "This version has no public declarations.")
    reason = f"{documented:,} of {total:,} public declarations and methods have a comment."
    return QualityPart(DOCUMENTATION, DOCUMENTATION.points * documented // total, reason)


def _license(release: Release) -> QualityPart:
    if not any(each.strip() for each in release.licenses):
        return QualityPart(LICENSE, 0, "The manifest names no license.")
    return _full(LICENSE, "The manifest names a license.")


def _source(source: SourceRepository | None) -> QualityPart:
    if source is None:
        return QualityPart(SOURCE, 0, "The manifest names no source repository.")
    if source.url is None:
        return QualityPart(SOURCE, 0, "The source repository in the manifest is not a valid URL.")
    return _full(SOURCE, "The manifest links to a source repository.")


def _provenance(release: Release, source: SourceRepository | None) -> QualityPart:
    if release.origin.provenance is None:
        reason = "This version was published with an access token, not from CI."
        return QualityPart(PROVENANCE, 0, reason)
    if source is None or not source.is_verified:
        reason = "A CI job published this version, but the manifest does not name its repository."
        return QualityPart(PROVENANCE, PROVENANCE.partial_points, reason)
    return _full(PROVENANCE, "A CI job in the source repository published this version.")


def _maintained(facts: QualityFacts) -> QualityPart:
    if effective_deprecation(facts.head, facts.release.deprecation) is not None:
        return QualityPart(MAINTAINED, 0, "This version is deprecated.")
    if facts.now_ms - facts.newest_ms > MAINTAINED_FOR // MS:
        return QualityPart(MAINTAINED, 0, "The package had no release in the last two years.")
    return _full(MAINTAINED, "The package had a release in the last two years.")


def _dependencies(total: int, states: DependencyStates) -> QualityPart:
    if states.deprecated:
        names = ", ".join(states.deprecated[:DEPENDENCIES_NAMED])
        more = len(states.deprecated) - DEPENDENCIES_NAMED
        others = f" and {more} more" if more > 0 else ""
        return QualityPart(DEPENDENCIES, 0, f"Deprecated direct dependencies: {names}{others}.")
    if states.unknown == total:
        return _full(DEPENDENCIES, "Its direct dependencies are not in this registry.")
    if states.unknown:
        reason = "No direct dependency that this registry has is deprecated."
        return _full(DEPENDENCIES, reason)
    return _full(DEPENDENCIES, "No direct dependency is deprecated.")
