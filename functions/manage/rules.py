"""/manage/rules: what the registry wants of all releases, with a dry run of a change."""

from functions.html.rule_forms import FINDINGS_SHOWN, rule_fields
from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from shared.runtime.answers import Answer
from shared.services.publishing.rule_changes import PublishingRuleDryRun
from shared.use_cases import rules
from shared.use_cases.rules import RegistryRulesChange
from shared.use_cases.use_case import of_registry

pages = AdministratorPages()
FACES = (pages,)


@pages.read("manage/rules")
async def manage_rules(
    call: SignedInCall,
    problem: FormProblem | None = None,
    dry_run: PublishingRuleDryRun | None = None,
) -> Answer:
    stored = await call.registry.publishing.rule_changes.of_registry(by=call.caller)
    return call.show(
        "manage/rules.html",
        problem,
        fields=rule_fields(RegistryRulesChange, stored, call.form, of_registry=True),
        dry_run=dry_run,
        findings_shown=FINDINGS_SHOWN,
        managed=await call.registry.administration.registry_files.managed(None),
    )


async def _show_dry_run(call: SignedInCall, found: PublishingRuleDryRun) -> Answer:
    return await manage_rules(call, dry_run=found)


pages.use_case(
    rules.dry_run_registry_rules,
    "manage/rules/dry-run",
    manage_rules,
    of_registry,
    name="manage_rules_dry_run",
    requires_recent_sign_in=False,
    then=_show_dry_run,
)
pages.use_case(
    rules.change_registry_rules,
    "manage/rules",
    manage_rules,
    of_registry,
    name="manage_rules_change",
)
