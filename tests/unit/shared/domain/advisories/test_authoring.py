"""What somebody writes of an advisory becomes one, or is refused with a sentence about a field."""

from typing import Any

import pytest

from shared.domain.advisories.advisories import (
    Advisory,
    Affected,
    AffectedRange,
    Credit,
    EventKind,
    RangeEvent,
    RangeType,
    Reference,
    Severity,
)
from shared.domain.advisories.authoring import (
    MAX_WRITTEN_DETAILS,
    MAX_WRITTEN_RANGES,
    AdvisoryBody,
    Level,
    WrittenAdvisory,
    WrittenRange,
    advisory_body,
    parse_severity,
    severity_text,
)
from shared.domain.coordinates import Package
from shared.domain.errors.base import Invalid, InvalidRequest

GREET = Package.parse("acme", "greet")
ECOSYSTEM = "Ballerina:registry.test"
KNOWN = ("2.0.0", "1.2.0", "1.1.0", "1.0.0")
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
VECTOR_4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


def written(*ranges: str, **fields: Any) -> WrittenAdvisory:
    usual: dict[str, Any] = {
        "package": "acme/greet",
        "summary": "Greetings run commands",
        "details": "",
        "severity": "",
        "aliases": (),
        "references": (),
        "credits": (),
        "is_malware": False,
    }
    parsed = tuple(map(WrittenRange.parse, ranges or ("..1.2.0",)))
    return WrittenAdvisory(ranges=parsed, **(usual | fields))


def body(*ranges: str, **fields: Any) -> AdvisoryBody:
    return advisory_body(written(*ranges, **fields), GREET, KNOWN, ECOSYSTEM)


def events(*ranges: str) -> list[tuple[str, str]]:
    [affected] = body(*ranges).affected
    [found] = affected.ranges
    return [(each.kind.value, each.version) for each in found.events]


def test_a_range_ends_before_the_version_that_fixes_it() -> None:
    [affected] = body("1.0.0..1.2.0").affected
    assert (affected.ecosystem, affected.name) == (ECOSYSTEM, "acme/greet")
    assert affected.versions == ("1.1.0", "1.0.0")
    assert events("1.0.0..1.2.0") == [("introduced", "1.0.0"), ("fixed", "1.2.0")]


def test_a_range_without_ends_is_every_version() -> None:
    assert events("..") == [("introduced", "0")]
    [affected] = body("..").affected
    assert affected.versions == KNOWN


def test_ranges_are_put_in_order() -> None:
    assert events("2.0.0..", "..1.1.0") == [
        ("introduced", "0"),
        ("fixed", "1.1.0"),
        ("introduced", "2.0.0"),
    ]


@pytest.mark.parametrize(
    "ranges",
    [
        ("1.0.0..", "2.0.0.."),
        ("1.0.0..2.0.0", "1.1.0..3.0.0"),
        ("..", "..1.0.0"),
        ("1.0.0..1.0.0",),
        ("2.0.0..1.0.0",),
        ("one..",),
        ("0..two",),
        tuple(f"{each}.0.0..{each}.1.0" for each in range(1, MAX_WRITTEN_RANGES + 2)),
    ],
)
def test_ranges_that_overlap_or_are_none_are_refused(ranges: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as refused:
        body(*ranges)
    assert refused.value.field == "ranges"


def test_a_range_has_dots() -> None:
    with pytest.raises(InvalidRequest, match="two dots"):
        WrittenRange.parse("1.0.0")
    assert str(WrittenRange.parse(" 1.0.0 .. 1.2.0 ")) == "1.0.0..1.2.0"
    assert str(WrittenRange.parse("0..")) == ".."


def test_an_advisory_without_ranges_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="Choose the versions"):
        advisory_body(
            WrittenAdvisory("acme/greet", "x", "", "", (), (), (), (), is_malware=False),
            GREET,
            KNOWN,
            ECOSYSTEM,
        )


