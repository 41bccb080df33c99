"""What makes one result better than another."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.search.score_weights import (
    ALL_WORDS_SCORE,
    AUXILIARY_SCORE,
    DEPRECATED_NAME_SCORE,
    DEPRECATED_SCORE,
    JOINED_NAME_SCORE,
    LAST_BEGINNING_WEIGHT,
    LAST_NAME_WEIGHT,
    MAX_RANK,
    NAME_SCORE,
    PATH_SCORE,
    PREFIX_FACTOR,
    PREFIX_SHARE_FACTOR,
    STEM_FACTOR,
    WEIGHT_SCALE,
    PlaceWeight,
    dependents_boost,
    own_boost,
)
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from tests.contract.sample_records import head, release

_TIMES = st.integers(-(2**53), 2**53)
_COUNTS = st.integers(-1, 2**63)
_NAMES = st.sampled_from(["acme/greet", "ballerina/greet", "ballerinax/greet.test", "acme/a.b.c"])
_LANGUAGES = st.sampled_from(["", "slbeta6", "2201.0.0", "2201.12.0", "2201.99.0"])
BEST_WORDS = PlaceWeight.NAME / WEIGHT_SCALE


def boost(name: str = "acme/greet", pulls: int = 0, **fields: Any) -> float:
    made = release(f"{name}:1.0.0", **fields)
    return own_boost(Listing(head(name, pulls=pulls), made, Texts()))


@given(_NAMES, _COUNTS, _COUNTS, _TIMES, _LANGUAGES)
def test_boosts_are_bounded(
    name: str, pulls: int, dependents: int, created_ms: int, language: str
) -> None:
    own = boost(name, pulls, created_ms=created_ms, ballerina_version=language)
    lift = dependents_boost(dependents)
    assert 0 <= own + lift <= MAX_RANK


def test_whoever_has_all_words_is_above_whoever_lacks_one_and_a_name_is_above_all() -> None:
    most = BEST_WORDS + MAX_RANK
    assert most < ALL_WORDS_SCORE
    assert most < JOINED_NAME_SCORE
    assert NAME_SCORE + DEPRECATED_NAME_SCORE > JOINED_NAME_SCORE + MAX_RANK
    assert PATH_SCORE >= NAME_SCORE + MAX_RANK
    assert AUXILIARY_SCORE + DEPRECATED_SCORE < DEPRECATED_SCORE
    assert DEPRECATED_SCORE + JOINED_NAME_SCORE + ALL_WORDS_SCORE + most < AUXILIARY_SCORE


def test_better_places_weigh_more() -> None:
    assert all(better > worse for better, worse in pairwise(PlaceWeight))


def test_words_of_names_and_their_stems_weigh_more_than_all_others() -> None:
    of_names = {PlaceWeight.NAME, PlaceWeight.SEGMENT, PlaceWeight.NAME_PART}
    assert int(min(of_names) * STEM_FACTOR) >= LAST_NAME_WEIGHT
    assert max(set(PlaceWeight) - of_names) < LAST_NAME_WEIGHT


def test_words_of_names_organizations_and_keywords_are_found_by_how_they_begin() -> None:
    found = {
        PlaceWeight.NAME,
        PlaceWeight.SEGMENT,
        PlaceWeight.NAME_PART,
        PlaceWeight.ORGANIZATION,
        PlaceWeight.KEYWORD,
        PlaceWeight.KEYWORD_PART,
    }
    assert min(found) >= LAST_BEGINNING_WEIGHT
    assert max(set(PlaceWeight) - found) < LAST_BEGINNING_WEIGHT


def test_no_beginning_of_a_word_is_worth_as_much_as_the_word() -> None:
    assert PREFIX_FACTOR + PREFIX_SHARE_FACTOR < 1
