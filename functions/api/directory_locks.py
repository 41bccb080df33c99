"""/api/v1/directory-locks: accounts of people who are disabled or gone in Entra ID; for
administrators."""

from pydantic import AliasPath, Field

from functions.api.api_face import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from shared.domain.directory_locks import DirectoryState, FindingState
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.services.administration.directory_locks import DirectoryDecision

MAX_DECIDED = 1_000  # Accounts of one request.


class DirectoryLockDecision(RequestModel):
    """What to do with accounts of people who are disabled or gone."""

    decision: DirectoryDecision = Field(
        description="lock them, keep them whatever the directory says, or follow it again."
    )
    accounts: list[str] = Field(
        max_length=MAX_DECIDED,
        description="Names of accounts, or id: and the id; * is every account that waits.",
    )
    reason: str = Field(
        max_length=MAX_DESCRIPTION, description="The reason, which administrators read."
    )


class DirectoryFindingView(ResponseModel):
    """An account whose person is disabled or gone."""

    account: str = Field(validation_alias="name")
    said: DirectoryState = Field(validation_alias=AliasPath("finding", "said"))
    state: FindingState = Field(validation_alias=AliasPath("finding", "state"))
    since: UtcTime = Field(validation_alias=AliasPath("finding", "at_ms"))
    decided_by: str = Field(description="Empty for the directory.")
    decision_reason: str = Field(validation_alias=AliasPath("finding", "decision_reason"))


class DirectoryFindingList(ResponseModel):
    """Those that wait for an administrator first."""

    accounts: list[DirectoryFindingView]


directory_locks_api = ApiFace()


@directory_locks_api.operation(
    "GET",
    "api/v1/directory-locks",
    "List accounts of people who are disabled or gone in Entra ID; for administrators.",
    also=(403,),
)
async def api_directory_locks_list(call: ApiCall) -> DirectoryFindingList:
    locks = call.registry.administration.directory_locks
    return DirectoryFindingList.model_validate({"accounts": await locks.found(by=call.caller)})


@directory_locks_api.operation(
    "POST",
    "api/v1/directory-locks/decisions",
    "Decide about such accounts; for administrators who signed in recently.",
    also=(404, 409),
)
async def api_directory_locks_decide(
    call: ApiCall, sent: DirectoryLockDecision
) -> DirectoryFindingList:
    locks = call.registry.administration.directory_locks
    found = await locks.decide(sent.accounts, sent.decision, reason=sent.reason, by=call.caller)
    return DirectoryFindingList.model_validate({"accounts": found})
