"""/api/v1/approvals: what is approved of other registries, and what people ask for."""

from typing import Self

from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from shared.domain.approved_packages import (
    MAX_APPROVED_PACKAGES,
    MAX_ASKED_REASON,
    ApprovalRequest,
    Approvals,
    RequestState,
)
from shared.domain.versions import parse_version_or_range
from shared.services.mirroring.approved_packages import ApprovalDryRun
from shared.use_cases import approved_packages
from shared.use_cases.use_case import of_registry

EFFECTS_LISTED = 1_000  # Effects of a dry run in an answer: the releases with the most pulls.


class ApprovalView(ResponseModel):
    """Versions of a package that are approved."""

    package: str = Field(description="Such as acme/greet, or acme/* for the whole organization.")
    versions: str = Field(description="A version or a range, such as 1.2.3 or 1.*.")
    approved_at: UtcTime = Field(validation_alias="at_ms")


class ApprovalListView(ResponseModel):
    """What is approved of other registries."""

    approved: list[ApprovalView]


class ApprovalAskerView(ResponseModel):
    """Somebody who asked for a package, and why."""

    account: str
    reason: str
    asked_at: UtcTime = Field(validation_alias="at_ms")


class ApprovalRequestView(ResponseModel):
    """A package that people asked for, and what was decided."""

    package: str
    wanted: str
    state: RequestState
    asked_at: UtcTime
    decided_at: UtcTime
    answer: str
    askers: list[ApprovalAskerView] = Field(
        description="While it is open, to administrators; to others their own."
    )

    @classmethod
    def of(cls, request: ApprovalRequest) -> Self:
        return cls.model_validate(
            {
                "package": str(request.package),
                "wanted": request.wanted,
                "state": request.state,
                "asked_at": request.asked_ms,
                "decided_at": request.decided_ms,
                "answer": request.answer,
                "askers": request.askers,
            }
        )


class ApprovalRequestList(ResponseModel):
    """Open requests, the oldest first."""

    requests: list[ApprovalRequestView]


class NewApprovalRequest(RequestModel):
    """The version that somebody needs, and why."""

    version: str = Field(default="*", description="A version or a range.")
    reason: str = Field(max_length=MAX_ASKED_REASON, description="The curators read it.")


class WantedApprovals(RequestModel):
    """What would be approved in addition."""

    packages: list[str] = Field(
        default=[], max_length=MAX_APPROVED_PACKAGES, description="Such as acme/greet:1.*."
    )


class ApprovalEffectView(ResponseModel):
    """A stored release that the rule would refuse."""

    release: str
    pulls: int = Field(description="The number of pulls in the last 30 days.")


class ApprovalDryRunView(ResponseModel):
    """The effect of the rule on the pulls of the last 30 days."""

    pulls: int
    releases_read: int
    effects: list[ApprovalEffectView]


approved_packages_api = ApiFace()

_REQUEST = "api/v1/approvals/requests/{org}/{name}"


@approved_packages_api.operation(
    "GET",
    "api/v1/approvals",
    "List what is approved of other registries; for administrators, and for everybody who takes "
    "only that.",
    also=(400, 403),
)
async def api_approved_list(call: ApiCall) -> ApprovalListView:
    curation = call.registry.approvals.curation
    return ApprovalListView.model_validate(await curation.approved(by=call.caller))


@approved_packages_api.use_case(
    approved_packages.approve, "POST", "api/v1/approvals", of_registry, also=(409,)
)
async def api_approved_approve(_call: ApiCall, changed: Approvals) -> ApprovalListView:
    return ApprovalListView.model_validate(changed)


@approved_packages_api.use_case(
    approved_packages.withdraw, "POST", "api/v1/approvals/withdraw", of_registry, also=(404,)
)
async def api_approved_withdraw(_call: ApiCall, changed: Approvals) -> ApprovalListView:
    return ApprovalListView.model_validate(changed)


@approved_packages_api.operation(
    "POST",
    "api/v1/approvals/dry-run",
    "List the stored releases of other registries that were pulled in the last 30 days and that "
    "are not approved; for administrators.",
)
async def api_approved_dry_run(call: ApiCall, sent: WantedApprovals) -> ApprovalDryRunView:
    curation = call.registry.approvals.curation
    return _dry_run(await curation.dry_run(sent.packages, by=call.caller))


@approved_packages_api.operation(
    "POST",
    "api/v1/orgs/{org}/approvals/dry-run",
    "List the stored releases of other registries that were pulled in the last 30 days and that "
    "are not approved; for owners of an organization.",
)
async def api_org_approvals_dry_run(call: ApiCall) -> ApprovalDryRunView:
    curation = call.registry.approvals.curation
    return _dry_run(await curation.dry_run_of(call.org, by=call.caller))


def _dry_run(found: ApprovalDryRun) -> ApprovalDryRunView:
    effects = [ApprovalEffectView.model_validate(each) for each in found.effects[:EFFECTS_LISTED]]
    return ApprovalDryRunView(pulls=found.pulls, releases_read=found.releases_read, effects=effects)


@approved_packages_api.operation(
    "GET",
    "api/v1/approvals/requests",
    "List up to 500 packages that people ask for, the oldest first; for administrators.",
    also=(400, 403),
)
async def api_approved_requests(call: ApiCall) -> ApprovalRequestList:
    curation = call.registry.approvals.curation
    found = await curation.requests(by=call.caller)
    return ApprovalRequestList(requests=list(map(ApprovalRequestView.of, found)))


@approved_packages_api.operation(
    "POST",
    _REQUEST,
    "Ask for a package of another registry that is not approved; the decision is mailed to you.",
    also=(409,),
)
async def api_approved_ask(call: ApiCall, sent: NewApprovalRequest) -> ApprovalRequestView:
    curation = call.registry.approvals.curation
    wanted = parse_version_or_range(sent.version)
    request = await curation.ask(call.package, wanted, sent.reason, by=call.caller)
    return ApprovalRequestView.of(request.seen_by(call.caller.id))


@approved_packages_api.use_case(
    approved_packages.refuse, "POST", f"{_REQUEST}/refuse", lambda call: call.package, also=(404,)
)
async def api_approved_refuse(_call: ApiCall, _refused: None) -> None:
    return None
