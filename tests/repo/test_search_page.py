"""What docs/develop/search.md says of weights, and docs/use/search.md of filters, is so."""

import re

from functions.web.search import SORTS
from shared.adapters.search.score_weights import LAST_NAME_WEIGHT, PlaceWeight
from shared.domain.listings import Facet
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "develop" / "search.md").read_text("utf-8")
PAGE_FOR_USERS = (ROOT / "docs" / "use" / "search.md").read_text("utf-8")
TABLE = re.compile(r"<!-- begin: weights -->\n(.*?)<!-- end -->", re.DOTALL)


def test_the_table_has_the_weight_of_each_place_from_the_best_to_the_worst() -> None:
    [table] = TABLE.findall(PAGE)
    assert re.findall(r"^\| .+ \| (\d+) \|$", table, re.MULTILINE) == [
        str(each.value) for each in PlaceWeight
    ]


def test_the_page_says_from_which_weight_a_word_counts_as_one_of_a_name() -> None:
    [said] = re.findall(r"from the weight (\d+) on\s+\(`LAST_NAME_WEIGHT`\)", PAGE)
    assert int(said) == LAST_NAME_WEIGHT


def test_the_page_for_users_names_each_filter_and_each_order() -> None:
    section = PAGE_FOR_USERS.partition("## Filter and sort")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \| (.+) \|$", section, re.MULTILINE)
    names = {name for named, _ in rows for name in re.findall(r"`(\w+)`", named)}
    assert names >= {each.value for each in Facet}
    [orders] = [values for named, values in rows if named == "`sort`"]
    assert set(re.findall(r"`(\w+)`", orders)) == {*SORTS} - {"relevance"}
