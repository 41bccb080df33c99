"""Rules by which groups of an identity provider give roles: what administrators do with them."""

from typing import Annotated

from pydantic import Field

from shared.domain.group_rules import MAX_GROUP_RULES, GroupRules
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.registry import Registry
from shared.services.administration.group_roles import GroupRuleDryRun
from shared.use_cases.inputs import FormField, Inputs, lines
from shared.use_cases.use_case import use_case


class GroupRuleChange(Inputs):
    """All rules; what is left out is removed."""

    rules: Annotated[list[str], FormField("Groups and what they give", read=lines)] = Field(
        default=[],
        max_length=MAX_GROUP_RULES,
        description="`oidc:GROUP -> acme, maintainer`, `oidc:GROUP -> administrator` or staff. A "
        "group of Entra ID is `entra:` and its object id, an app role `entra:role:` and its value.",
    )


@use_case(
    "Show who would get what by other rules about groups; for administrators.",
    inputs=GroupRuleChange,
    right=Action.MANAGE,
)
async def dry_run(
    registry: Registry, _: None, sent: GroupRuleChange, by: Principal
) -> GroupRuleDryRun:
    wanted = GroupRules.parse(sent.rules)
    return await registry.administration.group_rules.dry_run(wanted, by=by)


@use_case(
    "Replace the rules about groups; for administrators who signed in recently.",
    inputs=GroupRuleChange,
    right=Action.OPERATE,
    done="Rules saved. They apply to each account at its next sign-in or renewal.",
)
async def replace(registry: Registry, _: None, sent: GroupRuleChange, by: Principal) -> GroupRules:
    wanted = GroupRules.parse(sent.rules)
    return await registry.administration.group_rules.replace(wanted, by=by)
