"""/api/v1/packages/{org}/{name}/{version}/reports and /api/v1/moderation/reports: what people say
is wrong with a release, what became of it, and the decisions of administrators."""

from typing import Self

from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime, utc_datetime
from functions.api.query_parameters import after
from shared.domain.principals import names_within_sentences
from shared.domain.rate_limits import RateLimitClass
from shared.domain.release_states import State
from shared.domain.reports import Report, ReportState
from shared.domain.withdrawal_reasons import WithdrawalReason
from shared.services.publishing.report_weights import WeighedReport
from shared.services.publishing.reports import ReportedCase, Reports
from shared.use_cases import reports


class ReportView(ResponseModel):
    """A report, as its reporter sees it."""

    id: str
    release: str
    why: WithdrawalReason
    text: str
    state: ReportState
    reported_at: UtcTime
    decided_at: UtcTime = Field(description="Null while it waits.")
    note: str = Field(description="What the administrator says about a report not confirmed.")

    @classmethod
    def of(cls, report: Report) -> Self:
        decision = report.decision
        return cls(
            id=report.id,
            release=str(report.coordinate),
            why=report.why,
            text=report.text,
            state=report.state,
            reported_at=utc_datetime(report.reported_ms),
            decided_at=utc_datetime(decision.at_ms) if decision else None,
            note=decision.note if decision else "",
        )


class ReportList(ResponseModel):
    """The reports of the caller, the latest first."""

    reports: list[ReportView]


class OwnReportView(ResponseModel):
    """A report about a release of an organization, as its owners see it."""

    release: str
    why: WithdrawalReason
    text: str
    state: ReportState
    reported_on: str = Field(description="The day, in UTC.")


class OwnReportList(ResponseModel):
    """Reports in the order of packages and versions; `next` continues the list as `after`."""

    reports: list[OwnReportView]
    next: str


class WeighedReportView(ReportView):
    """A report, as administrators see it."""

    reporter: str = Field(description="The name of the account; empty after it was erased.")
    weight: float = Field(description="What it is worth now, by docs/run/reports.md.")
    network: str = Field(description="Where it came from; empty where unknown, or decided.")

    @classmethod
    def of_weighed(cls, weighed: WeighedReport, case: ReportedCase) -> Self:
        report = weighed.report
        names = names_within_sentences(case.names)
        seen = ReportView.of(report)
        return cls(
            **seen.model_dump(),
            reporter=names.get(report.reporter, ""),
            weight=weighed.weight,
            network=report.network,
        )


class ReportedReleaseRow(ResponseModel):
    """A release with reports, in the queue."""

    release: str
    state: State | None = Field(
        description="The state of the release; null if it no longer exists."
    )
    by_reports: bool = Field(description="Whether reports alone quarantined it.")
    why: WithdrawalReason = Field(description="What most reports say.")
    waiting: int
    weight: float = Field(description="What the reports that wait are worth together.")
    first_at: UtcTime

    @classmethod
    def of(cls, case: ReportedCase) -> Self:
        return cls.model_validate(_row(case))


class ReportedReleaseList(ResponseModel):
    """The releases whose reports wait; `count` counts also those that are not listed."""

    releases: list[ReportedReleaseRow]
    count: int


class ReportedReleaseView(ReportedReleaseRow):
    """A release with its reports."""

    threshold: int = Field(description="The weight that quarantines a release; 0 for none.")
    reports: list[WeighedReportView]

    @classmethod
    def of(cls, case: ReportedCase) -> Self:
        listed = [WeighedReportView.of_weighed(each, case) for each in case.reports]
        return cls.model_validate({**_row(case), "threshold": case.threshold, "reports": listed})


def _row(case: ReportedCase) -> dict[str, object]:
    return {
        "release": str(case.case.coordinate),
        "state": case.release.state if case.release else None,
        "by_reports": case.is_quarantined_by_reports,
        "why": case.main_reason,
        "waiting": case.case.waiting,
        "weight": case.weight,
        "first_at": utc_datetime(case.case.first_ms),
    }


_CASE = "api/v1/moderation/reports/{org}/{name}/{version}"

reports_api = ApiFace()


def _reports(call: ApiCall) -> Reports:
    return call.registry.publishing.reports


@reports_api.use_case(
    reports.make,
    "POST",
    "api/v1/packages/{org}/{name}/{version}/reports",
    lambda call: call.coordinate,
    status=201,
    also=(409,),
    limit=RateLimitClass.REPORT,
)
async def api_reports_make(_: ApiCall, made: Report) -> ReportView:
    return ReportView.of(made)


@reports_api.operation(
    "GET", "api/v1/reports", "List your reports, and what became of them.", also=(403,)
)
async def api_reports_own(call: ApiCall) -> ReportList:
    found = await _reports(call).own(by=call.caller)
    return ReportList(reports=[ReportView.of(each) for each in found])


@reports_api.operation(
    "GET",
    "api/v1/orgs/{org}/reports",
    "List reports about releases of an organization, without who made them; for its owners.",
    parameters=(after(),),
)
async def api_org_reports(call: ApiCall) -> OwnReportList:
    found = await _reports(call).of_organization(
        call.org, call.query.get("after", ""), by=call.caller
    )
    views = [
        OwnReportView(
            release=each.release,
            why=each.why,
            text=each.text,
            state=each.state,
            reported_on=f"{utc_datetime(each.day_ms):%Y-%m-%d}",
        )
        for each in found.reports
    ]
    return OwnReportList(reports=views, next=found.next)


@reports_api.operation(
    "GET",
    "api/v1/moderation/reports",
    "List the releases whose reports wait; for administrators.",
    refusals=(401, 403),
)
async def api_moderation_reports(call: ApiCall) -> ReportedReleaseList:
    queue = await _reports(call).queue(by=call.caller)
    rows = [ReportedReleaseRow.of(each) for each in queue.cases]
    return ReportedReleaseList(releases=rows, count=queue.count)


@reports_api.operation("GET", _CASE, "Show the reports about a release; for administrators.")
async def api_moderation_reported_release(call: ApiCall) -> ReportedReleaseView:
    found = await _reports(call).show(call.coordinate, by=call.caller)
    return ReportedReleaseView.of(found)


@reports_api.use_case(reports.decide, "POST", f"{_CASE}/decision", lambda call: call.coordinate)
async def api_moderation_report_decide(_: ApiCall, decided: ReportedCase) -> ReportedReleaseView:
    return ReportedReleaseView.of(decided)
