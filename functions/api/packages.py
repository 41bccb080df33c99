"""/api/v1/packages and /api/v1/orgs/{org}/held: visibility, provenance and held releases."""

from datetime import datetime
from enum import Enum
from typing import Self

from pydantic import AwareDatetime, Field

from functions.api.operations import (
    ApiCall,
    ApiCallWithBody,
    ApiFace,
    ChosenVisibility,
    RequestModel,
    ResponseModel,
    utc_datetime,
)
from shared.domain.packages import Head, Provenance, Release, Visibility
from shared.domain.trusted_publishing.jobs import Provider
from shared.services.publishing.held_releases import DecidedBurst, HeldBurst


class NewVisibility(RequestModel):
    """Who is to see a package."""

    visibility: ChosenVisibility = Field(
        description="Private is for members of its organization alone."
    )


class PackageView(ResponseModel):
    """A package and who sees it."""

    org: str
    name: str
    visibility: Visibility
    changed_at: datetime | None = Field(description="Null for packages that never changed.")

    @classmethod
    def of(cls, head: Head) -> Self:
        at = utc_datetime(head.changed_ms)
        return cls(org=head.org, name=head.name, visibility=head.visibility, changed_at=at)


visibility_api = ApiFace()


@visibility_api.operation(
    "PUT",
    "api/v1/packages/{org}/{name}/visibility",
    "Make a package public or private; for owners who signed in within the last ten minutes.",
)
async def api_packages_visibility(call: ApiCallWithBody[NewVisibility]) -> PackageView:
    package, wanted = call.package, call.body.visibility
    head = await call.registry.packages.visibility.change(package, wanted, by=call.caller)
    return PackageView.of(head)


class Means(Enum):
    """By what a release was published."""

    JOB = "trusted-publisher"
    TOKEN = "stored-token"  # noqa: S105 - it names a means and is none.
    UPSTREAM = "upstream"  # Another registry published it, and it is mirrored here.


class RunView(ResponseModel):
    """The run of a CI system that published a release, as its provider signed it."""

    provider: Provider
    repository: str
    workflow: str
    reusable_workflow: str = Field(
        description="What the job ran in, where that is no file of the repository."
    )
    ref: str
    commit: str
    run_url: str

    @classmethod
    def of(cls, provenance: Provenance) -> Self:
        return cls(
            provider=Provider(provenance.provider),
            repository=provenance.repository,
            workflow=provenance.workflow,
            reusable_workflow=provenance.defined_elsewhere,
            ref=provenance.ref,
            commit=provenance.commit,
            run_url=provenance.run_url,
        )


class OriginView(ResponseModel):
    """Where a release comes from."""

    org: str
    name: str
    version: str
    digest: str
    published_at: datetime | None
    published_by: Means
    run: RunView | None = Field(
        description="Null for a release that came with a stored token: nobody vouched for it."
    )

    @classmethod
    def of(cls, release: Release) -> Self:
        provenance = release.origin.provenance
        return cls(
            org=release.org,
            name=release.name,
            version=release.version,
            digest=release.digest,
            published_at=utc_datetime(release.created_ms),
            published_by=_means(release),
            run=RunView.of(provenance) if provenance else None,
        )


def _means(release: Release) -> Means:
    if release.upstream is not None:
        return Means.UPSTREAM
    return Means.JOB if release.origin.provenance else Means.TOKEN


provenance_api = ApiFace()


@provenance_api.operation(
    "GET",
    "api/v1/packages/{org}/{name}/{version}/origin",
    "Show the provenance of a release: the run of a workflow, or a stored token.",
    refusals=(400, 401, 404),
)
async def api_provenance_origin(call: ApiCall) -> OriginView:
    asked, client = call.coordinate, call.client
    offer = await call.registry.packages.lookup.find(
        asked.package, asked.version, client=client, by=call.caller
    )
    return OriginView.of(offer.release)


class HeldView(ResponseModel):
    """A release that is stored and shown to nobody."""

    name: str
    version: str
    reason: str
    published_by: str = Field(description="The id of an account or a publisher.")
    published_at: datetime | None

    @classmethod
    def of(cls, release: Release) -> Self:
        return cls(
            name=release.name,
            version=release.version,
            reason=release.state_reason,
            published_by=release.origin.principal,
            published_at=utc_datetime(release.created_ms),
        )


class HeldList(ResponseModel):
    """The releases of an organization that wait for an owner."""

    releases: list[HeldView]


held_releases_api = ApiFace()


@held_releases_api.operation(
    "GET", "api/v1/orgs/{org}/held", "List the releases of an organization that wait for an owner."
)
async def api_held_list(call: ApiCall) -> HeldList:
    releases = await call.registry.publishing.held_releases.all(call.org, by=call.caller)
    return HeldList(releases=[HeldView.of(each) for each in releases])


@held_releases_api.operation(
    "POST",
    "api/v1/orgs/{org}/held/{name}/{version}/confirm",
    "Publish a held release; for owners who signed in within the last ten minutes.",
    also=(409,),
)
async def api_held_confirm(call: ApiCall) -> None:
    await call.registry.publishing.held_releases.confirm(call.coordinate, by=call.caller)


@held_releases_api.operation(
    "POST",
    "api/v1/orgs/{org}/held/{name}/{version}/refuse",
    "Remove a held release, whose version can never be published; for owners who signed in "
    "within the last ten minutes.",
    also=(409,),
)
async def api_held_refuse(call: ApiCall) -> None:
    await call.registry.publishing.held_releases.refuse(call.coordinate, by=call.caller)


class HeldSelection(RequestModel):
    """Which of the releases that wait are decided on; without a field, all of them."""

    published_by: str = Field(default="", description="The `publishedBy` of the list.")
    published_until: AwareDatetime | None = Field(
        default=None, description="The latest `publishedAt` of the list; later releases wait on."
    )

    @property
    def burst(self) -> HeldBurst:
        until = self.published_until
        # The list shows seconds.
        until_ms = None if until is None else int(until.timestamp()) * 1000 + 999
        return HeldBurst(self.published_by, until_ms)


class DecidedRelease(ResponseModel):
    """A release that was decided on."""

    name: str
    version: str


class DecidedList(ResponseModel):
    """The releases that were decided on, up to 500."""

    releases: list[DecidedRelease]
    waiting: int = Field(description="How many of those chosen still wait; repeat the request.")

    @classmethod
    def of(cls, decided: DecidedBurst) -> Self:
        releases = [
            DecidedRelease(name=each.name, version=each.version) for each in decided.releases
        ]
        return cls(releases=releases, waiting=decided.waiting)


@held_releases_api.operation(
    "POST",
    "api/v1/orgs/{org}/held/confirm",
    "Publish all held releases, or those of one publisher; for owners who signed in within the "
    "last ten minutes.",
)
async def api_held_confirm_all(call: ApiCallWithBody[HeldSelection]) -> DecidedList:
    chosen, by = call.body.burst, call.caller
    return DecidedList.of(
        await call.registry.publishing.held_releases.confirm_all(call.org, chosen, by=by)
    )


@held_releases_api.operation(
    "POST",
    "api/v1/orgs/{org}/held/refuse",
    "Remove all held releases, or those of one publisher; for owners who signed in within the "
    "last ten minutes.",
)
async def api_held_refuse_all(call: ApiCallWithBody[HeldSelection]) -> DecidedList:
    chosen, by = call.body.burst, call.caller
    return DecidedList.of(
        await call.registry.publishing.held_releases.refuse_all(call.org, chosen, by=by)
    )
