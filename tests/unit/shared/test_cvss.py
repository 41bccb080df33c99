"""Scores of CVSS 2, 3 and 4."""

import pytest

from shared.cvss import cvss_rating, cvss_score


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        # From the examples of the specification of CVSS 3.1.
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 8.8),
        ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
        ("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
        ("CVSS:3.0/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 4.2),
        ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P", 9.8),
        ("CVSS:2.0/AV:N", None),
        ("CVSS:4.0/AV:N/AC:L", None),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:S/SI:H/SA:H", None),
        ("AV:N/AC:L/Au:N/C:N/I:N", None),
        ("", None),
    ],
)
def test_scores_are_those_of_cvss(vector: str, score: float | None) -> None:
    assert cvss_score(vector) == score


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        # As the library `cvss` 3.6 prints them, with which all others agree too.
        ("CVSS:4.0/AV:P/AC:L/AT:N/PR:L/UI:N/VC:N/VI:N/VA:N/SC:N/SI:L/SA:N", 2.4),
        ("CVSS:4.0/AV:A/AC:L/AT:P/PR:N/UI:N/VC:N/VI:N/VA:L/SC:H/SI:H/SA:L", 5.6),
        ("CVSS:4.0/AV:P/AC:H/AT:N/PR:H/UI:P/VC:L/VI:H/VA:L/SC:H/SI:H/SA:H", 6.1),
        ("CVSS:4.0/AV:A/AC:H/AT:P/PR:N/UI:P/VC:L/VI:L/VA:H/SC:L/SI:L/SA:L", 5.9),
        ("CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:P/VC:N/VI:N/VA:N/SC:H/SI:N/SA:L", 2.0),
        ("CVSS:4.0/AV:P/AC:L/AT:P/PR:H/UI:P/VC:H/VI:L/VA:H/SC:N/SI:L/SA:H", 5.8),
        ("CVSS:4.0/AV:P/AC:H/AT:N/PR:H/UI:P/VC:H/VI:H/VA:H/SC:N/SI:L/SA:L", 5.4),
        ("CVSS:4.0/AV:P/AC:L/AT:P/PR:N/UI:N/VC:H/VI:N/VA:H/SC:H/SI:N/SA:N", 5.7),
        ("CVSS:4.0/AV:L/AC:H/AT:N/PR:L/UI:A/VC:H/VI:N/VA:N/SC:H/SI:H/SA:N", 5.8),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:A/VC:H/VI:L/VA:N/SC:N/SI:L/SA:H", 8.2),
        ("CVSS:4.0/AV:L/AC:L/AT:P/PR:N/UI:A/VC:N/VI:H/VA:L/SC:L/SI:H/SA:L", 6.9),
        ("CVSS:4.0/AV:P/AC:H/AT:P/PR:L/UI:P/VC:L/VI:L/VA:L/SC:N/SI:N/SA:H", 1.8),
        ("CVSS:4.0/AV:A/AC:L/AT:N/PR:H/UI:A/VC:N/VI:L/VA:H/SC:H/SI:H/SA:H", 7.1),
        ("CVSS:4.0/AV:P/AC:L/AT:N/PR:H/UI:A/VC:N/VI:H/VA:H/SC:L/SI:L/SA:H", 7.0),
        ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:H/SA:L", 9.0),
        ("CVSS:4.0/AV:N/AC:H/AT:P/PR:N/UI:P/VC:H/VI:L/VA:N/SC:L/SI:H/SA:N", 7.1),
        ("CVSS:4.0/AV:N/AC:H/AT:N/PR:N/UI:A/VC:L/VI:H/VA:H/SC:L/SI:N/SA:H", 7.1),
        ("CVSS:4.0/AV:A/AC:H/AT:P/PR:L/UI:N/VC:N/VI:L/VA:L/SC:N/SI:L/SA:N", 2.1),
        ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:L/VI:H/VA:H/SC:H/SI:H/SA:N", 7.1),
        ("CVSS:4.0/AV:A/AC:L/AT:N/PR:H/UI:A/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N", 5.1),
        ("CVSS:4.0/AV:A/AC:H/AT:P/PR:L/UI:A/VC:L/VI:L/VA:H/SC:L/SI:H/SA:L", 5.9),
        ("CVSS:4.0/AV:L/AC:H/AT:N/PR:H/UI:P/VC:N/VI:H/VA:N/SC:N/SI:H/SA:H", 5.8),
        ("CVSS:4.0/AV:N/AC:H/AT:N/PR:N/UI:N/VC:L/VI:H/VA:H/SC:H/SI:H/SA:H", 9.2),
        ("CVSS:4.0/AV:L/AC:H/AT:P/PR:L/UI:P/VC:H/VI:L/VA:N/SC:H/SI:L/SA:N", 5.7),
        # Threat and environment are no part of the base score.
        (
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:U/CR:L/MSI:S",
            10.0,
        ),
    ],
)
def test_scores_of_cvss_4_are_those_of_its_specification(vector: str, score: float) -> None:
    assert cvss_score(vector) == score


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        # From the examples of the guide of CVSS 2.
        ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
        ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2),
        ("AV:N/AC:L/Au:N/C:N/I:N/A:N", 0.0),
    ],
)
def test_scores_of_cvss_2_are_those_of_its_guide(vector: str, score: float) -> None:
    assert cvss_score(vector) == score


@pytest.mark.parametrize(
    ("score", "rating"),
    [(10.0, "critical"), (8.9, "high"), (4.0, "moderate"), (3.9, "low"), (0.0, "low")],
)
def test_a_score_has_a_word(score: float, rating: str) -> None:
    assert cvss_rating(score) == rating
