"""docs/search.md states the weights of the ranking as the code has them, and docs/search-quality.md
how many queries and questions there are."""

import re

from shared.adapters.search.ranking import PlaceWeight
from shared.adapters.search.stored_listings import README_CHARACTERS
from tests.paths import docs
from tests.search.judging import judged_queries, questions

PAGE = docs("search")
QUALITY_PAGE = docs("search-quality")


def test_every_weight_of_a_place_is_on_the_page() -> None:
    table = PAGE.partition("<!-- begin: weights -->")[2].partition("<!-- end -->")[0]
    weights = [int(each) for each in re.findall(r"\| (\d+) \|$", table, re.MULTILINE)]
    assert weights == [int(weight) for weight in PlaceWeight]


def test_the_page_states_the_length_of_readmes() -> None:
    assert f"{README_CHARACTERS:,} characters" in PAGE


def test_the_number_of_queries_and_questions_is_stated() -> None:
    assert f"{len(judged_queries())} queries" in QUALITY_PAGE
    assert f"{len(questions())} questions" in QUALITY_PAGE