@pytest.mark.parametrize("vector", [VECTOR, VECTOR.replace("3.1", "3.0"), f"{VECTOR}/E:P"])
def test_a_vector_of_cvss_3_is_a_score(vector: str) -> None:
    assert parse_severity(vector) == ((Severity("CVSS_V3", vector),), None)


def test_a_vector_of_cvss_4_and_a_level_are_severities() -> None:
    assert parse_severity(VECTOR_4) == ((Severity("CVSS_V4", VECTOR_4),), None)
    assert parse_severity(" Moderate ") == ((), Level.MODERATE)
    assert parse_severity("") == ((), None)
    assert body(severity="high").database_specific == {"severity": "HIGH"}


@pytest.mark.parametrize(
    "text",
    [
        "bad",
        "9.8",
        "CVSS:3.1",
        "CVSS:2.0/AV:N",
        VECTOR.replace("/A:H", ""),
        VECTOR.replace("AV:N", "AV:NA"),
        VECTOR.replace("AV:N", "AV:X"),
        f"{VECTOR}/A:H",
        f"{VECTOR}/<b>",
        VECTOR.replace("3.1", "4.0"),
    ],
)
def test_other_severities_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is no severity"):
        body(severity=text)


def test_the_other_fields_are_read() -> None:
    found = body(
        details="One\r\ntwo",
        aliases=("CVE-2026-12345", "", "CVE-2026-12345"),
        references=("https://example.org/a?b#c", "FIX https://example.org/fix", " "),
        credits=("Kim", "FINDER Lee Li"),
        is_malware=True,
    )
    assert found.details == "One\ntwo"
    assert found.aliases == ("CVE-2026-12345",)
    assert found.references == (
        Reference("WEB", "https://example.org/a?b#c"),
        Reference("FIX", "https://example.org/fix"),
    )
    assert found.credits == (Credit("Kim"), Credit("Lee Li", type="FINDER"))
    assert found.database_specific == {"kind": "malware"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("summary", ""),
        ("summary", "x" * 501),
        ("details", "x" * (MAX_WRITTEN_DETAILS + 1)),
        ("details", "a\x00b"),
        ("aliases", ("CVE 1",)),
        ("aliases", tuple(f"CVE-2026-{each}" for each in range(201))),
        ("references", ("javascript:alert(1)",)),
        ("references", ("https://exa mple.org/",)),
        ("credits", ("\u202eKim",)),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_field(field: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        body(**{field: value})
    assert refused.value.field == field


def test_a_form_shows_what_is_stored() -> None:
    made = body("1.0.0..1.1.0", "2.0.0..", severity=VECTOR, credits=("Kim",))
    advisory = Advisory(
        id="x_BLR-2026-1",
        modified_ms=1,
        summary=made.summary,
        severity=made.severity,
        affected=made.affected,
        references=(Reference("FIX", "https://example.org/fix"),),
        credits=made.credits,
    )
    shown = WrittenAdvisory.of(advisory)
    assert [str(each) for each in shown.ranges] == ["1.0.0..1.1.0", "2.0.0.."]
    assert (shown.severity, shown.credits) == (VECTOR, ("Kim",))
    assert shown.references == ("FIX https://example.org/fix",)


def test_ranges_of_others_are_shown_as_far_as_a_form_has_them() -> None:
    ends = (RangeEvent(EventKind.INTRODUCED, "0"), RangeEvent(EventKind.LAST_AFFECTED, "1.0.0"))
    affected = Affected(ECOSYSTEM, "acme/greet", (AffectedRange(RangeType.SEMVER, ends),))
    advisory = Advisory(id="GHSA-1", modified_ms=1, affected=(affected,))
    assert [str(each) for each in WrittenAdvisory.of(advisory).ranges] == [".."]
    assert severity_text(advisory) == ""
    assert WrittenAdvisory.of(Advisory(id="GHSA-2", modified_ms=1)).package == ""
