"""/api/v1/orgs/{org}/held: releases that wait until an owner says that they are meant."""

from datetime import datetime
from typing import Self

import azure.functions as func
from pydantic import Field

from functions._api import Answer, Operation, answer, api_caller, api_errors, moment, nothing
from shared.domain.names import Coordinate, parse_org
from shared.domain.package import Release
from shared.registry import Registry


class HeldView(Answer):
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
            published_at=moment(release.created_ms),
        )


class HeldList(Answer):
    """The releases of an organization that wait for an owner."""

    releases: list[HeldView]


OPERATIONS = (
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


def blueprint(registry: Registry) -> func.Blueprint:
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
        return nothing()

    return bp
