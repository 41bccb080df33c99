"""/api/v1/mirror/status, packages, refusals and retries: what is stored of upstream registries, and
what is refused; for administrators."""

from datetime import datetime
from typing import Self

from pydantic import Field

from functions.api.mirror import require_mirroring
from functions.api.operations import ApiCall, ApiFace, RequestModel, ResponseModel, utc_datetime
from shared.domain.mirror_overview import MirrorTotals
from shared.domain.mirroring import UpstreamRelease
from shared.domain.wanted_releases import parse_coordinate
from shared.services.mirroring.overview import MirroredPackage, MirrorStatus, UpstreamStatus
from shared.services.records import ListPage

ROWS_PER_PAGE = 100

_NEXT = "The parameter after of the next page; null at the end."


class MirrorTotalsView(ResponseModel):
    """Totals of one upstream."""

    packages: int
    releases: int
    dropped: int = Field(description="Releases whose archives the quota dropped.")
    removed_upstream: int = Field(description="Releases that the upstream has no more.")
    bytes: int = Field(description="Size of the stored archives.")
    pulls: int
    hit_rate: float | None = Field(description="The share of pulls for which nothing was fetched.")
    refused: int
    incidents: int
    catalogued: int = Field(description="Packages in its catalogue.")

    @classmethod
    def of(cls, totals: MirrorTotals) -> Self:
        return cls(
            packages=totals.packages,
            releases=totals.releases,
            dropped=totals.dropped,
            removed_upstream=totals.removed_upstream,
            bytes=totals.size_bytes,
            pulls=totals.pulls,
            hit_rate=totals.hit_rate,
            refused=totals.refused,
            incidents=totals.incidents,
            catalogued=totals.catalogued,
        )


class UpstreamStatusView(ResponseModel):
    """The state of an upstream, and what is stored of it."""

    name: str
    address: str | None = Field(description="Null for one that was taken off the list.")
    answers: bool | None = Field(
        description="As the process knows that answered; null if it has not asked."
    )
    problem: str | None = Field(description="Why it does not answer.")
    unusable: str | None = Field(
        description="Which of its answers could not be used last, and why; others are not affected."
    )
    catalogue_read_at: datetime | None
    totals: MirrorTotalsView

    @classmethod
    def of(cls, status: UpstreamStatus) -> Self:
        health = status.source.gate.health
        return cls(
            name=status.source.name,
            address=status.source.address,
            answers=health.is_open if health.asked else None,
            problem=None if health.is_open else health.reason,
            unusable=health.unusable or None,
            catalogue_read_at=utc_datetime(status.catalogue.completed_ms),
            totals=MirrorTotalsView.of(status.totals),
        )

    @classmethod
    def of_former(cls, totals: MirrorTotals) -> Self:
        return cls(
            name=totals.upstream,
            address=None,
            answers=None,
            problem=None,
            unusable=None,
            catalogue_read_at=None,
            totals=MirrorTotalsView.of(totals),
        )


class MirrorStatusView(ResponseModel):
    """The upstreams in their order, then those that were taken off the list."""

    counted_at: datetime | None = Field(description="When the totals were counted, each hour.")
    upstreams: list[UpstreamStatusView]

    @classmethod
    def of(cls, status: MirrorStatus) -> Self:
        listed = map(UpstreamStatusView.of, status.upstreams)
        former = map(UpstreamStatusView.of_former, status.former)
        return cls(counted_at=utc_datetime(status.counted_ms), upstreams=[*listed, *former])


class MirroredPackageView(ResponseModel):
    """A package of which releases are stored."""

    name: str
    upstream: str
    releases: int
    dropped: int
    removed_upstream: int
    bytes: int
    pulls: int

    @classmethod
    def of(cls, package: MirroredPackage) -> Self:
        return cls(
            name=package.name,
            upstream=package.upstream,
            releases=package.releases,
            dropped=package.dropped,
            removed_upstream=package.removed_upstream,
            bytes=package.size_bytes,
            pulls=package.pulls,
        )


class MirroredPackageList(ResponseModel):
    """Mirrored packages by name."""

    packages: list[MirroredPackageView]
    next: str | None = Field(description=_NEXT)

    @classmethod
    def of(cls, page: ListPage[MirroredPackage]) -> Self:
        return cls(packages=list(map(MirroredPackageView.of, page.rows)), next=page.next or None)


class RefusedReleaseView(ResponseModel):
    """A release of an upstream that is not served."""

    release: str
    upstream: str
    reason: str
    incident: bool = Field(description="Whether the upstream changed its archive.")
    refused_at: datetime | None
    pinned_digest: str
    offered_digest: str | None = Field(description="Of an incident.")

    @classmethod
    def of(cls, release: UpstreamRelease) -> Self:
        return cls(
            release=str(release.coordinate),
            upstream=release.upstream,
            reason=release.refused_because,
            incident=release.is_incident,
            refused_at=utc_datetime(release.refused_ms),
            pinned_digest=release.digest,
            offered_digest=release.offered_digest or None,
        )


class RefusedReleaseList(ResponseModel):
    """Refused releases, incidents first."""

    releases: list[RefusedReleaseView]
    next: str | None = Field(description=_NEXT)

    @classmethod
    def of(cls, page: ListPage[UpstreamRelease]) -> Self:
        return cls(releases=list(map(RefusedReleaseView.of, page.rows)), next=page.next or None)


class RetryRequest(RequestModel):
    """A refused release that the next pull fetches again."""

    release: str = Field(description="Such as ballerina/io:1.6.1.")


class RetryView(ResponseModel):
    """Whether the release was refused."""

    retried: bool


_REFUSALS = (400, 401, 403)

mirror_lists_api = ApiFace()


@mirror_lists_api.operation(
    "GET",
    "api/v1/mirror/status",
    "Show the state of the upstream registries and what is stored of them; for administrators.",
    refusals=_REFUSALS,
)
async def api_mirror_status(call: ApiCall) -> MirrorStatusView:
    overview = (await require_mirroring(call)).overview
    return MirrorStatusView.of(await overview.status(by=call.caller))


@mirror_lists_api.operation(
    "GET",
    "api/v1/mirror/packages",
    "List the mirrored packages by name, 100 a page; for administrators. Continue with after.",
    refusals=_REFUSALS,
)
async def api_mirror_packages(call: ApiCall) -> MirroredPackageList:
    overview, after = (await require_mirroring(call)).overview, call.params.get("after", "")
    return MirroredPackageList.of(await overview.packages(after, ROWS_PER_PAGE, by=call.caller))


@mirror_lists_api.operation(
    "GET",
    "api/v1/mirror/refusals",
    "List the refused releases of upstreams, incidents first, 100 a page; for administrators. "
    "Continue with after.",
    refusals=_REFUSALS,
)
async def api_mirror_refusals(call: ApiCall) -> RefusedReleaseList:
    overview, after = (await require_mirroring(call)).overview, call.params.get("after", "")
    return RefusedReleaseList.of(await overview.refusals(after, ROWS_PER_PAGE, by=call.caller))


@mirror_lists_api.operation(
    "POST",
    "api/v1/mirror/retries",
    "Let the next pull fetch a refused release again; for administrators. Its pinned digest stays.",
    refusals=_REFUSALS,
)
async def api_mirror_retry(call: ApiCall, sent: RetryRequest) -> RetryView:
    overview = (await require_mirroring(call)).overview
    release = parse_coordinate(sent.release)
    return RetryView(retried=await overview.retry(release, by=call.caller))
