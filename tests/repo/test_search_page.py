"""The weights of places of docs/develop/search.md are those of the search."""

import re

from shared.adapters.search.score_weights import LAST_NAME_WEIGHT, PlaceWeight
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "develop" / "search.md").read_text("utf-8")
TABLE = re.compile(r"<!-- begin: weights -->\n(.*?)<!-- end -->", re.DOTALL)


def test_the_table_has_the_weight_of_each_place_from_the_best_to_the_worst() -> None:
    [table] = TABLE.findall(PAGE)
    assert re.findall(r"^\| .+ \| (\d+) \|$", table, re.MULTILINE) == [
        str(each.value) for each in PlaceWeight
    ]


def test_the_page_says_from_which_weight_a_word_counts_as_one_of_a_name() -> None:
    [said] = re.findall(r"from the weight (\d+) on\s+\(`LAST_NAME_WEIGHT`\)", PAGE)
    assert int(said) == LAST_NAME_WEIGHT
