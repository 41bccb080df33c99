"""Advisories are read from and printed as OSV."""

import json
from typing import Any

import pytest

from shared.domain.advisories.advisories import (
    MAX_ADVISORY_BYTES,
    MAX_VERSIONS,
    AdvisoryState,
    Credit,
    Reference,
    Severity,
)
from shared.domain.advisories.osv import osv_json, osv_of, parse_osv
from shared.domain.errors.base import Invalid
from tests.support.advisories import ECOSYSTEM
from tests.support.osv_schema import deviations

CVSS_2 = {"type": "CVSS_V2", "score": "AV:N/AC:M/Au:N/C:C/I:C/A:C"}
CVSS_3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}
FULL: dict[str, Any] = {
    "schema_version": "1.7.5",
    "id": "GHSA-jfh8-c2jp-5v3q",
    "modified": "2026-05-01T10:00:00.250Z",
    "published": "2026-04-01T10:00:00Z",
    "withdrawn": "2026-06-01T10:00:00Z",
    "aliases": ["CVE-2021-44228"],
    "related": ["GHSA-7rjr-3q55-vv33"],
    "upstream": ["CVE-2021-4104"],
    "summary": "Remote code injection",
    "details": "<script>alert(1)</script> **Markdown**",
    "affected": [
        {
            "package": {
                "ecosystem": "Maven",
                "name": "org.apache.logging.log4j:log4j-core",
                "purl": "pkg:maven/org.apache.logging.log4j/log4j-core",
            },
            "severity": [CVSS_2],
            "ranges": [
                {
                    "type": "ECOSYSTEM",
                    "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}],
                },
                {
                    "type": "GIT",
                    "repo": "https://git.example.org/log4j",
                    "events": [{"introduced": "0"}, {"fixed": "a" * 40}],
                },
            ],
            "versions": ["2.13.0", "2.14.1"],
            "ecosystem_specific": {"affected_functions": ["lookup"]},
            "database_specific": {"sha256": ["b" * 64]},
        }
    ],
    "references": [{"type": "WEB", "url": "https://example.org/a?b=c"}],
    "credits": [{"name": "Ann", "contact": ["https://example.org/ann"], "type": "FINDER"}],
    "database_specific": {"cwe_ids": ["CWE-20"]},
}
LEAST = {"id": "x_BLR-2026-1", "modified": "2026-05-01T10:00:00Z"}


def parsed(**fields: Any) -> Any:
    return parse_osv(json.dumps({**LEAST, **fields}).encode())


def in_greet(**fields: Any) -> dict[str, Any]:
    return {"affected": [{"package": {"ecosystem": ECOSYSTEM, "name": "acme/greet"}, **fields}]}


def test_a_record_is_printed_as_it_was_read() -> None:
    advisory = parse_osv(json.dumps(FULL).encode())
    assert advisory.state is AdvisoryState.WITHDRAWN
    assert advisory.affected[0].severity == (Severity("CVSS_V2", CVSS_2["score"]),)
    assert advisory.references == (Reference("WEB", "https://example.org/a?b=c"),)
    assert advisory.credits == (Credit("Ann", ("https://example.org/ann",), "FINDER"),)
    assert json.loads(osv_json(advisory)) == FULL
    assert deviations(osv_of(advisory)) == []


def test_severities_are_printed_in_one_place_as_the_schema_has_it() -> None:
    """Older records have both, and those of what is affected say more."""
    other = {"package": {"ecosystem": "Maven", "name": "a:b"}, "versions": ["1.0"]}
    both = {**FULL, "severity": [CVSS_3], "affected": [*FULL["affected"], other]}
    printed = json.loads(osv_json(parse_osv(json.dumps(both).encode())))
    assert "severity" not in printed
    assert [each["severity"] for each in printed["affected"]] == [[CVSS_2], [CVSS_3]]
    assert deviations(printed) == []
    alone = {**FULL, "severity": [CVSS_3], "affected": [other]}
    printed = json.loads(osv_json(parse_osv(json.dumps(alone).encode())))
    assert printed["severity"] == [CVSS_3]
    assert deviations(printed) == []


CVSS_4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


@pytest.mark.parametrize(
    "vector", [CVSS_4, f"{CVSS_4}/E:A/CR:H/MSI:S/U:Amber", "CVSS:4.0/AC:L/AV:N" + CVSS_4[18:]]
)
def test_a_vector_of_cvss_4_is_printed_in_the_order_of_the_schema(vector: str) -> None:
    read = parsed(severity=[{"type": "CVSS_V4", "score": vector}])
    printed = json.loads(osv_json(read))
    assert deviations(printed) == []
    assert printed["severity"][0]["score"].startswith(CVSS_4)


