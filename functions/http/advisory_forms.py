"""What the form of an advisory shows, for pages of owners and of administrators."""

from collections.abc import Sequence

from msgspec import Struct

from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInCall
from shared.domain.advisories.advisories import Advisory
from shared.domain.advisories.authoring import (
    MAX_WRITTEN_RANGES,
    WrittenAdvisory,
    WrittenRange,
)
from shared.use_cases.advisories import FIXED_FIELD, INTRODUCED_FIELD

ROWS = 3  # At least; there is always an empty one.


class ShownAdvisory(Struct, frozen=True):
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


def shown_advisory(
    call: SignedInCall, problem: FormProblem | None, stored: Advisory | None = None
) -> ShownAdvisory:
    """Return what was typed into a refused form, else what is stored."""
    if problem is not None and call.form.all("summary"):
        return _typed(call.form, stored)
    if stored is None:
        return ShownAdvisory()
    written = WrittenAdvisory.of(stored)
    return ShownAdvisory(
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


def _typed(form: Form, stored: Advisory | None) -> ShownAdvisory:
    rows = range(MAX_WRITTEN_RANGES)
    ranges = (
        WrittenRange(form.text(f"{INTRODUCED_FIELD}-{row}"), form.text(f"{FIXED_FIELD}-{row}"))
        for row in rows
    )
    return ShownAdvisory(
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


def version_choices(versions: Sequence[str], shown: ShownAdvisory) -> list[tuple[str, str]]:
    """Return the versions to choose from, with those that the advisory names already."""
    named = (text for each in shown.ranges for text in (each.introduced, each.fixed))
    others = dict.fromkeys(each for each in named if each not in ("", "0", *versions))
    return [(each, each) for each in (*versions, *others)]
