"""/api/v1/orgs/{org}/rules and /api/v1/rules: rules about what is published."""

from typing import Annotated

from pydantic import AliasPath, BeforeValidator, Field

from functions.api.api_face import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from shared.domain.publishing_rules import RegistryRules, RuleEffect, VersionRule, VersionRuleChoice
from shared.services.publishing.rule_changes import PublishingRuleDryRun, RulesOfOrganization
from shared.use_cases import rules
from shared.use_cases.rules import (
    APPROVALS_MEANING,
    APPROVED_ONLY_MEANING,
    LICENSES_MEANING,
    MIRROR_APPROVED_ONLY_MEANING,
    REFUSED_LICENSES_MEANING,
    REGISTRY_VERSION_RULE_MEANING,
    RETENTION_MEANING,
    SECRETS_ALLOWED_MEANING,
    SECRETS_MEANING,
    STAGED_MEANING,
    VERSION_RULE_MEANING,
    RegistryRulesChange,
)
from shared.use_cases.use_case import of_registry

FINDINGS_LISTED = 1_000  # Releases of a dry run, the newest ones.


class OwnedLicensesView(ResponseModel):
    """A list of licenses, and whose it is."""

    whose: str = Field(description="The name of the organization, or the registry.")
    licenses: list[str] = Field(validation_alias="value")


class EffectiveRulesView(ResponseModel):
    """What holds in an organization: the stricter of its rules and those of the registry."""

    staged: bool = Field(validation_alias=AliasPath("staged", "value"))
    version_rule: VersionRule = Field(validation_alias=AliasPath("version_rule", "value"))
    secrets: bool = Field(
        validation_alias=AliasPath("secrets", "value"), description=SECRETS_MEANING
    )
    licenses: list[OwnedLicensesView] = Field(
        description="Allowed licenses; each list holds for itself."
    )
    refused_licenses: list[OwnedLicensesView]
    approved_only: bool = Field(validation_alias=AliasPath("approved_only", "value"))


class UsageView(ResponseModel):
    """What an organization had when it was counted last."""

    bytes: int
    releases: int
    counted_at: UtcTime


class PrereleaseView(ResponseModel):
    """A pre-release that goes by the rule about retention."""

    release: Annotated[str, BeforeValidator(str)] = Field(validation_alias="coordinate")
    published_at: UtcTime = Field(validation_alias="created_ms")


class PrereleaseList(ResponseModel):
    """The pre-releases that the next run of the task removes."""

    releases: list[PrereleaseView]


class WantedRetention(RequestModel):
    """A rule about retention to try."""

    retention: str | None = Field(
        default=None, max_length=80, description="Null for the rule that holds."
    )


class OrganizationRulesView(ResponseModel):
    """The rules of an organization, and what holds in it."""

    staged: bool = Field(validation_alias=AliasPath("rules", "staged"), description=STAGED_MEANING)
    approvals: int = Field(
        validation_alias=AliasPath("rules", "approvals"), description=APPROVALS_MEANING
    )
    version_rule: Annotated[
        VersionRuleChoice,
        BeforeValidator(lambda rule: VersionRuleChoice(rule.value if rule else "registry")),
    ] = Field(validation_alias=AliasPath("rules", "version_rule"), description=VERSION_RULE_MEANING)
    licenses: list[str] = Field(
        validation_alias=AliasPath("rules", "licenses"), description=LICENSES_MEANING
    )
    refused_licenses: list[str] = Field(
        validation_alias=AliasPath("rules", "refused_licenses"),
        description=REFUSED_LICENSES_MEANING,
    )
    secrets_allowed: list[str] = Field(
        validation_alias=AliasPath("rules", "secrets_allowed"),
        description=SECRETS_ALLOWED_MEANING,
    )
    approved_only: bool = Field(
        validation_alias=AliasPath("rules", "approved_only"), description=APPROVED_ONLY_MEANING
    )
    retention: Annotated[str, BeforeValidator(str)] = Field(
        validation_alias=AliasPath("rules", "retention"), description=RETENTION_MEANING
    )
    max_bytes: int = Field(
        validation_alias=AliasPath("rules", "max_bytes"),
        description="The limit that administrators set; 0 for no limit.",
    )
    max_releases: int = Field(
        validation_alias=AliasPath("rules", "max_releases"),
        description="The limit that administrators set; 0 for no limit.",
    )
    used: UsageView | None = Field(
        validation_alias=AliasPath("organization", "usage"), description="Null before a count."
    )
    effective: EffectiveRulesView


