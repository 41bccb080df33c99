"""What makes one result better than another."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.search.ranking import TIER_SCORES, ranking_boosts
from shared.domain.packages import Listing, Texts
from tests.contract.sample_records import head, release

_TIMES = st.integers(-(2**53), 2**53)
_PULLS = st.integers(-1, 2**63)


def boost(
    pulls: int = 0, created_ms: int = 0, deprecation: str | None = None, name: str = "acme/greet"
) -> float:
    made = release(f"{name}:1.0.0", created_ms=created_ms, deprecation=deprecation)
    return sum(ranking_boosts(Listing(head(name, pulls=pulls), made, Texts())).values())


@given(_PULLS, _TIMES, _PULLS, _TIMES)
def test_no_boost_lifts_a_result_over_a_better_match(
    pulls: int, created_ms: int, other_pulls: int, other_ms: int
) -> None:
    tiers = sorted(set(TIER_SCORES.values()))
    gap = min(above - below for below, above in pairwise(tiers))
    assert boost(pulls, created_ms) - boost(other_pulls, other_ms, "Old.") < gap + 0.5
    assert boost(pulls, created_ms) < gap
    assert boost(other_pulls, other_ms) >= 0


@given(_PULLS, _PULLS)
def test_more_pulls_never_rank_lower(pulls: int, more: int) -> None:
    low, high = sorted((pulls, more))
    assert boost(low) <= boost(high)


@given(_TIMES, _TIMES)
def test_a_newer_release_never_ranks_lower(created_ms: int, later_ms: int) -> None:
    low, high = sorted((created_ms, later_ms))
    assert boost(created_ms=low) <= boost(created_ms=high)


def test_the_shorter_of_two_names_is_the_more_general_one() -> None:
    assert boost(name="acme/greet.loudly") < boost(name="acme/greet")


def test_a_deprecated_package_ranks_below_an_unused_one() -> None:
    year_2026_ms = 1_780_000_000_000
    assert boost(1_000, year_2026_ms, "Use another.") < boost(0, year_2026_ms)
