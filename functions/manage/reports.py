"""/manage/reports: what people say is wrong with releases, and the decisions about it."""

from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from functions.manage.releases import PUBLIC_REASONS
from shared.domain.principals import names_within_sentences
from shared.domain.withdrawal_reasons import WITHDRAWAL_TITLES
from shared.runtime.answers import Answer
from shared.services.publishing.reports import Reports
from shared.use_cases import reports
from shared.use_cases.inputs import shown_fields
from shared.use_cases.reports import REASON_CHOICES, ReportVerdict

REPORTED_RELEASE_ROUTE = "manage/reports/{org}/{name}/{version}"

pages = AdministratorPages()
FACES = (pages,)


def _reports(call: SignedInCall) -> Reports:
    return call.registry.publishing.reports


@pages.read("manage/reports")
async def manage_reports(call: SignedInCall) -> Answer:
    queue = await _reports(call).queue(by=call.caller)
    return call.show("manage/reports.html", queue=queue, titles=WITHDRAWAL_TITLES)


@pages.read(REPORTED_RELEASE_ROUTE)
async def manage_reported_release(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    shown = await _reports(call).show(call.coordinate, by=call.caller)
    return call.show(
        "manage/reported_release.html",
        problem,
        shown=shown,
        case=shown.case,
        path=f"/{REPORTED_RELEASE_ROUTE}".format_map(call.route_params),
        names=names_within_sentences(shown.names),
        fields=shown_fields(ReportVerdict),
        public_reasons=PUBLIC_REASONS,
        reasons=REASON_CHOICES,
        titles=WITHDRAWAL_TITLES,
    )


pages.use_case(
    reports.decide,
    f"{REPORTED_RELEASE_ROUTE}/decision",
    manage_reported_release,
    lambda call: call.coordinate,
    name="manage_report_decide",
    leads_to=REPORTED_RELEASE_ROUTE,
    requires_recent_sign_in=True,
)
