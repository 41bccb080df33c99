"""/api/v1/packages/{org}/{name}/visibility: who sees a package."""

from datetime import datetime
from typing import Self

import azure.functions as func
from pydantic import Field

from functions._api import (
    Answer,
    Operation,
    Request,
    answer,
    api_caller,
    api_errors,
    body_as,
    moment,
)
from shared.domain.names import Package
from shared.domain.package import Head, Visibility
from shared.registry import Registry


class NewVisibility(Request):
    """Who is to see a package."""

    visibility: Visibility = Field(description="Private is for members of its organization alone.")


class PackageView(Answer):
    """A package and who sees it."""

    org: str
    name: str
    visibility: Visibility
    changed_at: datetime | None = Field(description="Null for packages that never changed.")

    @classmethod
    def of(cls, head: Head) -> Self:
        """Show a package."""
        at = moment(head.changed_ms)
        return cls(org=head.org, name=head.name, visibility=head.visibility, changed_at=at)


OPERATIONS = (
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


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions that change whole packages."""
    bp = func.Blueprint()

    @bp.route("api/v1/packages/{org}/{name}/visibility", methods=["PUT"])
    @api_errors
    async def api_packages_visibility(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        package = Package.parse(req.route_params["org"], req.route_params["name"])
        wanted = body_as(NewVisibility, req).visibility
        return answer(PackageView.of(await registry.visibility.change(package, wanted, by=caller)))

    return bp
