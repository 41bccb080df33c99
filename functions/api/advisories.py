"""/api/v1/orgs/{org}/advisories, and /api/v1/advisories for administrators: writing advisories;
/api/v1/packages/{org}/{name}/{version}/assessments: what owners say of findings."""

from collections.abc import Callable
from typing import Any, Self, cast

from msgspec.structs import replace
from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, Show, UtcTime
from functions.http.caching_headers import NO_STORE
from shared.domain.advisories.advisories import Advisory, AdvisoryState
from shared.domain.advisories.assessments import AnalysisState, Assessment, Justification
from shared.domain.advisories.authoring import WrittenAdvisory
from shared.domain.names import OrgName
from shared.domain.sboms import SBOM_TYPE
from shared.domain.scopes import Action
from shared.runtime.answers import Answer
from shared.use_cases import advisories
from shared.use_cases.advisories import NamedAdvisory, NamedFinding
from shared.use_cases.inputs import InputsT
from shared.use_cases.use_case import ResultT, SubjectT, UseCase


class AdvisoryView(ResponseModel):
    """An advisory as its writer reads it. `/v1/vulns/{id}` has the form of OSV."""

    id: str
    state: AdvisoryState = Field(description="Drafts are seen only by those who write them.")
    package: str
    summary: str
    affected: list[str] = Field(description="Ranges, such as 1.0.0..1.2.4.")
    details: str = Field(description="Markdown.")
    severity: str = Field(description="A vector of CVSS, or a level; empty without both.")
    aliases: list[str]
    references: list[str]
    credits: list[str]
    malware: bool
    modified_at: UtcTime
    published_at: UtcTime = Field(description="Null for a draft.")
    withdrawn_at: UtcTime = Field(description="Null unless it was withdrawn.")

    @classmethod
    def of(cls, advisory: Advisory) -> Self:
        written = WrittenAdvisory.of(advisory)
        return cls.model_validate(
            {
                "id": advisory.id,
                "state": advisory.state,
                "package": written.package,
                "summary": written.summary,
                "affected": [str(each) for each in written.ranges],
                "details": written.details,
                "severity": written.severity,
                "aliases": written.aliases,
                "references": written.references,
                "credits": written.credits,
                "malware": written.is_malware,
                "modified_ms": advisory.modified_ms,
                "published_ms": advisory.published_ms,
                "withdrawn_ms": advisory.withdrawn_ms,
            }
        )


class AdvisoryList(ResponseModel):
    """Advisories, newest first."""

    advisories: list[AdvisoryView]


advisories_api = ApiFace()
organization_advisories_api = ApiFace()
assessments_api = ApiFace()


def _org(call: ApiCall) -> OrgName | None:
    """Return who writes the advisories that the path names: an organization or the registry."""
    return call.org if call.route_params.get("org") else None


def _named(call: ApiCall) -> NamedAdvisory:
    return NamedAdvisory(_org(call), call.route_params["id"])


_THEIRS = "an organization; for its owners"
_OF_REGISTRY = "the registry; for administrators"


@advisories_api.operation(
    "GET", "api/v1/advisories", f"List the advisories of {_OF_REGISTRY}.", also=(403,)
)
@organization_advisories_api.operation(
    "GET",
    "api/v1/orgs/{org}/advisories",
    f"List the advisories of {_THEIRS}.",
    name="api_org_advisories_list",
)
async def api_advisories_list(call: ApiCall) -> AdvisoryList:
    found = await call.registry.advisories.authoring.written_by(_org(call), by=call.caller)
    return AdvisoryList(advisories=[AdvisoryView.of(each) for each in found])


@advisories_api.operation(
    "GET", "api/v1/advisories/{id}", f"Show an advisory of {_OF_REGISTRY}, or its draft."
)
@organization_advisories_api.operation(
    "GET",
    "api/v1/orgs/{org}/advisories/{id}",
    f"Show an advisory of {_THEIRS}, or its draft.",
    name="api_org_advisories_show",
)
async def api_advisories_show(call: ApiCall) -> AdvisoryView:
    named = _named(call)
    authoring = call.registry.advisories.authoring
    return AdvisoryView.of(await authoring.show(named.org, named.id, by=call.caller))


