"""The severity of an advisory."""

from typing import Any

import pytest

from shared.domain.advisories.advisories import Advisory, Affected, Severity
from shared.domain.advisories.severity_levels import SeverityLevel, by_severity, severity_level

CRITICAL = Severity("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
CVSS_4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
LOW = Severity("CVSS_V3", "CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N")


def advisory(advisory_id: str = "x_BLR-2026-1", **fields: Any) -> Advisory:
    return Advisory(id=advisory_id, modified_ms=1, **fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, SeverityLevel.UNKNOWN),
        ({"severity": (LOW, CRITICAL)}, SeverityLevel.CRITICAL),
        ({"severity": (LOW,)}, SeverityLevel.LOW),
        ({"affected": (Affected("Maven", "a:b", severity=(CRITICAL,)),)}, SeverityLevel.CRITICAL),
        ({"severity": (Severity("CVSS_V4", "CVSS:4.0/AV:N"),)}, SeverityLevel.UNKNOWN),
        ({"severity": (Severity("CVSS_V4", CVSS_4),)}, SeverityLevel.CRITICAL),
        ({"severity": (CRITICAL,), "database_specific": {"severity": "LOW"}}, SeverityLevel.LOW),
        ({"database_specific": {"severity": "MODERATE"}}, SeverityLevel.MODERATE),
        ({"database_specific": {"severity": "medium"}}, SeverityLevel.MODERATE),
        ({"database_specific": {"severity": ["high"]}}, SeverityLevel.UNKNOWN),
        ({"severity": (LOW,), "database_specific": {"kind": "malware"}}, SeverityLevel.MALWARE),
    ],
)
def test_severity_is_a_word(fields: dict[str, Any], expected: SeverityLevel) -> None:
    assert severity_level(advisory(**fields)) is expected


def test_the_most_severe_is_first_and_equal_ones_are_in_the_order_of_their_ids() -> None:
    found = [
        advisory("x_BLR-2026-3"),
        advisory("x_BLR-2026-2", severity=(LOW,)),
        advisory("MAL-2026-1"),
        advisory("x_BLR-2026-1", severity=(LOW,)),
    ]
    ids = ["MAL-2026-1", "x_BLR-2026-1", "x_BLR-2026-2", "x_BLR-2026-3"]
    assert [each.id for each in by_severity(found)] == ids
