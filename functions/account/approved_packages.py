"""/approvals/ORG/NAME: what is known of a package of another registry, who asks for it, and what a
curator decides."""

from functions.html.shown_advisories import shown_advisories
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.approved_packages import MAX_ASKED_REASON, ApprovalLimit, approval_path
from shared.domain.coordinates import Package
from shared.domain.errors.missing_pages import PageNotFound
from shared.domain.publishing_rules import OF_REGISTRY
from shared.domain.source_repositories import SourceRepository
from shared.domain.token_redaction import redact_tokens
from shared.domain.versions import parse_version_or_range
from shared.runtime.answers import Answer
from shared.services.packages.package_details import ReleaseDetails
from shared.use_cases import approved_packages

APPROVAL_ROUTE = "approvals/{org}/{name}"

pages = SignedInPages()
FACES = (pages,)


@pages.read(APPROVAL_ROUTE)
async def account_approval(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    """Show the newest release as everybody may read of it, whatever is approved."""
    package = call.package
    source = call.package_source
    details = await call.registry.packages.details.find(package, None, source, by=call.caller)
    whose = await call.registry.approvals.rules.rule_of(call.caller)
    limit = await call.registry.approvals.rules.limit_of(whose or OF_REGISTRY)
    affected = call.registry.advisories.affected_versions
    at = details.release.coordinate
    [advisories] = (await affected.of_releases([at])).advisories
    return call.show(
        "account/approval.html",
        problem,
        package=package,
        path=approval_path(package),
        details=details,
        source=SourceRepository.of(details.release),
        advisories=shown_advisories(advisories, affected.asked(at)) if advisories else (),
        approved=[str(each) for each in limit.approved.of_package(package)],
        is_approved=limit.approved.allows(package, at.version),
        compared=_newest_approved(details, limit, package),
        whose=whose,
        request=await call.registry.approvals.curation.request_for(package, by=call.caller),
        is_curator=call.account.administers_at(call.now_ms),
        longest_reason=MAX_ASKED_REASON,
    )


def _newest_approved(details: ReleaseDetails, limit: ApprovalLimit, package: Package) -> str:
    """Return the newest approved version that is stored, with which a newer one is compared; empty
    if there is none."""
    approved = (e.version for e in details.entries if limit.approved.allows(package, e.parsed))
    return next((each for each in approved if each != details.release.version), "")


@pages.form(
    f"{APPROVAL_ROUTE}/ask",
    account_approval,
    done="Asked. You get an email when a curator decides.",
    leads_to=APPROVAL_ROUTE,
)
async def account_approval_ask(call: SignedInCall) -> None:
    curation = call.registry.approvals.curation
    wanted = parse_version_or_range(call.form.text("version").strip() or "*")
    await curation.ask(call.package, wanted, call.form.text("reason"), by=call.caller)


def _require_curator(call: SignedInCall) -> None:
    """Raise that there is no such page unless the account curates, which administrators do."""
    if not call.account.administers_at(call.now_ms):
        raise PageNotFound(redact_tokens(call.path))


def _to_approve(call: SignedInCall) -> None:
    _require_curator(call)


def _to_refuse(call: SignedInCall) -> Package:
    _require_curator(call)
    return call.package


pages.use_case(
    approved_packages.approve,
    f"{APPROVAL_ROUTE}/approve",
    account_approval,
    _to_approve,
    name="account_approval_approve",
    leads_to=APPROVAL_ROUTE,
)
pages.use_case(
    approved_packages.refuse,
    f"{APPROVAL_ROUTE}/refuse",
    account_approval,
    _to_refuse,
    name="account_approval_refuse",
    leads_to=APPROVAL_ROUTE,
)
