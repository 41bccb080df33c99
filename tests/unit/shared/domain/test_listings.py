"""Which release of a package search shows."""

from typing import Any

import pytest

from shared.domain.listings import Listing, release_for_search
from shared.domain.packages import Texts
from tests.contract.sample_records import head, release


def listing(text: str, *, head_revision: int = 1, **fields: Any) -> Listing:
    """Return the listing of `org/name:version`."""
    owner = head(text.partition(":")[0], revision=head_revision)
    return Listing(owner, release(text, **fields), Texts())


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"text": "acme/greet:1.10.0"}, {"text": "acme/greet:1.9.0"}),
        ({"text": "acme/greet:1.0.0"}, {"text": "acme/greet:2.0.0-rc.1"}),
        ({"text": "acme/greet:1.0.0"}, {"text": "acme/greet:2.0.0", "deprecation": "Broken."}),
        ({"text": "acme/greet:1.0.0", "revision": 2}, {"text": "acme/greet:1.0.0"}),
    ],
    ids=["newer", "stable", "not-deprecated", "later-revision"],
)
def test_the_better_release_is_shown_whichever_comes_first(
    better: dict[str, Any], worse: dict[str, Any]
) -> None:
    good, bad = listing(**better), listing(**worse)
    assert release_for_search(bad, good).release is good.release
    assert release_for_search(good, bad).release is good.release
    assert release_for_search(None, bad) is bad


def test_the_newer_head_counts_for_the_release_that_stays() -> None:
    stays = listing("acme/greet:2.0.0")
    late = listing("acme/greet:1.0.0", head_revision=2)
    shown = release_for_search(stays, late)
    assert (shown.release.version, shown.head.revision) == ("2.0.0", 2)
