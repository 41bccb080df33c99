"""Reports about releases: making one, and deciding on those that wait."""

from typing import Annotated, Literal

from pydantic import Field

from shared.domain.coordinates import Coordinate
from shared.domain.principals import Principal
from shared.domain.reports import REPORT_REASONS, Report, ReportState
from shared.domain.scopes import Action
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.domain.withdrawal_reasons import WITHDRAWAL_TITLES
from shared.registry import Registry
from shared.services.publishing.reports import ReportedCase, Verdict
from shared.use_cases.inputs import FormField, Inputs, choice
from shared.use_cases.moderation import TakeDown
from shared.use_cases.use_case import use_case

Outcome = Literal["confirmed", "dismissed", "false"]

# The reasons of a report and their titles, as forms offer them.
REASON_CHOICES = tuple((each.value, WITHDRAWAL_TITLES[each][0]) for each in REPORT_REASONS)

_OUTCOME = choice(ReportState, "Choose a decision: confirmed, dismissed or false.")


class NewReport(Inputs):
    """What is wrong with a release."""

    # The values are those of REPORT_REASONS.
    why: Annotated[
        Literal["malware", "impersonation", "leaked-secret", "legal", "other"],
        FormField("What is wrong"),
    ] = Field(description="The kind of the report.")
    text: Annotated[
        str,
        FormField(
            "What you saw",
            hint="Which file or module, and what it does. Administrators read it with your name, "
            "and owners of the package without it, so write nothing that says who you are",
        ),
    ] = Field(
        max_length=MAX_DESCRIPTION,
        description="What you saw and where; owners of the package read it, without your name.",
    )


class ReportVerdict(TakeDown):
    """The decision about reports: all that wait about the release, or those that are named."""

    reason: Annotated[
        str,
        FormField(
            "Reason",
            hint="Shown to the owners if you confirm the reports, otherwise to the reporters. "
            "Optional if you dismiss them",
        ),
    ] = Field(
        default="",
        max_length=MAX_DESCRIPTION,
        description="The reason, for the owners if the reports are confirmed, otherwise for the "
        "reporters; optional for a dismissal.",
    )
    outcome: Annotated[
        Outcome, FormField("Decision", read=lambda values: _OUTCOME(values).value)
    ] = Field(
        description="confirmed quarantines the release; dismissed and false serve it again, if "
        "reports quarantined it; false lowers what the next reports of these accounts weigh."
    )
    reports: Annotated[list[str], FormField("Reports", name="report", read=list)] = Field(
        default=[], max_length=1000, description="The ids of the reports; none for all that wait."
    )


@use_case(
    "Report a release: an administrator looks into it.",
    inputs=NewReport,
    right=Action.READ,
    done="Report sent. You get an email when an administrator decides.",
)
async def make(
    registry: Registry, coordinate: Coordinate, sent: NewReport, by: Principal
) -> Report:
    return await registry.publishing.reports.make(coordinate, sent.why, sent.text, by=by)


@use_case(
    "Decide on reports about a release.",
    inputs=ReportVerdict,
    right=Action.MODERATE,
    done="Reports decided. Reporters with an email address were notified.",
)
async def decide(
    registry: Registry, coordinate: Coordinate, sent: ReportVerdict, by: Principal
) -> ReportedCase:
    verdict = Verdict(ReportState(sent.outcome), sent.reason, sent.public, tuple(sent.reports))
    return await registry.publishing.reports.decide(coordinate, verdict, by=by)
