"""/api/v1/groups: rules by which groups of an identity provider give roles; for administrators."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from functions.api.operations import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from shared.domain.group_rules import MAX_GROUP_RULES, GroupRules

EFFECTS_LISTED = 1_000  # Of a dry run.


class GroupRuleChange(RequestModel):
    """All rules; what is left out is removed."""

    rules: list[str] = Field(
        default=[],
        max_length=MAX_GROUP_RULES,
        description="`oidc:GROUP -> acme, maintainer`, `oidc:GROUP -> administrator` or staff. A "
        "group of Entra ID is `entra:` and its object id, an app role `entra:role:` and its value.",
    )


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
    """Who would get what by other rules."""

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
    rules = call.registry.identity.group_rules
    return GroupRulesView.model_validate(await rules.current(by=call.caller))


@groups_api.operation(
    "PUT",
    "api/v1/groups",
    "Replace the rules about groups; for administrators who signed in recently.",
    also=(404,),
)
async def api_groups_replace(call: ApiCall, sent: GroupRuleChange) -> GroupRulesView:
    rules = call.registry.identity.group_rules
    wanted = GroupRules.parse(sent.rules)
    return GroupRulesView.model_validate(await rules.replace(wanted, by=call.caller))


@groups_api.operation(
    "POST",
    "api/v1/groups/dry-run",
    "Show who would get what by other rules about groups; for administrators.",
    also=(404,),
)
async def api_groups_dry_run(call: ApiCall, sent: GroupRuleChange) -> GroupRuleDryRunView:
    rules = call.registry.identity.group_rules
    wanted = GroupRules.parse(sent.rules)
    return GroupRuleDryRunView.model_validate(await rules.dry_run(wanted, by=call.caller))
