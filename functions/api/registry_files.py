"""/api/v1/apply and /api/v1/export: the registry as a file; for tokens with the scope apply."""

from functools import partial
from typing import Annotated

from pydantic import BeforeValidator, Field

from functions.api.api_face import ApiCall, ApiFace, RequestModel, ResponseModel, parse_body
from shared.domain.body_sizes import MAX_BODY_BYTES
from shared.services.registry_files.plans import Pruning
from shared.services.registry_files.registry_files import FileRequest


class RegistryFileToApply(RequestModel):
    """A registry file, and how it is applied."""

    file: str = Field(max_length=MAX_BODY_BYTES, description="The text of the file: TOML.")
    prune: bool = Field(
        default=False,
        description="Whether to remove what exists and is in no list of the file. Organizations, "
        "packages and accounts are never removed.",
    )
    dry_run: bool = Field(default=False, description="Whether nothing is changed.")
    secrets: dict[str, str] = Field(
        default={},
        max_length=100,
        description="The secrets of new webhooks, by the names in their `secret_from`.",
    )


class AppliedFileView(ResponseModel):
    """What was changed, or would be."""

    summary: str = Field(description='"Nothing to change." where nothing differs.')
    changes: list[str] = Field(description="The difference: lines with +, ~ or -.")
    waiting: list[str] = Field(description="Changes of owners that wait since an earlier change.")
    secrets: Annotated[dict[str, str], BeforeValidator(dict)] = Field(
        description="Secrets that the registry made for new webhooks, which are shown once."
    )


class ExportedFileView(ResponseModel):
    """The file of what is there."""

    file: str = Field(description="The text of the file, without secrets.")


# A file of a company of 300 people takes about 30 KiB.
registry_files_api = ApiFace(partial(parse_body, most_bytes=MAX_BODY_BYTES))


@registry_files_api.operation(
    "POST",
    "api/v1/apply",
    "Apply a registry file; for administrators who signed in recently, and their tokens with the "
    "scope apply.",
    also=(404, 409),
)
async def api_apply(call: ApiCall, sent: RegistryFileToApply) -> AppliedFileView:
    files = call.registry.administration.registry_files
    pruning = Pruning.REMOVE if sent.prune else Pruning.KEEP
    request = FileRequest(sent.file, pruning, sent.secrets)
    run = files.preview if sent.dry_run else files.apply
    return AppliedFileView.model_validate(await run(request, by=call.caller))


@registry_files_api.operation(
    "GET",
    "api/v1/export",
    "Return the registry file of what is there, without secrets; for administrators who signed in "
    "recently, and their tokens with the scope apply.",
    also=(403,),
)
async def api_export(call: ApiCall) -> ExportedFileView:
    files = call.registry.administration.registry_files
    return ExportedFileView(file=await files.export(by=call.caller))
