"""Assessments in the words of CycloneDX."""

import pytest

from shared.domain.advisories.assessments import (
    JUSTIFICATION_WORDS,
    STATE_WORDS,
    AnalysisState,
    Assessment,
    Justification,
    parse_detail,
    vex_document,
)
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import InvalidRequest

AT = Coordinate.parse("acme", "greet", "1.0.0")
PURL = "pkg:ballerina/acme/greet@1.0.0"


def assessment(state: AnalysisState, **more: object) -> Assessment:
    fields = {"org": "acme", "name": "greet", "version": "1.0.0", "by": "ann", "at_ms": 0}
    return Assessment.model_validate({**fields, "advisory": "GHSA-1", "state": state.value, **more})


def test_every_state_and_reason_has_words() -> None:
    assert set(STATE_WORDS) == set(AnalysisState)
    assert set(JUSTIFICATION_WORDS) == set(Justification)


@pytest.mark.parametrize("state", AnalysisState)
def test_what_says_that_it_is_not_affected_clears(state: AnalysisState) -> None:
    clears = state not in (AnalysisState.EXPLOITABLE, AnalysisState.IN_TRIAGE)
    assert assessment(state).clears is clears


def test_who_says_that_it_is_not_affected_says_why() -> None:
    with pytest.raises(InvalidRequest, match="Say why") as refused:
        parse_detail(AnalysisState.NOT_AFFECTED, None, " ")
    assert refused.value.field == "detail"
    reason = Justification.CODE_NOT_PRESENT
    assert parse_detail(AnalysisState.NOT_AFFECTED, reason, "") == ""
    assert parse_detail(AnalysisState.FALSE_POSITIVE, None, " Another  one ") == "Another one"
    assert parse_detail(AnalysisState.IN_TRIAGE, None, "") == ""


def test_the_document_has_the_analysis_of_each() -> None:
    said = [
        assessment(
            AnalysisState.NOT_AFFECTED, justification="code_not_reachable", detail="Never called."
        ),
        assessment(AnalysisState.IN_TRIAGE, advisory="GHSA-2"),
    ]
    document = vex_document(AT, PURL, said, "https://registry.test")
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    first, second = document["vulnerabilities"]
    assert first["id"] == "GHSA-1"
    assert first["affects"] == [{"ref": PURL}]
    assert first["analysis"] == {
        "state": "not_affected",
        "justification": "code_not_reachable",
        "detail": "Never called.",
        "firstIssued": "1970-01-01T00:00:00Z",
        "lastUpdated": "1970-01-01T00:00:00Z",
    }
    assert second["analysis"]["state"] == "in_triage"
    assert "justification" not in second["analysis"]
