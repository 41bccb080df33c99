"""What the pages on which advisories are written show, to owners and to administrators."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from functions.html.signed_in_pages import FormProblem, SignedInCall
from functions.http.body_parsing import Form
from shared.domain.advisories.advisories import Advisory
from shared.domain.advisories.authoring import MAX_WRITTEN_RANGES, WrittenAdvisory, WrittenRange
from shared.domain.names import OrgName
from shared.domain.token_redaction import redact_tokens
from shared.use_cases.advisories import FIXED_FIELD, INTRODUCED_FIELD, AdvisoryText, NewAdvisory
from shared.use_cases.inputs import shown_fields

ROWS = 3  # The least number of rows; one of them is always empty.


async def values_of_list(
    call: SignedInCall, org: OrgName | None, problem: FormProblem | None
) -> dict[str, Any]:
    """Return what the page of all advisories of an organization shows, with the form of a new one;
    of the registry if `org` is None."""
    authoring = call.registry.advisories.authoring
    found = await authoring.written_by(org, by=call.caller)
    asked = redact_tokens(call.form.text("package") or call.params.get("package", ""))
    chosen = await authoring.choose(org, asked, by=call.caller) if asked else None
    shown = _fields(call, problem)
    return {
        "advisories": found,
        "fields": shown_fields(NewAdvisory),
        "asked": asked,
        "chosen": str(chosen.package) if chosen else "",
        "shown": shown,
        "versions": _version_choices(chosen.versions, shown) if chosen else [],
    }


async def values_of_advisory(
    call: SignedInCall, org: OrgName | None, problem: FormProblem | None
) -> dict[str, Any]:
    """Return what the page of the advisory shows that the path names."""
    authoring = call.registry.advisories.authoring
    found = await authoring.show(org, call.route_params["id"], by=call.caller)
    shown = _fields(call, problem, found)
    chosen = await authoring.choose(org, shown.package, by=call.caller)
    return {
        "advisory": found,
        "fields": shown_fields(AdvisoryText),
        "shown": shown,
        "versions": _version_choices(chosen.versions, shown),
    }


class AdvisoryFields(Struct, frozen=True):
    """The values of the fields, as texts."""

    package: str = ""
    summary: str = ""
    details: str = ""
    severity: str = ""
    aliases: str = ""
    references: str = ""
    credits: str = ""
    malware: bool = False
    ranges: tuple[WrittenRange, ...] = ()

    @property
    def rows(self) -> Sequence[WrittenRange]:
        """The rows of the ranges, some of which are empty."""
        count = min(max(ROWS, len(self.ranges) + 1), MAX_WRITTEN_RANGES)
        empty = WrittenRange("")
        return (*self.ranges, *(empty for _ in range(count - len(self.ranges))))


def _fields(
    call: SignedInCall, problem: FormProblem | None, stored: Advisory | None = None
) -> AdvisoryFields:
    """Return what was typed into a refused form, else what is stored."""
    if problem is not None and call.form.all("summary"):
        return _typed(call.form, stored)
    if stored is None:
        return AdvisoryFields()
    written = WrittenAdvisory.of(stored)
    return AdvisoryFields(
        package=written.package,
        summary=written.summary,
        details=written.details,
        severity=written.severity,
        aliases="\n".join(written.aliases),
        references="\n".join(written.references),
        credits="\n".join(written.credits),
        malware=written.is_malware,
        ranges=written.ranges,
    )


def _typed(form: Form, stored: Advisory | None) -> AdvisoryFields:
    rows = range(MAX_WRITTEN_RANGES)
    ranges = (
        WrittenRange(form.text(f"{INTRODUCED_FIELD}-{row}"), form.text(f"{FIXED_FIELD}-{row}"))
        for row in rows
    )
    return AdvisoryFields(
        package=WrittenAdvisory.of(stored).package if stored else form.text("package"),
        summary=form.text("summary"),
        details=form.text("details"),
        severity=form.text("severity"),
        aliases=form.text("aliases"),
        references=form.text("references"),
        credits=form.text("credits"),
        malware=bool(form.all("malware")),
        ranges=tuple(each for each in ranges if each.introduced),
    )


def _version_choices(versions: Sequence[str], shown: AdvisoryFields) -> list[tuple[str, str]]:
    """Return the versions to choose from, with those that the advisory names already."""
    named = (text for each in shown.ranges for text in (each.introduced, each.fixed))
    others = dict.fromkeys(each for each in named if each not in ("", "0", *versions))
    return [(each, each) for each in (*versions, *others)]
