"""/api/v1/groups: rules by which groups of an identity provider give roles; for administrators."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime
from shared.domain.group_rules import GroupRules
from shared.services.administration.group_roles import GroupRuleDryRun
from shared.use_cases import groups
from shared.use_cases.use_case import of_registry

EFFECTS_LISTED = 1_000  # Effects of a dry run in an answer.


class GroupRulesView(ResponseModel):
    """The rules in force."""

    rules: list[Annotated[str, BeforeValidator(str)]]
    changed_at: UtcTime = Field(validation_alias="changed_ms", description="Null for none yet.")


class GroupRuleEffectView(ResponseModel):
    """What an account gets otherwise by other rules."""

    account: str
    target: str = Field(description="An organization, (administrator) or (staff).")
    now: str = Field(description="A role, yes, or empty for nothing.")
    then: str


class GroupRuleDryRunView(ResponseModel):
    """What people would get by other rules."""

    accounts_read: int = Field(description="Accounts whose groups are known.")
    unknown_groups: list[str] = Field(description="Groups of the rules that nobody is in.")
    effects: Annotated[
        list[GroupRuleEffectView], BeforeValidator(lambda effects: effects[:EFFECTS_LISTED])
    ]


groups_api = ApiFace()


@groups_api.operation(
    "GET", "api/v1/groups", "Show the rules about groups; for administrators.", also=(403,)
)
async def api_groups_show(call: ApiCall) -> GroupRulesView:
    rules = call.registry.administration.group_rules
    return GroupRulesView.model_validate(await rules.current(by=call.caller))


@groups_api.use_case(groups.replace, "PUT", "api/v1/groups", of_registry, also=(404,))
async def api_groups_replace(_: ApiCall, rules: GroupRules) -> GroupRulesView:
    return GroupRulesView.model_validate(rules)


@groups_api.use_case(groups.dry_run, "POST", "api/v1/groups/dry-run", of_registry, also=(404,))
async def api_groups_dry_run(_: ApiCall, dry_run: GroupRuleDryRun) -> GroupRuleDryRunView:
    return GroupRuleDryRunView.model_validate(dry_run)
