"""/account/reports: report a release, and see what became of it; and what is reported about
releases of an organization, for its owners."""

from functions.account.organization import ORGANIZATION_ROUTE, organization_frame
from functions.html.cursors import page_at_cursor
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.coordinates import Coordinate
from shared.domain.rate_limits import RateLimitClass
from shared.domain.withdrawal_reasons import WITHDRAWAL_TITLES
from shared.runtime.answers import Answer
from shared.services.publishing.report_mail import OUTCOMES
from shared.services.publishing.reports import OwnReportPage, Reports
from shared.use_cases import reports
from shared.use_cases.inputs import shown_fields
from shared.use_cases.reports import REASON_CHOICES, NewReport

REPORTS_PATH = "/account/reports"
REPORT_ROUTE = "account/reports/{org}/{name}/{version}"

pages = SignedInPages()
FACES = (pages,)


def _reports(call: SignedInCall) -> Reports:
    return call.registry.publishing.reports


@pages.read("account/reports")
async def account_reports(call: SignedInCall) -> Answer:
    return call.show(
        "account/reports.html",
        reports=await _reports(call).own(by=call.caller),
        titles=WITHDRAWAL_TITLES,
        outcomes=OUTCOMES,
    )


@pages.read(REPORT_ROUTE)
async def account_report(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    """Show the form that reports a release which the account may see."""
    at = await _reports(call).reportable(call.coordinate, by=call.caller)
    return call.show(
        "account/report.html",
        problem,
        at=at,
        path=f"{REPORTS_PATH}/{at.package}/{at.version}",
        known=await _reports(call).own_of(at, by=call.caller),
        fields=shown_fields(NewReport),
        reasons=REASON_CHOICES,
        titles=WITHDRAWAL_TITLES,
        outcomes=OUTCOMES,
    )


async def _reported(call: SignedInCall) -> Coordinate:
    await call.count(RateLimitClass.REPORT)
    return call.coordinate


pages.use_case(
    reports.make,
    REPORT_ROUTE,
    account_report,
    _reported,
    name="account_report_make",
    leads_to="account/reports",
)


@pages.read(f"{ORGANIZATION_ROUTE}/reports")
async def account_organization_reports(call: SignedInCall) -> Answer:
    frame = await organization_frame(call, "packages")

    async def read(after: str) -> OwnReportPage:
        return await _reports(call).of_organization(call.org, after, by=call.caller)

    shown = await page_at_cursor(call, "after", read)
    return frame.show(
        shown.problem,
        "reports",
        found=shown.found,
        is_first=shown.is_first,
        titles=WITHDRAWAL_TITLES,
    )
