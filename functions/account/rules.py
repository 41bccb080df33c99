"""/account/organizations/{org}/rules: what an organization wants of the releases that are published
in it, with a dry run of a change."""

from collections.abc import Sequence

from functions.account.organization import ORGANIZATION_ROUTE, organization_frame
from functions.html.rule_forms import FINDINGS_SHOWN, rule_fields
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.access_rights import require_right
from shared.domain.scopes import Action
from shared.runtime.answers import Answer
from shared.services.mirroring.approved_packages import ApprovalDryRun
from shared.services.organizations.retention import ExpiredPrerelease
from shared.services.publishing.rule_changes import PublishingRuleDryRun
from shared.use_cases import rules
from shared.use_cases.rules import OrganizationRulesChange

pages = SignedInPages()
FACES = (pages,)


@pages.read(f"{ORGANIZATION_ROUTE}/rules")
async def account_organization_rules(
    call: SignedInCall,
    problem: FormProblem | None = None,
    dry_run: PublishingRuleDryRun | None = None,
    prereleases: Sequence[ExpiredPrerelease] | None = None,
    refused_pulls: ApprovalDryRun | None = None,
) -> Answer:
    frame = await organization_frame(call, "rules")
    require_right(call.caller, frame.access.for_reading, Action.MANAGE, call.org)
    found = await call.registry.publishing.rule_changes.of_organization(call.org, by=call.caller)
    return frame.show(
        problem,
        found=found,
        fields=rule_fields(OrganizationRulesChange, found.rules, call.form),
        dry_run=dry_run,
        findings_shown=FINDINGS_SHOWN,
        prereleases=prereleases,
        refused_pulls=refused_pulls,
    )


async def _show_dry_run(call: SignedInCall, found: PublishingRuleDryRun) -> Answer:
    retention = call.registry.organizations.retention
    wanted = call.form.text("retention")
    prereleases = await retention.preview(call.org, wanted, by=call.caller) if wanted else None
    refused_pulls = None
    if call.registry.mirroring and call.form.text("approved_only"):
        refused_pulls = await call.registry.approvals.curation.dry_run_of(call.org, by=call.caller)
    return await account_organization_rules(
        call, dry_run=found, prereleases=prereleases, refused_pulls=refused_pulls
    )


pages.use_case(
    rules.dry_run_organization_rules,
    f"{ORGANIZATION_ROUTE}/rules/dry-run",
    account_organization_rules,
    lambda call: call.org,
    name="account_organization_rules_dry_run",
    then=_show_dry_run,
)
pages.use_case(
    rules.change_organization_rules,
    f"{ORGANIZATION_ROUTE}/rules",
    account_organization_rules,
    lambda call: call.org,
    name="account_organization_rules_change",
)
