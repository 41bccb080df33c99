"""/manage/approvals: what is approved of other registries, what people ask for, and what the rule
would have refused."""

from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from shared.runtime.answers import Answer
from shared.services.mirroring.approved_packages import ApprovalDryRun
from shared.use_cases import approved_packages
from shared.use_cases.approved_packages import ApprovedPackages
from shared.use_cases.inputs import shown_fields
from shared.use_cases.use_case import of_registry

EFFECTS_SHOWN = 100  # Effects of a dry run on a page: the releases with the most pulls.

pages = AdministratorPages()
FACES = (pages,)


@pages.read("manage/approvals")
async def manage_approvals(
    call: SignedInCall, problem: FormProblem | None = None, dry_run: ApprovalDryRun | None = None
) -> Answer:
    if call.registry.mirroring is None:
        return call.show("manage/approvals.html", problem, is_on=False)
    of_registry = await call.registry.approvals.rules.registry_rules.current()
    stored = await call.registry.approvals.curation.approved(by=call.caller)
    return call.show(
        "manage/approvals.html",
        problem,
        is_on=True,
        approved=sorted(stored.approved, key=lambda each: each.key),
        requests=await call.registry.approvals.curation.requests(by=call.caller),
        is_of_registry=of_registry.approved_only,
        fields=shown_fields(ApprovedPackages),
        dry_run=dry_run,
        effects_shown=EFFECTS_SHOWN,
        typed=call.form,  # Also after its preview, which refuses nothing.
    )


pages.use_case(
    approved_packages.approve,
    "manage/approvals",
    manage_approvals,
    of_registry,
    name="manage_approvals_approve",
)
pages.use_case(
    approved_packages.withdraw,
    "manage/approvals/withdraw",
    manage_approvals,
    of_registry,
    name="manage_approvals_withdraw",
)


@pages.form("manage/approvals/preview", manage_approvals, requires_recent_sign_in=False)
async def manage_approvals_preview(call: SignedInCall) -> Answer:
    """Show what the rule would have refused, with the typed approvals besides those that are."""
    curation = call.registry.approvals.curation
    added = call.form.text("packages").splitlines()
    dry_run = await curation.dry_run(added, by=call.caller)
    return await manage_approvals(call, dry_run=dry_run)
