"""POST /api/v1/dry-run: what a push of an archive would say."""

from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel
from functions.http.body_parsing import announced_digest, archive_parts, require_upload_taken
from shared.domain.errors.identity import credentials_missing
from shared.domain.rate_limits import RateLimitClass
from shared.services.publishing.dry_runs import FindingSeverity
from shared.services.publishing.uploads import Upload


class FindingView(ResponseModel):
    """Something that a push would say."""

    rule: str = Field(description="A stable code, which is that of the refusal of a push.")
    severity: FindingSeverity = Field(description="error: a push is refused.")
    message: str


class DryRunView(ResponseModel):
    """What a push of the archive would say; without findings it would say nothing."""

    findings: list[FindingView]
    may_publish: bool = Field(
        description="Whether no finding is an error. A credential that only reads is none."
    )
    # Copies of publish.py and of pipelines from earlier versions read this spelling.
    may_publish_respelled: bool = Field(
        validation_alias="may_publish",
        serialization_alias="may_publish",
        description="Deprecated: the same as mayPublish.",
        json_schema_extra={"deprecated": True},
    )


dry_runs_api = ApiFace()

DRY_RUN = "api/v1/dry-run"


@dry_runs_api.operation(
    "POST",
    DRY_RUN,
    "Check an archive as a push does, and publish nothing. The body is the form of a push: "
    "multipart/form-data with the part bala-file, and the Sigstore bundle as the part provenance.",
    refusals=(400, 401, 403, 404, 413),
    limit=RateLimitClass.DRY_RUN,
    accepts_archive=True,
)
async def api_dry_run(call: ApiCall) -> DryRunView:
    if call.caller.is_anonymous:
        raise credentials_missing()  # Before the archive is read, which is expensive.
    settings = call.registry.settings
    require_upload_taken(call, settings.app_role)
    parts = archive_parts(call, name="bala-file", limit=settings.max_archive_bytes)
    provenance = parts.get("provenance")
    upload = Upload(
        parts["bala-file"].content,
        announced_digest(call),
        sigstore=provenance.content if provenance else None,
    )
    found = await call.registry.publishing.dry_runs.check(upload, by=call.caller)
    return DryRunView.model_validate(found)
