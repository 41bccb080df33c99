"""Scores of CVSS 3."""

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
        ("", None),
    ],
)
def test_scores_are_those_of_cvss(vector: str, score: float | None) -> None:
    assert cvss_score(vector) == score


@pytest.mark.parametrize(
    ("score", "rating"),
    [(10.0, "critical"), (8.9, "high"), (4.0, "moderate"), (3.9, "low"), (0.0, "low")],
)
def test_a_score_has_a_word(score: float, rating: str) -> None:
    assert cvss_rating(score) == rating