def test_what_is_printed_is_valid_but_for_the_ecosystem() -> None:
    advisory = parsed(**in_greet(versions=["1.0.0"]))
    printed = json.loads(osv_json(advisory))
    assert deviations(printed) == ["affected[0].package.ecosystem: Ballerina:registry.test"]


def test_fields_that_are_null_or_unknown_are_left_out() -> None:
    advisory = parsed(aliases=None, affected=None, severity=None, references=None, unknown=[1])
    assert json.loads(osv_json(advisory)) == {"schema_version": "1.7.5", **LEAST}


def test_a_record_that_names_itself_has_no_cycle() -> None:
    advisory = parsed(aliases=["x_BLR-2026-1", "CVE-1", "CVE-1"], related=["x_BLR-2026-1"])
    assert (advisory.aliases, advisory.related) == (("CVE-1",), ())


def test_ten_thousand_versions_are_read_and_no_more() -> None:
    versions = [f"1.0.{number}" for number in range(MAX_VERSIONS)]
    advisory = parsed(**in_greet(versions=versions))
    assert len(advisory.affected[0].versions) == MAX_VERSIONS
    with pytest.raises(Invalid, match="10,001 entries, and may have 10,000"):
        parsed(**in_greet(versions=[*versions, "2.0.0"]))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": "../../etc"}, "not the id of an advisory"),
        ({"id": ""}, "not the id of an advisory"),
        ({"modified": "yesterday"}, "'yesterday' in modified is no time"),
        ({"modified": "2026-13-01T10:00:00Z"}, "is no time"),
        ({"published": "2026-05-01T10:00:00+01:00"}, "in published is no time"),
        ({"aliases": ["a b"]}, "not the id of an advisory"),
        ({"aliases": {"a": 1}}, "Expected `array | null`, got `object`"),
        ({"summary": "a" * 501}, "summary has 501 characters"),
        ({"severity": [{"type": "CVSS_V3", "score": "9.8"}]}, "'9.8' in severity is no vector"),
        ({"severity": [{"type": "MINE", "score": "9"}]}, "severity has the type 'MINE'"),
        ({"references": [{"type": "WEB", "url": "a b"}]}, "'a b' in references is no address"),
        ({"references": [{"type": "X", "url": "a:b"}]}, "references has the type 'X'"),
        ({"credits": [{"name": "a", "type": "X"}]}, "credits has the type 'X'"),
        ({"details": "\ud800abcdefgh"}, "surrogate pair"),
        (
            {"affected": [{"package": {"ecosystem": ECOSYSTEM, "name": "greet"}}]},
            r"affected\[0\].package.name is org/name",
        ),
        ({"affected": [{"package": {"ecosystem": "", "name": "a"}}]}, "no ecosystem or no name"),
        (
            in_greet(ranges=[{"type": "SEMVER", "events": [{"fixed": "1.0.0"}]}]),
            "has no event introduced",
        ),
        (
            in_greet(ranges=[{"type": "SEMVER", "events": [{"introduced": "1.0"}]}]),
            r"'1.0' in affected\[0\].ranges is no version of Ballerina",
        ),
        (
            in_greet(
                ranges=[{"type": "SEMVER", "events": [{"introduced": "0", "fixed": "1.0.0"}]}]
            ),
            "an event of .* is one of introduced",
        ),
        (
            in_greet(
                ranges=[
                    {
                        "type": "SEMVER",
                        "events": [
                            {"introduced": "0"},
                            {"fixed": "1.0.0"},
                            {"last_affected": "1.0.0"},
                        ],
                    }
                ]
            ),
            "both fixed and last_affected",
        ),
        (in_greet(ranges=[{"type": "GIT", "events": [{"introduced": "0"}]}]), "has no repo"),
        (
            in_greet(ranges=[{"type": "GIT", "repo": "a", "events": [{"introduced": "1.0"}]}]),
            "events that are no commits",
        ),
        (in_greet(ranges=[{"type": "X", "events": []}]), "Invalid enum value 'X'"),
    ],
)
def test_a_record_that_is_wrong_is_refused_with_the_reason(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Invalid, match=reason) as refused:
        parsed(**fields)
    assert refused.value.code in {"invalid-advisory", "invalid-advisory-id"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"id": "a"}', "missing required field `modified`"),
        (b'{"id": "a", "modified": "\xff"}', "can't decode byte"),
        (b" " * (MAX_ADVISORY_BYTES + 1), "more than 512 KiB"),
        (b'{"id": ' + b"[" * 50_000, "nested too deeply|truncated|Expected `str`"),
        (b'{"a": [' + b"1," * 70_000 + b"1]}", "more than 60,000 values"),
        (
            b'{"id": "a", "modified": "2026-05-01T10:00:00Z", "database_specific": {"a": '
            + b"[" * 40
            + b"]" * 40
            + b"}}",
            "database_specific is nested too deeply",
        ),
    ],
)
def test_a_text_that_is_no_record_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        parse_osv(content)
