"""Who sends the bytes: docs/operations.md has the table, and the code says the same."""

import re
from itertools import product

import pytest

from shared.domain.package import Visibility
from shared.domain.second_hop import Caller, Cdn, Hop, Ways, second_hop
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
EVERY = "any"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in re.findall(r"<!-- second hop -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)[
        0
    ].splitlines()[2:]
]
CASES = list(product(Caller, Visibility, Cdn, (True, False)))


def told(caller: Caller, side: Visibility, cdn: Cdn, *, is_linked: bool) -> list[str]:
    """Return what the rows of the page say to this case."""
    facts = (caller.value, side.value, cdn.value, "yes" if is_linked else "no")
    return [
        row[4] for row in ROWS if all(c in (EVERY, f) for c, f in zip(row, facts, strict=False))
    ]


@pytest.mark.parametrize(("caller", "side", "cdn", "is_linked"), CASES)
def test_the_page_says_once_what_the_code_does(
    caller: Caller, side: Visibility, cdn: Cdn, *, is_linked: bool
) -> None:
    hop = second_hop(caller, Ways(side, cdn, is_linked=is_linked))
    assert told(caller, side, cdn, is_linked=is_linked) == [hop.value]


@pytest.mark.parametrize(("caller", "side", "cdn", "is_linked"), CASES)
def test_nobody_is_sent_where_a_request_like_theirs_is_refused(
    caller: Caller, side: Visibility, cdn: Cdn, *, is_linked: bool
) -> None:
    hop = second_hop(caller, Ways(side, cdn, is_linked=is_linked))
    if hop is Hop.STORE:
        assert caller is Caller.PLAIN
        assert is_linked
    if hop is Hop.CDN:
        assert side is Visibility.PUBLIC
        assert cdn is not Cdn.NONE
