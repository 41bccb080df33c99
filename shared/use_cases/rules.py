"""Rules about what is published: those of an organization, and those of the registry, each with a
dry run over the releases of the last month.

A field that is left out stays as it is. The fields of a rule are named as in
`shared/domain/publishing_rules.py`, which has how each of their values is read.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from shared.composition import Registry
from shared.domain.errors.base import InvalidRequest
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.publishing_rules import (
    MAX_APPROVALS,
    RegistryRules,
    RuleValues,
    VersionRuleChoice,
)
from shared.domain.scopes import Action
from shared.services.publishing.rule_changes import RulesDryRun, RulesOfOrganization
from shared.use_cases.inputs import FormField, Inputs, choice, is_checked, text
from shared.use_cases.use_case import use_case

_MOST_DIGITS = 15

STAGED_MEANING = (
    "Whether every push is held until owners or maintainers approve the release on its page."
)
APPROVALS_MEANING = "How many people have to approve a staged release, each for themselves: 1 or 2."
VERSION_RULE_MEANING = (
    "What becomes of a release that breaks callers and does not raise its major version: warn, "
    "hold or refuse; registry for the rule of the registry."
)
REGISTRY_VERSION_RULE_MEANING = (
    "What becomes of a release that breaks callers and does not raise its major version: warn, "
    "hold or refuse."
)


def _number(values: Sequence[str]) -> int:
    given = text(values)
    if not (given.isascii() and given.isdecimal()):
        message = f"{given[:80]!r} is no number. Write digits alone."
        raise InvalidRequest(message)
    return int(given[:_MOST_DIGITS])


class _RuleInputs(Inputs):
    @property
    def values(self) -> RuleValues:
        """The values that somebody wants, by the names of the rules."""
        sent = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in sent.items() if value is not None}


class OrganizationRulesChange(_RuleInputs):
    """The rules of an organization to change."""

    staged: Annotated[
        bool | None,
        FormField(
            "Hold every release until it is approved",
            hint="Whoever pushes and by whatever credential. Nobody else sees it until then",
            read=is_checked,
        ),
    ] = Field(default=None, description=STAGED_MEANING)
    approvals: Annotated[
        int | None,
        FormField(
            "Approvals of a held release",
            hint="With 2, who pushed it cannot approve it alone",
            read=_number,
        ),
    ] = Field(default=None, ge=1, le=MAX_APPROVALS, description=APPROVALS_MEANING)
    version_rule: Annotated[
        VersionRuleChoice | None,
        FormField(
            "Releases whose version does not say that they break callers",
            hint="To hold or refuse them, a push compares the API with the version before, for "
            "five seconds at most",
            read=choice(VersionRuleChoice, "Choose warn, hold or refuse, or the registry's rule."),
        ),
    ] = Field(default=None, description=VERSION_RULE_MEANING)


class RegistryRulesChange(_RuleInputs):
    """The rules of the registry to change; no organization loosens them."""

    staged: Annotated[
        bool | None,
        FormField("Hold every release until it is approved", read=is_checked),
    ] = Field(default=None, description=STAGED_MEANING)
    version_rule: Annotated[
        VersionRuleChoice | None,
        FormField(
            "Releases whose version does not say that they break callers",
            read=choice(VersionRuleChoice, "Choose warn, hold or refuse."),
        ),
    ] = Field(default=None, description=REGISTRY_VERSION_RULE_MEANING)


@use_case(
    "Change the rules about what is published in an organization, which are stricter than those of "
    "the registry or say nothing; for owners who signed in within the last ten minutes.",
    inputs=OrganizationRulesChange,
    right=Action.GOVERN,
    done="Rules saved. They hold for every release that is pushed from now on.",
)
async def change_organization_rules(
    registry: Registry, org: OrgName, wanted: OrganizationRulesChange, by: Principal
) -> RulesOfOrganization:
    return await registry.publishing.rule_changes.change_organization(org, wanted.values, by=by)


@use_case(
    "Show what other rules of an organization would have said of the releases of the last 30 days; "
    "for owners. Nothing is changed.",
    inputs=OrganizationRulesChange,
    right=Action.MANAGE,
)
async def dry_run_organization_rules(
    registry: Registry, org: OrgName, wanted: OrganizationRulesChange, by: Principal
) -> RulesDryRun:
    return await registry.publishing.rule_changes.dry_run_organization(org, wanted.values, by=by)


@use_case(
    "Change the rules of the registry about what is published, which no organization loosens; for "
    "administrators who signed in recently.",
    inputs=RegistryRulesChange,
    right=Action.OPERATE,
    done="Rules saved. They hold everywhere within five seconds.",
)
async def change_registry_rules(
    registry: Registry, _: None, wanted: RegistryRulesChange, by: Principal
) -> RegistryRules:
    return await registry.publishing.rule_changes.change_registry(wanted.values, by=by)


@use_case(
    "Show what other rules of the registry would have said of the releases of the last 30 days; "
    "for administrators. Nothing is changed.",
    inputs=RegistryRulesChange,
    right=Action.OPERATE,
)
async def dry_run_registry_rules(
    registry: Registry, _: None, wanted: RegistryRulesChange, by: Principal
) -> RulesDryRun:
    return await registry.publishing.rule_changes.dry_run_registry(wanted.values, by=by)