class RegistryRulesView(ResponseModel):
    """The rules of the registry, which no organization loosens."""

    staged: bool = Field(description=STAGED_MEANING)
    version_rule: VersionRule = Field(description=REGISTRY_VERSION_RULE_MEANING)
    licenses: list[str] = Field(description=LICENSES_MEANING)
    refused_licenses: list[str] = Field(description=REFUSED_LICENSES_MEANING)
    secrets: bool = Field(description=SECRETS_MEANING)
    approved_only: bool = Field(description=MIRROR_APPROVED_ONLY_MEANING)
    changed_at: UtcTime = Field(description="Null where nobody changed them.")


class RuleFindingView(ResponseModel):
    """What a rule would have said of a release."""

    rule: str = Field(description="A stable code, as in the answers of a push and a dry run.")
    effect: RuleEffect
    whose: str = Field(description="The name of the organization, or the registry.")
    message: str


class ReleaseFindingsView(ResponseModel):
    """A release of which other rules would have said something."""

    release: str
    findings: list[RuleFindingView]


class RulesDryRunView(ResponseModel):
    """What other rules would have said of the releases of the last 30 days, the newest first."""

    releases_read: int
    releases: Annotated[
        list[ReleaseFindingsView], BeforeValidator(lambda found: found[:FINDINGS_LISTED])
    ]


rules_api = ApiFace()


@rules_api.operation(
    "GET",
    "api/v1/orgs/{org}/rules",
    "Show the rules about what is published in an organization; for its members.",
)
async def api_org_rules_show(call: ApiCall) -> OrganizationRulesView:
    changes = call.registry.publishing.rule_changes
    return OrganizationRulesView.model_validate(
        await changes.of_organization(call.org, by=call.caller)
    )


@rules_api.use_case(
    rules.change_organization_rules, "PATCH", "api/v1/orgs/{org}/rules", lambda call: call.org
)
async def api_org_rules_change(_: ApiCall, changed: RulesOfOrganization) -> OrganizationRulesView:
    return OrganizationRulesView.model_validate(changed)


@rules_api.use_case(
    rules.dry_run_organization_rules,
    "POST",
    "api/v1/orgs/{org}/rules/dry-run",
    lambda call: call.org,
)
async def api_org_rules_dry_run(_: ApiCall, found: PublishingRuleDryRun) -> RulesDryRunView:
    return RulesDryRunView.model_validate(found)


@rules_api.use_case(
    rules.change_quota, "PATCH", "api/v1/orgs/{org}/quota", lambda call: call.org, also=(404,)
)
async def api_org_quota_change(_: ApiCall, changed: RulesOfOrganization) -> OrganizationRulesView:
    return OrganizationRulesView.model_validate(changed)


@rules_api.operation(
    "POST",
    "api/v1/orgs/{org}/retention/dry-run",
    "List the pre-releases that a rule about retention removes; for owners. Nothing is changed.",
)
async def api_org_retention_dry_run(call: ApiCall, sent: WantedRetention) -> PrereleaseList:
    retention = call.registry.organizations.retention
    found = await retention.preview(call.org, sent.retention, by=call.caller)
    return PrereleaseList(releases=[PrereleaseView.model_validate(each) for each in found])


@rules_api.operation(
    "GET",
    "api/v1/rules",
    "Show the rules of the registry about what is published; for administrators.",
    also=(403,),
)
async def api_rules_show(call: ApiCall) -> RegistryRulesView:
    changes = call.registry.publishing.rule_changes
    return RegistryRulesView.model_validate(await changes.of_registry(by=call.caller))


@rules_api.use_case(rules.change_registry_rules, "PATCH", "api/v1/rules", of_registry)
async def api_rules_change(_: ApiCall, changed: RegistryRules) -> RegistryRulesView:
    return RegistryRulesView.model_validate(changed)


# It changes nothing, so it takes no recent sign-in, unlike the change.
@rules_api.operation("POST", "api/v1/rules/dry-run", rules.dry_run_registry_rules.summary)
async def api_rules_dry_run(call: ApiCall, sent: RegistryRulesChange) -> RulesDryRunView:
    changes = call.registry.publishing.rule_changes
    return RulesDryRunView.model_validate(
        await changes.dry_run_registry(sent.values, by=call.caller)
    )
