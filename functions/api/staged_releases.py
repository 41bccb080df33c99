"""/api/v1/orgs/{org}/staged-releases: releases that wait for a review; warnings of releases."""

from collections.abc import Mapping
from typing import Self

from pydantic import AliasPath, Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime, utc_datetime
from functions.api.query_parameters import after
from shared.domain.api_docs.records import ListedChange
from shared.domain.archives.unpacking import EntryChange
from shared.domain.names import parse_package_name
from shared.domain.packages import Release, RequiredApproval
from shared.domain.release_states import State
from shared.domain.token_redaction import redact_tokens
from shared.services.publishing.staged_releases import StagedReview
from shared.use_cases import staged_releases


class StagedReleaseView(ResponseModel):
    """A release that waits for a review, or that was decided on."""

    release: str
    state: State
    reason: str = Field(description="Why it waits, or why it was refused.")
    digest: str
    size_bytes: int
    published_at: UtcTime
    published_by: str = Field(description="An account's name, or the id of who published it.")
    credential: str = Field(description="The id of the token, or session.")
    approvals_needed: int
    approved_by: list[str]

    @classmethod
    def of(cls, release: Release, names: Mapping[str, str]) -> Self:
        approval = release.approval or RequiredApproval(needed=0, reason="")
        publisher = release.origin.principal
        return cls(
            release=str(release.coordinate),
            state=release.state,
            reason=release.state_reason,
            digest=release.digest,
            size_bytes=release.size_bytes,
            published_at=utc_datetime(release.created_ms),
            published_by=names.get(publisher, publisher),
            credential=release.origin.credential,
            approvals_needed=approval.needed,
            approved_by=[names.get(each.by, each.by) for each in approval.given],
        )


class StagedReleaseList(ResponseModel):
    """Releases that wait for a review, in order of package; `next` is the value of `after` for
    those that follow, empty at the end."""

    releases: list[StagedReleaseView]
    next: str


class FileChangeView(ResponseModel):
    """A file that differs from the version before."""

    path: str
    change: EntryChange


class ApiChangeView(ResponseModel):
    """A change of the API since the version before."""

    breaking: bool = Field(validation_alias=AliasPath("is_breaking"))
    change: str
    symbol: str
    why: str


class StagedReviewView(ResponseModel):
    """A release that waits for a review, and how it differs from the version before."""

    staged: StagedReleaseView
    compared_with: str | None = Field(description="Null for the first release of a package.")
    files: list[FileChangeView] = Field(description="Up to 200 that differ.")
    more_files: int
    api: list[ApiChangeView]
    api_problem: str = Field(description="Why the API is not compared; empty if it is.")
    archive: str = Field(description="A link to the archive, which works for ten minutes.")

    @classmethod
    def of(cls, review: StagedReview, archive: str) -> Self:
        changes: list[ListedChange] = list(review.api.changes) if review.api else []
        return cls(
            staged=StagedReleaseView.of(review.release, review.names),
            compared_with=review.comparison.version if review.comparison else None,
            files=[FileChangeView.model_validate(each) for each in review.files or ()],
            more_files=review.more_files,
            api=[ApiChangeView.model_validate(each) for each in changes],
            api_problem=review.api_problem,
            archive=archive,
        )


class ReleaseWarningView(ResponseModel):
    """What a rule said of a release that was accepted all the same."""

    rule: str
    whose: str = Field(description="The name of the organization, or the registry.")
    message: str


class ReleaseWarningList(ResponseModel):
    """The warnings of a release."""

    warnings: list[ReleaseWarningView]


staged_releases_api = ApiFace()

_STAGED = "api/v1/packages/{org}/{name}/{version}"


@staged_releases_api.operation(
    "GET",
    "api/v1/orgs/{org}/staged-releases",
    "List the releases of an organization that wait for a review; for its members.",
    parameters=(after("Only packages whose names come after this one: the next of a page."),),
)
async def api_staged_releases_list(call: ApiCall) -> StagedReleaseList:
    staged = call.registry.publishing.staged_releases
    cursor = redact_tokens(call.query.get("after", ""))
    name = parse_package_name(cursor) if cursor else ""
    found = await staged.page(call.org, name, by=call.caller)
    views = [StagedReleaseView.of(each.release, found.names) for each in found.releases]
    return StagedReleaseList(releases=views, next=found.next)


@staged_releases_api.operation(
    "GET",
    f"{_STAGED}/review",
    "Show how a release that waits for a review differs from the version before; for members.",
)
async def api_staged_releases_review(call: ApiCall) -> StagedReviewView:
    staged = call.registry.publishing.staged_releases
    review = await staged.review(call.coordinate, by=call.caller)
    return StagedReviewView.of(review, await staged.link(call.coordinate, by=call.caller))


@staged_releases_api.use_case(
    staged_releases.approve,
    "POST",
    f"{_STAGED}/review/approve",
    lambda call: call.coordinate,
    also=(409,),
)
async def api_staged_releases_approve(_: ApiCall, approved: Release) -> StagedReleaseView:
    return StagedReleaseView.of(approved, {})


@staged_releases_api.use_case(
    staged_releases.refuse,
    "POST",
    f"{_STAGED}/review/refuse",
    lambda call: call.coordinate,
    also=(409,),
)
async def api_staged_releases_refuse(_: ApiCall, refused: Release) -> StagedReleaseView:
    return StagedReleaseView.of(refused, {})


@staged_releases_api.operation(
    "GET",
    f"{_STAGED}/warnings",
    "List the warnings of a release, which was accepted all the same; for owners.",
)
async def api_releases_rule_findings(call: ApiCall) -> ReleaseWarningList:
    found = await call.registry.publishing.warnings.of_release(call.coordinate, by=call.caller)
    return ReleaseWarningList.model_validate({"warnings": found})