def _of_both_writers(
    case: UseCase[SubjectT, InputsT, ResultT],
    method: str,
    path: str,
    subject: Callable[[ApiCall], SubjectT],
    *,
    status: int = 200,
    also: tuple[int, ...],
) -> Callable[[Show[ResultT]], Show[ResultT]]:
    """Declare the operation of a use case for advisories of an organization, and for those of the
    registry, which are written by administrators who signed in recently."""

    def declare(show: Show[ResultT]) -> Show[ResultT]:
        name = cast("Any", show).__name__
        organization_advisories_api.use_case(
            case,
            method,
            f"api/v1/orgs/{{org}}/advisories{path}",
            subject,
            whose=_THEIRS,
            status=status,
            also=also,
            name=name.replace("api_", "api_org_", 1),
        )(show)
        return advisories_api.use_case(
            replace(case, right=Action.OPERATE),
            method,
            f"api/v1/advisories{path}",
            subject,
            whose=_OF_REGISTRY,
            status=status,
            also=also,
        )(show)

    return declare


@_of_both_writers(advisories.draft, "POST", "", _org, status=201, also=(404,))
async def api_advisories_draft(_: ApiCall, drafted: Advisory) -> AdvisoryView:
    return AdvisoryView.of(drafted)


@_of_both_writers(advisories.change, "PUT", "/{id}", _named, also=(409,))
async def api_advisories_change(_: ApiCall, changed: Advisory) -> AdvisoryView:
    return AdvisoryView.of(changed)


@_of_both_writers(advisories.publish, "POST", "/{id}/publish", _named, also=(409,))
async def api_advisories_publish(_: ApiCall, published: Advisory) -> AdvisoryView:
    return AdvisoryView.of(published)


@_of_both_writers(advisories.withdraw, "POST", "/{id}/withdraw", _named, also=(409,))
async def api_advisories_withdraw(_: ApiCall, withdrawn: Advisory) -> AdvisoryView:
    return AdvisoryView.of(withdrawn)


@_of_both_writers(advisories.discard, "DELETE", "/{id}", _named, also=(409,))
async def api_advisories_discard(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""


class AssessmentView(ResponseModel):
    """What an owner says of an advisory about a Java library inside a release."""

    advisory: str
    state: AnalysisState = Field(
        description="not_affected, false_positive and resolved: the advisory is not a finding."
    )
    justification: Justification | None
    detail: str
    assessed_at: UtcTime = Field(validation_alias="at_ms")


class AssessmentList(ResponseModel):
    """The assessments of a release, by the ids of the advisories."""

    assessments: list[AssessmentView]


def _finding(call: ApiCall) -> NamedFinding:
    return NamedFinding(call.coordinate, call.route_params["advisory"])


_ASSESSMENTS = "api/v1/packages/{org}/{name}/{version}/assessments"


@assessments_api.operation(
    "GET",
    _ASSESSMENTS,
    "List what owners say of advisories about Java libraries inside a release.",
    refusals=(400, 401, 404),
    needs_token=False,
)
async def api_assessments_list(call: ApiCall) -> AssessmentList:
    assessments = call.registry.advisories.assessments
    found = await assessments.of_release(call.coordinate, by=call.caller)
    return AssessmentList(assessments=[AssessmentView.model_validate(each) for each in found])


@assessments_api.operation(
    "GET",
    "api/v1/vex/{org}/{name}/{version}",
    "Show what owners say of advisories about a release as CycloneDX (VEX).",
    refusals=(400, 401, 404),
    needs_token=False,
    media_types=(SBOM_TYPE,),
)
async def api_assessments_vex(call: ApiCall) -> Answer:
    document = await call.registry.advisories.assessments.vex(call.coordinate, by=call.caller)
    return Answer(document, headers=dict(NO_STORE), media_type=SBOM_TYPE)


@assessments_api.use_case(advisories.assess, "PUT", f"{_ASSESSMENTS}/{{advisory}}", _finding)
async def api_assessments_assess(_: ApiCall, assessed: Assessment) -> AssessmentView:
    return AssessmentView.model_validate(assessed)


@assessments_api.use_case(advisories.retract, "DELETE", f"{_ASSESSMENTS}/{{advisory}}", _finding)
async def api_assessments_retract(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""
