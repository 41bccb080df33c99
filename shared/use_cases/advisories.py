"""Advisories: writing, publishing and withdrawing one, and saying of one that it does not affect a
release."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Struct
from pydantic import Field

from shared.domain.advisories.advisories import MAX_ALIASES, MAX_CREDITS, MAX_REFERENCES, Advisory
from shared.domain.advisories.assessments import AnalysisState, Assessment, Justification
from shared.domain.advisories.authoring import (
    MAX_LINE,
    MAX_RANGE,
    MAX_VECTOR,
    MAX_WRITTEN_DETAILS,
    MAX_WRITTEN_RANGES,
    RANGE_DOTS,
    WrittenAdvisory,
    WrittenRange,
)
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.names import MAX_PACKAGE_LENGTH, OrgName
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.registry import Registry
from shared.use_cases.inputs import (
    FormField,
    FormValues,
    Inputs,
    Nothing,
    Reason,
    choice,
    is_checked,
    lines,
    text,
    value_of,
)
from shared.use_cases.use_case import use_case

# The fields of a form for one range have these names and a number from 0 on.
INTRODUCED_FIELD = "introduced"
FIXED_FIELD = "fixed"
NOT_AFFECTED_BEFORE = ""  # The choice of a row that is not used.

Line = Annotated[str, Field(max_length=MAX_LINE)]
RangeText = Annotated[str, Field(max_length=MAX_RANGE)]


def _ranges(form: FormValues) -> list[str]:
    """Read the rows with a first version."""
    rows = range(MAX_WRITTEN_RANGES)
    named = [(value_of(form, f"{INTRODUCED_FIELD}-{each}"), each) for each in rows]
    return [
        f"{introduced}{RANGE_DOTS}{value_of(form, f'{FIXED_FIELD}-{row}')}"
        for introduced, row in named
        if introduced != NOT_AFFECTED_BEFORE
    ]


def _justification(values: Sequence[str]) -> Justification | None:
    return choice(Justification, "Choose a reason from the list.")(values) if text(values) else None


class AdvisoryText(Inputs):
    """What an advisory says of one package."""

    summary: Annotated[
        str, FormField("Summary", hint="One line, such as: Greetings can run commands")
    ] = Field(max_length=MAX_DESCRIPTION, description="One line, which lists show.")
    affected: Annotated[
        list[RangeText], FormField("Affected versions", name="ranges", read_form=_ranges)
    ] = Field(
        max_length=MAX_WRITTEN_RANGES,
        description="1.0.0..1.2.4 for the versions from 1.0.0 to before 1.2.4, which fixes it; "
        "..1.2.4 from the first version on; 1.0.0.. where no version fixes it.",
    )
    details: Annotated[
        str,
        FormField(
            "Details",
            hint="Optional. Markdown: what can happen, who is affected, and what helps",
        ),
    ] = Field(default="", max_length=MAX_WRITTEN_DETAILS, description="Markdown.")
    severity: Annotated[
        str,
        FormField(
            "Severity",
            hint="Optional. A vector of CVSS 3 or 4, or a level: low, moderate, high, critical",
        ),
    ] = Field(
        default="",
        max_length=MAX_VECTOR,
        description="A vector of CVSS 3 or 4, or low, moderate, high or critical.",
    )
    aliases: Annotated[
        list[Line],
        FormField(
            "Other ids", hint="Optional. Such as CVE-2026-12345, one on each line", read=lines
        ),
    ] = Field(default=[], max_length=MAX_ALIASES, description="Such as CVE-2026-12345.")
    references: Annotated[
        list[Line],
        FormField(
            "References",
            hint="Optional. Addresses, one on each line; FIX, REPORT or ARTICLE may stand before "
            "one",
            read=lines,
        ),
    ] = Field(
        default=[],
        max_length=MAX_REFERENCES,
        description="Addresses, each after its OSV type, if it has one: FIX https://…",
    )
    credits: Annotated[
        list[Line],
        FormField(
            "Credits",
            hint="Optional. Whom to thank, one on each line; FINDER or REPORTER may stand before "
            "a name",
            read=lines,
        ),
    ] = Field(
        default=[],
        max_length=MAX_CREDITS,
        description="Names, each after its OSV type, if it has one: FINDER Kim.",
    )
    malware: Annotated[bool, FormField("Malware", read=is_checked)] = Field(
        default=False,
        description="Whether the versions are malicious; for administrators, whose registry may "
        "quarantine them at once.",
    )

    def written(self, package: str) -> WrittenAdvisory:
        with about_field("ranges"):
            ranges = tuple(map(WrittenRange.parse, self.affected))
        return WrittenAdvisory(
            package=package,
            summary=self.summary,
            details=self.details,
            severity=self.severity,
            ranges=ranges,
            aliases=tuple(self.aliases),
            references=tuple(self.references),
            credits=tuple(self.credits),
            is_malware=self.malware,
        )


class NewAdvisory(AdvisoryText):
    """What an advisory says, and of which package."""

    package: Annotated[str, FormField("Package", hint="Such as acme/greet")] = Field(
        max_length=MAX_PACKAGE_LENGTH + 1,
        description="Its name with that of its organization, such as acme/greet.",
    )


class NamedAdvisory(Struct, frozen=True):
    """The advisory of an organization, or of the registry, with this id."""

    org: OrgName | None
    id: str


@use_case(
    "Write the draft of an advisory of {}.",
    inputs=NewAdvisory,
    right=Action.MANAGE,
    done="Draft saved. Nobody else sees it until you publish it.",
)
async def draft(
    registry: Registry, org: OrgName | None, new: NewAdvisory, by: Principal
) -> Advisory:
    if not new.package:
        message = "Choose the package that the advisory is about."
        with about_field("package"):
            raise InvalidRequest(message)
    return await registry.advisories.authoring.draft(org, new.written(new.package), by=by)


@use_case(
    "Change what an advisory says, of {}.",
    inputs=AdvisoryText,
    right=Action.MANAGE,
    done="Advisory saved.",
)
async def change(
    registry: Registry, named: NamedAdvisory, sent: AdvisoryText, by: Principal
) -> Advisory:
    authoring = registry.advisories.authoring
    return await authoring.change(named.org, named.id, sent.written(""), by=by)


@use_case(
    "Publish an advisory of {}.",
    inputs=Nothing,
    right=Action.MANAGE,
    done="Advisory published. It is shown to everybody who can see the package.",
)
async def publish(registry: Registry, named: NamedAdvisory, _: Nothing, by: Principal) -> Advisory:
    return await registry.advisories.authoring.publish(named.org, named.id, by=by)


@use_case(
    "Withdraw an advisory of {}, which then matches nothing.",
    inputs=Reason,
    right=Action.MANAGE,
    done="Advisory withdrawn. It is still shown, and affects no version.",
)
async def withdraw(
    registry: Registry, named: NamedAdvisory, sent: Reason, by: Principal
) -> Advisory:
    authoring = registry.advisories.authoring
    return await authoring.withdraw(named.org, named.id, by=by, reason=sent.reason)


@use_case(
    "Delete the draft of an advisory of {}.",
    inputs=Nothing,
    right=Action.MANAGE,
    done="Draft deleted.",
    printed="Deleted the draft {id}.",
)
async def discard(registry: Registry, named: NamedAdvisory, _: Nothing, by: Principal) -> None:
    await registry.advisories.authoring.discard(named.org, named.id, by=by)


class NamedFinding(Struct, frozen=True):
    """An advisory about a Java library inside a release."""

    coordinate: Coordinate
    advisory: str


class NewAssessment(Inputs):
    """Whether an advisory affects a release, in the words of CycloneDX."""

    state: Annotated[
        AnalysisState,
        FormField(
            "Assessment", read=choice(AnalysisState, "Choose whether the release is affected.")
        ),
    ] = Field(
        strict=False,
        description="not_affected, false_positive and resolved: the advisory is not a finding.",
    )
    justification: Annotated[Justification | None, FormField("Reason", read=_justification)] = (
        Field(default=None, strict=False, description="Why the release is not affected.")
    )
    detail: Annotated[
        str, FormField("Explanation", hint="One line, which everybody reads who sees the release")
    ] = Field(default="", max_length=MAX_DESCRIPTION, description="An explanation, in one line.")


@use_case(
    "Say whether an advisory about a Java library inside affects a release; for owners.",
    inputs=NewAssessment,
    right=Action.MANAGE,
    done="Assessment saved.",
)
async def assess(
    registry: Registry, finding: NamedFinding, sent: NewAssessment, by: Principal
) -> Assessment:
    return await registry.advisories.assessments.assess(
        finding.coordinate,
        finding.advisory,
        sent.state,
        sent.justification,
        sent.detail,
        by=by,
    )


@use_case(
    "Take back what was said of an advisory about a Java library inside a release; for owners.",
    inputs=Nothing,
    right=Action.MANAGE,
    done="Assessment removed. The advisory is a finding again.",
    printed="Removed.",
)
async def retract(registry: Registry, finding: NamedFinding, _: Nothing, by: Principal) -> None:
    assessments = registry.advisories.assessments
    await assessments.retract(finding.coordinate, finding.advisory, by=by)
