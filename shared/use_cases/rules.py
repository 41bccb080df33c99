"""Rules about what is published: those of an organization, and those of the registry, each with a
dry run over the releases of the last month.

A field that is left out stays as it is. The fields of a rule are named as in
`shared/domain/publishing_rules.py`, which has how each of their values is read.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from shared.domain.errors.base import InvalidRequest
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.publishing_rules import (
    MAX_APPROVALS,
    MAX_QUOTA,
    RegistryRules,
    RuleValues,
    VersionRuleChoice,
)
from shared.domain.scopes import Action
from shared.registry import Registry
from shared.services.publishing.rule_changes import PublishingRuleDryRun, RulesOfOrganization
from shared.use_cases.inputs import FormField, Inputs, choice, is_checked, lines, text
from shared.use_cases.use_case import use_case

_MOST_DIGITS = 15

STAGED_MEANING = (
    "Whether every push is held until owners or maintainers approve the release on its page."
)
APPROVALS_MEANING = "How many people have to approve a staged release, each for themselves: 1 or 2."
VERSION_RULE_MEANING = (
    "What happens to a release that breaks callers and does not raise its major version: warn, "
    "hold or refuse; registry for the rule of the registry."
)
REGISTRY_VERSION_RULE_MEANING = (
    "What happens to a release that breaks callers and does not raise its major version: warn, "
    "hold or refuse."
)

APPROVED_ONLY_MEANING = (
    "Whether its members, tokens and CI jobs may use only approved packages from other registries."
)
RETENTION_MEANING = (
    "Which pre-releases of private packages stay, such as `last 5`, `30 days` or both; empty keeps "
    "all. A task removes the others each night, and their versions stay taken."
)
QUOTA_MEANING = "0 means no limit; what is published already stays."
MIRROR_APPROVED_ONLY_MEANING = (
    "Whether everyone may use only approved packages from other registries."
)


def _number(values: Sequence[str]) -> int:
    given = text(values)
    if not (given.isascii() and given.isdecimal()):
        message = f"{given[:80]!r} is not a number. Write digits only."
        raise InvalidRequest(message)
    return int(given[:_MOST_DIGITS])


LICENSES_MEANING = (
    "The SPDX expressions of licenses that releases may be under, such as Apache-2.0; none allows "
    "all. NONE allows releases without a license."
)
REFUSED_LICENSES_MEANING = (
    "The SPDX expressions of licenses that no release may be under; NONE refuses releases without "
    "a license."
)
SECRETS_MEANING = (
    "Whether archives with a key, a token or another secret of a known form are refused."
)
SECRETS_ALLOWED_MEANING = (
    "The files that are exempt from the check for secrets: a package and a path in its archive, "
    "such as greet:resources/test-key.pem, or a path with * for all packages."
)


# The rules of organizations and of the registry both have these fields.
AllowedLicenses = Annotated[
    list[str] | None,
    FormField(
        "Allowed licenses",
        hint="SPDX expressions, one in a line; empty for all. NONE is a release without one",
        read=lines,
    ),
]
RefusedLicenses = Annotated[
    list[str] | None,
    FormField("Refused licenses", hint="SPDX expressions, one in a line", read=lines),
]


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
            "People who approve a held release",
            hint="With 2, who pushed it cannot approve it alone",
            read=_number,
        ),
    ] = Field(default=None, ge=1, le=MAX_APPROVALS, description=APPROVALS_MEANING)
    version_rule: Annotated[
        VersionRuleChoice | None,
        FormField(
            "Breaking releases without a new major version",
            hint="To hold or refuse them, a push compares the API with the version before, for "
            "five seconds at most",
            read=choice(VersionRuleChoice, "Choose warn, hold or refuse, or the registry's rule."),
        ),
    ] = Field(default=None, description=VERSION_RULE_MEANING)
    licenses: AllowedLicenses = Field(default=None, description=LICENSES_MEANING)
    refused_licenses: RefusedLicenses = Field(default=None, description=REFUSED_LICENSES_MEANING)
    secrets_allowed: Annotated[
        list[str] | None,
        FormField(
            "Files exempt from the check for secrets",
            hint="A package and a path in its archive, one in a line, such as "
            "greet:resources/test-key.pem, or a path with * for all packages",
            read=lines,
        ),
    ] = Field(default=None, description=SECRETS_ALLOWED_MEANING)
    approved_only: Annotated[
        bool | None,
        FormField(
            "Allow only approved packages from other registries",
            hint="For its members, tokens and CI jobs. Administrators approve",
            read=is_checked,
        ),
    ] = Field(default=None, description=APPROVED_ONLY_MEANING)
    retention: Annotated[
        str | None,
        FormField(
            "Pre-releases of private packages to keep",
            hint="last 5, or 30 days, or last 5, 30 days; empty keeps all. The others are removed "
            "each night, and their versions stay taken",
        ),
    ] = Field(default=None, max_length=80, description=RETENTION_MEANING)


class RegistryRulesChange(_RuleInputs):
    """The rules of the registry to change; no organization loosens them."""

    staged: Annotated[
        bool | None,
        FormField("Hold every release until it is approved", read=is_checked),
    ] = Field(default=None, description=STAGED_MEANING)
    version_rule: Annotated[
        VersionRuleChoice | None,
        FormField(
            "Breaking releases without a new major version",
            read=choice(VersionRuleChoice, "Choose warn, hold or refuse."),
        ),
    ] = Field(default=None, description=REGISTRY_VERSION_RULE_MEANING)
    licenses: AllowedLicenses = Field(default=None, description=LICENSES_MEANING)
    refused_licenses: RefusedLicenses = Field(default=None, description=REFUSED_LICENSES_MEANING)
    secrets: Annotated[
        bool | None,
        FormField("Refuse archives with secrets", read=is_checked),
    ] = Field(default=None, description=SECRETS_MEANING)
    approved_only: Annotated[
        bool | None,
        FormField(
            "Allow only approved packages from other registries",
            hint="Applies to everyone. Approve packages on the page of approvals",
            read=is_checked,
        ),
    ] = Field(default=None, description=MIRROR_APPROVED_ONLY_MEANING)


class OrganizationQuota(_RuleInputs):
    """The limits of an organization to change."""

    max_bytes: Annotated[
        int | None, FormField("Most bytes", hint="0 means no limit", read=_number)
    ] = Field(default=None, ge=0, le=MAX_QUOTA, description=QUOTA_MEANING)
    max_releases: Annotated[
        int | None, FormField("Most releases", hint="0 means no limit", read=_number)
    ] = Field(default=None, ge=0, le=MAX_QUOTA, description=QUOTA_MEANING)


@use_case(
    "Change how many bytes and releases an organization may have; for administrators who signed in "
    "recently.",
    inputs=OrganizationQuota,
    right=Action.OPERATE,
    done="Limits saved. They hold for every release that is pushed from now on.",
)
async def change_quota(
    registry: Registry, org: OrgName, wanted: OrganizationQuota, by: Principal
) -> RulesOfOrganization:
    return await registry.publishing.rule_changes.change_quota(org, wanted.values, by=by)


@use_case(
    "Change the rules about what is published in an organization, which are stricter than those of "
    "the registry or say nothing; for owners who signed in recently.",
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
) -> PublishingRuleDryRun:
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
) -> PublishingRuleDryRun:
    return await registry.publishing.rule_changes.dry_run_registry(wanted.values, by=by)
