"""Assessments: what the owner of a release says of an advisory about a Java library inside, in the
words of CycloneDX, and the VEX document that has them."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar

from shared.domain.coordinates import Coordinate, Package, package_owner
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.names import OrgName, PackageName
from shared.domain.text_lines import MAX_DESCRIPTION, parse_line
from shared.domain.times import utc_text
from shared.domain.versions import Version

MAX_ASSESSMENTS = 200  # Assessments of one release; its page and its VEX document list all of them.


class AnalysisState(Enum):
    """What CycloneDX calls the state of an analysis."""

    NOT_AFFECTED = "not_affected"
    FALSE_POSITIVE = "false_positive"
    RESOLVED = "resolved"
    EXPLOITABLE = "exploitable"
    IN_TRIAGE = "in_triage"


# If the owner of a release states one of these, the advisory is no finding for the release.
CLEARING = frozenset(
    {AnalysisState.NOT_AFFECTED, AnalysisState.FALSE_POSITIVE, AnalysisState.RESOLVED}
)


class Justification(Enum):
    """Why a release is not affected, as CycloneDX calls it."""

    CODE_NOT_PRESENT = "code_not_present"
    CODE_NOT_REACHABLE = "code_not_reachable"
    REQUIRES_CONFIGURATION = "requires_configuration"
    REQUIRES_DEPENDENCY = "requires_dependency"
    REQUIRES_ENVIRONMENT = "requires_environment"
    PROTECTED_BY_COMPILER = "protected_by_compiler"
    PROTECTED_AT_RUNTIME = "protected_at_runtime"
    PROTECTED_AT_PERIMETER = "protected_at_perimeter"
    PROTECTED_BY_MITIGATING_CONTROL = "protected_by_mitigating_control"


STATE_WORDS: Mapping[AnalysisState, str] = {
    AnalysisState.NOT_AFFECTED: "Not affected",
    AnalysisState.FALSE_POSITIVE: "The library is not the one of the advisory",
    AnalysisState.RESOLVED: "Fixed in the library inside",
    AnalysisState.EXPLOITABLE: "Affected",
    AnalysisState.IN_TRIAGE: "Not known yet",
}
JUSTIFICATION_WORDS: Mapping[Justification, str] = {
    Justification.CODE_NOT_PRESENT: "The vulnerable code is not in the library",
    Justification.CODE_NOT_REACHABLE: "The package never calls the vulnerable code",
    Justification.REQUIRES_CONFIGURATION: "It takes a configuration that the package does not use",
    Justification.REQUIRES_DEPENDENCY: "It takes another library that is not there",
    Justification.REQUIRES_ENVIRONMENT: "It takes an environment in which the package does not run",
    Justification.PROTECTED_BY_COMPILER: "A setting of the compiler prevents it",
    Justification.PROTECTED_AT_RUNTIME: "The runtime prevents it",
    Justification.PROTECTED_AT_PERIMETER: "Something before the program prevents it",
    Justification.PROTECTED_BY_MITIGATING_CONTROL: "Another control prevents it",
}


class Assessment(Entity):
    """What an owner says of one advisory about a library in a release."""

    kind: ClassVar[str] = "advisory-assessment"

    org: str
    name: str
    version: str
    advisory: str  # Its id.
    state: AnalysisState
    justification: Justification | None = None
    detail: str = ""
    by: str
    at_ms: int

    @property
    def place(self) -> Place:
        return assessment_place(self.coordinate, self.advisory)

    @property
    def coordinate(self) -> Coordinate:
        package = Package(OrgName(self.org), PackageName(self.name))
        return Coordinate(package, Version.parse(self.version))

    @property
    def clears(self) -> bool:
        """Whether the advisory is no finding of the release."""
        return self.state in CLEARING


def assessments_owner(coordinate: Coordinate) -> str:
    """Return the owner of the assessments of a release."""
    return f"{package_owner(coordinate.package)}:{coordinate.version}"


def assessment_place(coordinate: Coordinate, advisory: str) -> Place:
    return Place(assessments_owner(coordinate), advisory)


def parse_detail(state: AnalysisState, justification: Justification | None, detail: str) -> str:
    """Return the explanation as one line, or raise `InvalidRequest`: who says that a release is
    not affected says why."""
    with about_field("detail"):
        line = parse_line("explanation", detail, MAX_DESCRIPTION)
        if state in CLEARING and not (line or justification):
            message = "Say why the release is not affected: choose a reason or explain it."
            raise InvalidRequest(message)
    return line


def vex_document(
    coordinate: Coordinate, purl: str, assessments: Sequence[Assessment], base_url: str
) -> dict[str, Any]:
    """Return the assessments of a release as a document of CycloneDX 1.6 (VEX)."""
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": purl,
                "group": coordinate.package.org,
                "name": coordinate.package.name,
                "version": str(coordinate.version),
                "purl": purl,
            }
        },
        "vulnerabilities": [_vulnerability(each, purl, base_url) for each in assessments],
    }


def _vulnerability(assessment: Assessment, purl: str, base_url: str) -> dict[str, Any]:
    analysis: dict[str, Any] = {"state": assessment.state.value}
    if assessment.justification:
        analysis["justification"] = assessment.justification.value
    if assessment.detail:
        analysis["detail"] = assessment.detail
    analysis |= {
        "firstIssued": utc_text(assessment.at_ms),
        "lastUpdated": utc_text(assessment.at_ms),
    }
    return {
        "bom-ref": f"{purl}#{assessment.advisory}",
        "id": assessment.advisory,
        "source": {"url": f"{base_url}/advisories/{assessment.advisory}"},
        "analysis": analysis,
        "affects": [{"ref": purl}],
    }
