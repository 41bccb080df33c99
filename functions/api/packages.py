"""/api/v1/packages and /api/v1/orgs/{org}/held: visibility, provenance and held releases."""

from datetime import datetime
from enum import Enum
from typing import Self

import azure.functions as func
from pydantic import Field

from functions.api.operations import (
    Operation,
    RequestModel,
    ResponseModel,
    answer,
    api_caller,
    no_content_response,
    parse_body,
    utc_datetime,
)
from functions.http.handlers import api_errors
from functions.http.requests import client_profile_of
from shared.composition import Registry
from shared.domain.names import Coordinate, Package, parse_org
from shared.domain.packages import Head, Provenance, Release, Visibility
from shared.domain.trusted_publishing.jobs import Provider


class NewVisibility(RequestModel):
    """Who is to see a package."""

    visibility: Visibility = Field(description="Private is for members of its organization alone.")


class PackageView(ResponseModel):
    """A package and who sees it."""

    org: str
    name: str
    visibility: Visibility
    changed_at: datetime | None = Field(description="Null for packages that never changed.")

    @classmethod
    def of(cls, head: Head) -> Self:
        """Show a package."""
        at = utc_datetime(head.changed_ms)
        return cls(org=head.org, name=head.name, visibility=head.visibility, changed_at=at)


VISIBILITY_OPERATIONS = (
    Operation(
        "api_packages_visibility",
        "PUT",
        "api/v1/packages/{org}/{name}/visibility",
        "Make a package public or private; owners may who signed in within ten minutes.",
        200,
        request=NewVisibility,
        answer=PackageView,
        refusals=(400, 401, 403, 404),
    ),
)


def visibility_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions that change whole packages."""
    bp = func.Blueprint()

    @bp.route("api/v1/packages/{org}/{name}/visibility", methods=["PUT"])
    @api_errors
    async def api_packages_visibility(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        package = Package.parse(req.route_params["org"], req.route_params["name"])
        wanted = parse_body(NewVisibility, req).visibility
        return answer(
            PackageView.of(await registry.package_visibility.change(package, wanted, by=caller))
        )

    return bp


class Means(Enum):
    """By what a release was published."""

    JOB = "trusted-publisher"
    TOKEN = "stored-token"  # noqa: S105 - it names a means and is none.


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
        """Show where a release comes from."""
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
        """Show a release's origin."""
        provenance = release.origin.provenance
        return cls(
            org=release.org,
            name=release.name,
            version=release.version,
            digest=release.digest,
            published_at=utc_datetime(release.created_ms),
            published_by=Means.JOB if provenance else Means.TOKEN,
            run=RunView.of(provenance) if provenance else None,
        )


PROVENANCE_OPERATIONS = (
    Operation(
        "api_provenance_origin",
        "GET",
        "api/v1/packages/{org}/{name}/{version}/origin",
        "Say where a release comes from: which run of which workflow, or a stored token.",
        200,
        answer=OriginView,
        refusals=(400, 401, 404),
    ),
)


def provenance_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that tells where a release comes from."""
    bp = func.Blueprint()

    @bp.route("api/v1/packages/{org}/{name}/{version}/origin", methods=["GET", "HEAD"])
    @api_errors
    async def api_provenance_origin(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        parts = req.route_params
        asked = Coordinate.parse(parts["org"], parts["name"], parts["version"])
        offer = await registry.packages.find(
            asked.package, asked.version, client=client_profile_of(req), by=caller
        )
        return answer(OriginView.of(offer.release))

    return bp


class HeldView(ResponseModel):
    """A release that is stored and shown to nobody."""

    name: str
    version: str
    reason: str
    published_by: str = Field(description="The id of an account or a publisher.")
    published_at: datetime | None

    @classmethod
    def of(cls, release: Release) -> Self:
        """Show a release."""
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


HELD_RELEASE_OPERATIONS = (
    Operation(
        "api_held_list",
        "GET",
        "api/v1/orgs/{org}/held",
        "List the releases of an organization that wait for an owner.",
        200,
        answer=HeldList,
        refusals=(400, 401, 403),
    ),
    Operation(
        "api_held_confirm",
        "POST",
        "api/v1/orgs/{org}/held/{name}/{version}/confirm",
        "Publish a release that waits; it takes an owner who signed in a moment ago.",
        204,
        refusals=(400, 401, 403, 404, 409),
    ),
)


def held_releases_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of releases that wait."""
    bp = func.Blueprint()

    @bp.route("api/v1/orgs/{org}/held", methods=["GET", "HEAD"])
    @api_errors
    async def api_held_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        org = parse_org(req.route_params["org"])
        releases = await registry.moderation.awaiting(org, by=caller)
        return answer(HeldList(releases=[HeldView.of(each) for each in releases]))

    @bp.route("api/v1/orgs/{org}/held/{name}/{version}/confirm", methods=["POST"])
    @api_errors
    async def api_held_confirm(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        parts = (req.route_params[part] for part in ("org", "name", "version"))
        await registry.moderation.confirm(Coordinate.parse(*parts), by=caller)
        return no_content_response()

    return bp
