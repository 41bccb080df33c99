"""Distributions as Maven paths name them."""

import pytest

from shared.domain.distribution import Distribution
from shared.domain.language import LanguageVersion


def distribution(segment: str) -> Distribution:
    """Return the distribution of that name."""
    found = Distribution.parse(segment)
    assert found is not None
    return found


def test_a_distribution_is_its_major_and_update() -> None:
    found = distribution("v2201-13-0")
    assert (found.text, found.language) == ("v2201-13-0", LanguageVersion(2201, 13))


@pytest.mark.parametrize(
    "segment",
    ["", "acme", "v2201-13", "2201-13-0", "v2201.13.0", "v2201-13-0-1", "v-1-0", "V1-1-0"],
)
def test_what_is_no_distribution_is_none(segment: str) -> None:
    assert Distribution.parse(segment) is None


@pytest.mark.parametrize(
    ("segment", "platforms"),
    [
        ("v2201-0-0", "any java11"),
        ("v2201-8-0", "any java11 java17"),
        ("v2201-13-0", "any java11 java17 java21"),
        ("v2201-14-0", "any java11 java17 java21 java25"),
        ("v2301-0-0", "any java11 java17 java21 java25"),
        ("v1-99-0", "any"),
    ],
)
def test_a_distribution_runs_the_platforms_up_to_its_own(segment: str, platforms: str) -> None:
    assert distribution(segment).client.platforms == frozenset(platforms.split())
