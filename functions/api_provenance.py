"""/api/v1/packages/{org}/{name}/{version}/origin: where a release comes from."""

from datetime import datetime
from enum import Enum
from typing import Self

import azure.functions as func
from pydantic import Field

from functions._api import Answer, Operation, answer, api_caller, api_errors, moment
from functions._http import client_of
from shared.domain.names import Coordinate
from shared.domain.package import Provenance, Release
from shared.domain.workloads import Provider
from shared.registry import Registry


class Means(Enum):
    """By what a release was published."""

    JOB = "trusted-publisher"
    TOKEN = "stored-token"  # noqa: S105 - it names a means and is none.


class RunView(Answer):
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


class OriginView(Answer):
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
            published_at=moment(release.created_ms),
            published_by=Means.JOB if provenance else Means.TOKEN,
            run=RunView.of(provenance) if provenance else None,
        )


OPERATIONS = (
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


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that tells where a release comes from."""
    bp = func.Blueprint()

    @bp.route("api/v1/packages/{org}/{name}/{version}/origin", methods=["GET", "HEAD"])
    @api_errors
    async def api_provenance_origin(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        parts = req.route_params
        asked = Coordinate.parse(parts["org"], parts["name"], parts["version"])
        offer = await registry.pulling.find(
            asked.package, asked.version, client=client_of(req), by=caller
        )
        return answer(OriginView.of(offer.release))

    return bp
